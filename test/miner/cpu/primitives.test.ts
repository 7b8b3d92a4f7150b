/** The kernel's products against naive sums, in memory that is full of other people's bytes. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createKernel, type Kernel } from '../../../src/miner/cpu/kernel/kernel.ts';
import { randomBytes } from '../../oracle/random.ts';

const POISON = 0x5b;
const ROOM = 1 << 18;

let kernel: Kernel;
let base: number;
let next: number;

beforeAll(async () => {
  kernel = await createKernel([{ m: 16, k: 128, n: 16, r: 16 }]);
  base = kernel.reserve(ROOM);
});

function poison(): void {
  new Uint8Array(kernel.memory.buffer, base, ROOM).fill(POISON);
  next = base + 64;
}

/** Room for `bytes`, of which nothing is aligned but to 4. */
function room(bytes: number): number {
  const at = next;
  next += Math.ceil((bytes + 64) / 4) * 4;
  expect(next).toBeLessThan(base + ROOM);
  return at;
}

/** `rows` rows of int16, `gap` entries between them. */
function placeRows(values: Int16Array, rows: number, gap: number): { at: number; stride: number } {
  const width = values.length / rows;
  const stride = 2 * (width + gap);
  const at = room(stride * rows);
  for (let i = 0; i < rows; i++)
    new Int16Array(kernel.memory.buffer, at + stride * i, width).set(
      values.subarray(i * width, (i + 1) * width),
    );
  return { at, stride };
}

const int16s = (seed: string, count: number, max = 127): Int16Array =>
  Int16Array.from({ length: count }, (_, i) => {
    const [x = 0, y = 0] = randomBytes(`${seed} ${i}`, 2);
    return ((x | (y << 8)) % (2 * max + 1)) - max;
  });

interface Sizes {
  m: number;
  n: number;
  k: number;
  columns?: number;
  depths?: number;
}

/** C by the kernel, with `side` the way that the right operand is packed; everything around C must stay as it was. */
function multiplied(
  left: Int16Array,
  right: Int16Array,
  { m, n, k, columns = -1, depths = -1 }: Sizes,
  side: 'rows' | 'columns',
): Int32Array[] {
  poison();
  const { primitives } = kernel;
  const a = placeRows(left, m, 3);
  const columnsOf = Int16Array.from(right, (_, i) => right[(i % k) * n + Math.floor(i / k)]!);
  const b = side === 'rows' ? placeRows(columnsOf, n, 5) : placeRows(right, k, 5);
  const panels = room(primitives.panelBytes(n, k));
  const line = 4 * (n + 2);
  const c = room(line * m);
  const before = new Uint8Array(kernel.memory.buffer).slice(base, next + 64);
  if (side === 'rows') primitives.packRows(b.at, b.stride, n, k, panels);
  else primitives.packColumns(b.at, b.stride, n, k, panels);
  primitives.gemm16(a.at, a.stride, panels, c, line, m, n, k, columns, depths);
  const after = new Uint8Array(kernel.memory.buffer).slice(base, next + 64);
  const rows = Array.from({ length: m }, (_, i) =>
    new Int32Array(kernel.memory.buffer, c + line * i, n).slice(),
  );
  const forget = (at: number, bytes: number): void => {
    for (const all of [before, after]) all.fill(0, at - base, at - base + bytes);
  };
  forget(panels, primitives.panelBytes(n, k));
  for (let i = 0; i < m; i++) forget(c + line * i, 4 * n);
  expect(after).toEqual(before);
  return rows;
}

/** The same by a right operand of int8 or int16 that is read where it lies. */
function multipliedInPlace(
  left: Int16Array,
  right: Int16Array,
  { m, n, k }: Sizes,
  [side, entries]: readonly ['rows' | 'columns', typeof Int8Array | typeof Int16Array],
): Int32Array[] {
  poison();
  const { primitives } = kernel;
  const a = placeRows(left, m, 3);
  const [count, width] = side === 'rows' ? [k, n] : [n, k];
  const stride = width + 5;
  const size = entries.BYTES_PER_ELEMENT as 1 | 2;
  const b = room(size * stride * count);
  const placed = new entries(kernel.memory.buffer, b, stride * count);
  for (let p = 0; p < k; p++)
    for (let j = 0; j < n; j++)
      placed[side === 'rows' ? p * stride + j : j * stride + p] = right[p * n + j]!;
  const line = 4 * (n + 2);
  const c = room(line * m);
  const before = new Uint8Array(kernel.memory.buffer).slice(base, next + 64);
  const gemm = side === 'rows' ? primitives.gemmByRows : primitives.gemmByColumns;
  gemm(a.at, a.stride, b, size * stride, size, c, line, m, n, k);
  const after = new Uint8Array(kernel.memory.buffer).slice(base, next + 64);
  for (const all of [before, after])
    for (let i = 0; i < m; i++) all.fill(0, c + line * i - base, c + line * i - base + 4 * n);
  expect(after).toEqual(before);
  return Array.from({ length: m }, (_, i) =>
    new Int32Array(kernel.memory.buffer, c + line * i, n).slice(),
  );
}

