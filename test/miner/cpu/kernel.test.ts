import { describe, expect, it } from 'vitest';
import { plainHash } from '../../../src/core/hash.ts';
import type { LinearSize } from '../../../src/core/manifest.ts';
import { factorRow, permutations } from '../../../src/core/pow/noise.ts';
import { createKernel } from '../../../src/miner/cpu/kernel/kernel.ts';
import { WAYS } from '../../../src/miner/cpu/kernel/plain.ts';
import { KERNEL_WASM } from '../../../src/miner/cpu/kernel/kernel-wasm.ts';
import { RELAXED_WASM } from '../../../src/miner/cpu/kernel/relaxed-wasm.ts';
import { buildKernel, buildRelaxed } from '../../../src/miner/cpu/kernel/build.mjs';
import { toBigint } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { matrixFrom, multiply, naiveLinear, transpose } from '../../oracle/naive-pass.ts';
import { randomBytes, randomOperand } from '../../oracle/random.ts';

const shape = (m: number, k: number, n: number, r: number): LinearSize => ({ m, k, n, r });
/** One tile; more steps than words; ranks of one, several and over 64 places; peel past int16; weights of
 * a slab and a quarter. */
const SHAPES = [
  shape(16, 128, 16, 16),
  shape(48, 320, 80, 16),
  shape(32, 256, 48, 32),
  shape(16, 384, 32, 48),
  shape(32, 640, 16, 80),
  shape(16, 1920, 16, 240),
  shape(16, 2112, 16, 16),
  shape(16, 2048, 80, 64),
  shape(16, 8192, 16, 128),
];
const noBreath = () => undefined;
const rowsOf = (c: Float32Array, l: LinearSize) => matrixFrom(c, l.m, l.n);

describe('the kernel against the naive oracle', () => {
  const operands = {
    random: (seed: string, size: number) => randomOperand(seed, size),
    extreme: (seed: string, size: number) =>
      Int8Array.from(randomBytes(seed, size), (b) => (b & 1 ? 63 : -63)),
    equal: (_: string, size: number) => new Int8Array(size).fill(63),
  };
  type Name = keyof typeof operands;
  const all = Object.keys(operands) as Name[];
  for (const l of SHAPES)
    // The oracle is slow: large ones only where sums are largest.
    for (const name of l.k > 1000 ? (['extreme'] as const) : all)
      it(`${l.m}×${l.k}×${l.n} rank ${l.r}, ${name} operands`, async () => {
        const kernel = await createKernel([l]);
        const operand = operands[name];
        const a = operand('a', l.m * l.k);
        const b = operand('b', l.n * l.k);
        const placed = kernel.placeWeights(l, b);
        expect(kernel.weightRows(l, placed)).toEqual(b);
        const seed = randomBytes(`${name} seed`, 32);
        const naive = naiveLinear(l, 3, seed, seed, a, b);
        expect(kernel.loadActivations(l, Float32Array.from(a))).toBe(true);
        expect(kernel.activations(l)).toEqual(a);
        expect(kernel.hashActivations(l)).toEqual(naive.a);
        const { t, tickets } = await kernel.multiplyNoisy(
          l,
          placed,
          { sigma: naive.sigma, number: 3 },
          noBreath,
        );
        expect(t).toEqual(naive.t);
        naive.tickets.forEach((ticket, tile) =>
          expect(toBigint(tickets.slice(32 * tile, 32 * tile + 32))).toBe(ticket),
        );
        expect(rowsOf(kernel.product(l), l)).toEqual(naive.product);
        for (const way of WAYS) {
          kernel.loadOperand(a);
          await kernel.multiply(l, placed, noBreath, way);
          expect(rowsOf(kernel.product(l), l)).toEqual(naive.product);
        }
      });
});

