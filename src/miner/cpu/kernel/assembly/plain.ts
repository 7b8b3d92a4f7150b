// The plain product from weights in their panels (weights.ts), without anything packed for a pass but A.

// The operands' layout: A as int16, row-major. A vector holds two columns' sums of pairs, which are added at the end.

import { madd, SLAB_BYTES } from './dots';

/** Four columns' sums from two vectors of two columns. */
function across(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<u32>(a, b, 0, 2, 4, 6), v128.shuffle<u32>(a, b, 1, 3, 5, 7));
}

/** 4 rows (at a0..a3, 2·k bytes) × 4 columns of a panel, to rows `line` bytes apart. */
function block(
  a0: usize,
  a1: usize,
  a2: usize,
  a3: usize,
  panel: usize,
  k: usize,
  to: usize,
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
  for (const end = a0 + 2 * k; a0 < end; a0 += 8) {
    const w = v128.load(panel);
    const x0 = i16x8.extend_low_i8x16_s(w),
      x1 = i16x8.extend_high_i8x16_s(w);
    let y = v128.load64_splat(a0);
    ((c00 = madd(c00, x0, y)), (c01 = madd(c01, x1, y)));
    y = v128.load64_splat(a1);
    ((c10 = madd(c10, x0, y)), (c11 = madd(c11, x1, y)));
    y = v128.load64_splat(a2);
    ((c20 = madd(c20, x0, y)), (c21 = madd(c21, x1, y)));
    y = v128.load64_splat(a3);
    ((c30 = madd(c30, x0, y)), (c31 = madd(c31, x1, y)));
    panel += 32;
    ((a1 += 8), (a2 += 8), (a3 += 8));
  }
  v128.store(to, across(c00, c01));
  to += line;
  v128.store(to, across(c10, c11));
  to += line;
  v128.store(to, across(c20, c21));
  to += line;
  v128.store(to, across(c30, c31));
}

/** One row × 8 columns. */
function single(a: usize, panel: usize, k: usize, to: usize): void {
  const zero = i32x4.splat(0);
  let c0 = zero,
    c1 = zero,
    c2 = zero,
    c3 = zero;
  for (const end = a + 2 * k; a < end; a += 16) {
    let y = v128.load64_splat(a);
    let v = v128.load(panel),
      w = v128.load(panel, 16);
    c0 = madd(c0, i16x8.extend_low_i8x16_s(v), y);
    c1 = madd(c1, i16x8.extend_high_i8x16_s(v), y);
    c2 = madd(c2, i16x8.extend_low_i8x16_s(w), y);
    c3 = madd(c3, i16x8.extend_high_i8x16_s(w), y);
    y = v128.load64_splat(a, 8);
    ((v = v128.load(panel, 32)), (w = v128.load(panel, 48)));
    c0 = madd(c0, i16x8.extend_low_i8x16_s(v), y);
    c1 = madd(c1, i16x8.extend_high_i8x16_s(v), y);
    c2 = madd(c2, i16x8.extend_low_i8x16_s(w), y);
    c3 = madd(c3, i16x8.extend_high_i8x16_s(w), y);
    panel += 64;
  }
  v128.store(to, across(c0, c1));
  v128.store(to, across(c2, c3), 16);
}

/**
 * Columns `from`..`until` − 1 (multiples of 8) of C (m×n int32) = left (m rows of k int16) · panels. k a multiple of 8.
 */
export function gemmWide(
  left: usize,
  panels: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  from: i32,
  until: i32,
): void {
  const row = 2 * <usize>k;
  const line = 4 * <usize>n;
  const slab = max(8, (SLAB_BYTES / k) & ~7);
  for (; from < until; from += slab) {
    const end = min(until, from + slab);
    let a = left,
      to = c;
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      for (let j = from; j < end; j += 8) {
        const panel = panels + <usize>(j * k);
        const cell = to + 4 * <usize>j;
        block(a, a + row, a + 2 * row, a + 3 * row, panel, k, cell, line);
        block(a, a + row, a + 2 * row, a + 3 * row, panel + 16, k, cell + 16, line);
      }
      a += 4 * row;
      to += 4 * line;
    }
    for (; i < m; i++) {
      for (let j = from; j < end; j += 8) single(a, panels + <usize>(j * k), k, to + 4 * <usize>j);
      a += row;
      to += line;
    }
  }
}

/** Int8 to int16, `count` a multiple of 16. */
export function widen(from: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i += 16) {
    const x = v128.load(from + i);
    v128.store(to + 2 * i, i16x8.extend_low_i8x16_s(x));
    v128.store(to + 2 * i, i16x8.extend_high_i8x16_s(x), 16);
  }
}
