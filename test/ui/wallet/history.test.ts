/** What changed a balance, as lines and as a table: nothing is missing, and nothing is there twice. */
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import type { AccountEntry, Balance, FoundBlockPay } from '../../../src/client/api.ts';
import { addressOf, formatAddress } from '../../../src/core/address.ts';
import { decode } from '../../../src/core/codec.ts';
import { Body, Coinbase, Tx, type TxOf } from '../../../src/core/formats.ts';
import { ACCOUNT_MIN } from '../../../src/core/params.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { treeGet } from '../../../src/core/tree/tree.ts';
import { bornAt } from '../../../src/core/tx/nonce.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../../src/lib/bytes.ts';
import { en } from '../../../src/ui/i18n/en/app.ts';
import { history as words } from '../../../src/ui/i18n/en/history.ts';
import { keyring } from '../../../src/ui/i18n/en/keyring.ts';
import { wallet } from '../../../src/ui/i18n/en/wallet.ts';
import { csvOf } from '../../../src/ui/wallet/history/csv.ts';
import { FOUND_MAX, joinFound } from '../../../src/ui/wallet/history/found.svelte.ts';
import { lineTitles } from '../../../src/ui/wallet/history/kinds.ts';
import {
  ledgerOf,
  readDownTo,
  sumOf,
  type LedgerLine,
} from '../../../src/ui/wallet/history/ledger.ts';
import { Notes, NOTES_MAX } from '../../../src/ui/wallet/history/notes.svelte.ts';
import { dayOf } from '../../../src/lib/day.ts';
import { everyDay, passes, sumsBy, yearOf } from '../../../src/ui/wallet/history/sums.ts';
import { parseAmount } from '../../../src/wallet/amount.ts';
import { buildChannel, buildClose, buildTransfer } from '../../../src/wallet/build.ts';
import { GENESIS_ID, paramsOf } from '../../core/fixtures.ts';
import { Ledger } from '../../core/ledger.ts';
import { addBlock, context, PEOPLE, step } from '../../core/random-chain.ts';
import { Oracle } from '../../oracle/naive-state.ts';
import { readCsv } from './read-csv.ts';

const PREFIX = 'rpila';
const hash = (n: number) => new Uint8Array(32).fill(n);
const myKey = hash(1);
const MINE = addressOf(myKey);
const base = { chainId: 3, from: myKey, nonce: 4n, expiry: 99, fee: 1000n };
const timeOf = (height: number) => Date.UTC(2026, 10, 25, 16, 47) + height * 7_000_000;
const entryOf = (bytes: Uint8Array, height = 12, id = hash(8)): AccountEntry => ({
  id,
  position: { height, index: 0 },
  timeMs: timeOf(height),
  tx: { tx: decode(Tx, bytes), signature: new Uint8Array(64) },
});
const balanceAt = (height: number, more: Partial<Balance> = {}): Balance => ({
  address: MINE,
  spendable: 0n,
  immature: 0n,
  nonce: 0n,
  txCount: 0,
  proofBytes: 0,
  ...more,
  provenAt: { height, id: hash(3), timeMs: timeOf(height) },
});
const tableOf = (lines: readonly LedgerLine[], balance: Balance, locale = 'en-US') =>
  csvOf(lines, {
    locale,
    prefix: PREFIX,
    balance,
    words: keyring.csv,
    history: words,
    kinds: lineTitles(en, wallet, words),
    nameOf: (address) => (equal(address, hash(7)) ? 'Ada' : ''),
    noteOf: (id) => (id === toHex(hash(8)) ? 'rent' : ''),
  });
/** nV of a table's column of changes. */
function sumOfTable(text: string): bigint {
  const [titles, ...rows] = readCsv(text.slice(1), ',');
  const at = titles!.indexOf(keyring.csv.change);
  return rows.reduce((sum, row) => {
    const cell = row[at]!;
    const size = cell ? parseAmount(cell.replace('-', '')) : 0n;
    return sum + (cell.startsWith('-') ? -size : size);
  }, 0n);
}

/** A chain of states, and what a client reads of it of an account. */
class Watched {
  readonly ledger = new Ledger(paramsOf(), context);
  past = [new Oracle()];
  /** nV that each block paid. */
  paid: bigint[] = [];

  add(miner: number, body: Parameters<typeof addBlock>[3]): void {
    const oracle = this.past.at(-1)!.copy();
    addBlock(this.ledger, oracle, miner, body);
    this.past.push(oracle);
    const leaf = treeGet(this.ledger.tree, stateKey.coinbase(this.ledger.height));
    this.paid.push(decode(Coinbase, leaf!).amount);
  }

  undo(): void {
    this.ledger.undo();
    this.past.pop();
    this.paid.pop();
  }

