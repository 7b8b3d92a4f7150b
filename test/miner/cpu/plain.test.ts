/** The plain product in all ways: any number of rows, the ends of int7 and int8, and nothing written beside C. */
import { describe, expect, it } from 'vitest';
import { createKernel } from '../../../src/miner/cpu/kernel/kernel.ts';
import { isExact, type Relaxed } from '../../../src/miner/cpu/kernel/modules.ts';
import { WAYS, type Way } from '../../../src/miner/cpu/kernel/plain.ts';
import { matrixFrom, multiply, transpose } from '../../oracle/naive-pass.ts';
import { randomBytes, randomOperand } from '../../oracle/random.ts';

const POISON = 0x5b5b5b5b;
const noBreath = () => undefined;

/** Values that are ±most at random. */
const ends = (seed: string, size: number, most: number): Int8Array =>
  Int8Array.from(randomBytes(seed, size), (b) => (b & 1 ? most : -most));

/** C of the first `m` rows of a kernel that is laid out for more, whose C is full of poison. */
async function productOf(
  { m, k, n, most }: { m: number; k: number; n: number; most: number },
  [a, b]: readonly [Int8Array, Int8Array],
  way: Way,
): Promise<number[][]> {
  const kernel = await createKernel([{ m: m + 16, k, n, r: 16 }]);
  const placed = kernel.placeWeights({ k, n }, b);
  const { buffer } = kernel.memory;
  const c = kernel.place('c');
  // Also before C: a row that is written too early shows as well.
  const around = new Int32Array(buffer, c - 64, 16 + (m + 1) * n + 16).fill(POISON);
  kernel.loadOperand(a);
  const l = { m, k, n, r: 16, low: -most, high: most };
  await kernel.multiply(l, placed, noBreath, way);
  expect(around.subarray(0, 16).every((v) => v === POISON)).toBe(true);
  expect(around.subarray(16 + m * n).every((v) => v === POISON)).toBe(true);
  return matrixFrom(new Int32Array(buffer, c, m * n), m, n);
}

const exactly = (k: number, a: Int8Array, b: Int8Array): number[][] =>
  multiply(matrixFrom(a, a.length / k, k), transpose(matrixFrom(b, b.length / k, k)));

describe.each(WAYS)('the %s product', (way) => {
  it.each([1, 2, 3, 4, 5, 7, 8, 13, 16, 17, 50])('of %d rows', async (m) => {
    const [k, n] = [192, 48];
    const a = randomOperand('a', m * k);
    const b = randomOperand('b', n * k);
    const got = await productOf({ m, k, n, most: 63 }, [a, b], way);
    expect(got).toEqual(exactly(k, a, b));
  });

  it.each([63, 127])('at the ends of ±%d', async (most) => {
    const [m, k, n] = [6, 2048, 32];
    for (const [a, b] of [
      [ends('a', m * k, most), ends('b', n * k, 63)],
      [new Int8Array(m * k).fill(most), new Int8Array(n * k).fill(63)],
      [new Int8Array(m * k).fill(-most), new Int8Array(n * k).fill(63)],
      [new Int8Array(m * k).fill(most), new Int8Array(n * k).fill(-63)],
      [new Int8Array(m * k).fill(-most), new Int8Array(n * k).fill(-63)],
    ] as const) {
      const got = await productOf({ m, k, n, most }, [a, b], way);
      expect(got).toEqual(exactly(k, a, b));
    }
  });

  it('of weights that fill several slabs of a core’s cache', async () => {
    const [m, k, n] = [5, 4096, 112];
    const [a, b] = [randomOperand('a', m * k), randomOperand('b', n * k)];
    const got = await productOf({ m, k, n, most: 63 }, [a, b], way);
    expect(got).toEqual(exactly(k, a, b));
  });
});