const naive = (left: Int16Array, right: Int16Array, { m, n, k }: Sizes): Int32Array[] =>
  Array.from({ length: m }, (_, i) =>
    Int32Array.from({ length: n }, (__, j) => {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += left[i * k + p]! * right[p * n + j]!;
      return sum;
    }),
  );

describe('products of int16', () => {
  const sizes: Sizes[] = [
    { m: 1, n: 1, k: 1 },
    { m: 3, n: 5, k: 2 },
    { m: 4, n: 8, k: 4 },
    { m: 5, n: 16, k: 7 },
    { m: 6, n: 17, k: 33 },
    { m: 64, n: 64, k: 32 },
    { m: 7, n: 31, k: 64 },
    { m: 17, n: 23, k: 18 },
    { m: 2, n: 40, k: 13 },
  ];
  it.each(sizes)('$m×$k×$n, packed either way', (size) => {
    const left = int16s('left', size.m * size.k, 16_383);
    const right = int16s('right', size.k * size.n);
    const exact = naive(left, right, size);
    expect(multiplied(left, right, size, 'rows')).toEqual(exact);
    expect(multiplied(left, right, size, 'columns')).toEqual(exact);
  });

  it.each(sizes)('$m×$k×$n, by a right operand of int8 or int16 in its place', (size) => {
    const left = int16s('left', size.m * size.k, 16_383);
    for (const [entries, most] of [
      [Int8Array, 127],
      [Int16Array, 1023],
    ] as const) {
      const right = int16s('right', size.k * size.n, most);
      const exact = naive(left, right, size);
      expect(multipliedInPlace(left, right, size, ['rows', entries])).toEqual(exact);
      expect(multipliedInPlace(left, right, size, ['columns', entries])).toEqual(exact);
    }
  });

  it('adds up in 32 bits what its bounds allow', () => {
    const size = { m: 4, n: 8, k: 64 };
    const left = new Int16Array(256).fill(-32_767);
    const right = new Int16Array(512).fill(1023);
    expect(multiplied(left, right, size, 'rows')[3]![7]).toBe(-32_767 * 1023 * 64);
  });

  it.each([
    { m: 17, n: 17, k: 12, columns: 0 },
    { m: 13, n: 30, k: 12, columns: 9 },
    { m: 1, n: 30, k: 12, columns: 3 },
  ])('leaves columns after a row’s own exact or 0: $m×$n from $columns', (size) => {
    const left = int16s('left', size.m * size.k);
    const right = int16s('right', size.k * size.n, 30);
    const exact = naive(left, right, size);
    const rows = multiplied(left, right, size, 'rows');
    rows.forEach((row, i) =>
      row.forEach((value, j) => {
        if (j <= i + size.columns) expect(value).toBe(exact[i]![j]);
        else expect([0, exact[i]![j]]).toContain(value);
      }),
    );
    const skipped = rows.flatMap((row, i) => [...row].filter((v, j) => v !== exact[i]![j]));
    expect(skipped.length).toBeGreaterThan(0);
  });

  it.each([
    { m: 17, n: 9, k: 17, depths: 0 },
    { m: 6, n: 9, k: 40, depths: 21 },
    { m: 1, n: 8, k: 40, depths: 5 },
  ])('leaves out depths after a row’s own: $m×$k from $depths', (size) => {
    const left = int16s('left', size.m * size.k).map((v, i) =>
      i % size.k > Math.floor(i / size.k) + size.depths ? 0 : v,
    );
    const right = int16s('right', size.k * size.n);
    expect(multiplied(left, right, size, 'columns')).toEqual(naive(left, right, size));
  });
});

describe('reserve', () => {
  it('gives zeros at multiples of 64, after which views of the memory are made anew', async () => {
    const own = await createKernel([{ m: 16, k: 128, n: 16, r: 16 }]);
    const [first, second] = [own.reserve(100), own.reserve(200_000)];
    expect([first % 64, second % 64]).toEqual([0, 0]);
    expect(second).toBeGreaterThanOrEqual(first + 100);
    const bytes = new Uint8Array(own.memory.buffer, second, 200_000);
    expect(bytes.every((b) => b === 0)).toBe(true);
  });

  it('refuses what would leave the positive addresses', async () => {
    const own = await createKernel([{ m: 16, k: 128, n: 16, r: 16 }]);
    expect(() => own.reserve(2 ** 31)).toThrow(expect.objectContaining({ code: 'DEVICE_MEMORY' }));
  });
});
