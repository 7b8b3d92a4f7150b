// The plain product on relaxed SIMD, a second module on the kernel's memory for engines that have it. Of its dots of
// int8 the specification leaves open what happens where an entry of the second operand is negative, or a sum of two
// products leaves int16. Neither occurs here, so every engine gives the same bits:
// - `gemmPairs`: |w|, |a| ≤ 63. Second operand u = a + 63 in 0..126; a sum of two is at most 2·63·126 = 15,876, and
//   two of those still fit int16. Σ w·a = Σ w·u − 63·Σ w.
// - `gemmSingles`: |a| ≤ 127, |w| ≤ 63. Second operand w + 63; a sum of two is at most 2·127·126 = 32,004, which fits
//   alone. Σ w·a = Σ (w + 63)·a − 63·Σ a.
// - `gemmQuads`: the same operands, and i32x4.relaxed_dot_i8x16_i7x16_add_s, which adds up four products: one instruction
//   where the processor has VNNI or ARM's dot products, more than the others where it has not.

import { SLAB_BYTES } from '../dots';

/** u = a + 63, `count` a multiple of 16. */
export function raise(from: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i += 16)
    v128.store(to + i, i8x16.add(v128.load(from + i), i8x16.splat(63)));
}

/** 63·Σ of each of m rows of k int8, as int32; k a multiple of 16. */
export function rowSums(from: usize, m: i32, k: i32, to: usize): void {
  for (let i = 0; i < m; i++) {
    let s = i32x4.splat(0);
    for (const end = from + k; from < end; from += 16) {
      const pairs = i16x8.extadd_pairwise_i8x16_s(v128.load(from));
      s = i32x4.add(s, i32x4.extadd_pairwise_i16x8_s(pairs));
    }
    s = i32x4.add(s, v128.shuffle<u64>(s, s, 1, 0));
    store<i32>(to + 4 * <usize>i, 63 * (i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1)));
  }
}

/** Two steps' pair sums of 4 columns, added up in int16, then to int32. */
function two(sum: v128, w0: v128, u0: v128, w1: v128, u1: v128): v128 {
  const pairs = i16x8.add(
    i16x8.relaxed_dot_i8x16_i7x16_s(w0, u0),
    i16x8.relaxed_dot_i8x16_i7x16_s(w1, u1),
  );
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs));
}

/** 4 rows (of u, k bytes apart from a0 on) × 8 columns of a panel. */
function pairsBlock(a0: usize, panel: usize, k: usize, sums: usize, to: usize, line: usize): void {
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  let a1 = a0 + k,
    a2 = a1 + k,
    a3 = a2 + k;
  for (const end = a1; a0 < end; a0 += 8) {
    const x0 = v128.load(panel),
      x1 = v128.load(panel, 16);
    const z0 = v128.load(panel, 32),
      z1 = v128.load(panel, 48);
    let y = v128.load32_splat(a0),
      t = v128.load32_splat(a0, 4);
    ((c00 = two(c00, x0, y, z0, t)), (c01 = two(c01, x1, y, z1, t)));
    ((y = v128.load32_splat(a1)), (t = v128.load32_splat(a1, 4)));
    ((c10 = two(c10, x0, y, z0, t)), (c11 = two(c11, x1, y, z1, t)));
    ((y = v128.load32_splat(a2)), (t = v128.load32_splat(a2, 4)));
    ((c20 = two(c20, x0, y, z0, t)), (c21 = two(c21, x1, y, z1, t)));
    ((y = v128.load32_splat(a3)), (t = v128.load32_splat(a3, 4)));
    ((c30 = two(c30, x0, y, z0, t)), (c31 = two(c31, x1, y, z1, t)));
    panel += 64;
    ((a1 += 8), (a2 += 8), (a3 += 8));
  }
  const t0 = v128.load(sums),
    t1 = v128.load(sums, 16);
  (v128.store(to, i32x4.sub(c00, t0)), v128.store(to, i32x4.sub(c01, t1), 16));
  to += line;
  (v128.store(to, i32x4.sub(c10, t0)), v128.store(to, i32x4.sub(c11, t1), 16));
  to += line;
  (v128.store(to, i32x4.sub(c20, t0)), v128.store(to, i32x4.sub(c21, t1), 16));
  to += line;
  (v128.store(to, i32x4.sub(c30, t0)), v128.store(to, i32x4.sub(c31, t1), 16));
}

