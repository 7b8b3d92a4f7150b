import { expect, test } from 'vitest';
import { randomBelow, randomSample, shuffled, type RandomSource } from '../../src/wallet/random.ts';

/** Gives these 32-bit values in turn. */
const fixed = (...values: number[]): RandomSource => ({
  getRandomValues<T extends ArrayBufferView<ArrayBuffer>>(array: T): T {
    new Uint32Array(array.buffer)[0] = values.shift()!;
    return array;
  },
});

test('values that would favour small numbers are drawn again', () => {
  const lastFair = 2 ** 32 - (2 ** 32 % 10) - 1;
  expect(randomBelow(fixed(lastFair), 10)).toBe(9);
  expect(randomBelow(fixed(lastFair + 1, 2 ** 32 - 1, 13), 10)).toBe(3);
  expect(randomBelow(fixed(2 ** 32 - 1), 2048)).toBe(2047);
});

test('a sample has different items, an order holds all of them', () => {
  const items = Array.from({ length: 20 }, (_, i) => i);
  expect(new Set(randomSample(crypto, items, 6)).size).toBe(6);
  expect(randomSample(crypto, [1, 2], 6).sort()).toEqual([1, 2]);
  expect(shuffled(crypto, items).sort((a, b) => a - b)).toEqual(items);
});
