/** A provider of a language model over real blocks: tokens told as they are made, paid step by step, and no further. */
import { afterEach, expect, test, vi } from 'vitest';
import { costOf, stepOf } from '../../../src/core/price.ts';
import { tokensFromBytes } from '../../../src/core/reading.ts';
import { person, START_MS } from '../../chain/make-blocks.ts';
import {
  Customer,
  openingOf,
  richChain,
  Shop,
  tokenAt,
  TOKENS,
  wait,
  type ShopOptions,
} from './shop.ts';

const STEP = stepOf(TOKENS);
const INPUT = [7, 8, 9, 10, 11];
const cost = (units: number): bigint => costOf({ price: TOKENS, read: INPUT.length }, units);
const answerOf = (units: number): number[] =>
  Array.from({ length: units }, (_, place) => tokenAt(INPUT, place));
const until = (is: () => boolean): Promise<void> => expect.poll(is, wait).toBe(true);

/** Askers with channels that are deep enough for all that is paid in them. */
async function opened(count: number, options: ShopOptions = {}): Promise<[Shop, Customer[]]> {
  const full = await richChain();
  const signers = Array.from({ length: count }, (_, i) => person(90 + i));
  const limit = cost(2000);
  const openings = signers.map(({ xonly }, i) => openingOf(i, { signer: xonly, limit }));
  for (const opening of openings) await full.addTx(opening);
  const shop = await Shop.open(full, options);
  await shop.mine(4);
  const askers = openings.map(
    (opening, i) => new Customer(shop.chain, opening, `${i}`, signers[i]),
  );
  for (const asker of askers) await asker.visit(shop);
  return [shop, askers];
}
async function openedOne(options: ShopOptions = {}): Promise<[Shop, Customer]> {
  const [shop, [asker]] = await opened(1, options);
  return [shop, asker!];
}
const partsOf = ({ told }: Customer): number[] =>
  told.flatMap((each) => (each.what === 'part' ? [tokensFromBytes(each.bytes).length] : []));
const cameOf = ({ record }: Customer): number => (record.current?.answer.length ?? 0) / 4;

afterEach(() => void vi.useRealTimers());

test('are told as they are made, paid for step by step with those of the question, and kept with a receipt', async () => {
  const [shop, asker] = await openedOne({ length: 90 });
  await asker.talk(INPUT, 200);
  await until(() => asker.answers.length === 1);
  expect([...tokensFromBytes(asker.answers[0]!)]).toEqual(answerOf(90));
  const parts = partsOf(asker);
  expect(parts[0]).toBe(1);
  expect(Math.max(...parts)).toBeLessThanOrEqual(STEP);
  expect(parts.reduce((sum, part) => sum + part)).toBe(90);
  expect(asker.record.vouched).toBe(cost(90));
  await until(() => shop.status().earned === cost(90));
  expect(shop.status()).toMatchObject({ answers: 1, units: 90 });
  // None was made twice.
  expect(shop.spoken).toEqual(Array.from({ length: 90 }, (_, i) => i));
});

test('are made no further than a step ahead of vouchers; where none comes the answer ends, and the model goes to others', async () => {
  const [shop, asker] = await openedOne();
  asker.pays = false;
  await asker.talk(INPUT, 200);
  await until(() => cameOf(asker) === STEP);
  await expect.poll(() => asker.answers.length, { timeout: 10_000 }).toBe(1);
  expect(shop.speaking).toBe(0);
  expect(shop.spoken).toHaveLength(STEP);
  // What came is owed before anything else is answered.
  await asker.talk(INPUT, 10);
  await until(() => asker.refusals.length === 1);
  expect(asker.refusals).toEqual(['PAYMENT_REQUIRED']);
  asker.pays = true;
  await asker.visit(shop);
  await asker.talk(INPUT, 10);
  await until(() => asker.answers.length === 2);
  expect(asker.record.vouched).toBe(cost(STEP) + cost(10));
});

