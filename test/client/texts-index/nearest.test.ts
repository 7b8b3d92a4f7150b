/** The nearest rows: the same as by sorting all cosines, one by one. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nearest, rowsFrom } from '../../../src/client/texts-index/nearest.ts';

const SIZE = 6;
const row = fc.array(fc.integer({ min: -128, max: 127 }), { minLength: SIZE, maxLength: SIZE });
const documents = fc.array(fc.array(row, { maxLength: 8 }), { maxLength: 6 });

/** Exact: what is compared are squares of cosines with their signs, as fractions. */
function naive(all: readonly (readonly number[][])[], query: readonly number[], max: number) {
  const dot = (a: readonly number[], b: readonly number[]): bigint =>
    a.reduce((sum, x, i) => sum + BigInt(x) * BigInt(b[i]!), 0n);
  const found = all.flatMap((rows, document) =>
    rows.map((values, at) => {
      const product = dot(values, query);
      const square = dot(values, values) * dot(query, query);
      return { document, row: at, over: product * (product < 0n ? -product : product), square };
    }),
  );
  const order = (a: (typeof found)[0], b: (typeof found)[0]): number => {
    const [x, y] = [a.over * (b.square || 1n), b.over * (a.square || 1n)];
    return x === y ? 0 : x < y ? 1 : -1;
  };
  return found.sort(order).slice(0, max);
}

test('they are those of a search that compares every two as fractions', () => {
  fc.assert(
    fc.property(documents, row, fc.integer({ min: 1, max: 9 }), (all, query, max) => {
      const rows = all.map((each) => rowsFrom(Int8Array.from(each.flat()), SIZE));
      const found = nearest(rows, Int8Array.from(query), max);
      const expected = naive(all, query, max);
      expect(found).toHaveLength(expected.length);
      for (const [i, { document, row: at, cosine }] of found.entries()) {
        const { over, square } = expected[i]!;
        const exact = square ? Number(over) / Number(square) : 0;
        expect(cosine * Math.abs(cosine)).toBeCloseTo(exact, 12);
        const own = naive([[all[document]![at]!]], query, 1)[0]!;
        // Of rows that are alike to the last bit of a double, either may come first.
        expect(Number(own.over) / Number(own.square || 1n)).toBeCloseTo(exact, 12);
      }
    }),
  );
});

test('a row is 1 to itself, −1 to its opposite, of equals the first comes first; zeros are like nothing', () => {
  const values = Int8Array.of(3, 4, 0, 0, -3, -4, 3, 4, 0, 0);
  const found = nearest([rowsFrom(values, 2)], Int8Array.of(3, 4), 5);
  expect(found.map(({ row: at, cosine }) => [at, cosine])).toEqual([
    [0, 1],
    [3, 1],
    [1, 0],
    [4, 0],
    [2, -1],
  ]);
  expect(nearest([rowsFrom(values, 2)], Int8Array.of(0, 0), 1)[0]!.cosine).toBe(0);
});

test('the largest products are exact', () => {
  const size = 384;
  const least = new Int8Array(size).fill(-128);
  expect(nearest([rowsFrom(least, size)], least, 1)[0]!.cosine).toBeCloseTo(1, 15);
});
