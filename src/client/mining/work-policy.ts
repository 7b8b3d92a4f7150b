/**
 * How much of the time work may take, so that the computer stays usable. The input is sensor values with their
 * times, the output a duty and its reason. Pure; the page's sensors are in ui/work/care/sensors.ts.
 */

/** Per cent of the time, as a person chooses. */
export const INTENSITIES = [25, 50, 100] as const;
export type Intensity = (typeof INTENSITIES)[number];

/** The states of the Compute Pressure API. */
export const PRESSURES = ['nominal', 'fair', 'serious', 'critical'] as const;
export type Pressure = (typeof PRESSURES)[number];

export type Sensed =
  | { readonly type: 'intensity'; readonly percent: Intensity }
  /** Counts of one observation: frames shown, and those of them that came late. */
  | { readonly type: 'frames'; readonly shown: number; readonly late: number }
  | { readonly type: 'battery'; readonly charging: boolean; readonly percent: number }
  | { readonly type: 'pressure'; readonly pressure: Pressure }
  | { readonly type: 'visibility'; readonly hidden: boolean }
  /** Whether somebody is at the computer; undefined: work may go on either way. */
  | { readonly type: 'presence'; readonly here: boolean | undefined }
  /** A person wants the work to go on although the computer runs on battery, or they are at it. */
  | { readonly type: 'anyway' };

/** Why the work takes less of the time than a person chose. */
export type Reason = 'battery' | 'presence' | 'pressure' | 'frames' | 'hidden';

export interface Verdict {
  /** Share of the time, 0 to 1; 0 holds the work. */
  readonly duty: number;
  readonly reason: Reason | undefined;
}

export interface PolicyState {
  readonly intensity: Intensity;
  /** Times that the duty was halved for late frames. */
  readonly slowed: number;
  /** Observations without late frames since the last one that had some. */
  readonly calm: number;
  /** Lowest charge, per cent, since the battery began to discharge; undefined: free to work. */
  readonly drained: number | undefined;
  readonly pressure: Pressure;
  readonly hidden: boolean;
  /** Somebody is there who wants no work meanwhile. */
  readonly here: boolean;
  /** Time until which battery and presence are ignored, ms. */
  readonly anywayUntilMs: number;
}

export const POLICY_START: PolicyState = {
  intensity: 100,
  slowed: 0,
  calm: 0,
  drained: undefined,
  pressure: 'nominal',
  hidden: false,
  here: false,
  anywayUntilMs: 0,
};

/** Share of late frames at which the work slows down: one in ten is seen as stutter. */
const LATE_SHARE = 0.1;
/** Fewer frames than this say nothing about the page. */
const FRAMES_MIN = 8;
/** Most halvings of the duty, down to a quarter: a slow page may have other reasons. */
const SLOWED_MAX = 2;
/** Observations without late frames after which the next faster step is tried. */
const CALM_LOOKS = 5;
/** Per cent above the lowest charge at which a plugged-in computer works again. */
const RECHARGE = 5;
/** ms for which "continue anyway" applies. */
export const ANYWAY_MS = 30 * 60_000;
/** Share of the time while nobody looks: late frames, which would slow it, are not seen then. */
const HIDDEN_DUTY = 0.5;
const PRESSURE_FACTOR: Record<Pressure, number> = {
  nominal: 1,
  fair: 1,
  serious: 0.5,
  critical: 0.25,
};

export function sense(state: PolicyState, event: Sensed, nowMs: number): PolicyState {
  switch (event.type) {
    case 'intensity':
      return { ...state, intensity: event.percent };
    case 'frames':
      return afterFrames(state, event.shown, event.late);
    case 'battery':
      return { ...state, drained: drainedAfter(state.drained, event.charging, event.percent) };
    case 'pressure':
      return { ...state, pressure: event.pressure };
    case 'visibility':
      return { ...state, hidden: event.hidden, calm: 0 };
    case 'presence':
      return { ...state, here: event.here === true };
    case 'anyway':
      return { ...state, anywayUntilMs: nowMs + ANYWAY_MS };
  }
}

function afterFrames(state: PolicyState, shown: number, late: number): PolicyState {
  if (shown < FRAMES_MIN) return state;
  if (late > LATE_SHARE * shown)
    return { ...state, calm: 0, slowed: Math.min(SLOWED_MAX, state.slowed + 1) };
  if (state.calm + 1 < CALM_LOOKS) return { ...state, calm: state.calm + 1 };
  return { ...state, calm: 0, slowed: Math.max(0, state.slowed - 1) };
}

function drainedAfter(
  drained: number | undefined,
  charging: boolean,
  percent: number,
): number | undefined {
  if (!charging) return Math.min(drained ?? 100, percent);
  return drained !== undefined && percent < Math.min(100, drained + RECHARGE) ? drained : undefined;
}

export function verdictOf(state: PolicyState, nowMs: number): Verdict {
  if (nowMs >= state.anywayUntilMs) {
    if (state.drained !== undefined) return { duty: 0, reason: 'battery' };
    if (state.here) return { duty: 0, reason: 'presence' };
  }
  const wanted = state.intensity / 100;
  const pressed = PRESSURE_FACTOR[state.pressure];
  const slowed = 0.5 ** state.slowed;
  const duty = Math.min(wanted * pressed * slowed, state.hidden ? HIDDEN_DUTY : 1);
  if (pressed < 1) return { duty, reason: 'pressure' };
  if (slowed < 1) return { duty, reason: 'frames' };
  return { duty, reason: duty < wanted ? 'hidden' : undefined };
}
