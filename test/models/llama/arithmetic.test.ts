/** The importer's arithmetic against loops in float64, and each row's independence of the others. */
import { describe, expect, it } from 'vitest';
import { buildArithmetic } from '../../../models/import/llama/kernel/build.mjs';
import { ARITHMETIC_WASM } from '../../../models/import/llama/kernel/arithmetic-wasm.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import { randomFloats } from './random.ts';

const arithmetic = await createArithmetic();

/** Σ over t of f(i, j, t), for all i and j. */
const table = (m: number, n: number, cell: (i: number, j: number) => number): Float64Array =>
  Float64Array.from({ length: m * n }, (_, at) => cell(Math.floor(at / n), at % n));
const sum = (count: number, term: (t: number) => number): number => {
  let total = 0;
  for (let t = 0; t < count; t++) total += term(t);
  return total;
};

function expectNear(got: ArrayLike<number>, wanted: ArrayLike<number>, most: number): void {
  expect(got.length).toBe(wanted.length);
  const worst = Array.from(got, (v, i) => Math.abs(v - wanted[i]!)).reduce(
    (a, b) => Math.max(a, Number.isNaN(b) ? Infinity : b),
    0,
  );
  expect(worst).toBeLessThan(most);
}

it('the committed module is what its sources give', async () => {
  expect(await buildArithmetic()).toContain(ARITHMETIC_WASM.trim());
});

it("the module takes no function of the engine's, whose bits might be its own", async () => {
  const bytes = Uint8Array.from(Buffer.from(ARITHMETIC_WASM, 'base64'));
  expect(WebAssembly.Module.imports(await WebAssembly.compile(bytes))).toEqual([]);
});

it('exp, log, pow, sin and cos are within two units in the last place', () => {
  const far = (got: number, wanted: number) =>
    Math.abs(got - wanted) / Math.max(Math.abs(wanted), 1e-300);
  for (let i = -4000; i <= 4000; i++) {
    const x = i * 0.1237;
    expect(far(arithmetic.exp(x), Math.exp(x))).toBeLessThan(5e-16);
    expect(far(arithmetic.log(x * x + 1e-3), Math.log(x * x + 1e-3))).toBeLessThan(5e-16);
    expect(far(arithmetic.pow(1e5, x / 99), 1e5 ** (x / 99))).toBeLessThan(5e-16);
    expect(Math.abs(arithmetic.sin(x) - Math.sin(x))).toBeLessThan(3e-16);
    expect(Math.abs(arithmetic.cos(x) - Math.cos(x))).toBeLessThan(3e-16);
  }
});

describe('products', () => {
  it.each([
    [1, 5, 1],
    [3, 64, 8],
    [4, 17, 9],
    [5, 1, 16],
    [259, 70, 33],
  ])('of %d rows, depth %d, %d columns', (m, k, n) => {
    const [a, b] = [randomFloats('a', m * k), randomFloats('b', n * k)];
    const got = arithmetic.multiply(a, b, k);
    // The same order in float32: equal, not near.
    const f = Math.fround;
    const wanted = table(m, n, (i, j) => {
      let total = 0;
      for (let t = 0; t < k; t++) total = f(total + f(a[i * k + t]! * b[j * k + t]!));
      return total;
    });
    expect(got).toEqual(Float32Array.from(wanted));
  });

  it('a row is the same alone and in company, and what is placed stays', () => {
    const [m, k, n] = [11, 40, 24];
    const a = randomFloats('a', m * k);
    const mark = arithmetic.mark();
    const placed = arithmetic.place(randomFloats('b', n * k), k);
    const other = arithmetic.place(randomFloats('c', n * k), k);
    const all = arithmetic.product(a, placed);
    arithmetic.product(a, other);
    for (let i = 0; i < m; i++)
      expect(arithmetic.product(a.subarray(i * k, (i + 1) * k), placed)).toEqual(
        all.slice(i * n, (i + 1) * n),
      );
    arithmetic.release(mark);
  });

  it.each([
    [1, 8],
    [300, 22],
    [513, 150],
  ])('XᵀX of %d rows of %d', (m, k) => {
    const x = Float32Array.from(randomFloats('x', m * k), (v) => Math.round(v * 255));
    const wanted = table(k, k, (i, j) => sum(m, (r) => x[r * k + i]! * x[r * k + j]!));
    expect(arithmetic.gram(x, k)).toEqual(wanted);
  });
});

/** Of what GPTQ sees. */
const ROWS = 400;