describe('one kernel for several linears', () => {
  it('gives the same, whatever ran before', async () => {
    const kernel = await createKernel(SHAPES);
    for (const l of [...SHAPES, ...SHAPES.toReversed()]) {
      const a = randomOperand(`a ${l.k}`, l.m * l.k);
      const b = randomOperand(`b ${l.k}`, l.n * l.k);
      kernel.loadOperand(a);
      await kernel.multiply(l, kernel.placeWeights(l, b), noBreath);
      const exact = multiply(matrixFrom(a, l.m, l.k), transpose(matrixFrom(b, l.n, l.k)));
      expect(rowsOf(kernel.product(l), l)).toEqual(exact);
      expect(kernel.hashActivations(l)).toEqual(plainHash(new Uint8Array(a)));
    }
  });

  it('hashes bytes of any length, as far as it has room', async () => {
    const kernel = await createKernel(SHAPES, 70_000);
    const at = kernel.reserve(70_000);
    for (const count of [2, 6, 62, 64, 66, 1024, 2000, 4000, 70_000]) {
      const bytes = randomBytes(`carry ${count}`, count);
      new Uint8Array(kernel.memory.buffer, at).set(bytes);
      expect(kernel.hashAt(at, count)).toEqual(plainHash(bytes));
    }
  });

  it('gives the same t without tickets and without a product', async () => {
    const l = shape(32, 256, 48, 32);
    const kernel = await createKernel([l]);
    const weights = kernel.placeWeights(l, randomOperand('b', l.n * l.k));
    kernel.loadOperand(randomOperand('a', l.m * l.k));
    const noisy = async (wanted: { exact?: boolean; tickets?: boolean }) => {
      const sigma = randomBytes('sigma', 32);
      const made = await kernel.multiplyNoisy(
        l,
        weights,
        { sigma, number: 2, ...wanted },
        noBreath,
      );
      return { t: made.t, tickets: made.tickets.slice() };
    };
    const whole = await noisy({});
    expect(whole.tickets.length).toBe(32 * 6);
    const product = kernel.product(l).slice();
    expect(await noisy({ exact: false })).toEqual(whole);
    expect(await noisy({ tickets: false })).toEqual({ t: whole.t, tickets: new Uint8Array() });
    expect(kernel.product(l)).toEqual(product);
  });

  it('peels no noise whose projections leave int16', async () => {
    // Of each column one row of E_R·B' gets the largest step of every block, where the noise adds to it.
    const l = shape(16, 8192, 16, 16);
    const sigma = randomBytes('sigma', 32);
    const order = permutations(sigma, 'a', l.k, l.r);
    const b = new Int8Array(l.n * l.k);
    for (let j = 0; j < l.n; j++) {
      const factor = factorRow(sigma, 'b', j, l.r);
      const row = factor.indexOf(Math.min(...factor));
      for (const [c, at] of order.entries())
        if (at === row) {
          b[j * l.k + c] = -63;
          if ((c + 1) % l.r) b[j * l.k + c + 1] = 63;
        }
    }
    const a = randomOperand('a', l.m * l.k);
    const kernel = await createKernel([l]);
    kernel.loadOperand(a);
    await kernel.multiplyNoisy(l, kernel.placeWeights(l, b), { sigma, number: 1 }, noBreath);
    const exact = multiply(matrixFrom(a, l.m, l.k), transpose(matrixFrom(b, l.n, l.k)));
    expect(rowsOf(kernel.product(l), l)).toEqual(exact);
  });

  it('stops between slabs when told to', async () => {
    const l = shape(64, 4096, 2048, 64);
    const kernel = await createKernel([l]);
    const weights = kernel.placeWeights(l, new Int8Array(l.n * l.k));
    let breaths = 0;
    const stop = () => {
      if (++breaths === 2) throw new AppError('PASS_ABORTED', 'stop');
      return undefined;
    };
    await expect(kernel.multiply(l, weights, stop)).rejects.toThrow('stop');
    expect(breaths).toBe(2);
  });
});

describe('what the kernel refuses', () => {
  const [l] = SHAPES as [LinearSize];
  it.each([-121, 128, 101, 0.5, NaN])(
    'an activation of %d where others may be -120..100',
    async (bad) => {
      const kernel = await createKernel([l]);
      const wide = { ...l, low: -120, high: 100 };
      const values = new Float32Array(l.m * l.k).fill(-120).fill(100, 5);
      expect(kernel.loadActivations(wide, values)).toBe(true);
      expect(kernel.activations(l)).toEqual(Int8Array.from(values));
      expect(kernel.loadActivations(wide, values.with(17, bad))).toBe(false);
    },
  );
  it.each([64, -64, 0.5, NaN, Infinity, -1e9, 2 ** 31])('an activation of %d', async (bad) => {
    const kernel = await createKernel([l]);
    for (const at of [0, 17, l.m * l.k - 1]) {
      const values = new Float32Array(l.m * l.k).fill(-63);
      expect(kernel.loadActivations(l, values)).toBe(true);
      values[at] = bad;
      expect(kernel.loadActivations(l, values)).toBe(false);
    }
  });

  it('a rank that its tables cannot hold', async () => {
    await expect(createKernel([shape(16, 2048, 16, 256)])).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
    });
  });
});

it('the committed wasm is what the source compiles to', async () => {
  expect(await buildKernel()).toContain(KERNEL_WASM);
  expect(await buildRelaxed()).toContain(RELAXED_WASM);
});
