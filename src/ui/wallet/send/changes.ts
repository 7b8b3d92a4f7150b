/** What became different between a summary's making and its confirmation. Pure. */
import { LIFETIME_BLOCKS, type Fees, type Prepared } from '../../../client/api.ts';

export type Change = 'nonce' | 'fee' | 'expiry' | 'spendable';

/** Blocks that may pass while somebody reads: fewer than half are left then, and it is made out anew. */
const READING_BLOCKS_MAX = LIFETIME_BLOCKS / 2;

/**
 * Why a summary that was made of `shown` must be shown again. A balance that only grew, and a block that came
 * meanwhile, make no difference to what is signed.
 */
export function changesOf(shown: Prepared, now: Prepared): Change[] {
  const found: Change[] = [];
  if (now.nonce !== shown.nonce || now.chainId !== shown.chainId) found.push('nonce');
  if (KINDS.some((kind) => now.fees[kind] !== shown.fees[kind])) found.push('fee');
  if (Math.abs(now.expiry - shown.expiry) > READING_BLOCKS_MAX) found.push('expiry');
  if (now.spendable < shown.spendable) found.push('spendable');
  return found;
}

const KINDS: readonly (keyof Fees)[] = ['slow', 'normal', 'fast'];
