/** Sums that follow from the height and from the leaves of the whole state. */
import { decode, encode } from '../../core/codec.ts';
import { Account, Channel, Coinbase } from '../../core/formats.ts';
import { HALVING_BLOCKS } from '../../core/params.ts';
import { subsidyAt } from '../../core/state.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { treeEntries, treeGet, type Tree } from '../../core/tree/tree.ts';

/** Of all leaves only an account's has this size, whatever it holds. */
const ACCOUNT_BYTES = encode(Account, {
  balance: 0n,
  nonce: 0n,
  txCount: 0,
  lastTx: { height: 0, index: 0 },
}).length;

/** Of a channel's value: four times 32, limit, expiry. Neither a coinbase nor a list of ids has as many. */
const CHANNEL_BYTES = 140;

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

/**
 * A leaf's key is a hash, which does not show its kind; that of an account or a channel its length does
 * (docs/protocol.md §8.2), and coinbases have the keys of the newest heights.
 */
export function heldIn(
  state: Tree,
  { height, maturityBlocks }: { readonly height: number; readonly maturityBlocks: number },
): { held: bigint; accounts: number } {
  let held = 0n;
  let accounts = 0;
  for (const { value } of treeEntries(state)) {
    if (isAccount(value)) {
      held += decode(Account, value).balance;
      accounts++;
    } else if (value.length === CHANNEL_BYTES) held += decode(Channel, value).limit;
  }
  for (let at = Math.max(1, height - maturityBlocks); at <= height; at++) {
    const value = treeGet(state, stateKey.coinbase(at));
    if (value) held += decode(Coinbase, value).amount;
  }
  return { held, accounts };
}
