/** The rate that this page measured of its own work, bounded. Pure. */
import type { MinerStatus } from '../../client/api.ts';

export interface RatePoint {
  readonly timeMs: number;
  readonly macsPerSecond: number;
  readonly units: number;
}

/** What this page measured of the work. */
export interface RateLog {
  readonly points: readonly RatePoint[];
  /** Work in which it was measured: pauses left out. */
  readonly measuredMs: number;
  /** Of it, on battery: 0 too where the browser does not say. */
  readonly batteryMs: number;
}
export const NO_RATES: RateLog = { points: [], measuredMs: 0, batteryMs: 0 };
/** One point in 10 s, an hour of them. */
const STEP_MS = 10_000;
export const RATE_POINTS_MAX = 360;
/** Longer without a word is a pause. */
const PAUSE_MS = 120_000;

/** Over all the time between the first reading and the last: in a pause nothing was done. */
export function rateWithPauses(points: readonly RatePoint[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return last?.macsPerSecond ?? 0;
  const gapMs = (i: number) => points[i]!.timeMs - points[i - 1]!.timeMs;
  const done = points.reduce(
    (sum, { macsPerSecond }, i) =>
      i > 0 && gapMs(i) <= PAUSE_MS ? sum + macsPerSecond * gapMs(i) : sum,
    0,
  );
  return done / (last.timeMs - first.timeMs);
}

export function noteRate(
  log: RateLog,
  status: MinerStatus,
  nowMs: number,
  onBattery = false,
): RateLog {
  const { macsPerSecond, units } = status;
  const last = log.points.at(-1);
  if (macsPerSecond <= 0 || (last && nowMs - last.timeMs < STEP_MS)) return log;
  const gapMs = last ? nowMs - last.timeMs : 0;
  const workedMs = gapMs <= PAUSE_MS ? gapMs : 0;
  return {
    points: [...log.points, { timeMs: nowMs, macsPerSecond, units }].slice(-RATE_POINTS_MAX),
    measuredMs: log.measuredMs + workedMs,
    batteryMs: log.batteryMs + (onBattery ? workedMs : 0),
  };
}