it('has room for more rows where they are asked for, beside what it has, with the same weights', async () => {
  const [m, k, n] = [40, 64, 32];
  const linears = [{ m: 4096, k, n, r: 16 }];
  const kernel = await createKernel(linears, 0, undefined, 16);
  const placed = kernel.placeWeights({ k, n }, randomOperand('b', n * k));
  const before = kernel.memoryBytes;
  expect(kernel.forRows(16)).toBe(kernel);
  expect(kernel.memoryBytes).toBe(before);
  expect(before).toBeLessThan((await createKernel(linears)).memoryBytes / 2);

  const wide = kernel.forRows(17);
  expect(kernel.forRows(4096)).toBe(wide);
  const c = async (of: typeof kernel, a: Int8Array): Promise<number[][]> => {
    of.loadOperand(a);
    const rows = a.length / k;
    await of.multiply({ m: rows, k, n, r: 16 }, placed, noBreath);
    return matrixFrom(new Int32Array(of.memory.buffer, of.place('c'), rows * n), rows, n);
  };
  const [few, many] = [randomOperand('few', 16 * k), randomOperand('many', m * k)];
  const b = randomOperand('b', n * k);
  expect(await c(kernel, few)).toEqual(exactly(k, few, b));
  expect(await c(wide, many)).toEqual(exactly(k, many, b));
  expect(kernel.activations({ m: 16, k, n, r: 16 })).toEqual(few);
});

it('stands for no values outside int8', async () => {
  const l = { m: 1, k: 64, n: 16, r: 16 };
  const kernel = await createKernel([l]);
  const placed = kernel.placeWeights(l, ends('b', 16 * 64, 63));
  kernel.loadOperand(new Int8Array(64).fill(-128));
  await kernel.multiply({ ...l, low: -128, high: 127 }, placed, noBreath, 'quads');
  const c = [...new Int32Array(kernel.memory.buffer, kernel.place('c'), 16)];
  const b = ends('b', 16 * 64, 63);
  expect(c).toEqual(exactly(64, new Int8Array(64).fill(-128), b)[0]);
});

/** The relaxed module in JavaScript; `dot` is what an engine makes of the sum of two products. */
function fakeOf(memory: WebAssembly.Memory, dot: (sum: number) => number): Relaxed {
  const bytes = new Int8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const gemm =
    (raise: (w: number, a: number) => number, lessOf: (i: number, j: number) => number) =>
    (...[left = 0, panel = 0, , c = 0, m = 0, n = 0, k = 0]: number[]) => {
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p += 2)
            sum += dot(
              [p, p + 1].reduce((pair, q) => {
                const w = bytes[panel + 32 * (q >> 2) + 4 * j + (q & 3)]!;
                return pair + raise(w, bytes[left + i * k + q]!);
              }, 0),
            );
          words[c / 4 + i * n + j] = sum - lessOf(i, j);
        }
      return 0;
    };
  const singles: Relaxed['gemmSingles'] = (...args) =>
    gemm(
      (w, a) => (w + 63) * a,
      (i) => words[args[2]! / 4 + i]!,
    )(...args);
  return {
    raise: (from = 0, count = 0, to = 0) => {
      for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i]! + 63;
      return 0;
    },
    rowSums: (from = 0, m = 0, k = 0, to = 0) => {
      for (let i = 0; i < m; i++)
        words[to / 4 + i] = 63 * bytes.subarray(from + i * k, from + (i + 1) * k).reduce(plus, 0);
      return 0;
    },
    gemmPairs: (...args) =>
      gemm(
        (w, u) => w * u,
        (_, j) => words[args[2]! / 4 + j]!,
      )(...args),
    gemmSingles: singles,
    gemmQuads: singles,
  };
}

const plus = (x: number, y: number): number => x + y;

it('an engine whose relaxed dots are not exact at the ends is not used for them', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const engine = (dot: (sum: number) => number) => isExact(fakeOf(memory, dot), memory);
  expect(engine((sum) => sum)).toBe(true);
  expect(engine((sum) => Math.min(sum, 32_003))).toBe(false);
  expect(engine((sum) => Math.max(sum, -15_875))).toBe(false);
});
