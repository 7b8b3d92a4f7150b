// The noisy product, int16 · int16 → int32 on i32x4.dot_i16x8_s, a panel of 16 columns at a time. A lane holds one
// column, so running sums need no horizontal adds: folding all 256 of a tile costs one XOR per vector and step.
// Left operand: panels of 4 rows, 16 bytes a pair of k. Right: panels of 8 columns, 32 bytes a pair.

function madd(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}

/**
 * 4 rows × 8 columns over all k, added to what is at `from` if that is not 0, stored at `to`. With `xs` the running
 * sums are XORed into it after every r columns (16 B a step). Rows are `fromLine` and `toLine` bytes apart.
 */
function block(
  pa: usize,
  pb: usize,
  k: usize,
  r: usize,
  xs: usize,
  from: usize,
  fromLine: usize,
  to: usize,
  toLine: usize,
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
  if (from) {
    ((c00 = v128.load(from)), (c01 = v128.load(from, 16)));
    from += fromLine;
    ((c10 = v128.load(from)), (c11 = v128.load(from, 16)));
    from += fromLine;
    ((c20 = v128.load(from)), (c21 = v128.load(from, 16)));
    from += fromLine;
    ((c30 = v128.load(from)), (c31 = v128.load(from, 16)));
  }
  const end = pa + 8 * k;
  while (pa < end) {
    for (const stop = pa + 8 * r; pa < stop; pa += 32) {
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
      ((x0 = v128.load(pb, 32)), (x1 = v128.load(pb, 48)));
      y = v128.load32_splat(pa, 16);
      ((c00 = madd(c00, y, x0)), (c01 = madd(c01, y, x1)));
      y = v128.load32_splat(pa, 20);
      ((c10 = madd(c10, y, x0)), (c11 = madd(c11, y, x1)));
      y = v128.load32_splat(pa, 24);
      ((c20 = madd(c20, y, x0)), (c21 = madd(c21, y, x1)));
      y = v128.load32_splat(pa, 28);
      ((c30 = madd(c30, y, x0)), (c31 = madd(c31, y, x1)));
      pb += 64;
    }
    if (xs) {
      const x0 = v128.xor(v128.xor(c00, c01), v128.xor(c10, c11));
      const x1 = v128.xor(v128.xor(c20, c21), v128.xor(c30, c31));
      v128.store(xs, v128.xor(v128.load(xs), v128.xor(x0, x1)));
      xs += 16;
    }
  }
  if (!to) return;
  (v128.store(to, c00), v128.store(to, c01, 16));
  to += toLine;
  (v128.store(to, c10), v128.store(to, c11, 16));
  to += toLine;
  (v128.store(to, c20), v128.store(to, c21, 16));
  to += toLine;
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
 * C' of 16 columns (m×16 int32 at `to`, nothing if that is 0) and the messages of their tiles after steps of r
 * columns, `messageLine` bytes apart. `xs`: 16 bytes of 0 a step.
 */
export function noisyPanel(
  left: usize,
  right: usize,
  m: i32,
  k: i32,
  r: i32,
  xs: usize,
  to: usize,
  message: usize,
  messageLine: usize,
): void {
  const second = right + 16 * <usize>k;
  for (let i = 0; i < m; i += 16) {
    for (let row = i; row < i + 16; row += 4) {
      const pa = left + 2 * <usize>(row * k);
      const c = to ? to + 64 * <usize>row : 0;
      block(pa, right, k, r, xs, 0, 0, c, 64);
      block(pa, second, k, r, xs, 0, 0, c ? c + 32 : 0, 64);
    }
    fold(xs, k / r, message);
    message += messageLine;
  }
}

/** C of 16 columns (rows `line` bytes apart at `to`) = C' (m×16) plus the thin product of depth k. */
export function peelPanel(
  left: usize,
  right: usize,
  m: i32,
  k: i32,
  from: usize,
  to: usize,
  line: usize,
): void {
  const second = right + 16 * <usize>k;
  for (let row = 0; row < m; row += 4) {
    block(left, right, k, k, 0, from, 64, to, line);
    block(left, second, k, k, 0, from + 32, 64, to + 32, line);
    left += 8 * k;
    from += 256;
    to += 4 * line;
  }
}
