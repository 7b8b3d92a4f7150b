// What segments need beside their row programs, in the same memory: batched int16 products. Any sizes: a
// tail never writes past its rows and columns, and what is read past them is multiplied by the panels' zeros.

import { madd } from './dots';

/** Depth of a step of the product: panels are padded to a multiple of it. */
const DEPTH = 4;
/** One 4×8 block of int32, where a tail's block is made before its wanted part is copied. */
const BLOCK = memory.data(128, 16);

/** Depth that panels of k have. */
function padded(k: i32): i32 {
  return (k + DEPTH - 1) & ~(DEPTH - 1);
}

/** Bytes of the panels of n columns of depth k. */
export function panelBytes(n: i32, k: i32): i32 {
  return 2 * ((n + 15) & ~15) * padded(k);
}

/**
 * The right operand of `gemm16` from its n columns, each k int16 in a row (`stride` bytes from one to the next):
 * panels of 16 columns; in a panel, for each pair of k, the 16 columns' pairs. Padded with zeros.
 */
export function packRows(from: usize, stride: usize, n: i32, k: i32, to: usize): void {
  const depth = padded(k);
  if (n & 15 || depth != k) memory.fill(to, 0, panelBytes(n, k));
  for (let j = 0; j < n; j++) {
    const panel = to + 2 * <usize>((j & ~15) * depth) + 4 * <usize>(j & 15);
    const row = from + stride * <usize>j;
    let p: usize = 0;
    for (; p + 2 <= <usize>k; p += 2) store<i32>(panel + 32 * p, load<i32>(row + 2 * p));
    if (p < <usize>k) store<i32>(panel + 32 * p, load<u16>(row + 2 * p));
  }
}

/** The same from k rows (`stride` bytes from one to the next) of n int16. */
export function packColumns(from: usize, stride: usize, n: i32, k: i32, to: usize): void {
  const depth = padded(k);
  const whole = n & ~7;
  if (n & 15 || depth != k) memory.fill(to, 0, panelBytes(n, k));
  for (let p = 0; p < k; p += 2) {
    const row = from + stride * <usize>p;
    const isPair = p + 1 < k;
    const pairs = to + 32 * <usize>p;
    let j = 0;
    for (; j < whole; j += 8) {
      const x = v128.load(row + 2 * <usize>j);
      const y = isPair ? v128.load(row + stride + 2 * <usize>j) : i16x8.splat(0);
      const at = pairs + 2 * <usize>((j & ~15) * depth) + 4 * <usize>(j & 15);
      v128.store(at, v128.shuffle<u16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
      v128.store(at, v128.shuffle<u16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15), 16);
    }
    for (; j < n; j++) {
      const at = pairs + 2 * <usize>((j & ~15) * depth) + 4 * <usize>(j & 15);
      store<u16>(at, load<u16>(row + 2 * <usize>j));
      if (isPair) store<u16>(at, load<u16>(row + stride + 2 * <usize>j), 2);
    }
  }
}

/** 4 rows × 8 columns over a depth of `bytes`/2; rows of C `line` bytes apart. */
function block(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  bytes: usize,
  pb: usize,
  c: usize,
  line: usize,
): void {
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  for (const end = a0 + bytes; a0 < end;) {
    let x0 = v128.load(pb),
      x1 = v128.load(pb, 16);
    let y = v128.load32_splat(a0);
    ((c00 = madd(c00, y, x0)), (c01 = madd(c01, y, x1)));
    y = v128.load32_splat(a1);
    ((c10 = madd(c10, y, x0)), (c11 = madd(c11, y, x1)));
    y = v128.load32_splat(a2);
    ((c20 = madd(c20, y, x0)), (c21 = madd(c21, y, x1)));
    y = v128.load32_splat(a3);
    ((c30 = madd(c30, y, x0)), (c31 = madd(c31, y, x1)));
    ((x0 = v128.load(pb, 64)), (x1 = v128.load(pb, 80)));
    y = v128.load32_splat(a0, 4);
    ((c00 = madd(c00, y, x0)), (c01 = madd(c01, y, x1)));
    y = v128.load32_splat(a1, 4);
    ((c10 = madd(c10, y, x0)), (c11 = madd(c11, y, x1)));
    y = v128.load32_splat(a2, 4);
    ((c20 = madd(c20, y, x0)), (c21 = madd(c21, y, x1)));
    y = v128.load32_splat(a3, 4);
    ((c30 = madd(c30, y, x0)), (c31 = madd(c31, y, x1)));
    pb += 128;
    ((a0 += 8), (a1 += 8), (a2 += 8), (a3 += 8));
  }
  (v128.store(c, c00), v128.store(c, c01, 16));
  (v128.store(c + line, c10), v128.store(c + line, c11, 16));
  (v128.store(c + 2 * line, c20), v128.store(c + 2 * line, c21, 16));
  (v128.store(c + 3 * line, c30), v128.store(c + 3 * line, c31, 16));
}

/**
 * C (m×n int32, rows `cStride` bytes apart) = left (m rows of k int16, `stride` bytes apart) · panels.
 * Causal limits: where `columns` ≥ 0, row i wants columns ≤ i + columns, and those after it are exact or 0; where
 * `depths` ≥ 0, row i's entries after i + depths are known to be 0 and may be left out.
 */
export function gemm16(
  left: usize,
  stride: usize,
  panels: usize,
  c: usize,
  cStride: usize,
  m: i32,
  n: i32,
  k: i32,
  columns: i32,
  depths: i32,
): void {
  const depth = padded(k);
  for (let j = 0; j < n; j += 8) {
    const panel = panels + 2 * <usize>((j & ~15) * depth) + 4 * <usize>(j & 15);
    const wide = min(8, n - j);
    for (let i = 0; i < m; i += 4) {
      const high = min(4, m - i);
      const last = high - 1;
      const to = c + cStride * <usize>i + 4 * <usize>j;
      const isWhole = wide == 8 && high == 4;
      if (columns >= 0 && j > i + last + columns) {
        for (let y = 0; y < high; y++) memory.fill(to + cStride * <usize>y, 0, 4 * <usize>wide);
        continue;
      }
      const reach = depths >= 0 ? min(depth, padded(i + last + depths + 1)) : depth;
      const a = left + stride * <usize>i;
      block(
        a,
        a + stride * <usize>min(1, last),
        a + stride * <usize>min(2, last),
        a + stride * <usize>last,
        2 * <usize>reach,
        panel,
        isWhole ? to : BLOCK,
        isWhole ? cStride : 32,
      );
      if (!isWhole)
        for (let y = 0; y < high; y++)
          memory.copy(to + cStride * <usize>y, BLOCK + 32 * <usize>y, 4 * <usize>wide);
    }
  }
}
