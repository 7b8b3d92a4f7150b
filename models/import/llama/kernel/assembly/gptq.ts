// Weights as integers, each rounding made up for by the weights that are still to be rounded (GPTQ, arXiv 2210.17323).
// All in float64. k is even.

/** Σ a·b of `count` float64 from two addresses: two sums, of even and of odd places, and their sum. */
function dot(a: usize, b: usize, count: i32): f64 {
  let sums = f64x2.splat(0);
  const end = a + 8 * <usize>(count & ~1);
  for (; a < end; a += 16) {
    sums = f64x2.add(sums, f64x2.mul(v128.load(a), v128.load(b)));
    b += 16;
  }
  let sum = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
  if (count & 1) sum += load<f64>(a) * load<f64>(b);
  return sum;
}

/** Entries `from`.. < k of a row less `factor` times those of another. */
function subtract(row: usize, other: usize, factor: f64, from: i32, k: i32): void {
  const f = f64x2.splat(factor);
  const end = row + 8 * <usize>k;
  other += 8 * <usize>from;
  for (let at = row + 8 * <usize>from; at < end; at += 16) {
    v128.store(at, f64x2.sub(v128.load(at), f64x2.mul(f, v128.load(other))));
    other += 16;
  }
}

/**
 * U, upper (k×k), with UᵀU = H⁻¹: the inverse of R, upper, with R·Rᵀ = H. R replaces the upper half of H, which is
 * symmetric. U's memory is zero before. @returns 0 where H is not positive definite
 */
export function inverseRoot(h: usize, k: i32, u: usize): i32 {
  const line: usize = 8 * <usize>k;
  for (let j = k - 1; j >= 0; j--) {
    const own = h + <usize>j * line + 8 * <usize>j;
    const after = k - 1 - j;
    const top = load<f64>(own) - dot(own + 8, own + 8, after);
    if (!(top > 0)) return 0;
    const root = sqrt(top);
    store<f64>(own, root);
    for (let i = 0; i < j; i++) {
      const cell = h + <usize>i * line + 8 * <usize>j;
      store<f64>(cell, (load<f64>(cell) - dot(cell + 8, own + 8, after)) / root);
    }
  }
  for (let i = k - 1; i >= 0; i--) {
    const row = u + <usize>i * line;
    const own = 1 / load<f64>(h + <usize>i * line + 8 * <usize>i);
    for (let t = i + 1; t < k; t++) {
      const factor = load<f64>(h + <usize>i * line + 8 * <usize>t) * own;
      // An even place to begin with; what lies before t in the other's row is zero.
      subtract(row, u + <usize>t * line, factor, t & ~1, k);
    }
    store<f64>(row + 8 * <usize>i, own);
  }
  return 1;
}

/** Rows that go over U together. */
const TOGETHER = 4;

/**
 * Rounds n rows of k float64 (weights in steps of their row) to int8 in ±limit; `rows` is overwritten. The integers
 * of a row do not depend on the other rows.
 */
export function roundRows(rows: usize, n: i32, k: i32, u: usize, limit: f64, out: usize): void {
  const line: usize = 8 * <usize>k;
  for (let first = 0; first < n; first += TOGETHER) {
    const last = min(n, first + TOGETHER);
    for (let j = 0; j < k; j++) {
      const own = u + <usize>j * line;
      const diagonal = load<f64>(own + 8 * <usize>j);
      // An even place to begin with: the entry before the next one has been rounded already.
      const from = (j + 1) & ~1;
      for (let i = first; i < last; i++) {
        const row = rows + <usize>i * line;
        const value = load<f64>(row + 8 * <usize>j);
        const q = max(-limit, min(limit, floor(value + 0.5)));
        store<i8>(out + <usize>i * <usize>k + <usize>j, <i8>q);
        subtract(row, own, (value - q) / diagonal, from, k);
      }
    }
  }
}
