/**
 * A light client cannot see whether activations came from the model. Forging them pays best in the
 * last linears, where a ticket's credit is highest, and the positions of the winning linears show it: over
 * honest blocks the mean of 256·k/c_ℓ* is 1, over forged ones it tends to 1/(2−κ).
 */
import { credits, type Manifest } from './manifest.ts';

/** Blocks after the fork that are needed before the mean says anything. */
export const SAFETY_BLOCKS_MIN = 100;
/** In hundredths; an honest branch of 100 blocks stays above it almost surely. */
const MEAN_MIN_PERCENT = 90n;
const UNIT = 1n << 32n;

export interface Winner {
  readonly manifest: Manifest;
  /** ℓ*, from 1. */
  readonly linear: number;
}

/** Whether the winning linears of a branch, from the fork on, lie too late in their passes to be honest. */
export function looksForged(winners: readonly Winner[]): boolean {
  if (winners.length < SAFETY_BLOCKS_MIN) return false;
  const sum = winners.reduce((acc, w) => acc + inverseDensity(w), 0n);
  return sum * 100n < MEAN_MIN_PERCENT * UNIT * BigInt(winners.length);
}

/** 256·k/c of the winner's linear, in units of 2^−32. */
function inverseDensity({ manifest, linear }: Winner): bigint {
  const credit = credits(manifest)[linear - 1];
  return credit ? (256n * BigInt(manifest.linears[linear - 1]!.k) * UNIT) / credit : 0n;
}
