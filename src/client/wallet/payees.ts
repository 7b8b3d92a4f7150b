/**
 * Whom an account has dealt with: whom it paid, and who paid it. Kept for good, because nobody else can add a
 * payment of one's own; filled when a payment is submitted, and read from the history, so that another device
 * with the same keys learns it too. Strangers can add senders at the price of a fee each: over a bound these are
 * no longer kept, and then nothing is called whole.
 */
import { partiesOf } from '../../core/tx/kinds.ts';
import { bornAt } from '../../core/tx/nonce.ts';
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { addressOf } from '../../core/address.ts';
import { bytes, encode, struct, tryDecode, u32 } from '../../core/codec.ts';
import type { Account, Position, Tx } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { HISTORY_MAX, type HistoryEntry } from '../../core/messages.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { History, Payees } from '../api.ts';
import type { ReadHistory } from './history.ts';

/** Addresses of one account that are read from the store; a payment of one's own costs a fee for each. */
const KEPT_MAX = 20_000;
/** Of these, addresses that only sent coins. */
export const SENDERS_MAX = 10_000;
/** Accounts whose lists are held in memory, and whose histories are being read. */
const ACCOUNTS_MAX = 32;
/** Reads that wait: of all tabs together. */
const READS_MAX = 64;

/** What an account had to do with an address, as bits. */
const PAID = 1;
const RECEIVED = 2;
/** Signed and sent from here, whether or not a block took it. */
const SENT = 4;

/** Up to here the history was read: the account's transaction number `count` from the first one is at that place. */
const MarkRecord = struct({ count: u32, height: u32, index: u32, block: bytes(32) });
interface Mark {
  readonly count: number;
  readonly height: number;
  readonly index: number;
  /** Id of the block: where another one has its height, the mark is void. */
  readonly block: Uint8Array;
}

/** A history on its way down, page by page. */
interface Walk {
  readonly top: Mark;
  readonly next: Position | undefined;
  /** Transactions read, the top one among them. */
  readonly seen: number;
}

export interface PayeeBook {
  /** Before it is announced. */
  noteSubmitted(tx: Tx): Promise<void>;
  /**
   * Reads up to `pages` further pages of the account's history, and says what is known then.
   * @throws AppError NO_PEERS, STORE_*
   */
  read(address: Uint8Array, pages: number): Promise<Payees>;
}

export interface PayeeBookDeps {
  readonly chain: { readonly headers: Pick<LightChain['headers'], 'at'> };
  readonly history: ReadHistory;
  /** How many transactions the account has, by its last proven leaf, and its next nonce. */
  readonly leaf: (address: Uint8Array) => Promise<Pick<Account, 'txCount' | 'nonce'> | undefined>;
  readonly store: Store;
}