  read(address: Uint8Array): {
    entries: AccountEntry[];
    blocks: FoundBlockPay[];
    balance: Balance;
  } {
    const { height, params, made, done } = this.ledger;
    const leaf = this.ledger.account(address);
    const bodies = made.map(({ body }) => decode(Body, fromHex(body)!).transactions);
    const openings = new Map(
      bodies.flat().map(({ tx }) => [toHex(txId(GENESIS_ID, tx)), tx] as const),
    );
    const all = done.flatMap(({ parties }, i) =>
      parties.flatMap((party): AccountEntry[] => {
        if (!equal(party.address, address)) return [];
        const tx = bodies[i]![party.index]!;
        const opening = tx.tx.type === 'close' ? openings.get(toHex(tx.tx.channel)) : undefined;
        return [
          {
            id: txId(GENESIS_ID, tx.tx),
            position: { height: i + 1, index: party.index },
            timeMs: i,
            tx,
            opening: opening as TxOf<'channel'> | undefined,
          },
        ];
      }),
    );
    const lowest = (leaf ? bornAt(leaf.nonce) : height + 1) - params.maturityBlocks;
    const isOwn = (at: number) =>
      equal(fromHex(made[at - 1]!.miner)!, address) && at >= Math.max(1, lowest);
    const heights = Array.from({ length: height }, (_, i) => i + 1).filter(isOwn);
    const immature = heights.filter((at) => at > height - params.maturityBlocks);
    return {
      entries: all.slice(all.length - (leaf?.txCount ?? 0)).reverse(),
      blocks: heights
        .map((at) => ({
          height: at,
          id: hash(at),
          timeMs: at,
          amount: this.paid[at - 1]!,
          isProven: true,
        }))
        .reverse(),
      balance: balanceAt(height, {
        spendable: leaf?.balance ?? 0n,
        immature: immature.reduce((sum, at) => sum + this.paid[at - 1]!, 0n),
        nonce: leaf?.nonce ?? 0n,
        txCount: leaf?.txCount ?? 0,
      }),
    };
  }
}

describe('on any chain', () => {
  it('the lines of every account add up to its balance, and so does its table, to the last nV', () => {
    const seen = { lines: 0, channels: 0, sold: 0, returned: 0, blocks: 0, reborn: 0, strange: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 50 }), (steps) => {
        const chain = new Watched();
        for (const s of steps)
          if ('undo' in s) {
            for (let i = 0; i < s.undo && chain.ledger.height; i++) chain.undo();
          } else {
            const times = 'skip' in s ? s.skip : 1;
            for (let i = 0; i < times; i++)
              chain.add('skip' in s ? 0 : s.miner, 'skip' in s ? [] : s.body);
          }
        for (const { address } of PEOPLE) {
          const { entries, blocks, balance } = chain.read(address);
          const lines = ledgerOf({ entries, blocks }, { mine: address, balance });
          const owned = balance.spendable + balance.immature;
          const rest = owned - sumOf(lines);
          // What an account set aside that is gone comes back to the one under its address, untold.
          const born = bornAt(balance.nonce);
          if (rest !== 0n) {
            expect(born, 'only of an account that was made anew').toBeGreaterThan(0);
            expect(rest).toBeGreaterThan(0n);
            seen.strange++;
          }
          const table = tableOf(lines, balance);
          expect(sumOfTable(table)).toBe(owned);
          expect(table.includes(keyring.csv.rest)).toBe(rest !== 0n);
          seen.lines += lines.length;
          seen.channels += lines.filter(({ channel }) => channel).length;
          seen.sold += lines.filter(({ kind }) => kind === 'close').length;
          seen.returned += lines.filter(({ channel }) => channel?.state === 'returned').length;
          seen.blocks += blocks.length;
          seen.reborn += born > paramsOf().maturityBlocks + 1 ? 1 : 0;
        }
      }),
      { numRuns: 40, seed: 3 },
    );
    // It is worth its time only if it went through every kind of line; what is not told is rare.
    const { strange, ...common } = seen;
    for (const [kind, n] of Object.entries(common)) expect(n, kind).toBeGreaterThan(8);
    expect(strange).toBeLessThan(8);
  });
});

