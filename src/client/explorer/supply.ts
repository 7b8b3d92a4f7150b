/** All coins there are: created by the rules, and held in the state. */
import { isAccount, issuedBy } from '../../chain/shared/totals.ts';
import { decode } from '../../core/codec.ts';
import { Account, Channel, Coinbase } from '../../core/formats.ts';
import { FAUCET_SUPPLY, type Params } from '../../core/params.ts';
import { treeEntries, type Tree } from '../../core/tree/tree.ts';
import type { Supply } from '../api.ts';

/** Of a coinbase's value: miner, amount. Of a channel's: four times 32, limit, expiry. No list of ids is as long. */
const COINBASE_BYTES = 40;
const CHANNEL_BYTES = 140;

/** `state`: the whole tree after the block of that height. */
export function supplyOf(params: Params, height: number, state: Tree | undefined): Supply {
  const issued = issuedBy(height) + (params.faucet ? FAUCET_SUPPLY : 0n);
  return { height, issued, ...(state ? heldIn(state) : { held: undefined, accounts: undefined }) };
}

/** A leaf's key is a hash, which does not show its kind; the length of its value does (docs/protocol.md §8.2). */
function heldIn(state: Tree): { held: bigint; accounts: number } {
  let held = 0n;
  let accounts = 0;
  for (const { value } of treeEntries(state)) {
    if (isAccount(value)) {
      held += decode(Account, value).balance;
      accounts++;
    } else if (value.length === COINBASE_BYTES) held += decode(Coinbase, value).amount;
    else if (value.length === CHANNEL_BYTES) held += decode(Channel, value).limit;
  }
  return { held, accounts };
}
