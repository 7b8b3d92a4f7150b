/** What is read of every weight, against one entry after the other. */
import { expect, it } from 'vitest';
import { OPERAND_MAX } from '../../../src/core/manifest.ts';
import { firstOutside } from '../../../src/miner/package/weights.ts';

const naive = (values: Int8Array): number | undefined =>
  values.find((w) => Math.abs(w) > OPERAND_MAX);
const range = (from: number, until: number): number[] =>
  Array.from({ length: until - from }, (_, i) => from + i);

/** Entries of one kind with another among them, in all places and alignments. */
const arrays = (value: number, others: number): Int8Array[] =>
  range(0, 4).flatMap((offset) =>
    range(1, 10).flatMap((length) =>
      range(0, length).map((at) => {
        const values = new Int8Array(new ArrayBuffer(16), offset, length).fill(others);
        values[at] = value;
        return values;
      }),
    ),
  );

it.each([0, -1, OPERAND_MAX, -OPERAND_MAX])(
  'an entry outside ±63 is found of every value and wherever it lies, among %d',
  (others) => {
    for (const values of range(-128, 128).flatMap((value) => arrays(value, others)))
      if (firstOutside(values) !== naive(values)) expect.fail(`${[...values].join()}`);
    expect(firstOutside(new Int8Array())).toBe(undefined);
  },
);
