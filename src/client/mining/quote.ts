/**
 * The least reward with which serving a request pays: a unit on a request is credited less than an idle
 * one, and a claim pays its fee (docs/protocol.md §5.5). Pure; nothing here is a rule of the chain.
 */
import { FEE_MIN } from '../../chain/shared/mempool.ts';
import type { Manifest } from '../../core/manifest.ts';
import { PAYEE_PERCENT } from '../../core/params.ts';
import { ticketLimits, tileCount } from '../../core/pow/transcript.ts';
import { subsidyAt } from '../../core/state.ts';
import { HASH_SPACE } from '../../core/header/target.ts';

/**
 * nV·2^256: subsidy times the expected number of winning tiles of one pass. A pass wins only once even if two
 * of its tiles would win, so this value is too high by at most 1/32 (§5.5 caps the target).
 */
function scaledSubsidy(m: Manifest, target: bigint, height: number, job: boolean): bigint {
  const limits = ticketLimits(target, m, job);
  const wins = m.linears.reduce((sum, l, i) => sum + BigInt(tileCount(l)) * (limits[i]! + 1n), 0n);
  return subsidyAt(height) * wins;
}

/** p, nV: subsidy expected of one idle pass at `target` in a block of `height`. */
export const subsidyPerPass = (m: Manifest, target: bigint, height: number): bigint =>
  scaledSubsidy(m, target, height, false) / HASH_SPACE;

/**
 * nV: the least reward with which serving pays no less than idling: ((1−κ_job)·p + the claim's fee)/0.8,
 * rounded up.
 */
export function minimumReward(m: Manifest, target: bigint, height: number): bigint {
  const idle = scaledSubsidy(m, target, height, false);
  const job = scaledSubsidy(m, target, height, true);
  const lost = divideUp(idle - job, HASH_SPACE) + FEE_MIN;
  return divideUp(lost * 100n, PAYEE_PERCENT);
}

const divideUp = (a: bigint, b: bigint): bigint => (a + b - 1n) / b;
