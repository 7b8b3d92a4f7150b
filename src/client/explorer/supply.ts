/** All coins there are: created by the rules, held in the state, and burned, which is the difference. */
import { isAccount, issuedBy } from '../../chain/shared/totals.ts';
import { decode, tryDecode, type Codec } from '../../core/codec.ts';
import {
  Account,
  Channel,
  ChannelList,
  Coinbase,
  ExpiryList,
  OpenRequest,
  SettleList,
} from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import {
  FAUCET_SUPPLY,
  REQUEST_LIFETIME_MAX,
  SETTLEMENT_BLOCKS,
  type Params,
} from '../../core/params.ts';
import { treeEntries, treeGet, type Tree } from '../../core/tree/tree.ts';
import { toHex } from '../../lib/bytes.ts';
import type { Supply } from '../api.ts';

/** Of a channel's value: four times 32, limit, expiry. */
const CHANNEL_BYTES = 140;

/** `state`: the whole tree after the block of that height. */
export function supplyOf(params: Params, height: number, state: Tree | undefined): Supply {
  const issued = issuedBy(height) + (params.faucet ? FAUCET_SUPPLY : 0n);
  if (!state) return { height, issued, held: undefined, burned: undefined, accounts: undefined };
  const accounts = accountsOf(state);
  const held =
    accounts.sum + immature(state, params, height) + escrowed(state, height) + prepaid(state);
  return { height, issued, held, burned: issued - held, accounts: accounts.count };
}

/** A leaf's key is a hash, which does not show its kind; only an account's value is this long (§8.2). */
function accountsOf(state: Tree): { sum: bigint; count: number } {
  let sum = 0n;
  let count = 0;
  for (const { value } of treeEntries(state)) {
    if (!isAccount(value)) continue;
    sum += decode(Account, value).balance;
    count++;
  }
  return { sum, count };
}

const leafAt = <T>(state: Tree, key: Uint8Array, codec: Codec<T>): T | undefined => {
  const value = treeGet(state, key);
  return value && tryDecode(codec, value);
};

/** A coinbase's value is as long as a claim's, so that coinbases are found by their keys. */
function immature(state: Tree, params: Params, height: number): bigint {
  let sum = 0n;
  for (let h = Math.max(1, height - params.maturityBlocks + 1); h <= height; h++)
    sum += leafAt(state, stateKey.coinbase(h), Coinbase)?.amount ?? 0n;
  return sum;
}

/**
 * A channel's value says at which height it ends, and the list of that height says that it is one: other leaves may be
 * as long, and what their bytes seem to say leads to no list, or to one of real channels.
 */
function prepaid(state: Tree): bigint {
  const heights = new Set<number>();
  for (const { value } of treeEntries(state)) {
    const open = value.length === CHANNEL_BYTES && tryDecode(Channel, value);
    if (open) heights.add(open.expiry);
  }
  let sum = 0n;
  for (const height of heights)
    for (const id of leafAt(state, stateKey.channelsEnding(height), ChannelList) ?? [])
      sum += leafAt(state, stateKey.channel(id), Channel)?.limit ?? 0n;
  return sum;
}

/** Every request is in the list of its expiry height or, after that height, in that of its settlement. */
function escrowed(state: Tree, height: number): bigint {
  const requests = new Map<string, Uint8Array>();
  const note = (ids: readonly Uint8Array[] | undefined) =>
    ids?.forEach((id) => requests.set(toHex(id), id));
  for (let h = height + 1; h <= height + REQUEST_LIFETIME_MAX; h++)
    note(leafAt(state, stateKey.expiry(h), ExpiryList));
  for (let h = height + 1; h <= height + SETTLEMENT_BLOCKS; h++)
    note(leafAt(state, stateKey.settle(h), SettleList));
  let sum = 0n;
  for (const id of requests.values())
    sum += leafAt(state, stateKey.request(id), OpenRequest)?.reward ?? 0n;
  return sum;
}