describe('a table for spreadsheets', () => {
  const memo = '=HYPERLINK("x";"y"), \u00e8';
  const entries = [
    entryOf(buildTransfer(base, { to: hash(7), amount: 1_234_500_000_000n, memo })),
    entryOf(buildTransfer({ ...base, from: hash(2) }, { to: MINE, amount: 5n }), 3, hash(9)),
  ];
  const blocks = [{ height: 2, id: hash(2), timeMs: timeOf(2), amount: 7n, isProven: false }];
  it.each([
    ['it-IT', ';', '-1234,500001', '0,000000005', '0,000001'],
    ['en-US', ',', '-1234.500001', '0.000000005', '0.000001'],
    // eslint-disable-next-line @typescript-eslint/max-params -- the columns of the table above
  ])('opens by the convention of %s', (locale, separator, sent, received, fee) => {
    const balance = balanceAt(20, { spendable: 12n - 1_234_500_001_000n });
    const lines = ledgerOf({ entries, blocks }, { mine: MINE, balance });
    const text = tableOf(lines, balance, locale);
    expect(text.startsWith('\ufeff')).toBe(true);
    const [titles, first, second, third, ...rest] = readCsv(text.slice(1), separator);
    expect(rest).toEqual([]);
    expect(titles).toHaveLength(11);
    const other = formatAddress(hash(7), PREFIX);
    const when = '2026-11-26 16:07:00';
    expect(first!.slice(0, 7)).toEqual([when, '12', 'Sent', sent, fee, other, 'Ada']);
    // What a spreadsheet would run is text.
    expect(first!.slice(7)).toEqual([`'${memo}`, 'rent', '', toHex(hash(8))]);
    expect(second!.slice(1, 5)).toEqual(['3', 'Received', received, '0']);
    expect(third!.slice(1, 3)).toEqual(['2', words.found]);
    expect(third![9]).toBe(words.least);
  });

  it('says in a row of its own what its lines do not explain', () => {
    const balance = balanceAt(20, { spendable: 9n });
    const [, row, ...rest] = readCsv(tableOf([], balance).slice(1), ',');
    expect(rest).toEqual([]);
    expect(row!.slice(2, 4)).toEqual([keyring.csv.rest, '0.000000009']);
  });
});

describe('a channel is one line', () => {
  const fields = { provider: hash(3), payee: addressOf(hash(4)), signer: hash(5), lifetime: 60 };
  const opening = buildChannel(base, { ...fields, limit: ACCOUNT_MIN });
  const opened = entryOf(opening, 12, hash(8));
  const closing = buildClose(
    { chainId: 3, from: hash(3), expiry: 99, fee: 1000n },
    { channel: hash(8), amount: 5000n, voucher: new Uint8Array(64) },
  );
  const known = decode(Tx, opening) as TxOf<'channel'>;
  const closed = { ...entryOf(closing, 20, hash(9)), opening: known };
  const linesOf = (entries: AccountEntry[], height: number, mine = MINE) =>
    ledgerOf({ entries, blocks: [] }, { mine, balance: balanceAt(height) });

  it('of who opened it: set aside, then what was used, or all of it back', () => {
    const id = toHex(hash(8));
    expect(linesOf([opened], 71)).toMatchObject([
      {
        amount: -ACCOUNT_MIN - 1000n,
        height: 12,
        channel: { id, state: 'open', spent: undefined },
      },
    ]);
    expect(linesOf([{ ...opened, endedMs: 5 }], 72)).toMatchObject([
      { amount: -1000n, height: 72, timeMs: 5, channel: { state: 'returned', spent: 0n } },
    ]);
    expect(linesOf([closed, opened], 90)).toMatchObject([
      {
        kind: 'channel',
        amount: -6000n,
        height: 20,
        channel: { id, state: 'closed', spent: 5000n },
      },
    ]);
  });

  it('of who is paid: what came; and of who is both, what both come to', () => {
    expect(linesOf([closed], 90, addressOf(hash(4)))).toMatchObject([
      { kind: 'close', amount: 4000n, channel: undefined },
    ]);
    const own = { ...closed, opening: { ...known, payee: MINE } };
    expect(linesOf([own, opened], 90)).toMatchObject([{ kind: 'channel', amount: -2000n }]);
  });

  it('whose opening nobody gave has no amount, and says so', () => {
    const [line] = linesOf([entryOf(closing)], 90);
    expect(line).toMatchObject({ kind: 'close', amount: undefined, isProven: false });
  });

  it('of an account that is gone took nothing from the one under its address', () => {
    const old = { ...closed, opening: { ...known, nonce: 7n } };
    const balance = balanceAt(90, { nonce: 15n << 32n });
    const [line] = ledgerOf({ entries: [old], blocks: [] }, { mine: MINE, balance });
    expect(line).toMatchObject({ amount: ACCOUNT_MIN - 5000n, fee: 0n });
  });
});

