/** What mining earns (docs/protocol.md §5.5). Pure; nothing here is a rule of the chain. */
import { unitLinears, type Manifest } from '../../core/manifest.ts';
import { ticketLimits, tileCount } from '../../core/pow/transcript.ts';
import { subsidyAt } from '../../core/state.ts';
import { HASH_SPACE } from '../../core/header/target.ts';

/**
 * nV: subsidy expected of one pass at `target` in a block of `height`, by the expected number of its winning tiles. A
 * pass wins only once even if two of its tiles would win, so this is too high by at most 1/32 (§5.5 caps the target).
 */
export function subsidyPerPass(m: Manifest, target: bigint, height: number): bigint {
  const limits = ticketLimits(target, m);
  const wins = unitLinears(m).reduce((sum, l, i) => {
    const limit = limits[i]!;
    return limit ? sum + BigInt(tileCount(l)) * (limit + 1n) : sum;
  }, 0n);
  return (subsidyAt(height) * wins) / HASH_SPACE;
}
