// The noisy product, int16 · int16 → int32 on i32x4.dot_i16x8_s, a panel of 16 columns at a time. A lane holds one
// column, so running sums need no horizontal adds: folding all 256 of a tile costs one XOR per vector and step.
// Left operand: panels of 4 rows, 16 bytes a pair of k. Right: panels of 8 columns, 32 bytes a pair.

import { madd } from './dots';

/**
 * 4 rows × 8 columns of `steps` steps of r: after each, the running sums are XORed into `xs` (16 B a step). With
 * `thinA`, the thin product is added as two more steps, and the block, which stays in registers until then, stored at
 * `to`, rows `line` bytes apart.
 */
function block(
  pa: usize,
  pb: usize,
  r: usize,
  steps: i32,
  xs: usize,
  thinA: usize,
  thinB: usize,
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
  for (;;) {
    for (const stop = pa + 8 * r; pa < stop; pa += 16) {
      let x0 = v128.load(pb),
        x1 = v128.load(pb, 16);
      let y = v128.load32_splat(pa);
      ((c00 = madd(c00, y, x0)), (c01 = madd(c01, y, x1)));
      y = v128.load32_splat(pa, 4);
      ((c10 = madd(c10, y, x0)), (c11 = madd(c11, y, x1)));
      y = v128.load32_splat(pa, 8);
      ((c20 = madd(c20, y, x0)), (c21 = madd(c21, y, x1)));
      y = v128.load32_splat(pa, 12);
      ((c30 = madd(c30, y, x0)), (c31 = madd(c31, y, x1)));
      pb += 32;
    }
    if (steps <= 0) {
      if (!steps) break;
      steps++;
      continue;
    }
    const x0 = v128.xor(v128.xor(c00, c01), v128.xor(c10, c11));
    const x1 = v128.xor(v128.xor(c20, c21), v128.xor(c30, c31));
    v128.store(xs, v128.xor(v128.load(xs), v128.xor(x0, x1)));
    xs += 16;
    if (--steps) continue;
    if (!thinA) return;
    ((pa = thinA), (pb = thinB), (steps = -1));
  }
  (v128.store(to, c00), v128.store(to, c01, 16));
  to += line;
  (v128.store(to, c10), v128.store(to, c11, 16));
  to += line;
  (v128.store(to, c20), v128.store(to, c21, 16));
  to += line;
  (v128.store(to, c30), v128.store(to, c31, 16));
}

/** A tile's message from the XOR of its running sums at every step, 4 lanes each, which it leaves 0. */
function fold(xs: usize, steps: usize, message: usize): void {
  memory.fill(message, 0, 64);
  for (let s: usize = 0; s < steps; s++) {
    const v = v128.load(xs + 16 * s);
    v128.store(xs + 16 * s, i32x4.splat(0));
    const w = v128.xor(v, v128.shuffle<u64>(v, v, 1, 0));
    const x = i32x4.extract_lane(w, 0) ^ i32x4.extract_lane(w, 1);
    const at = message + 4 * (s & 15);
    store<i32>(at, rotl<i32>(load<i32>(at), 13) ^ x);
  }
}

/**
 * The messages of the tiles of a slab of panels of 16 columns after steps of r columns, rows of tiles `messageLine`
 * bytes apart. With `thinLeft` also C of those columns at `c`, rows `line` bytes apart: C' plus the thin product of
 * depth 2r. `xs`: 16 bytes of 0 a step. Rows go outermost, so that C is written in order and the slab stays in cache.
 */
export function noisySlab(
  left: usize,
  right: usize,
  panels: i32,
  m: i32,
  k: i32,
  r: i32,
  xs: usize,
  messages: usize,
  messageLine: usize,
  thinLeft: usize,
  thinRight: usize,
  c: usize,
  line: usize,
): void {
  const steps = k / r;
  const thin = 2 * <usize>r;
  const half = 16 * <usize>k;
  const thinHalf = 16 * thin;
  for (let i = 0; i < m; i += 16) {
    for (let p: usize = 0; p < <usize>panels; p++) {
      const first = right + 2 * half * p;
      const thinFirst = thinRight + 2 * thinHalf * p;
      let pa = left,
        ta = thinLeft,
        to = c + 64 * p;
      for (const end = left + 32 * <usize>k; pa < end; pa += 8 * k) {
        block(pa, first, r, steps, xs, ta, thinFirst, to, line);
        block(pa, first + half, r, steps, xs, ta, thinFirst + thinHalf, to + 32, line);
        if (ta) ta += 8 * thin;
        to += 4 * line;
      }
      fold(xs, steps, messages + 64 * p);
    }
    left += 32 * k;
    if (thinLeft) thinLeft += 32 * thin;
    c += 16 * line;
    messages += messageLine;
  }
}
