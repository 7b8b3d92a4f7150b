/** Sums that follow from the height and from the leaves of the whole state. */
import { encode } from '../../core/codec.ts';
import { Account } from '../../core/formats.ts';
import { HALVING_BLOCKS } from '../../core/params.ts';
import { subsidyAt } from '../../core/state.ts';

/** Of all leaves only an account's has this size, whatever it holds. */
const ACCOUNT_BYTES = encode(Account, {
  balance: 0n,
  nonce: 0n,
  txCount: 0,
  lastTx: { height: 0, index: 0 },
}).length;

/** Whether a leaf is an account's. */
export const isAccount = (value: Uint8Array | undefined): boolean =>
  value?.length === ACCOUNT_BYTES;

/** nV created by blocks 1..height. */
export function issuedBy(height: number): bigint {
  let sum = 0n;
  for (let first = 1; first <= height; first += HALVING_BLOCKS) {
    const blocks = Math.min(HALVING_BLOCKS, height - first + 1);
    sum += BigInt(blocks) * subsidyAt(first);
  }
  return sum;
}
