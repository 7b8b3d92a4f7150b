/** A provider over real blocks: asked, paid, closed; and what it does when anything of that goes wrong. */
import { describe, expect, test } from 'vitest';
import { OVER_BLOCKS } from '../../../src/client/channels/channel-chain.ts';
import { CHANNELS_MAX, openProviderStore } from '../../../src/client/channels/channel-store.ts';
import { newProviderRecord } from '../../../src/client/channels/provider-record.ts';
import {
  CHANNELS_ASKER_MAX,
  OPENING_RATE,
  STRANGERS_MAX,
} from '../../../src/client/channels/providing.ts';
import { ENDING_BLOCKS } from '../../../src/client/channels/terms.ts';
import { openPayerBook } from '../../../src/client/providing/payer-book.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import type { SignedOpening, SignedTx } from '../../../src/core/formats.ts';
import { CHANNEL_LIFETIME_MIN, SUBSIDY } from '../../../src/core/params.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { concat } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { GENESIS_ID, mine, person, type Person } from '../../chain/make-blocks.ts';
import {
  ann,
  bob,
  cat,
  chainOf,
  COST,
  Customer,
  emptyChain,
  openingOf,
  PASS_SEQUENCES,
  richChain,
  rowsOf,
  Shop,
  wait,
  type ShopOptions,
} from './shop.ts';

const FEE = 2_000n;
const until = (is: () => boolean) => expect.poll(is, wait).toBe(true);
/** nV that closes have paid, beyond what he mined. */
const balance = ({ full }: Shop): bigint =>
  (full.account(bob.address)?.balance ?? SUBSIDY) - SUBSIDY;
const waits = ({ full }: Shop) => full.mempool.byFee().map(({ tx }) => tx.type);
const answerOf = (...input: number[]) => concat(...rowsOf(Uint8Array.from(input)));

/** Channels that are deep enough for all that is paid in them. */
async function opened(channels = 1, options: ShopOptions = {}): Promise<[Shop, Customer[]]> {
  const full = await richChain();
  const signers = Array.from({ length: channels }, (_, i) => person(90 + i));
  const openings = signers.map(({ xonly }, i) => openingOf(i, { signer: xonly }));
  for (const opening of openings) await full.addTx(opening);
  const shop = await Shop.open(full, options);
  await shop.mine(4);
  const askers = openings.map(
    (opening, i) => new Customer(shop.chain, opening, `asker ${i}`, signers[i]),
  );
  for (const asker of askers) await asker.visit(shop);
  return [shop, askers];
}
const openedOne = async (options: ShopOptions = {}): Promise<[Shop, Customer]> => {
  const [shop, [asker]] = await opened(1, options);
  return [shop, asker!];
};

/** What a test lets through one after the other. */
function gate() {
  const waiting: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => void waiting.push(resolve)),
    waiting,
    open: () => waiting.shift()?.(),
  };
}

test('all channels are looked at together at a head; what nobody proves is not asked for again', async () => {
  const looked: number[] = [];
  const full = await richChain();
  let isProven = true;
  let views = 0;
  const inner = chainOf(full);
  const chain = {
    ...inner,
    view: (opening: SignedTx) => (views++, inner.view(opening)),
    async look(openings: readonly SignedOpening[]) {
      looked.push(openings.length);
      return isProven && inner.look(openings);
    },
  };
  const store = createMemoryStore();
  const records = await openProviderStore(store);
  for (let n = 0; n < 3; n++) await records.put(newProviderRecord(GENESIS_ID, openingOf(n)));
  const shop = await Shop.open(full, { chain, store });
  expect(looked).toEqual([3]);
  isProven = false;
  views = 0;
  await shop.mine(1);
  expect([looked, views]).toEqual([[3, 3], 0]);
});