describe('lines', () => {
  const found = (height: number) => ({
    height,
    id: hash(height),
    timeMs: timeOf(height),
    amount: 50n,
    isProven: true,
  });

  it('come in the order of the chain, what a block pays after its transactions, none above the balance', () => {
    const sent = entryOf(buildTransfer(base, { to: hash(7), amount: 3n }), 12);
    const given = { entries: [sent], blocks: [13, 12, 11].map(found) };
    const lines = ledgerOf(given, { mine: MINE, balance: balanceAt(12) });
    expect(lines.map(({ height, kind }) => [height, kind])).toEqual([
      [12, 'block'],
      [12, 'sent'],
      [11, 'block'],
    ]);
    expect(lines.filter((line) => passes('work', line))).toHaveLength(2);
    expect(lines.filter((line) => passes('payments', line))).toHaveLength(1);
    expect(lines.filter((line) => passes('all', line))).toHaveLength(3);
  });

  it('are shown down to where both lists were read', () => {
    expect(readDownTo({ next: { height: 7, index: 2 } }, { next: 4 })).toBe(8);
    expect(readDownTo({ next: undefined }, { next: 4 })).toBe(5);
    expect(readDownTo({ next: undefined }, { next: undefined })).toBe(0);
  });

  it('are summed by year and by day: earned, received, spent', () => {
    const sent = entryOf(buildTransfer(base, { to: hash(7), amount: 3000n }), 12);
    const lines = ledgerOf(
      { entries: [sent], blocks: [13, 12].map(found) },
      { mine: MINE, balance: balanceAt(20) },
    );
    expect(sumsBy(lines, yearOf)).toMatchObject([
      { period: '2026', work: 100n, in: 0n, out: -4000n, net: -3900n, blocks: 2 },
    ]);
    expect(sumsBy([], dayOf)).toEqual([]);
    expect(dayOf(new Date(2026, 0, 9, 23, 59).getTime())).toBe('2026-01-09');
  });

  it('of days without income between two with it are nothing, and no more days than asked for', () => {
    const day = (date: number, work: bigint) => {
      const timeMs = new Date(2026, 2, date, 23, 30).getTime();
      return { period: dayOf(timeMs), timeMs, work, in: 0n, out: 0n, net: work, blocks: 1 };
    };
    // A clock is put forward on one of them, in most of Europe.
    const some = [day(31, 0n), day(30, 5n), day(28, 7n), day(2, 1n)];
    const shown = everyDay(some, 4).map(({ period, work }) => [period, work]);
    expect(shown).toEqual([
      ['2026-03-28', 7n],
      ['2026-03-29', 0n],
      ['2026-03-30', 5n],
    ]);
    expect(everyDay(some, 31)).toHaveLength(29);
    expect(everyDay([day(31, 0n)], 31)).toEqual([]);
  });

  it('of blocks that were read before stay below a newer page, and are read again across a gap', () => {
    const known = { blocks: [9, 8, 5].map(found), next: 4 };
    const newest = { blocks: [12, 9].map(found), next: 8 };
    const heights = joinFound(newest, known).blocks.map(({ height }) => height);
    expect(heights).toEqual([12, 9, 8, 5]);
    expect(joinFound(newest, known).next).toBe(4);
    const apart = { blocks: [30, 20].map(found), next: 19 };
    expect(joinFound(apart, known)).toEqual(apart);
    const all = { blocks: [found(12)], next: undefined };
    expect(joinFound(all, known)).toEqual(all);
    const most = Array.from({ length: FOUND_MAX }, (_, i) => found(FOUND_MAX - i));
    const full = joinFound(
      { blocks: [found(FOUND_MAX + 1)], next: FOUND_MAX },
      { blocks: most, next: undefined },
    ).blocks;
    expect([full.length, full.at(-1)!.height]).toEqual([FOUND_MAX, 2]);
  });
});

test('own notes are kept by transaction, shortened, bounded, and harmless', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const notes = new Notes(PREFIX, storage);
  notes.put('aa', ' rent\u202e ');
  expect(new Notes(PREFIX, storage).of('aa')).toBe('rent\ufffd');
  expect(new Notes('pila', storage).of('aa')).toBe('');
  notes.put('aa', '');
  expect(new Notes(PREFIX, storage).all.size).toBe(0);
  for (let i = 0; i <= NOTES_MAX; i++) notes.put(`${i}`, 'x'.repeat(200));
  expect(notes.all.size).toBe(NOTES_MAX);
  expect([notes.of('0'), notes.of('1').length]).toEqual(['', 140]);
  // Whatever wrote it, no more is read than may be kept.
  const flood = Array.from({ length: NOTES_MAX + 1 }, (_, i) => [`${i}`, 'x']);
  kept.set(notes.storageKey, JSON.stringify(flood));
  expect(new Notes(PREFIX, storage).all.size).toBe(NOTES_MAX);
  for (const wrong of ['{', '5', '[[1,2],null,["a"]]']) {
    kept.set(notes.storageKey, wrong);
    expect(new Notes(PREFIX, storage).all.size).toBe(0);
  }
});
