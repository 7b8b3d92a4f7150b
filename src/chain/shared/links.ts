/**
 * Back-links: with each executed block it is kept where every account of its transactions was last
 * seen before. An account's history is read along them, newest first.
 */
import { decode, hash32, list, struct, u16, type Value } from '../../core/codec.ts';
import { Account, Position, type Body } from '../../core/formats.ts';
import { HISTORY_MAX, type HistoryEntry } from '../../core/messages.ts';
import { BODY_TXS_MAX } from '../../core/params.ts';
import type { Executed } from '../../core/state.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { compare, equal, toHex } from '../../lib/bytes.ts';

/** Of one block: each account for which transactions count, where these stand, and where the one before them does. */
export const Links = list(
  struct({ address: hash32, previous: Position, indices: list(u16, BODY_TXS_MAX) }),
  1 << 12,
);
export type Links = Value<typeof Links>;

/** The links of a block that was executed. */
export function linksOf({ changes, parties }: Pick<Executed, 'changes' | 'parties'>): Links {
  return [...Map.groupBy(parties, ({ address }) => toHex(address)).values()].map((own) => {
    const { address } = own[0]!;
    const leaf = beforeOf(changes, stateKey.account(address));
    const previous = leaf ? decode(Account, leaf).lastTx : { height: 0, index: 0 };
    return { address, previous, indices: own.map(({ index }) => index) };
  });
}

/** What a key held before; changes are in order of keys. */
function beforeOf(changes: Executed['changes'], key: Uint8Array): Uint8Array | undefined {
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compare(changes[middle]!.key, key);
    if (order === 0) return changes[middle]!.before;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** A block's body with its back-links. */
export interface LinkedBody {
  readonly body: Body;
  /** Of the encoded body: what it costs to read. */
  readonly bytes: number;
  readonly links: Links;
}

/** Bytes of bodies that are read for one answer, not counting the last: eight full blocks, some 25 ms. */
const HISTORY_BODY_BYTES = 512 * 1024;

/**
 * Transactions of an address, newest first, from the position `from` (its account's lastTx) on, as many as lie in
 * HISTORY_BODY_BYTES. Empty when `from` is not one of its transactions.
 * @param blockAt the chain's block of that height, if it is kept
 */
export async function walkBack(
  address: Uint8Array,
  from: Position,
  max: number,
  blockAt: (height: number) => Promise<LinkedBody | undefined>,
): Promise<HistoryEntry[]> {
  const entries: HistoryEntry[] = [];
  const most = Math.min(max, HISTORY_MAX);
  let at = from;
  let read = 0;
  while (at.height > 0 && entries.length < most && read < HISTORY_BODY_BYTES) {
    const block = await blockAt(at.height);
    if (!block) break;
    read += block.bytes;
    const link = block.links.find((l) => equal(l.address, address));
    const mine = link ? ownIn(block.body, link.indices, at).slice(0, most - entries.length) : [];
    if (!mine.length) break;
    entries.push(...mine);
    if (!link || link.previous.height >= at.height) break;
    at = link.previous;
  }
  return entries;
}

/** An account's transactions of a block from an index down, newest first. */
const ownIn = (
  { transactions }: Body,
  indices: readonly number[],
  from: Position,
): HistoryEntry[] =>
  indices
    .filter((index) => index <= from.index && index < transactions.length)
    .map((index) => ({ position: { height: from.height, index }, tx: transactions[index]! }))
    .reverse();