describe('GPTQ', () => {
  const [k, n] = [140, 7];
  // Columns that have much in common, as activations have.
  const common = randomFloats('common', ROWS, 4);
  const x = randomFloats('x', ROWS * k).map((v, at) => v + common[Math.floor(at / k)]!);
  const h = arithmetic.gram(x, k);
  const u = arithmetic.inverseRoot(h, k);

  it('UᵀU·H is one, and U is upper', () => {
    const inverse = table(k, k, (i, j) => sum(k, (t) => u[t * k + i]! * u[t * k + j]!));
    const one = table(k, k, (i, j) => sum(k, (t) => inverse[i * k + t]! * h[t * k + j]!));
    expectNear(
      one,
      table(k, k, (i, j) => +(i === j)),
      1e-9,
    );
    expectNear(
      u,
      table(k, k, (i, j) => (i <= j ? u[i * k + j]! : 0)),
      1e-30,
    );
  });

  it('refuses what is not positive definite', () => {
    const flat = new Float64Array(k * k).fill(1);
    expect(() => arithmetic.inverseRoot(flat, k)).toThrow('positive definite');
  });

  it('rounds as the loop over columns does', () => {
    const rows = Float64Array.from(randomFloats('rows', n * k, 70));
    const wanted = new Int8Array(n * k);
    for (let i = 0; i < n; i++) {
      const row = rows.slice(i * k, (i + 1) * k);
      for (let j = 0; j < k; j++) {
        const q = Math.max(-63, Math.min(63, Math.floor(row[j]! + 0.5)));
        wanted[i * k + j] = q;
        const error = (row[j]! - q) / u[j * k + j]!;
        for (let t = j + 1; t < k; t++) row[t]! -= error * u[j * k + t]!;
      }
    }
    expect(arithmetic.roundRows(rows, u, k, 63)).toEqual(wanted);
    expect(arithmetic.roundRows(rows.slice(0, 2 * k), u, k, 63)).toEqual(wanted.slice(0, 2 * k));
  });

  it('loses less of the products than rounding to nearest', () => {
    const rows = Float64Array.from(randomFloats('rows', n * k, 6));
    const lost = (integers: ArrayLike<number>) =>
      sum(ROWS * n, (at) => {
        const [i, j] = [Math.floor(at / n), at % n];
        return sum(k, (t) => x[i * k + t]! * (integers[j * k + t]! - rows[j * k + t]!)) ** 2;
      });
    expect(lost(arithmetic.roundRows(rows, u, k, 63))).toBeLessThan(
      0.5 * lost(rows.map(Math.round)),
    );
  });
});

describe('rows', () => {
  it('norm', () => {
    const [m, k] = [5, 12];
    const [x, gain] = [randomFloats('x', m * k, 4), randomFloats('gain', k, 2)];
    const wanted = (withGain: boolean) =>
      table(m, k, (i, j) => {
        const mean = sum(k, (t) => x[i * k + t]! ** 2) / k;
        return (x[i * k + j]! / Math.sqrt(mean + 1e-5)) * (withGain ? gain[j]! : 1);
      });
    expectNear(arithmetic.norm(x, k, 1e-5), wanted(false), 1e-6);
    expectNear(arithmetic.norm(x, k, 1e-5, gain), wanted(true), 1e-6);
  });

  it('turn', () => {
    const [m, heads, width] = [3, 2, 6];
    const x = randomFloats('x', m * heads * width);
    const angle = (i: number, j: number) => i + j / 3;
    const angles = table(m, width, (i, j) =>
      j < width / 2 ? Math.cos(angle(i, j)) : Math.sin(angle(i, j - width / 2)),
    );
    const wanted = table(m, heads * width, (i, j) => {
      const [head, pair] = [j - (j % width), j % (width / 2)];
      const [a, b] = [x[i * heads * width + head + pair]!, x[i * heads * width + head + pair + 3]!];
      const [c, s] = [Math.cos(angle(i, pair)), Math.sin(angle(i, pair))];
      return j % width < width / 2 ? a * c - b * s : a * s + b * c;
    });
    arithmetic.turn(x, heads, width, angles);
    expectNear(x, wanted, 1e-6);
  });

  it('gate', () => {
    const [gate, up] = [randomFloats('gate', 100, 60), randomFloats('up', 100)];
    const wanted = gate.map((g, i) => (g / (1 + Math.exp(-g))) * up[i]!);
    expectNear(arithmetic.gate(gate, up), wanted, 1e-5);
  });

  it.each([
    [1, 1, 1],
    [7, 7, 3],
    [1, 41, 2],
    [45, 83, 1],
    [45, 83, 3],
  ])('attention of the last %d of %d rows, %d queries each', (m, total, group) => {
    const width = 12;
    const q = randomFloats('q', m * group * width, 9);
    const [keys, values] = [randomFloats('k', total * width), randomFloats('v', total * width)];
    const wanted = table(m * group, width, (i, j) => {
      const seen = total - m + Math.floor(i / group) + 1;
      const weights = Array.from({ length: seen }, (_, t) =>
        Math.exp(sum(width, (c) => q[i * width + c]! * keys[t * width + c]!) / Math.sqrt(width)),
      );
      const all = weights.reduce((a, b) => a + b);
      return sum(seen, (t) => (weights[t]! / all) * values[t * width + j]!);
    });
    const got = arithmetic.attend(q, { keys, values, width }, group);
    expectNear(got, wanted, 1e-5);
    // The last position alone: the same bits.
    const last = group * width;
    const alone = arithmetic.attend(q.slice(-last), { keys, values, width }, group);
    expect(alone).toEqual(got.slice(-last));
  });
});
