/** Answering switched on and off: what is offered, at what price, and what goes on while it is off. */
import { afterEach, expect, test } from 'vitest';
import { unitShape } from '../../../src/core/manifest.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { openProviderStore } from '../../../src/client/channels/channel-store.ts';
import { openPayerBook } from '../../../src/client/providing/payer-book.ts';
import { openToldPrices } from '../../../src/client/providing/told-prices.ts';
import { fairPrice } from '../../../src/client/providing/prices.ts';
import {
  createProviderService,
  type ProviderService,
  type ProviderServiceDeps,
} from '../../../src/client/providing/provider-service.ts';
import { receiptHash, signHash } from '../../../src/core/channel.ts';
import { decode } from '../../../src/core/codec.ts';
import { Tx } from '../../../src/core/formats.ts';
import { isSignedOffer, offerHash, type Offer } from '../../../src/core/offer.ts';
import { signTx, txBytes } from '../../../src/core/tx/tx.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { GENESIS_ID, MANIFEST, MODEL, START_MS } from '../../chain/make-blocks.ts';
import { createOneByOne } from '../channels/one-by-one.ts';
import { bob, chainOf, COST, Customer, openingOf, richChain, rowsOf } from '../channels/shop.ts';

const wait = { timeout: 5_000, interval: 2 };
const mining = { models: [MANIFEST], target: (1n << 256n) / 1_000_000n, height: 10 };
const own = fairPrice(MANIFEST, mining);
let service: ProviderService | undefined;
afterEach(() => service?.stop());

async function open(more: Partial<ProviderServiceDeps> = {}) {
  const full = await richChain();
  const store = createMemoryStore();
  const offers: Offer[] = [];
  /** For newcomers. */
  const kept: Offer[] = [];
  const chain = chainOf(full);
  service = createProviderService({
    chain,
    store: await openProviderStore(store),
    payers: await openPayerBook(store),
    told: await openToldPrices(store),
    signers: {
      servingKey: async () => bob.xonly,
      signReceipt: async (receipt) => signHash(receiptHash(GENESIS_ID, receipt), bob.secret),
      signOffer: async (offer) => signHash(offerHash(GENESIS_ID, offer), bob.secret),
      signClose: async (tx) => txBytes(signTx(GENESIS_ID, decode(Tx, tx), bob.secret)),
    },
    answerer: createOneByOne(
      async ({ input }) => rowsOf(input.filter((_, i) => i % 16 === 0)),
      () => 0,
    ),
    served: () => [MANIFEST],
    mining: () => mining,
    peerId: () => 'me',
    announce: async (offer) => offers.push(offer),
    offers: { noteOwn: (offer) => kept.push(offer), announceMs: () => 20, repeatMs: () => 10 },
    nowMs: () => START_MS,
    log: silentLog,
    onChange: () => undefined,
    ...more,
  });
  return { service, offers, kept, chain, full };
}

test('what is offered is signed, with the price of mining, and told again', async () => {
  const { service, offers, kept } = await open();
  expect(offers).toEqual([]);
  await service.provide({ payee: bob.address });
  await expect.poll(() => offers.length, wait).toBeGreaterThan(2);
  expect(isSignedOffer(GENESIS_ID, offers[0]!)).toBe(true);
  expect(kept.slice(0, offers.length)).toEqual(offers);
  expect(offers[0]!.offer).toMatchObject({
    provider: bob.xonly,
    payee: bob.address,
    models: [{ model: MODEL, price: own, window: unitShape(MANIFEST).tokens }],
    time: START_MS,
  });
  expect(service.status().isOn).toBe(true);
  await service.provide(undefined);
  const told = offers.length;
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(offers.length).toBeLessThanOrEqual(told + 1);
  expect(service.status().isOn).toBe(false);
});

test('nothing is offered without a model, or by a node that nobody can name', async () => {
  const nobody = await open({ peerId: () => undefined });
  await nobody.service.provide({ payee: bob.address });
  const nothing = await open({ served: () => [] });
  await nothing.service.provide({ payee: bob.address });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect([...nobody.offers, ...nothing.offers]).toEqual([]);
});

