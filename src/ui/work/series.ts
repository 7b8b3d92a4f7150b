/** Series of the plots, and what may be expected. Pure. */
import type { MinerStatus, ModelInfo, WorkHour } from '../../client/api.ts';
import type { Header } from '../../core/formats.ts';
import { NANOVOLTS, PASSES_PER_BLOCK_MIN } from '../../core/params.ts';
import { subsidyAt } from '../../core/state.ts';
import { equal } from '../../lib/bytes.ts';
import { HOUR_MS, hourOf, startOfHour } from '../../lib/day.ts';
import type { OwnBlocks } from './pile.ts';
import type { RateLog } from './rate-log.ts';

/** Before this nothing is forecast: a lucky minute would be taken for the rule. */
export const FORECAST_UNITS = 10;
export const FORECAST_MS = 15 * 60_000;
export const mayForecast = (log: Pick<RateLog, 'measuredMs'>, units: number): boolean =>
  units >= FORECAST_UNITS && log.measuredMs >= FORECAST_MS;

/** A mean wait above it is said in words, never as a time. */
export const MONTH_MS = 30 * 86_400_000;
/** Mean wait in ms, or why there is none to show. `meanMs`: undefined while nobody can tell. */
export function forecastOf(
  { macsPerSecond, units }: Pick<MinerStatus, 'macsPerSecond' | 'units'>,
  log: Pick<RateLog, 'measuredMs'>,
  meanMs: number | undefined,
): number | 'idle' | 'measuring' | 'month' {
  if (macsPerSecond === 0) return 'idle';
  if (!mayForecast(log, units) || meanMs === undefined) return 'measuring';
  return meanMs > MONTH_MS ? 'month' : meanMs;
}

/** Blocks come without memory: a wait is under x with probability 1 − e^(−x/mean). */
export const waitWithin = (probability: number, mean: number): number =>
  -Math.log(1 - probability) * mean;

/**
 * Mean wait for a block of a device that works at that rate, ms.
 * @param difficulty multiply-accumulates expected per block
 */
export function meanWaitMs(
  difficulty: bigint,
  { macs }: Pick<ModelInfo, 'macs'>,
  macsPerSecond: number,
): number {
  // However low the difficulty, a unit does not win more often than that.
  const least = PASSES_PER_BLOCK_MIN * macs;
  return (Number(difficulty > least ? difficulty : least) / macsPerSecond) * 1000;
}

/** nV of the subsidies of own blocks, by their heights. */
export const earnedOf = (own: OwnBlocks): bigint =>
  [...own.keys()].reduce((sum, height) => sum + subsidyAt(height), 0n);

/** What a household's socket gives, about. */
const WATTS_MAX = 3000;
/** Whole watts as a person writes them. */
export function parseWatts(text: string): number | undefined {
  const watts = /^\s*\d{1,4}\s*$/.test(text) ? Number(text) : 0;
  return watts > 0 && watts <= WATTS_MAX ? watts : undefined;
}
export const energyWh = (watts: number, workedMs: number): number => (watts * workedMs) / 3_600_000;

/** Wh that a coin took; undefined while none has come. */
export const energyPerCoin = (wh: number, earned: bigint): number | undefined =>
  earned > 0n ? (wh * Number(NANOVOLTS)) / Number(earned) : undefined;

/** A step of a plot. */
export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  readonly blocks: number;
  /** nV. */
  readonly amount: bigint;
}

/** Subsidies of the blocks paid to `mine`, over the headers' time in equal steps. */
export function earningsOf(
  headers: readonly Pick<Header, 'height' | 'miner' | 'time'>[],
  mine: Uint8Array,
  steps: number,
): Bar[] {
  const [first, last] = [headers[0], headers.at(-1)];
  if (!first || !last || last.time <= first.time) return [];
  const width = (last.time - first.time) / steps;
  const own = headers.filter(({ miner }) => equal(miner, mine));
  const stepOf = (time: number) => Math.min(steps - 1, Math.floor((time - first.time) / width));
  return Array.from({ length: steps }, (_, step) => {
    const here = own.filter(({ time }) => stepOf(time) === step);
    return {
      fromMs: first.time + step * width,
      toMs: first.time + (step + 1) * width,
      blocks: here.length,
      amount: here.reduce((sum, { height }) => sum + subsidyAt(height), 0n),
    };
  });
}

export interface DifficultyPoint {
  readonly height: number;
  readonly timeMs: number;
  /** Multiply-accumulates expected for the block. */
  readonly work: number;
}
/** Of each header but the first: the work since the one before it. */
export const difficultyOf = (headers: readonly Header[]): DifficultyPoint[] =>
  headers.slice(1).map(({ height, time, totalWork }, i) => ({
    height,
    timeMs: time,
    work: Number(totalWork - headers[i]!.totalWork),
  }));

/** At most `max` of them, evenly, the first and the last among them. */
export const thinned = <T>(points: readonly T[], max: number): readonly T[] =>
  points.length <= max
    ? points
    : Array.from(
        { length: max },
        (_, i) => points[Math.round((i * (points.length - 1)) / (max - 1))]!,
      );

/** Of the last hours, the present one too, those without a unit as well; oldest first. */
export function lastHours(
  counted: readonly WorkHour[],
  nowMs: number,
  most: number,
): { readonly fromMs: number; readonly units: number }[] {
  const known = new Map(counted.map(({ hour, units }) => [hour, units]));
  const present = startOfHour(nowMs);
  return Array.from({ length: most }, (_, i) => {
    const fromMs = present - (most - 1 - i) * HOUR_MS;
    return { fromMs, units: known.get(hourOf(fromMs)) ?? 0 };
  });
}