test('of who pays as they come are made to their end, however long that takes', async () => {
  const [STEPS, AT] = [20, 15];
  let go = (): void => undefined;
  let isHeld = false;
  let isSlow = false;
  const [, asker] = await openedOne({
    length: 5000,
    async speak(place) {
      if (isSlow && place === AT * STEP + 3)
        await new Promise<void>((resolve) => ([isHeld, go] = [true, resolve]));
    },
  });
  // Who has paid for so much is served step after step, each begun as the one before is told.
  await asker.talk(INPUT, 40 * STEP);
  await until(() => asker.answers.length === 1);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  isSlow = true;
  await asker.talk(INPUT, STEPS * STEP);
  await until(() => isHeld);
  await vi.advanceTimersByTimeAsync(60_000);
  go();
  await until(() => asker.answers.length === 2);
  expect(asker.refusals).toEqual([]);
  expect(cameOf(asker)).toBe(STEPS * STEP);
});

test('that are vouched for before the channel is deep enough go on once it is', async () => {
  const full = await richChain();
  const signer = person(90);
  const opening = openingOf(0, { signer: signer.xonly, limit: cost(2000) });
  await full.addTx(opening);
  const shop = await Shop.open(full);
  await shop.mine(1);
  const asker = await new Customer(shop.chain, opening, 'asker', signer).visit(shop);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await asker.talk(INPUT, 100);
  await until(() => shop.status().earned === cost(STEP));
  await vi.advanceTimersByTimeAsync(60_000);
  // Nobody holds the model meanwhile.
  await until(() => shop.speaking === 0);
  expect([cameOf(asker), asker.answers.length]).toEqual([STEP, 0]);
  await shop.mine(3);
  await until(() => asker.answers.length === 1);
  expect([...tokensFromBytes(asker.answers[0]!)]).toEqual(answerOf(100));
  expect(asker.record.vouched).toBe(cost(100));
});

test('end with the step that runs where the asker stops', async () => {
  let isSlow = false;
  let held = 0;
  let go = (): void => undefined;
  let ms = START_MS;
  const [shop, asker] = await openedOne({
    length: 5000,
    // A token takes long enough to be told alone.
    nowMs: () => (ms += 60),
    async speak(place) {
      if (!isSlow || place < STEP + 3) return;
      await new Promise<void>((resolve) => ((held = place), (go = resolve)));
    },
  });
  // Who has paid for so much is served several steps at once.
  await asker.talk(INPUT, 40 * STEP);
  await until(() => asker.answers.length === 1);
  isSlow = true;
  await asker.talk(INPUT, 200);
  await until(() => held > 0);
  await asker.enter({ type: 'stop' });
  const letting = setInterval(() => go(), 1);
  await until(() => asker.answers.length === 2).finally(() => clearInterval(letting));
  expect(cameOf(asker)).toBe(2 * STEP);
  expect(asker.record.vouched).toBe(cost(40 * STEP) + cost(2 * STEP));
  expect(shop.spoken).toHaveLength(42 * STEP);
});

test('of an answer within which the provider died are made again behind what it had said, and paid once', async () => {
  let dies = 40;
  const never = new Promise<void>(() => undefined);
  const [shop, asker] = await openedOne({
    speak: (place) => (place >= dies ? never : Promise.resolve()),
  });
  await asker.talk(INPUT, 100);
  await until(() => cameOf(asker) === STEP);
  dies = Infinity;
  await shop.start();
  await asker.visit(shop);
  await until(() => asker.answers.length === 1);
  expect([...tokensFromBytes(asker.answers[0]!)]).toEqual(answerOf(100));
  expect(asker.record.vouched).toBe(cost(100));
  expect(partsOf(asker).reduce((sum, part) => sum + part)).toBe(100);
});

test('are made for several askers at once', async () => {
  let most = 0;
  const [shop, askers] = await opened(3, {
    length: 70,
    speak: async () => {
      most = Math.max(most, shop.speaking);
      await new Promise((resolve) => setTimeout(resolve));
    },
  });
  await Promise.all(askers.map((asker) => asker.talk(INPUT, 100)));
  await until(() => askers.every(({ answers }) => answers.length === 1));
  expect(most).toBe(3);
  for (const asker of askers) expect(asker.record.vouched).toBe(cost(70));
});

test('that a model fails to make end the answer with what came, which is paid for', async () => {
  const [, asker] = await openedOne({
    speak: async (place) => {
      if (place === 40) throw new Error('out of memory');
    },
  });
  await asker.talk(INPUT, 100);
  await until(() => asker.answers.length === 1);
  expect(asker.refusals).toEqual(['MODEL_FAILED']);
  expect(cameOf(asker)).toBe(STEP);
  expect(asker.record.vouched).toBe(cost(STEP));
});
