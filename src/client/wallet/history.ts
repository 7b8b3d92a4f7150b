/**
 * An account's transactions, newest first, each checked in its block's body. That none is missing is proven in
 * one of three ways: blocks executed here link each account's transactions backwards; or there are as many
 * transactions as the account's proven leaf counts, down to the first; or the leaf before the block of the
 * oldest one counts the remaining ones.
 */
import { partiesOf } from '../../core/tx/kinds.ts';
import type { LightChain } from '../../chain/light/light-chain.ts';
import { decode } from '../../core/codec.ts';
import { addressOf } from '../../core/address.ts';
import { Account, type Position, type SignedTx, type Tx, type TxOf } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { HISTORY_MAX, type HistoryEntry } from '../../core/messages.ts';
import { txId } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { AccountEntry, History } from '../api.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import { createFindTx, type FindTx } from './find-tx.ts';
import { isThere, noneMissing } from './history-proof.ts';

/** Requests for one page: a peer answers as much as lies in eight full blocks. */
const ROUNDS_MAX = 8;

/** Pages that are remembered, so that the next page can be checked. */
const PAGES_MAX = 256;

/** Newest first, at most 49 entries. @throws AppError NO_PEERS when no peer answers */
export type ReadHistory = (address: Uint8Array, max: number, from?: Position) => Promise<History>;

/** What is known about the entries of the pages before the start of a page. */
interface Above {
  /** Number of entries returned, all of them genuine. */
  readonly count: number;
  /** Whether none is missing among them. */
  readonly linked: boolean;
  /** Transactions of the account when its newest was the first entry. */
  readonly total: number;
}

/** Openings that are remembered: with each close of them a body would be read again. */
const OPENINGS_MAX = 256;

