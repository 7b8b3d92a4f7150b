/** What a provider told lately holds, also once it has begun anew. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { OFFER_AGE_MS_MAX } from '../../../src/client/channels/offer-book.ts';
import { openToldPrices } from '../../../src/client/providing/told-prices.ts';
import type { Price } from '../../../src/core/price.ts';

const nV = (amount: bigint): Price => ({ type: 'sequence', amount });
const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

test('the lowest price that was told lately is taken', async () => {
  const prices = await openToldPrices(createMemoryStore());
  expect(prices.least(one, 0)).toBeUndefined();
  await prices.tell(one, nV(5n), 0);
  await prices.tell(one, nV(9n), 60_000);
  expect(prices.least(one, OFFER_AGE_MS_MAX)).toEqual(nV(5n));
  expect(prices.least(one, OFFER_AGE_MS_MAX + 1)).toEqual(nV(9n));
  for (let i = 0; i < 100; i++) await prices.tell(one, nV(20n), 120_000);
  expect(prices.least(one, 120_000)).toEqual(nV(20n));
  expect(prices.least(other, 120_000)).toBeUndefined();
});

test('it holds after a start, for each model by itself, and no longer than before', async () => {
  const store = createMemoryStore();
  const before = await openToldPrices(store);
  await before.tell(one, nV(5n), 1000);
  await before.tell(other, { type: 'tokens', amount: 7n }, 2000);
  const after = await openToldPrices(store);
  expect(after.least(one, 3000)).toEqual(nV(5n));
  expect(after.least(other, 3000)).toEqual({ type: 'tokens', amount: 7n });
  await after.tell(one, nV(8n), 4000);
  expect(after.least(one, 4000)).toEqual(nV(5n));
  expect(after.least(one, OFFER_AGE_MS_MAX + 1001)).toEqual(nV(8n));
});

test('what cannot be kept counts all the same, and is said', async () => {
  const full = { range: async () => [], batch: () => Promise.reject(new Error('full')) };
  const prices = await openToldPrices(full);
  await expect(prices.tell(one, nV(5n), 0)).rejects.toThrow('full');
  expect(prices.least(one, 0)).toEqual(nV(5n));
});