/** One row × 8 columns. */
function pairsRow(a: usize, panel: usize, k: usize, sums: usize, to: usize): void {
  let c0 = i32x4.splat(0),
    c1 = c0;
  for (const end = a + k; a < end; a += 16) {
    let y = v128.load32_splat(a),
      t = v128.load32_splat(a, 4);
    c0 = two(c0, v128.load(panel), y, v128.load(panel, 32), t);
    c1 = two(c1, v128.load(panel, 16), y, v128.load(panel, 48), t);
    ((y = v128.load32_splat(a, 8)), (t = v128.load32_splat(a, 12)));
    c0 = two(c0, v128.load(panel, 64), y, v128.load(panel, 96), t);
    c1 = two(c1, v128.load(panel, 80), y, v128.load(panel, 112), t);
    panel += 128;
  }
  v128.store(to, i32x4.sub(c0, v128.load(sums)));
  v128.store(to, i32x4.sub(c1, v128.load(sums, 16)), 16);
}

/** One step's pair sums of 4 columns to int32. */
function one(sum: v128, a: v128, w: v128): v128 {
  const pairs = i16x8.relaxed_dot_i8x16_i7x16_s(a, w);
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs));
}

function raised(w: v128): v128 {
  return i8x16.add(w, i8x16.splat(63));
}

/** 4 rows of A × 8 columns of a panel; `sums` of the rows. */
function singlesBlock(
  a0: usize,
  panel: usize,
  k: usize,
  sums: usize,
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
  let a1 = a0 + k,
    a2 = a1 + k,
    a3 = a2 + k;
  for (const end = a1; a0 < end; a0 += 4) {
    const x0 = raised(v128.load(panel)),
      x1 = raised(v128.load(panel, 16));
    let y = v128.load32_splat(a0);
    ((c00 = one(c00, y, x0)), (c01 = one(c01, y, x1)));
    y = v128.load32_splat(a1);
    ((c10 = one(c10, y, x0)), (c11 = one(c11, y, x1)));
    y = v128.load32_splat(a2);
    ((c20 = one(c20, y, x0)), (c21 = one(c21, y, x1)));
    y = v128.load32_splat(a3);
    ((c30 = one(c30, y, x0)), (c31 = one(c31, y, x1)));
    panel += 32;
    ((a1 += 4), (a2 += 4), (a3 += 4));
  }
  let t = v128.load32_splat(sums);
  (v128.store(to, i32x4.sub(c00, t)), v128.store(to, i32x4.sub(c01, t), 16));
  to += line;
  t = v128.load32_splat(sums, 4);
  (v128.store(to, i32x4.sub(c10, t)), v128.store(to, i32x4.sub(c11, t), 16));
  to += line;
  t = v128.load32_splat(sums, 8);
  (v128.store(to, i32x4.sub(c20, t)), v128.store(to, i32x4.sub(c21, t), 16));
  to += line;
  t = v128.load32_splat(sums, 12);
  (v128.store(to, i32x4.sub(c30, t)), v128.store(to, i32x4.sub(c31, t), 16));
}

function singlesRow(a: usize, panel: usize, k: usize, sums: usize, to: usize): void {
  let c0 = i32x4.splat(0),
    c1 = c0;
  for (const end = a + k; a < end; a += 8) {
    let y = v128.load32_splat(a);
    c0 = one(c0, y, raised(v128.load(panel)));
    c1 = one(c1, y, raised(v128.load(panel, 16)));
    y = v128.load32_splat(a, 4);
    c0 = one(c0, y, raised(v128.load(panel, 32)));
    c1 = one(c1, y, raised(v128.load(panel, 48)));
    panel += 64;
  }
  const t = v128.load32_splat(sums);
  v128.store(to, i32x4.sub(c0, t));
  v128.store(to, i32x4.sub(c1, t), 16);
}

