/** What became different between a summary's making and its confirmation. Pure. */
import { LIFETIME_BLOCKS, type Prepared } from '../../../client/api.ts';

export type Change = 'nonce' | 'fee' | 'expiry' | 'spendable';

/** Blocks that may pass while somebody reads: fewer than half are left then, and it is made out anew. */
const READING_BLOCKS_MAX = LIFETIME_BLOCKS / 2;

/** A proposal that has grown more than so many times: less may wait for long. What grew less is no news. */
const DEARER = 2n;

/**
 * Why a summary that was made of `shown` must be shown again. A balance that only grew, and a block that came
 * meanwhile, make no difference to what is signed. @param all whether it is to empty the account
 */
export function changesOf(shown: Prepared, now: Prepared, all = false): Change[] {
  const found: Change[] = [];
  if (now.nonce !== shown.nonce || now.chainId !== shown.chainId) found.push('nonce');
  if (now.fees.slow > shown.fees.slow || now.fees.normal > DEARER * shown.fees.normal)
    found.push('fee');
  if (Math.abs(now.expiry - shown.expiry) > READING_BLOCKS_MAX) found.push('expiry');
  if (all ? now.spendable !== shown.spendable : now.spendable < shown.spendable)
    found.push('spendable');
  return found;
}
