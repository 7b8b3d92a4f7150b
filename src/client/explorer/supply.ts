/** All coins there are: created by the rules, and held in the state. */
import { isAccount, issuedBy } from '../../chain/shared/totals.ts';
import { decode } from '../../core/codec.ts';
import { Account, Channel, Coinbase } from '../../core/formats.ts';
import { FAUCET_SUPPLY, type NetworkParams } from '../../core/params.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { treeEntries, treeGet, type Tree } from '../../core/tree/tree.ts';
import type { Supply } from '../api.ts';

/** Of a channel's value: four times 32, limit, expiry. Neither a coinbase nor a list of ids has as many. */
const CHANNEL_BYTES = 140;

/** `state`: the whole tree after the block of that height. */
export function supplyOf(params: NetworkParams, height: number, state: Tree | undefined): Supply {
  const issued = issuedBy(height) + (params.faucet ? FAUCET_SUPPLY : 0n);
  if (!state) return { height, issued, held: undefined, burned: undefined, accounts: undefined };
  const { held, accounts } = heldIn(state, { ...params, height });
  return { height, issued, held, burned: issued - held, accounts };
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
