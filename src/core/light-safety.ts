/**
 * A light client cannot see whether activations came from the model. Forging them pays best in the last linears,
 * where a ticket's credit is highest, and the places of the winning tiles show it. How much of a pass's credit
 * lies before its winning tile, z, is uniform in (0, 1) over honest blocks of every model; over forged ones it
 * lies higher (docs/protocol.md §10).
 */
import { earned, unitLinears, type Manifest } from './manifest.ts';
import { tileCount } from './pow/transcript.ts';

/** Winners that are needed before the mean says anything. */
export const SAFETY_BLOCKS_MIN = 200;
/** z is counted in units of 2^−32. */
const UNIT = 1n << 32n;

export interface Winner {
  readonly manifest: Manifest;
  /** ℓ*, from 1. */
  readonly linear: number;
  readonly tile: number;
}

/**
 * Whether the winners of a branch, from the fork on, lie too late in their passes to be honest: a mean of z over
 * ½ + 4/√(12·n), four standard deviations.
 */
export function looksForged(winners: readonly Winner[]): boolean {
  const n = BigInt(winners.length);
  if (winners.length < SAFETY_BLOCKS_MIN) return false;
  // 2Z − n in units: over 0 and 3·(2Z − n)² > 16·n.
  const excess = 2n * winners.reduce((sum, w) => sum + placeOf(w), 0n) - n * UNIT;
  return excess > 0n && 3n * excess * excess > 16n * n * UNIT * UNIT;
}

/** z of a winner, rounded down: E_{ℓ*−1} + (tile + ½)/tiles·(E_ℓ* − E_{ℓ*−1}). */
export function placeOf({ manifest, linear, tile }: Winner): bigint {
  const sums = earned(manifest);
  const before = sums[linear - 2] ?? 0n;
  const tiles = BigInt(tileCount(unitLinears(manifest)[linear - 1]!));
  const numerator = 2n * tiles * before + (2n * BigInt(tile) + 1n) * (sums[linear - 1]! - before);
  return (UNIT * numerator) / (2n * tiles * sums.at(-1)!);
}
