/** How long a secret may stand on the screen. Pure: the time is an argument. */

/** ms without a touch after which a secret that is shown is covered; writing 24 words takes longer. */
export const COVER_MS = 120_000;
/** ms after which a secret is dropped: since it was shown, or since the last key where it is typed. */
export const FORGET_MS = 600_000;

/** `shown`: the app wrote it on the screen; `typed`: the person writes or pastes it, from another app too. */
export type SecretKind = 'shown' | 'typed';

export interface SecretTimes {
  /** ms at which it came to the screen. */
  readonly sinceMs: number;
  /** ms of the person's last touch or key. */
  readonly touchedMs: number;
}

export type Secrecy = 'open' | 'covered' | 'forgotten';

/** A clock that was set counts as time that passed. */
export function secrecyAt(kind: SecretKind, times: SecretTimes, nowMs: number): Secrecy {
  const { sinceMs, touchedMs } = times;
  const passed = (fromMs: number) => Math.abs(nowMs - fromMs);
  if (passed(kind === 'shown' ? sinceMs : touchedMs) >= FORGET_MS) return 'forgotten';
  return kind === 'shown' && passed(touchedMs) >= COVER_MS ? 'covered' : 'open';
}
