// Exact integer GEMM on i32x4.dot_i16x8_s. A lane holds one column, so running sums need no horizontal
// adds: folding all 256 of a tile costs one XOR per vector and step.

/** Int8 to int16, `count` a multiple of 16: the left operand, row-major. */
export function packLeft(from: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i += 16) {
    const x = v128.load(from + i);
    v128.store(to + 2 * i, i16x8.extend_low_i8x16_s(x));
    v128.store(to + 2 * i, i16x8.extend_high_i8x16_s(x), 16);
  }
}

/** Two units of 16 bits of four rows: vectors of pairs for two steps of p. */
function storeUnits(x: v128, to: usize): void {
  v128.store(to, i16x8.extend_low_i8x16_s(x));
  v128.store(to, i16x8.extend_high_i8x16_s(x), 64);
}

/**
 * Right operand from n rows of k int8 (its columns): panels of 16 columns; in a panel, for each pair of
 * k, the 16 columns' pairs as int16. k a multiple of 16, n of 16.
 */
export function packRight(from: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j += 4) {
    const panel = to + 2 * <usize>((j & ~15) * k) + 4 * <usize>(j & 15);
    const row = from + <usize>(j * k);
    for (let p: usize = 0; p < <usize>k; p += 16) {
      const a = v128.load(row + p),
        b = v128.load(row + <usize>k + p);
      const c = v128.load(row + 2 * <usize>k + p),
        d = v128.load(row + 3 * <usize>k + p);
      const ab = v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
      const cd = v128.shuffle<u16>(c, d, 0, 8, 1, 9, 2, 10, 3, 11);
      const AB = v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
      const CD = v128.shuffle<u16>(c, d, 4, 12, 5, 13, 6, 14, 7, 15);
      const at = panel + 32 * p;
      storeUnits(v128.shuffle<u32>(ab, cd, 0, 4, 1, 5), at);
      storeUnits(v128.shuffle<u32>(ab, cd, 2, 6, 3, 7), at + 128);
      storeUnits(v128.shuffle<u32>(AB, CD, 0, 4, 1, 5), at + 256);
      storeUnits(v128.shuffle<u32>(AB, CD, 2, 6, 3, 7), at + 384);
    }
  }
}

/** The same panels from n rows of k int16. */
export function packRight16(from: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j++) {
    const panel = to + 2 * <usize>((j & ~15) * k) + 4 * <usize>(j & 15);
    const row = from + 2 * <usize>(j * k);
    for (let p: usize = 0; p < <usize>k; p += 2) store<i32>(panel + 32 * p, load<i32>(row + 2 * p));
  }
}

function madd(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/** 4 rows × 8 columns over all k; after every r columns the running sums are XORed into xs (16 B a step). */
function block(
  pa: usize,
  pb: usize,
  pc: usize,
  k: usize,
  n: usize,
  r: usize,
  xs: usize,
  add: bool,
): void {
  const row = 2 * k;
  const line = 4 * n;
  const zero = i32x4.splat(0);
  let c00 = zero,
    c01 = zero,
    c10 = zero,
    c11 = zero,
    c20 = zero,
    c21 = zero,
    c30 = zero,
    c31 = zero;
  if (add) {
    ((c00 = v128.load(pc)), (c01 = v128.load(pc, 16)));
    ((c10 = v128.load(pc + line)), (c11 = v128.load(pc + line, 16)));
    ((c20 = v128.load(pc + 2 * line)), (c21 = v128.load(pc + 2 * line, 16)));
    ((c30 = v128.load(pc + 3 * line)), (c31 = v128.load(pc + 3 * line, 16)));
  }
  let a0 = pa,
    a1 = pa + row,
    a2 = a1 + row,
    a3 = a2 + row;
  for (let from: usize = 0; from < k; from += r) {
    for (const end = a0 + 2 * r; a0 < end;) {
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
    const x0 = v128.xor(v128.xor(c00, c01), v128.xor(c10, c11));
    const x1 = v128.xor(v128.xor(c20, c21), v128.xor(c30, c31));
    v128.store(xs, v128.xor(v128.load(xs), v128.xor(x0, x1)));
    xs += 16;
  }
  (v128.store(pc, c00), v128.store(pc, c01, 16));
  (v128.store(pc + line, c10), v128.store(pc + line, c11, 16));
  (v128.store(pc + 2 * line, c20), v128.store(pc + 2 * line, c21, 16));
  (v128.store(pc + 3 * line, c30), v128.store(pc + 3 * line, c31, 16));
}

/** A tile's message from the XOR of its running sums at every step, 4 lanes each. */
function fold(xs: usize, steps: usize, message: usize): void {
  memory.fill(message, 0, 64);
  for (let s: usize = 0; s < steps; s++) {
    const v = v128.load(xs + 16 * s);
    const w = v128.xor(v, v128.shuffle<u64>(v, v, 1, 0));
    const x = i32x4.extract_lane(w, 0) ^ i32x4.extract_lane(w, 1);
    const at = message + 4 * (s & 15);
    store<i32>(at, rotl<i32>(load<i32>(at), 13) ^ x);
  }
}

/**
 * C (m×n int32) = left·right, or C += with `add`. With `messages` ≠ 0 also every tile's message after
 * steps of r columns; otherwise r = k. `xs` has room for 16 bytes a step.
 */
export function gemm(
  left: usize,
  right: usize,
  c: usize,
  m: i32,
  n: i32,
  k: i32,
  r: i32,
  xs: usize,
  messages: usize,
  add: bool,
): void {
  const steps = <usize>(k / r);
  let message = messages;
  for (let i = 0; i < m; i += 16)
    for (let j = 0; j < n; j += 16) {
      memory.fill(xs, 0, 16 * steps);
      const panel = right + 2 * <usize>(j * k);
      for (let half = 0; half < 16; half += 8)
        for (let row = i; row < i + 16; row += 4) {
          const to = c + 4 * <usize>(row * n + j + half);
          block(left + 2 * <usize>(row * k), panel + 4 * half, to, k, n, r, xs, add);
        }
      if (messages) {
        fold(xs, steps, message);
        message += 64;
      }
    }
}