/** One step's sums of four of 4 columns, by one instruction where the processor has one. */
function quad(sum: v128, a: v128, w: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, w, sum);
}

/** 4 rows of A × 8 columns of a panel; `sums` of the rows. */
function quadsBlock(a0: usize, panel: usize, k: usize, sums: usize, to: usize, line: usize): void {
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  let a1 = a0 + k,
    a2 = a1 + k,
    a3 = a2 + k;
  for (const end = a1; a0 < end; a0 += 4) {
    const x0 = raised(v128.load(panel)),
      x1 = raised(v128.load(panel, 16));
    let y = v128.load32_splat(a0);
    ((c00 = quad(c00, y, x0)), (c01 = quad(c01, y, x1)));
    y = v128.load32_splat(a1);
    ((c10 = quad(c10, y, x0)), (c11 = quad(c11, y, x1)));
    y = v128.load32_splat(a2);
    ((c20 = quad(c20, y, x0)), (c21 = quad(c21, y, x1)));
    y = v128.load32_splat(a3);
    ((c30 = quad(c30, y, x0)), (c31 = quad(c31, y, x1)));
    panel += 32;
    ((a1 += 4), (a2 += 4), (a3 += 4));
  }
  let t = v128.load32_splat(sums);
  (v128.store(to, i32x4.sub(c00, t)), v128.store(to, i32x4.sub(c01, t), 16));
  to += line;
  t = v128.load32_splat(sums, 4);
  (v128.store(to, i32x4.sub(c10, t)), v128.store(to, i32x4.sub(c11, t), 16));
  to += line;
  t = v128.load32_splat(sums, 8);
  (v128.store(to, i32x4.sub(c20, t)), v128.store(to, i32x4.sub(c21, t), 16));
  to += line;
  t = v128.load32_splat(sums, 12);
  (v128.store(to, i32x4.sub(c30, t)), v128.store(to, i32x4.sub(c31, t), 16));
}

/** 2 rows of A × 8 columns, eight sums at once. */
function quadsTwo(a0: usize, panel: usize, k: usize, sums: usize, to: usize, line: usize): void {
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    d00 = zero,
    d01 = zero,
    d10 = zero,
    d11 = zero;
  let a1 = a0 + k;
  for (const end = a1; a0 < end; a0 += 8) {
    let x0 = raised(v128.load(panel)),
      x1 = raised(v128.load(panel, 16));
    let y = v128.load32_splat(a0);
    ((c00 = quad(c00, y, x0)), (c01 = quad(c01, y, x1)));
    y = v128.load32_splat(a1);
    ((c10 = quad(c10, y, x0)), (c11 = quad(c11, y, x1)));
    x0 = raised(v128.load(panel, 32));
    x1 = raised(v128.load(panel, 48));
    y = v128.load32_splat(a0, 4);
    ((d00 = quad(d00, y, x0)), (d01 = quad(d01, y, x1)));
    y = v128.load32_splat(a1, 4);
    ((d10 = quad(d10, y, x0)), (d11 = quad(d11, y, x1)));
    panel += 64;
    a1 += 8;
  }
  let t = v128.load32_splat(sums);
  v128.store(to, i32x4.sub(i32x4.add(c00, d00), t));
  v128.store(to, i32x4.sub(i32x4.add(c01, d01), t), 16);
  to += line;
  t = v128.load32_splat(sums, 4);
  v128.store(to, i32x4.sub(i32x4.add(c10, d10), t));
  v128.store(to, i32x4.sub(i32x4.add(c11, d11), t), 16);
}

