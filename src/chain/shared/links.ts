/**
 * Back-links: with each executed block it is kept where every account of its transactions was last
 * seen before. An account's history is read along them, newest first.
 */
import { decode, hash32, list, struct, type Value } from '../../core/codec.ts';
import { Account, Position, type Body, type SignedTx } from '../../core/formats.ts';
import { HISTORY_MAX, type HistoryEntry } from '../../core/messages.ts';
import type { Executed } from '../../core/state.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { partiesOf } from '../../core/tx/kinds.ts';
import { equal, toHex } from '../../lib/bytes.ts';

/** Of one block: each party of each transaction, once. */
export const Links = list(struct({ address: hash32, previous: Position }), 1 << 12);
export type Links = Value<typeof Links>;

/** Where each account of the body's transactions was last seen before. */
export function linksOf(body: Body, changes: Executed['changes']): Links {
  const before = new Map(changes.map((c) => [toHex(c.key), c.before]));
  const links = new Map<string, Links[number]>();
  for (const address of body.flatMap(({ tx }) => partiesOf(tx))) {
    const hex = toHex(address);
    if (links.has(hex)) continue;
    const leaf = before.get(toHex(stateKey.account(address)));
    const previous = leaf ? decode(Account, leaf).lastTx : { height: 0, index: 0 };
    links.set(hex, { address, previous });
  }
  return [...links.values()];
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
    const mine = ownIn(block.body, address, at).slice(0, most - entries.length);
    if (!mine.length) break;
    entries.push(...mine);
    const link = block.links.find((l) => equal(l.address, address));
    if (!link || link.previous.height >= at.height) break;
    at = link.previous;
  }
  return entries;
}

/** The address's transactions of a block from an index down, newest first. */
function ownIn(body: readonly SignedTx[], address: Uint8Array, from: Position): HistoryEntry[] {
  return body
    .slice(0, from.index + 1)
    .map((tx, index) => ({ position: { height: from.height, index }, tx }))
    .filter(({ tx }) => partiesOf(tx.tx).some((party) => equal(party, address)))
    .reverse();
}