test('an offer that nobody could be told is told as soon as somebody is there, and soon once more', async () => {
  let [isConnected, peers] = [false, 0];
  const told: Offer[] = [];
  const { service, kept } = await open({
    peerId: () => (isConnected ? 'me' : undefined),
    announce: async (offer) => (peers ? told.push(offer) : 0),
    // One minute, as among few providers.
    offers: { noteOwn: (offer) => kept.push(offer), announceMs: () => 60_000, repeatMs: () => 50 },
  });
  await service.provide({ payee: bob.address });
  isConnected = true;
  // Connected, but nobody has subscribed to offers yet.
  await expect.poll(() => kept.length, wait).toBeGreaterThan(0);
  expect(told).toEqual([]);
  peers = 1;
  await expect.poll(() => told.length, wait).toBe(2);
});

test('an own price is asked, and one that was told before is still taken', async () => {
  const { service, chain, offers } = await open();
  await service.provide({ payee: bob.address, price: COST });
  await expect.poll(() => offers.length, wait).toBeGreaterThan(0);
  await service.provide({ payee: bob.address, price: 2n * COST });
  const asker = await new Customer(chain, openingOf(0)).visit(service);
  await asker.ask([7]);
  await expect.poll(() => asker.answers.length, wait).toBe(1);
});

test('what was told is still taken by one that has begun anew, dearer', async () => {
  const store = createMemoryStore();
  const before = await open({ told: await openToldPrices(store) });
  await before.service.provide({ payee: bob.address, price: COST });
  await expect.poll(() => before.offers.length, wait).toBeGreaterThan(0);
  before.service.stop();
  const { service, chain, offers } = await open({ told: await openToldPrices(store) });
  await service.provide({ payee: bob.address, price: 2n * COST });
  await expect.poll(() => offers.length, wait).toBeGreaterThan(0);
  const asker = await new Customer(chain, openingOf(0)).visit(service);
  await asker.ask([7]);
  await expect.poll(() => asker.answers.length, wait).toBe(1);
});

test('a question that is kept waits for keys that do not sign yet', async () => {
  const store = await openProviderStore(createMemoryStore());
  const never = () => new Promise<never>(() => undefined);
  const asleep = {
    answer: never,
    verify: never,
    generate: () => expect.unreachable(),
    load: () => ({ queue: 0, waitSeconds: 0 }),
  };
  const before = await open({ store, answerer: asleep });
  await before.service.provide({ payee: bob.address, price: COST });
  const asker = await new Customer(before.chain, openingOf(0)).visit(before.service);
  await asker.ask([7]);
  await expect.poll(() => store.all().length, wait).toBe(1);
  asker.current!.cut();

  const locked = await open({ store, signers: undefined });
  await asker.visit(locked.service);
  await expect.poll(() => asker.current!.toAsker.isCut, wait).toBe(true);
  expect(asker.refusals).toEqual([]);
  const after = await open({ store });
  await after.full.addTx(openingOf(0));
  await after.service.provide({ payee: bob.address, price: COST });
  await asker.visit(after.service);
  await expect.poll(() => asker.answers.length, wait).toBe(1);
});

test('nobody is answered while it is off, and channels of before are closed in time', async () => {
  const { service, chain, full } = await open();
  const early = await new Customer(chain, openingOf(0)).visit(service);
  await expect.poll(() => early.refusals, wait).toEqual(['CHANNEL_UNKNOWN']);
  await service.provide({ payee: bob.address, price: COST });
  const asker = await new Customer(chain, openingOf(0)).visit(service);
  await asker.ask([7]);
  await expect.poll(() => service.status().earned, wait).toBe(COST);
  await service.provide(undefined);
  await asker.ask([8]);
  await expect.poll(() => asker.refusals, wait).toEqual(['MODEL_UNKNOWN']);
  const { mine } = await import('../../chain/make-blocks.ts');
  await mine(full, bob, 3);
  await service.onHead();
  await asker.enter({ type: 'close' });
  await expect.poll(() => full.mempool.byFee().map(({ tx }) => tx.type), wait).toEqual(['close']);
});

test('without keys, or before there is a serving key, it can not be switched on', async () => {
  const none = await open({ signers: undefined });
  await expect(none.service.provide({ payee: bob.address })).rejects.toMatchObject({
    code: 'SERVING_MISSING',
  });
  const { service } = await open();
  await expect(service.provide(undefined)).resolves.toBeUndefined();
  await expect(service.onHead()).resolves.toBeUndefined();
});