describe('a question', () => {
  test('is answered by one pass, paid step by step, and what it paid is closed for', async () => {
    const [shop, asker] = await openedOne();
    await asker.ask([1, 2, 3]);
    await until(() => asker.answers.length === 1);
    expect(asker.answers).toEqual([answerOf(1, 2, 3)]);
    expect(shop.ran).toEqual([1]);
    await until(() => shop.status().earned === 3n * COST);
    expect(shop.status()).toMatchObject({ channels: 1, streams: 1, answers: 1, units: 3 });
    // The last voucher comes when the answer has ended: it counts to it.
    expect(shop.status().last).toMatchObject({ units: 3, earned: 3n * COST });

    await asker.enter({ type: 'close' });
    await until(() => waits(shop).includes('close'));
    await shop.mine(1);
    expect(balance(shop)).toBe(3n * COST - FEE);
    expect(asker.record.ended).toBe(1);
  });

  test('of an opening that nobody signed is refused, also where its channel stands', async () => {
    const full = await richChain();
    const opening = openingOf(0);
    await full.addTx(opening);
    const shop = await Shop.open(full);
    await shop.mine(2);
    const signature = new Uint8Array(64).fill(1);
    const asker = await new Customer(shop.chain, { ...opening, signature }).visit(shop);
    await until(() => asker.refusals.length === 1);
    expect([asker.refusals, shop.status().streams]).toEqual([['CHANNEL_UNKNOWN'], 0]);
  });

  test('is served from the pool for one step, and for the rest once what it pays counts', async () => {
    const full = await richChain();
    const shop = await Shop.open(full);
    const opening = openingOf(0);
    // Nobody but the asker has told of it.
    const asker = await new Customer(shop.chain, opening).visit(shop);
    await until(() => full.mempool.size === 1);
    await asker.ask([1, 2]);
    await until(() => asker.told.length === 1);
    await until(() => shop.status().earned === COST);
    await shop.mine(2);
    expect(asker.answers).toEqual([]);
    await shop.mine(1);
    await until(() => asker.answers.length === 1);
    expect(shop.ran).toEqual([1]);
  });

  test('runs no more sequences than a pass that may be delivered', async () => {
    const passes: number[] = [];
    const [, asker] = await openedOne({ pass: async ({ length }) => void passes.push(length) });
    await asker.ask([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await until(() => asker.answers.length === 1);
    expect(asker.answers).toEqual([answerOf(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)]);
    expect(passes).toEqual([PASS_SEQUENCES, PASS_SEQUENCES, 2]);
    await asker.ask([1, 2, 3, 4, 5], 2);
    await until(() => asker.answers.length === 2);
    expect(asker.answers[1]).toEqual(answerOf(1, 2));
    expect(passes.at(-1)).toBe(2);
  });

  test('whose model fails is said to fail, and costs nothing', async () => {
    const [shop, asker] = await openedOne({
      pass: async () => Promise.reject(new Error('no device')),
    });
    await asker.ask([1]);
    await until(() => asker.refusals.length === 1);
    expect(asker.refusals).toEqual(['MODEL_FAILED']);
    await until(() => asker.record.current?.receipt !== null);
    expect(shop.status()).toMatchObject({ earned: 0n, answers: 0 });
  });

  test('of a stream that was cut is answered over the next one', async () => {
    const held = gate();
    const [shop, asker] = await openedOne({ pass: held.pass });
    await asker.ask([5, 6]);
    await until(() => held.waiting.length === 1);
    asker.current!.cut();
    await until(() => shop.status().streams === 0);
    await asker.visit(shop);
    asker.current!.cut();
    await asker.visit(shop);
    // However often its asker comes, there is one pass for it.
    held.open();
    await until(() => asker.answers.length === 1);
    expect(asker.answers).toEqual([answerOf(5, 6)]);
    expect(shop.ran).toEqual([5]);
  });
});

describe('an opening', () => {
  /** What a provider says to the first frame, and what it keeps. */
  async function refusedFor(opening = openingOf(0), change?: (asker: Customer) => void) {
    const full = await richChain();
    const shop = await Shop.open(full);
    const asker = new Customer(shop.chain, opening);
    change?.(asker);
    await asker.visit(shop, change && { asker: 'another', provider: 'provider' });
    await until(() => asker.refusals.length === 1);
    expect(shop.status()).toMatchObject({ channels: 0, streams: 0 });
    expect(await shop.store.range('', '~')).toEqual([]);
    return { code: asker.refusals[0], full };
  }

  test('of another provider or payee is not taken', async () => {
    expect((await refusedFor(openingOf(0, { provider: cat.xonly }))).code).toBe('CHANNEL_UNKNOWN');
    expect((await refusedFor(openingOf(0, { payee: cat.address }))).code).toBe('CHANNEL_UNKNOWN');
  });

  test('is not taken from whom its signer did not sign for, nor told to anybody', async () => {
    const { code, full } = await refusedFor(openingOf(0), () => undefined);
    expect(code).toBe('SIGNER_WRONG');
    expect(full.mempool.size).toBe(0);
  });

  test('that no block can hold is not taken', async () => {
    expect((await refusedFor(openingOf(1))).code).toBe('CHANNEL_UNKNOWN');
    const dear = openingOf(0, { limit: 1n << 60n });
    expect((await refusedFor(dear)).code).toBe('CHANNEL_UNKNOWN');
  });

  test('that a branch takes out is told again, as the voucher hangs on it', async () => {
    const [shop, asker] = await openedOne();
    await asker.ask([1, 2]);
    await until(() => shop.status().earned === 2n * COST);
    // A node that starts on a branch without it, and whose pool is empty.
    const other = await emptyChain();
    for (const [who, blocks] of [
      [ann, 4],
      [bob, 1],
      [ann, 3],
    ] as const)
      await mine(other, who, blocks, { salt: 7 });
    const again = await Shop.open(other, { store: shop.store });
    await until(() => waits(again).includes('channel'));
    await again.mine(CHANNEL_LIFETIME_MIN - ENDING_BLOCKS + 1);
    await until(() => waits(again).includes('close'));
    await again.mine(1);
    expect(balance(again)).toBe(2n * COST - FEE);
  });
});

/**
 * As many records as are kept, each of a channel that was asked in and paid for that much.
 * @param own how many of them are Ann's
 */
async function fill(store: Store, paid: (i: number) => bigint, own = 16): Promise<void> {
  const records = await openProviderStore(store);
  for (let i = 0; i < CHANNELS_MAX; i++)
    await records.put({
      ...newProviderRecord(GENESIS_ID, openingOf(i + 1, i < own ? {} : { from: bob.xonly })),
      n: 1,
      amount: paid(i),
    });
}

describe('where as many channels are kept as there is room for', () => {
  test('a new one takes the place of one that pays for no close', async () => {
    const full = await richChain();
    const store = createMemoryStore();
    await fill(store, (i) => (i === 7 ? FEE : FEE + 1n));
    const shop = await Shop.open(full, { store });
    const asker = await new Customer(shop.chain, openingOf(0)).visit(shop);
    await asker.ask([1]);
    await until(() => asker.answers.length === 1);
    expect(shop.status().channels).toBe(CHANNELS_MAX);
    expect((await openProviderStore(store)).get(txId(GENESIS_ID, openingOf(8).tx))).toBeUndefined();
  });

  test('one in which something happens takes one place', async () => {
    const full = await richChain();
    const store = createMemoryStore();
    await fill(store, () => FEE + 1n);
    await (await openProviderStore(store)).remove(txId(GENESIS_ID, openingOf(1).tx));
    const shop = await Shop.open(full, { store });
    const before = await new Customer(shop.chain, openingOf(2)).visit(shop);
    await until(() => shop.status().streams === 1);
    const asker = await new Customer(shop.chain, openingOf(0)).visit(shop);
    await asker.ask([1]);
    await until(() => asker.answers.length + asker.refusals.length === 1);
    expect([before.refusals, asker.refusals]).toEqual([[], []]);
  });

  test('a new one is turned away if all have paid', async () => {
    const full = await richChain();
    const store = createMemoryStore();
    await fill(store, () => FEE + 1n);
    const shop = await Shop.open(full, { store });
    const asker = await new Customer(shop.chain, openingOf(0)).visit(shop);
    await until(() => asker.refusals.length === 1);
    expect(asker.refusals).toEqual(['PROVIDER_BUSY']);
  });
});

test('channels of one account leave room for those of others, whatever was paid in them', async () => {
  const full = await richChain();
  const opened = openingOf(0);
  const come = async (own: number): Promise<readonly string[]> => {
    const store = createMemoryStore();
    const records = await openProviderStore(store);
    for (let i = 0; i < own; i++)
      await records.put({ ...newProviderRecord(GENESIS_ID, openingOf(i + 1)), n: 1, amount: COST });
    const shop = await Shop.open(full, { store });
    const asker = await new Customer(shop.chain, opened).visit(shop);
    await until(() => asker.refusals.length + shop.status().streams > 0);
    return asker.refusals;
  };
  expect(await come(CHANNELS_ASKER_MAX)).toEqual(['PROVIDER_BUSY']);
  expect(await come(CHANNELS_ASKER_MAX - 1)).toEqual([]);
});

describe('strangers', () => {
  test('who open channel after channel are looked at no faster than some a second', async () => {
    const shop = await Shop.open(await richChain());
    const codes: string[] = [];
    for (let i = 0; i <= OPENING_RATE.burst; i++) {
      const asker = await new Customer(shop.chain, openingOf(100 + i), `asker ${i}`).visit(shop);
      await until(() => asker.refusals.length === 1);
      codes.push(asker.refusals[0]!);
    }
    expect(codes.filter((code) => code === 'CHANNEL_UNKNOWN')).toHaveLength(OPENING_RATE.burst);
    expect(codes.at(-1)).toBe('PROVIDER_BUSY');
  });

  test('who come after one peer’s flood of openings are served', async () => {
    const shop = await Shop.open(await richChain());
    for (let i = 0; i <= OPENING_RATE.burst; i++) {
      const flooder = await new Customer(shop.chain, openingOf(100 + i), 'flooder').visit(shop);
      await until(() => flooder.refusals.length === 1);
    }
    const asker = await new Customer(shop.chain, openingOf(0)).visit(shop);
    await asker.ask([1]);
    await until(() => asker.answers.length === 1);
  });

  test('come after payers, and a few at a time', async () => {
    const held = gate();
    const [shop, askers] = await opened(STRANGERS_MAX + 2, { pass: held.pass });
    const [payer, ...strangers] = askers as [Customer, ...Customer[]];
    await payer.ask([99]);
    await until(() => held.waiting.length === 1);
    held.open();
    await until(() => shop.status().earned === COST);

    for (const [i, stranger] of strangers.entries()) {
      await stranger.ask([i]);
      await until(() => i > 0 || held.waiting.length === 1);
    }
    const [last] = strangers.slice(-1);
    await until(() => last!.refusals.length === 1);
    expect(last!.refusals).toEqual(['PROVIDER_BUSY']);
    expect(strangers.slice(0, -1).flatMap(({ refusals }) => refusals)).toEqual([]);

    await payer.ask([98]);
    await until(() => shop.status().channels === STRANGERS_MAX + 1);
    for (let ran = 2; ran <= STRANGERS_MAX + 2; ran++) {
      await until(() => held.waiting.length === 1);
      held.open();
      await until(() => shop.ran.length === ran);
    }
    // The one that ran already goes first.
    expect(shop.ran).toEqual([99, 0, 98, 1, 2, 3]);
  });
});

test('an asker who does not read holds back his own channel alone', async () => {
  const [shop, [slow, other]] = (await opened(2)) as [Shop, [Customer, Customer]];
  const held = Promise.withResolvers<void>();
  // It is open.
  await until(() => slow.current!.toAsker.sent === 1);
  slow.current!.toAsker.held = held.promise;
  await slow.ask([1]);
  await until(() => shop.ran.length === 1);
  await other.ask([2]);
  await until(() => other.answers.length === 1);
  await shop.mine(1);
  await other.enter({ type: 'close' });
  await until(() => waits(shop).includes('close'));
  held.resolve();
});

describe('a channel near its end', () => {
  test('is closed also while its asker reads a part of an old answer with each block', async () => {
    const [shop, asker] = await openedOne();
    const input = Array.from({ length: CHANNEL_LIFETIME_MIN }, (_, i) => i);
    await asker.ask(input);
    await until(() => shop.status().earned === BigInt(input.length) * COST);
    const { question } = asker.record.current!;
    asker.current!.cut();
    await asker.visit(shop);
    const link = asker.current!;
    await until(() => shop.status().streams === 1);
    await link.toProvider.idle();
    await link.toAsker.idle();

    let held = Promise.withResolvers<void>();
    link.toAsker.held = held.promise;
    await link.toProvider.send({ type: 'question', ...question });
    while (!waits(shop).includes('close')) {
      const before = held;
      held = Promise.withResolvers<void>();
      link.toAsker.held = held.promise;
      before.resolve();
      await shop.mine(1);
      expect(shop.full.head().header.height).toBeLessThan(CHANNEL_LIFETIME_MIN);
      await new Promise((resolve) => setTimeout(resolve));
    }
  });

  test('is closed by itself, and asked for again with each block until it is in one', async () => {
    const [shop, asker] = await openedOne();
    await asker.ask([1]);
    await until(() => shop.status().earned === COST);
    const blocks = CHANNEL_LIFETIME_MIN - ENDING_BLOCKS - 4;
    await shop.mine(blocks);
    expect(waits(shop)).toEqual([]);
    await shop.mine(1);
    await until(() => waits(shop).includes('close'));
    // A pool that forgets it, as after a restart.
    const full = await emptyChain();
    for (const header of await shop.full.headersAfter([], 500))
      await full.importBlock((await shop.full.block(blockId(header)))!);
    const again = await Shop.open(full, { store: shop.store });
    await until(() => waits(again).includes('close'));
    await again.mine(1);
    expect(balance(again)).toBe(COST - FEE);
    expect(asker.record.ended).toBe(1);
  });

  test('that paid nothing is left to its expiry', async () => {
    const held = gate();
    const [shop, asker] = await openedOne({ pass: held.pass });
    await asker.ask([1]);
    await until(() => held.waiting.length === 1);
    await shop.mine(CHANNEL_LIFETIME_MIN - 4);
    expect(waits(shop)).toEqual([]);
    expect(shop.status().channels).toBe(1);
  });

  test('is forgotten once it is gone for long, and what it paid is remembered of its asker', async () => {
    const [shop, asker] = await openedOne();
    await asker.ask([1, 2, 3]);
    await until(() => shop.status().earned === 3n * COST);
    await asker.enter({ type: 'close' });
    await until(() => waits(shop).includes('close'));
    await shop.mine(OVER_BLOCKS);
    expect(shop.status().channels).toBe(1);
    await shop.mine(1);
    await until(() => shop.status().channels === 0);
    expect((await openProviderStore(shop.store)).all()).toEqual([]);
    const payers = await openPayerBook(shop.store);
    expect(payers.paidBy(ann.address)).toBe(3n * COST);
  });

  test('is forgotten in the write that counts what it paid: a failing one counts nothing twice', async () => {
    const bytes = createMemoryStore();
    let left = Infinity;
    const store: Store = {
      ...bytes,
      async batch(puts, durable) {
        if (left-- < 1) throw new AppError('STORE_FAILED', 'a disk that is full');
        await bytes.batch(puts, durable);
      },
    };
    const [shop, asker] = await openedOne({ store });
    await asker.ask([1, 2, 3]);
    await until(() => shop.status().earned === 3n * COST);
    await asker.enter({ type: 'close' });
    await until(() => waits(shop).includes('close'));
    await shop.mine(OVER_BLOCKS);
    // One write more, of whatever is written first.
    left = 1;
    await shop.mine(2);
    left = Infinity;
    await shop.mine(1);
    await until(() => shop.status().channels === 0);
    expect((await openPayerBook(store)).paidBy(ann.address)).toBe(3n * COST);
  });

  test('that went back to its asker has paid nothing', async () => {
    const [shop, asker] = await openedOne();
    await asker.ask([1]);
    await until(() => shop.status().earned === COST);
    // Nobody is here to close it.
    await mine(shop.full, cat, CHANNEL_LIFETIME_MIN);
    await shop.mine(OVER_BLOCKS + 1);
    await until(() => shop.status().channels === 0);
    expect((await openPayerBook(shop.store)).paidBy(ann.address)).toBe(0n);
  });
});

describe('a process that dies at a write', () => {
  /** Once `left` writes were done, none is any more. */
  function dying(store: Store, left: number): Store {
    return {
      ...store,
      async batch(...given) {
        if (left-- <= 0) throw new Error('the power is gone');
        return store.batch(...given);
      },
    };
  }

  test.each([0, 1, 2, 3, 4, 5, 6, 7])('number %i goes on from what was kept', async (left) => {
    const full = await richChain();
    await full.addTx(openingOf(0));
    const kept = createMemoryStore();
    const shop = await Shop.open(full, { store: dying(kept, left) });
    await shop.mine(4);
    const asker = await new Customer(shop.chain, openingOf(0)).visit(shop);
    await asker.ask([1, 2, 3]);
    const isWhole = () => asker.answers.length === 1;
    await until(() => isWhole() || shop.status().streams === 0);
    asker.current!.cut();

    const next = await Shop.open(full, { store: kept });
    await asker.visit(next);
    await until(isWhole);
    expect(asker.answers).toEqual([answerOf(1, 2, 3)]);
    await asker.enter({ type: 'close' });
    await until(() => waits(next).includes('close'));
    await next.mine(1);
    expect(balance(next)).toBe(3n * COST - FEE);
  });
});

test('the book of payers adds up, also over a restart', async () => {
  const store = createMemoryStore();
  const book = await openPayerBook(store);
  const address = ({ address }: Person) => address;
  await book.add(address(ann), 5n, 0n, []);
  await book.add(address(ann), 6n, 0n, []);
  expect(book.paidBy(address(ann))).toBe(11n);
  expect((await openPayerBook(store)).paidBy(address(ann))).toBe(11n);
  expect(book.paidBy(address(cat))).toBe(0n);
  await book.add(address(ann), 6n, 1n, []);
  expect(book.paidBy(address(ann))).toBe(9n);
  await book.add(address(ann), 0n, 2n, []);
  expect((await openPayerBook(store)).paidBy(address(ann))).toBe(0n);
  await book.add(address(cat), 0n, 2n, []);
  expect(await store.range('channels/payers/', 'channels/payers0')).toHaveLength(1);
});

test('channels of one asker give credit once for what it paid, and none where it left debts', async () => {
  const store = createMemoryStore();
  await (await openPayerBook(store)).add(ann.address, 80n * COST, 0n, []);
  const [shop, askers] = await opened(2, { store });
  const rows = ({ record }: Customer): number =>
    record.current!.answer.length / record.current!.unitBytes;
  /** How much comes to one who asks for more than is trusted to anybody, and pays for nothing. */
  async function take(asker: Customer): Promise<number> {
    const { toProvider } = asker.current!;
    const send = toProvider.send.bind(toProvider);
    toProvider.send = async (frame) => {
      if (frame.type !== 'voucher') await send(frame);
    };
    await asker.ask(Array.from({ length: 16 }, (_, i) => i));
    await until(() => shop.ran.length > 0 && rows(asker) > 0);
    await shop.mine(1);
    await toProvider.idle();
    return rows(asker);
  }
  const [one, other] = askers as [Customer, Customer];
  expect(await take(one)).toBe(10);
  expect(await take(other)).toBe(1);
  expect(shop.status().earned).toBe(0n);

  // Nobody closes what nobody paid in.
  await shop.mine(CHANNEL_LIFETIME_MIN + OVER_BLOCKS);
  await until(() => shop.status().channels === 0);
  expect((await openPayerBook(store)).paidBy(ann.address)).toBe(0n);
});

test('channels of one asker that are asked in at the same moment share what it is trusted with', async () => {
  const store = createMemoryStore();
  await (await openPayerBook(store)).add(ann.address, 80n * COST, 0n, []);
  const [shop, askers] = await opened(4, { store });
  for (const { current } of askers) {
    const { toProvider } = current!;
    const send = toProvider.send.bind(toProvider);
    toProvider.send = async (frame) => {
      if (frame.type !== 'voucher') await send(frame);
    };
  }
  const input = Array.from({ length: 16 }, (_, i) => i);
  await Promise.all(askers.map((asker) => asker.ask(input)));
  const rows = ({ record }: Customer): number =>
    record.current!.answer.length / record.current!.unitBytes;
  await until(() => askers.every((asker) => rows(asker) > 0));
  await shop.mine(1);
  for (const { current } of askers) await current!.toProvider.idle();
  // One goes as far as an eighth of what was paid, the others a step.
  expect(askers.map(rows).sort((a, b) => b - a)).toEqual([10, 1, 1, 1]);
});