export function createPayeeBook({ chain, history, leaf, store }: PayeeBookDeps): PayeeBook {
  const books = new BoundedMap<string, Map<string, number>>(ACCOUNTS_MAX);
  const walks = new BoundedMap<string, Walk>(ACCOUNTS_MAX);
  const queue = new SerialQueue(READS_MAX);
  /** Apart from reading, which waits for peers: a payment must not. */
  const writing = new SerialQueue(READS_MAX);

  async function bookOf(own: string): Promise<Map<string, number>> {
    const known = books.get(own);
    if (known) return known;
    const from = `payee/${own}/`;
    const rows = await store.range(from, `payee/${own}0`, KEPT_MAX);
    const book = new Map(rows.map(({ key, value }) => [key.slice(from.length), value[0] ?? 0]));
    books.set(own, book);
    return book;
  }

  const note = (own: string, found: readonly (readonly [string, number])[]): Promise<void> =>
    writing.run(() => write(own, found));

  async function write(own: string, found: readonly (readonly [string, number])[]): Promise<void> {
    const book = await bookOf(own);
    const news = new Map<string, number>();
    for (const [other, bit] of found) {
      const before = news.get(other) ?? book.get(other) ?? 0;
      const isFull = book.size + news.size >= SENDERS_MAX;
      if (before & bit || (isFull && before === 0 && bit === RECEIVED)) continue;
      news.set(other, before | bit);
    }
    if (!news.size) return;
    const puts = [...news].map(([other, bits]) => ({
      key: `payee/${own}/${other}`,
      value: Uint8Array.of(bits),
    }));
    await store.batch(puts, true);
    for (const [other, bits] of news) book.set(other, bits);
  }

  /** Whether the block at that place is still the one that it was. */
  async function stands({ height, block }: Mark): Promise<boolean> {
    const header = await chain.headers.at(height);
    return header !== undefined && equal(blockId(header), block);
  }

  /** What was read of a leaf that went says nothing of how many transactions the one that is there has. */
  async function markOf(own: string): Promise<Mark | undefined> {
    const data = await store.get(`payees-read/${own}`);
    const mark = data && tryDecode(MarkRecord, data);
    const { nonce = 0n } = (await leaf(fromHex(own)!)) ?? {};
    return mark && mark.height >= bornAt(nonce) && (await stands(mark)) ? mark : undefined;
  }

  const keepMark = (own: string, mark: Mark | undefined): Promise<void> =>
    store.batch([{ key: `payees-read/${own}`, value: mark && encode(MarkRecord, mark) }]);

  /** Where the first page of a walk begins: the newest transaction. */
  async function topOf({ entries, total: count }: History): Promise<Mark | undefined> {
    const [newest] = entries;
    if (!newest) return undefined;
    const { position } = newest;
    const header = await chain.headers.at(position.height);
    return header && { ...position, count, block: blockId(header) };
  }

  /** The walk that is on its way, where the chain has not changed under it. */
  async function walkOf(own: string): Promise<Walk | undefined> {
    const walk = walks.get(own);
    walks.delete(own);
    return walk && (await stands(walk.top)) ? walk : undefined;
  }

  /** One page further down. @returns whether there is more to read */
  async function step(address: Uint8Array, own: string): Promise<boolean> {
    const mark = await markOf(own);
    const walk = await walkOf(own);
    const page = await history(address, HISTORY_MAX - 1, walk?.next);
    const top = walk?.top ?? (await topOf(page));
    if (!top || !page.entries.length) return false;
    await note(own, dealingsOf(page.entries, address));

    const { length } = page.entries.filter(({ position }) => !mark || isAbove(position, mark));
    const seen = (walk?.seen ?? 0) + length;
    const isAtMark = mark !== undefined && (length < page.entries.length || !page.next);
    if (!isAtMark && page.next) {
      walks.set(own, { top, next: page.next, seen });
      return true;
    }
    return end(own, { top, next: undefined, seen }, isAtMark ? mark : undefined);
  }

  /** The walk came down to the mark, or to the end. @returns whether it has to begin anew */
  async function end(own: string, { top, seen }: Walk, mark: Mark | undefined): Promise<boolean> {
    // As many as its leaf counts, each genuine and below the one before: none is missing.
    const isWhole = seen === top.count - (mark?.count ?? 0);
    if (isWhole || mark) await keepMark(own, isWhole ? top : undefined);
    // What does not fit with what was read before is read anew, down to the first.
    return !isWhole && mark !== undefined;
  }

  async function tell(address: Uint8Array, own: string): Promise<Payees> {
    const [book, mark] = [await bookOf(own), await markOf(own)];
    const known = (await leaf(address))?.txCount;
    const having = (bit: number): Uint8Array[] =>
      [...book].flatMap(([hex, bits]) => (bits & bit ? (fromHex(hex, 32) ?? []) : []));
    const isKept = book.size < SENDERS_MAX;
    const read = (mark?.count ?? 0) + (walks.get(own)?.seen ?? 0);
    return {
      paid: having(PAID),
      sent: having(SENT),
      received: having(RECEIVED),
      total: known,
      read: known === undefined ? read : Math.min(read, known),
      // Nothing was ever done by an account that has no transaction.
      whole: isKept && known !== undefined && (known === 0 || (mark?.count ?? 0) >= known),
    };
  }

  return {
    noteSubmitted(tx) {
      const sender = addressOf(tx.from);
      const others = partiesOf(tx).filter((party) => !equal(party, sender));
      return note(
        toHex(sender),
        others.map((other) => [toHex(other), SENT]),
      );
    },
    read: (address, pages) =>
      queue.run(async () => {
        const own = toHex(address);
        for (let left = pages; left > 0; left--) {
          if ((await tell(address, own)).whole || !(await step(address, own))) break;
        }
        return tell(address, own);
      }),
  };
}

/** The other sides of an account's transactions, with what it had to do with each. */
function dealingsOf(entries: readonly HistoryEntry[], mine: Uint8Array): [string, number][] {
  return entries.flatMap(({ tx: { tx } }) => {
    const sender = addressOf(tx.from);
    const others = partiesOf(tx).filter((party) => !equal(party, mine));
    const bit = equal(sender, mine) ? PAID : RECEIVED;
    // Whom else a stranger's transaction pays has nothing to do with the account.
    return others
      .filter((party) => bit === PAID || equal(party, sender))
      .map((party): [string, number] => [toHex(party), bit]);
  });
}

const isAbove = (a: Position, b: Position): boolean =>
  a.height - b.height > 0 || (a.height === b.height && a.index > b.index);
