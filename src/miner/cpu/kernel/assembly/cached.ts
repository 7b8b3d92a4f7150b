// Products of a few rows by rows that lie in a cache, read where they lie: a step adds one row to a cache and reads all,
// so that packing them would cost as much as the product. Any sizes; nothing past them is written. T, i8 or i16, is what
// the cache holds, whose entries have so many `bytes`.

import { madd } from './dots';
import { interleaveHigh, interleaveLow } from './weights';

/** Adds pairs of neighbours of two vectors. */
function folded(a: v128, b: v128): v128 {
  return i32x4.add(v128.shuffle<u32>(a, b, 0, 2, 4, 6), v128.shuffle<u32>(a, b, 1, 3, 5, 7));
}

/** Eight neighbours as int16. */
function eight<T>(at: usize): v128 {
  return sizeof<T>() == 1 ? v128.load8x8_s(at) : v128.load(at);
}

/**
 * C (m×n int32, rows `line` bytes apart) = left (m rows of k int16, `stride` bytes apart) · right, of which each of
 * the n columns is k T side by side, `column` bytes apart.
 */
function byColumns<T>(
  left: usize,
  stride: usize,
  right: usize,
  column: usize,
  c: usize,
  line: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  const whole: usize = k & ~7;
  for (let j = 0; j < n; j += 4) {
    const last: usize = min(3, n - 1 - j);
    const r0 = right + column * <usize>j;
    const r1 = r0 + column * min<usize>(1, last),
      r2 = r0 + column * min<usize>(2, last),
      r3 = r0 + column * last;
    for (let i: usize = 0; i < <usize>m; i++) {
      const a = left + stride * i;
      const zero = i32x4.splat(0);
      let c0 = zero,
        c1 = zero,
        c2 = zero,
        c3 = zero;
      for (let p: usize = 0; p < whole; p += 8) {
        const y = v128.load(a + 2 * p);
        c0 = madd(c0, eight<T>(r0 + sizeof<T>() * p), y);
        c1 = madd(c1, eight<T>(r1 + sizeof<T>() * p), y);
        c2 = madd(c2, eight<T>(r2 + sizeof<T>() * p), y);
        c3 = madd(c3, eight<T>(r3 + sizeof<T>() * p), y);
      }
      let sums = folded(folded(c0, c1), folded(c2, c3));
      for (let p = whole; p < <usize>k; p++) {
        const y = i32x4.splat(load<i16>(a + 2 * p));
        let x = i32x4.splat(load<T>(r0 + sizeof<T>() * p));
        x = i32x4.replace_lane(x, 1, load<T>(r1 + sizeof<T>() * p));
        x = i32x4.replace_lane(x, 2, load<T>(r2 + sizeof<T>() * p));
        x = i32x4.replace_lane(x, 3, load<T>(r3 + sizeof<T>() * p));
        sums = i32x4.add(sums, i32x4.mul(x, y));
      }
      const to = c + line * i + 4 * <usize>j;
      if (last == 3) {
        v128.store(to, sums);
        continue;
      }
      store<i32>(to, i32x4.extract_lane(sums, 0));
      if (last > 0) store<i32>(to, i32x4.extract_lane(sums, 1), 4);
      if (last > 1) store<i32>(to, i32x4.extract_lane(sums, 2), 8);
    }
  }
}

/** Entries p and p + 1 of a row of int16 in all lanes; 0 instead of the second where there is none. */
function pairAt(a: usize, p: usize, isPair: bool): v128 {
  return isPair ? v128.load32_splat(a + 2 * p) : i32x4.splat(load<u16>(a + 2 * p));
}

/** What follows the vector x at `at`: of int8 it has sixteen columns already. */
function after<T>(x: v128, at: usize): v128 {
  return sizeof<T>() == 1 ? x : v128.load(at, 16);
}

// Of sixteen columns of two rows, which begin with x and y and go on with u and v, a quarter's pairs as int16.
function first<T>(x: v128, y: v128): v128 {
  if (sizeof<T>() == 1) return i16x8.extend_low_i8x16_s(interleaveLow(x, y));
  return v128.shuffle<u16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11);
}
function second<T>(x: v128, y: v128): v128 {
  if (sizeof<T>() == 1) return i16x8.extend_high_i8x16_s(interleaveLow(x, y));
  return v128.shuffle<u16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15);
}
function third<T>(u: v128, v: v128): v128 {
  return sizeof<T>() == 1 ? i16x8.extend_low_i8x16_s(interleaveHigh(u, v)) : first<T>(u, v);
}
function fourth<T>(u: v128, v: v128): v128 {
  return sizeof<T>() == 1 ? i16x8.extend_high_i8x16_s(interleaveHigh(u, v)) : second<T>(u, v);
}