/** One row × 8 columns: eight sums at once, since a dot's result is late. */
function quadsRow(a: usize, panel: usize, k: usize, sums: usize, to: usize): void {
  const zero = i32x4.splat(0);
  let c0 = zero,
    c1 = zero,
    c2 = zero,
    c3 = zero,
    c4 = zero,
    c5 = zero,
    c6 = zero,
    c7 = zero;
  for (const end = a + k; a < end; a += 16) {
    let y = v128.load32_splat(a);
    c0 = quad(c0, y, raised(v128.load(panel)));
    c1 = quad(c1, y, raised(v128.load(panel, 16)));
    y = v128.load32_splat(a, 4);
    c2 = quad(c2, y, raised(v128.load(panel, 32)));
    c3 = quad(c3, y, raised(v128.load(panel, 48)));
    y = v128.load32_splat(a, 8);
    c4 = quad(c4, y, raised(v128.load(panel, 64)));
    c5 = quad(c5, y, raised(v128.load(panel, 80)));
    y = v128.load32_splat(a, 12);
    c6 = quad(c6, y, raised(v128.load(panel, 96)));
    c7 = quad(c7, y, raised(v128.load(panel, 112)));
    panel += 128;
  }
  const t = v128.load32_splat(sums);
  const low = i32x4.add(i32x4.add(c0, c2), i32x4.add(c4, c6));
  const high = i32x4.add(i32x4.add(c1, c3), i32x4.add(c5, c7));
  (v128.store(to, i32x4.sub(low, t)), v128.store(to, i32x4.sub(high, t), 16));
}

/**
 * Columns `from`..`until` − 1 (multiples of 8) of C (m×n int32) = A·B by one of the two ways.
 */
function gemm(
  isPairs: bool,
  left: usize,
  panels: usize,
  sums: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  from: i32,
  until: i32,
): void {
  const line = 4 * <usize>n;
  const slab = max(8, (SLAB_BYTES / k) & ~7);
  for (; from < until; from += slab) {
    const end = min(until, from + slab);
    let a = left,
      to = c;
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      for (let j = from; j < end; j += 8) {
        const panel = panels + <usize>(j * k),
          cell = to + 4 * <usize>j;
        if (isPairs) pairsBlock(a, panel, k, sums + 4 * <usize>j, cell, line);
        else singlesBlock(a, panel, k, sums + 4 * <usize>i, cell, line);
      }
      a += 4 * k;
      to += 4 * line;
    }
    for (; i < m; i++) {
      for (let j = from; j < end; j += 8) {
        const panel = panels + <usize>(j * k),
          cell = to + 4 * <usize>j;
        if (isPairs) pairsRow(a, panel, k, sums + 4 * <usize>j, cell);
        else singlesRow(a, panel, k, sums + 4 * <usize>i, cell);
      }
      a += k;
      to += line;
    }
  }
}

/** From u (m×k), panels and 63·Σ of B's columns. k a multiple of 16. */
export function gemmPairs(
  u: usize,
  panels: usize,
  sums: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  from: i32,
  until: i32,
): void {
  gemm(true, u, panels, sums, c, m, n, k, from, until);
}

/** From A itself (m×k int8, |a| ≤ 127) and 63·Σ of its rows. */
export function gemmSingles(
  left: usize,
  panels: usize,
  sums: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  from: i32,
  until: i32,
): void {
  gemm(false, left, panels, sums, c, m, n, k, from, until);
}

/** The same by dots that add up four products. */
export function gemmQuads(
  left: usize,
  panels: usize,
  sums: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  from: i32,
  until: i32,
): void {
  const line = 4 * <usize>n;
  const slab = max(8, (SLAB_BYTES / k) & ~7);
  for (; from < until; from += slab) {
    const end = min(until, from + slab);
    let a = left,
      to = c;
    let i = 0;
    for (; i + 4 <= m; i += 4) {
      for (let j = from; j < end; j += 8)
        quadsBlock(a, panels + <usize>(j * k), k, sums + 4 * <usize>i, to + 4 * <usize>j, line);
      a += 4 * k;
      to += 4 * line;
    }
    if (i + 2 <= m) {
      for (let j = from; j < end; j += 8)
        quadsTwo(a, panels + <usize>(j * k), k, sums + 4 * <usize>i, to + 4 * <usize>j, line);
      a += 2 * k;
      to += 2 * line;
      i += 2;
    }
    if (i < m) {
      for (let j = from; j < end; j += 8)
        quadsRow(a, panels + <usize>(j * k), k, sums + 4 * <usize>i, to + 4 * <usize>j);
    }
  }
}
