/** The rate that this page measured of its own work, bounded. Pure. */
import type { MinerStatus } from '../client/api.ts';

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
}
export const NO_RATES: RateLog = { points: [], measuredMs: 0 };
/** One point in 10 s, an hour of them. */
const STEP_MS = 10_000;
export const RATE_POINTS_MAX = 360;
/** Longer without a word is a pause. */
const PAUSE_MS = 120_000;

export function noteRate(log: RateLog, status: MinerStatus, nowMs: number): RateLog {
  const { macsPerSecond, units } = status;
  const last = log.points.at(-1);
  if (macsPerSecond <= 0 || (last && nowMs - last.timeMs < STEP_MS)) return log;
  const gapMs = last ? nowMs - last.timeMs : 0;
  return {
    points: [...log.points, { timeMs: nowMs, macsPerSecond, units }].slice(-RATE_POINTS_MAX),
    measuredMs: log.measuredMs + (gapMs <= PAUSE_MS ? gapMs : 0),
  };
}
