/**
 * Which older blocks a light client checks: one at random in each of some strata whose distance
 * from the tip grows geometrically (stratified FlyClient). An attacker who does not know the random
 * numbers and forked with half of the honest work passes with probability below 2^−50, as far as
 * 64 strata allow.
 */
import { PROOFS_KEPT } from '../../core/params.ts';
import { STRATA_MAX } from './records.ts';

/** λ·ln 2 with λ = 50 bits. */
const SECURITY = 50 * Math.LN2;
/** t(½): solves e^−t·(1+t) = ½, the attacker's best spread of half the work. */
const HALF_WORK = 1.678;
/** Strata that the optimum over small chains needs beyond the formula (simulated). */
const SLACK = 10;

export function strataCount(height: number): number {
  if (height <= PROOFS_KEPT) return 0;
  const span = Math.log(height / PROOFS_KEPT);
  const count = Math.ceil(((2 * SECURITY) / HALF_WORK - 1) * (span / HALF_WORK)) + SLACK;
  return Math.min(STRATA_MAX, count);
}

/**
 * Distinct heights 1..height−100, in no order. `random`: numbers in [0, 1), one per stratum, drawn
 * after the tip is known.
 */
export function sampleHeights(height: number, random: readonly number[]): number[] {
  const count = Math.min(strataCount(height), random.length);
  const heights = new Set<number>();
  for (let j = 0; j < count; j++) {
    const share = (j + random[j]!) / count;
    const distance = PROOFS_KEPT * (height / PROOFS_KEPT) ** share;
    const at = height - Math.floor(distance);
    if (at >= 1) heights.add(at);
  }
  return [...heights];
}