/** One row × 16 columns. */
function single<T>(a: usize, row: usize, depth: usize, k: usize, to: usize): void {
  const zero = i32x4.splat(0);
  let c0 = zero,
    c1 = zero,
    c2 = zero,
    c3 = zero;
  for (let p: usize = 0; p < k; p += 2) {
    const isPair = p + 1 < k;
    const s = pairAt(a, p, isPair);
    const x = v128.load(row),
      u = after<T>(x, row);
    const y = isPair ? v128.load(row + depth) : zero,
      v = isPair ? after<T>(y, row + depth) : zero;
    c0 = madd(c0, first<T>(x, y), s);
    c1 = madd(c1, second<T>(x, y), s);
    c2 = madd(c2, third<T>(u, v), s);
    c3 = madd(c3, fourth<T>(u, v), s);
    row += 2 * depth;
  }
  (v128.store(to, c0), v128.store(to, c1, 16));
  (v128.store(to, c2, 32), v128.store(to, c3, 48));
}

/** Three rows × 16 columns. */
function triple<T>(
  a: usize,
  stride: usize,
  row: usize,
  depth: usize,
  k: usize,
  to: usize,
  line: usize,
): void {
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c02 = zero,
    c03 = zero,
    c10 = zero,
    c11 = zero,
    c12 = zero,
    c13 = zero,
    c20 = zero,
    c21 = zero,
    c22 = zero,
    c23 = zero;
  for (let p: usize = 0; p < k; p += 2) {
    const isPair = p + 1 < k;
    const x = v128.load(row),
      u = after<T>(x, row);
    const y = isPair ? v128.load(row + depth) : zero,
      v = isPair ? after<T>(y, row + depth) : zero;
    const x0 = first<T>(x, y),
      x1 = second<T>(x, y),
      x2 = third<T>(u, v),
      x3 = fourth<T>(u, v);
    let s = pairAt(a, p, isPair);
    ((c00 = madd(c00, x0, s)), (c01 = madd(c01, x1, s)));
    ((c02 = madd(c02, x2, s)), (c03 = madd(c03, x3, s)));
    s = pairAt(a + stride, p, isPair);
    ((c10 = madd(c10, x0, s)), (c11 = madd(c11, x1, s)));
    ((c12 = madd(c12, x2, s)), (c13 = madd(c13, x3, s)));
    s = pairAt(a + 2 * stride, p, isPair);
    ((c20 = madd(c20, x0, s)), (c21 = madd(c21, x1, s)));
    ((c22 = madd(c22, x2, s)), (c23 = madd(c23, x3, s)));
    row += 2 * depth;
  }
  (v128.store(to, c00), v128.store(to, c01, 16));
  (v128.store(to, c02, 32), v128.store(to, c03, 48));
  to += line;
  (v128.store(to, c10), v128.store(to, c11, 16));
  (v128.store(to, c12, 32), v128.store(to, c13, 48));
  to += line;
  (v128.store(to, c20), v128.store(to, c21, 16));
  (v128.store(to, c22, 32), v128.store(to, c23, 48));
}

/** The same, where each of the k rows of the right operand is n T side by side, `depth` bytes apart. */
function byRows<T>(
  left: usize,
  stride: usize,
  right: usize,
  depth: usize,
  c: usize,
  line: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  const whole = n & ~15;
  let i = 0;
  for (; i + 3 <= m; i += 3)
    for (let j: usize = 0; j < <usize>whole; j += 16)
      triple<T>(
        left + stride * <usize>i,
        stride,
        right + sizeof<T>() * j,
        depth,
        k,
        c + line * <usize>i + 4 * j,
        line,
      );
  for (; i < m; i++)
    for (let j: usize = 0; j < <usize>whole; j += 16)
      single<T>(
        left + stride * <usize>i,
        right + sizeof<T>() * j,
        depth,
        k,
        c + line * <usize>i + 4 * j,
      );
  for (i = 0; i < m; i++)
    for (let j: usize = whole; j < <usize>n; j++) {
      const a = left + stride * <usize>i;
      let sum = 0;
      for (let p: usize = 0; p < <usize>k; p++)
        sum += <i32>load<i16>(a + 2 * p) * <i32>load<T>(right + depth * p + sizeof<T>() * j);
      store<i32>(c + line * <usize>i + 4 * j, sum);
    }
}

/** Columns side by side. */
export function gemmByColumns(
  left: usize,
  stride: usize,
  right: usize,
  column: usize,
  bytes: i32,
  c: usize,
  line: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  if (bytes == 1) byColumns<i8>(left, stride, right, column, c, line, m, n, k);
  else byColumns<i16>(left, stride, right, column, c, line, m, n, k);
}

/** Rows side by side. */
export function gemmByRows(
  left: usize,
  stride: usize,
  right: usize,
  depth: usize,
  bytes: i32,
  c: usize,
  line: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  if (bytes == 1) byRows<i8>(left, stride, right, depth, c, line, m, n, k);
  else byRows<i16>(left, stride, right, depth, c, line, m, n, k);
}
