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
const TOGETHER: usize = 4;
/** Columns whose errors are kept before the columns after them are made up for: what they read of U stays in the cache. */
const BLOCK = 64;

/**
 * Entries c.. < c + 4 of four rows less, for each of `count` rounded columns in order, their errors times U's entries.
 * `errors`: of each column those of the four rows.
 */
function makeUp(row: usize, line: usize, errors: usize, u: usize, count: i32): void {
  const row1 = row + line,
    row2 = row1 + line,
    row3 = row2 + line;
  let a0 = v128.load(row),
    a1 = v128.load(row, 16),
    b0 = v128.load(row1),
    b1 = v128.load(row1, 16),
    c0 = v128.load(row2),
    c1 = v128.load(row2, 16),
    d0 = v128.load(row3),
    d1 = v128.load(row3, 16);
  for (const end = errors + 8 * TOGETHER * <usize>count; errors < end; errors += 8 * TOGETHER) {
    const u0 = v128.load(u),
      u1 = v128.load(u, 16);
    let e = v128.load64_splat(errors);
    ((a0 = f64x2.sub(a0, f64x2.mul(e, u0))), (a1 = f64x2.sub(a1, f64x2.mul(e, u1))));
    e = v128.load64_splat(errors, 8);
    ((b0 = f64x2.sub(b0, f64x2.mul(e, u0))), (b1 = f64x2.sub(b1, f64x2.mul(e, u1))));
    e = v128.load64_splat(errors, 16);
    ((c0 = f64x2.sub(c0, f64x2.mul(e, u0))), (c1 = f64x2.sub(c1, f64x2.mul(e, u1))));
    e = v128.load64_splat(errors, 24);
    ((d0 = f64x2.sub(d0, f64x2.mul(e, u0))), (d1 = f64x2.sub(d1, f64x2.mul(e, u1))));
    u += line;
  }
  (v128.store(row, a0), v128.store(row, a1, 16));
  (v128.store(row1, b0), v128.store(row1, b1, 16));
  (v128.store(row2, c0), v128.store(row2, c1, 16));
  (v128.store(row3, d0), v128.store(row3, d1, 16));
}

/**
 * Rounds n rows of k float64 (weights in steps of their row) to int8 in ±limit; `rows` is overwritten. n and k are
 * multiples of 4. The integers of a row do not depend on the other rows. `errors`: room for 4 × 64 float64.
 */
export function roundRows(
  rows: usize,
  n: i32,
  k: i32,
  u: usize,
  limit: f64,
  out: usize,
  errors: usize,
): void {
  const line: usize = 8 * <usize>k;
  for (let first = 0; first < n; first += <i32>TOGETHER) {
    const four = rows + <usize>first * line;
    const integers = out + <usize>first * <usize>k;
    for (let from = 0; from < k; from += BLOCK) {
      const until = min(k, from + BLOCK);
      for (let j = from; j < until; j++) {
        const own = u + <usize>j * line;
        const diagonal = load<f64>(own + 8 * <usize>j);
        for (let i: usize = 0; i < TOGETHER; i++) {
          const row = four + i * line;
          const value = load<f64>(row + 8 * <usize>j);
          const q = max(-limit, min(limit, floor(value + 0.5)));
          store<i8>(integers + i * <usize>k + <usize>j, <i8>q);
          const error = (value - q) / diagonal;
          store<f64>(errors + 8 * (TOGETHER * <usize>(j - from) + i), error);
          // An even place to begin with: the entry before the next one has been rounded already.
          subtract(row, own, error, (j + 1) & ~1, until);
        }
      }
      const above = u + <usize>from * line;
      for (let c = until; c < k; c += 4)
        makeUp(four + 8 * <usize>c, line, errors, above + 8 * <usize>c, until - from);
    }
  }
}
