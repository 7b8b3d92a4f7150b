/**
 * What a seed gives of served models within an hour: no more than its operator allows, and to one caller no more than
 * half of that, so that nobody takes it from all others. All peers are one caller, whose ids cost nothing. Time is an
 * argument. What admitted models need is not counted: without them blocks cannot be checked.
 */
import { BoundedMap } from '../../lib/bounded.ts';

const MINUTE_MS = 60_000;
/** Minutes for which a minute's bytes count: at least an hour from the last of them. */
const MINUTES = 61;
/** Callers whose bytes are known; of others all is counted together with all alone. */
const CALLERS_MAX = 1024;
/** The caller that all peers are. */
export const PEERS = 'peers';

/** Bytes of the last hour, by minute. */
class Hour {
  /** By number of the minute, the oldest first. */
  readonly #minutes = new Map<number, number>();

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / MINUTE_MS) - MINUTES;
    for (const minute of this.#minutes.keys()) if (minute <= oldest) this.#minutes.delete(minute);
  }

  total(nowMs: number): number {
    this.#forget(nowMs);
    return [...this.#minutes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  add(bytes: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + bytes);
  }

  /** ms until at most `most` bytes count. */
  waitMs(most: number, nowMs: number): number {
    let total = this.total(nowMs);
    for (const [minute, bytes] of this.#minutes) {
      if (total <= most) break;
      total -= bytes;
      if (total <= most) return (minute + MINUTES) * MINUTE_MS - nowMs;
    }
    return 0;
  }
}

/** Bytes that were counted before they were sent. */
export interface TakenBytes {
  /** Counts `bytes` of them no more: they were not sent. */
  giveBack(bytes: number): void;
}

export class ServedBytes {
  readonly #max: number;
  readonly #all = new Hour();
  readonly #callers = new BoundedMap<string, Hour>(CALLERS_MAX);
  #given = 0;

  /** @param max bytes an hour; 0: none */
  constructor(max: number) {
    this.#max = max;
  }

  /** Whether anything is given at all. */
  get isOpen(): boolean {
    return this.#max > 0;
  }

  /** Bytes since the start. */
  get given(): number {
    return this.#given;
  }

  lastHour(nowMs: number): number {
    return this.#all.total(nowMs);
  }

  /**
   * Counts bytes that are about to be sent.
   * @returns ms after which the caller may ask for so many again, where that would be too many now
   */
  take(caller: string, bytes: number, nowMs: number): TakenBytes | number {
    const own = this.#callers.get(caller) ?? new Hour();
    const half = Math.floor(this.#max / 2);
    // What can never be given is asked for again when the hour is over.
    if (bytes > half) return MINUTES * MINUTE_MS;
    const waitMs = Math.max(
      this.#all.waitMs(this.#max - bytes, nowMs),
      own.waitMs(half - bytes, nowMs),
    );
    if (waitMs) return waitMs;
    const count = (more: number): void => {
      own.add(more, nowMs);
      this.#all.add(more, nowMs);
      this.#given += more;
    };
    count(bytes);
    this.#callers.set(caller, own);
    return { giveBack: (unsent) => count(-unsent) };
  }
}