export function createHistory(
  chain: LightChain,
  reader: ChainReader,
  find: FindTx = createFindTx(chain, reader),
): ReadHistory {
  const idOf = (tx: Tx): Uint8Array => txId(chain.headers.genesis.id, tx);
  const pages = new BoundedMap<string, Above>(PAGES_MAX);
  const pageKey = (address: Uint8Array, { height, index }: Position): string =>
    `${toHex(address)}/${height}/${index}`;

  const openings = new BoundedMap<string, TxOf<'channel'>>(OPENINGS_MAX);

  /** What opened a channel. Its id is the hash of it: whoever has it tells the truth. */
  async function openingOf(id: Uint8Array): Promise<TxOf<'channel'> | undefined> {
    const hex = toHex(id);
    const known = openings.get(hex);
    if (known) return known;
    const opening = (await find(id))?.tx;
    if (opening?.type !== 'channel') return undefined;
    openings.set(hex, opening);
    return opening;
  }

  /** Whether a transaction counts for the account. A close that stays blank for its payee is taken for one of his. */
  async function isOf(address: Uint8Array, { tx }: SignedTx): Promise<boolean> {
    const opening = tx.type === 'close' ? await openingOf(tx.channel) : undefined;
    const parties = opening ? [opening.payee, addressOf(opening.from)] : partiesOf(tx);
    return parties.some((party) => equal(party, address));
  }

  const timeAt = async (height: number): Promise<number | undefined> =>
    (await chain.headers.at(height))?.time;

  const entryOf = async (entry: HistoryEntry): Promise<AccountEntry> => {
    const { tx } = entry.tx;
    const { height } = entry.position;
    const opening = tx.type === 'close' ? await openingOf(tx.channel) : undefined;
    const timeMs = (await timeAt(height)) ?? 0;
    const endedMs = tx.type === 'channel' ? await timeAt(height + tx.lifetime) : undefined;
    return { ...entry, id: idOf(tx), timeMs, endedMs, opening };
  };

  /** Whether the entry belongs to the account and is at its position in a block of the chain. */
  async function isGenuine(address: Uint8Array, { position, tx }: HistoryEntry): Promise<boolean> {
    const header = await chain.headers.at(position.height);
    const body = header && (await reader.bodies.of(header));
    const { id } = chain.headers.genesis;
    return isThere(id, body, { position, tx }) && (await isOf(address, tx));
  }

  /** Entries from `start` downwards as peers report them; none when no peer has any that passes the check. */
  async function reported(
    address: Uint8Array,
    start: Position,
    max: number,
  ): Promise<HistoryEntry[]> {
    const request = { type: 'history', address, from: start, max } as const;
    const entries = await reader.ask(request, async (answer) => {
      const genuine: HistoryEntry[] = [];
      for (const entry of answer.entries.slice(0, max)) {
        const last = genuine.at(-1)?.position;
        const inOrder = last ? order(entry.position, last) < 0 : !order(entry.position, start);
        if (!inOrder || !(await isGenuine(address, entry))) break;
        genuine.push(entry);
      }
      // At least one entry exists, at `start`: the next peer may have it.
      return genuine.length ? genuine : undefined;
    });
    return entries ?? [];
  }

  /** Number of the account's transactions before a position of the chain, by its leaf before that block. */
  async function countBefore(address: Uint8Array, at: Position): Promise<number | undefined> {
    const header = await chain.headers.at(at.height);
    const parent = await chain.headers.at(at.height - 1);
    const key = stateKey.account(address);
    const body = header && (await reader.bodies.of(header));
    const leaves = parent && (await reader.state.read(parent, [key]));
    if (!body || !leaves) return undefined;
    const [leaf] = leaves.values;
    let count = leaf ? decode(Account, leaf).txCount : 0;
    for (const signed of body.transactions.slice(0, at.index))
      if (await isOf(address, signed)) count++;
    return count;
  }

  /** Entries from `start` on: our own, then a peer's where there must be more than these. */
  async function entriesFrom(
    address: Uint8Array,
    start: Position,
    count: number,
    expected: number,
  ): Promise<{ entries: readonly HistoryEntry[]; own: number }> {
    const own = await chain.blocks.history(address, start, count);
    const entries = [...own];
    for (let i = 0; i < ROUNDS_MAX && entries.length < Math.min(count, expected); i++) {
      // Each answer begins with the last one that is known.
      const last = entries.at(-1)?.position;
      const more = await reported(address, last ?? start, count - entries.length + (last ? 1 : 0));
      const fresh = last ? more.slice(1) : more;
      if (!fresh.length) break;
      entries.push(...fresh);
    }
    return { entries, own: own.length };
  }

  /** Whether nothing is left out above the last of `shown`, of which `own` are from verified blocks. */
  async function isLinked(
    address: Uint8Array,
    above: Above,
    shown: readonly HistoryEntry[],
    own: number,
  ): Promise<boolean> {
    const rest = above.total - above.count - shown.length;
    if (rest === 0) return true;
    if (!above.linked) return false;
    if (own >= shown.length) return true;
    return noneMissing(await countBefore(address, shown.at(-1)!.position), rest);
  }

  return async (address, max, from) => {
    const at = await reader.state.newest();
    const leaf = at && (await reader.state.read(at, [stateKey.account(address)]))?.values[0];
    const { lastTx, txCount } = leaf ? decode(Account, leaf) : { lastTx: undefined, txCount: 0 };
    if (!lastTx || !txCount) return { entries: [], total: 0, linked: true, next: undefined };
    const newest: Above = { count: 0, linked: true, total: txCount };
    const start = from ?? lastTx;
    const above = order(start, lastTx) ? pages.get(pageKey(address, start)) : newest;
    // One entry more than the page shows where the next page begins.
    const page = Math.max(1, Math.min(max, HISTORY_MAX - 1));
    const expected = txCount - (above?.count ?? 0);
    const { entries, own } = await entriesFrom(address, start, page + 1, expected);
    if (!entries.length) throw new AppError('NO_PEERS', 'no peer has the history');

    const shown = entries.slice(0, page);
    const next = entries[page]?.position;
    const linked = above !== undefined && (await isLinked(address, above, shown, own));
    if (above && next) {
      const count = above.count + shown.length;
      pages.set(pageKey(address, next), { ...above, count, linked });
    }
    const opened = await Promise.all(shown.map(entryOf));
    return { entries: opened, total: txCount, linked, next };
  };
}

const order = (a: Position, b: Position): number => a.height - b.height || a.index - b.index;
