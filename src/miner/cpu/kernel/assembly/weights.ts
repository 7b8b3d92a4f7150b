// Weights as they lie in memory, for whatever reads them: panels of 8 columns; in a panel, for each 4 of k, the 8
// columns' 4 entries. 32 bytes a step that all products take in order, and k·n bytes in all.

// From rows of Bᵀ (a column of B each), 4 columns × 16 of k: vectors of 4 columns' quads for 4 steps.
function storeQuads(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<u64>(ab, cd, 0, 2));
  v128.store(to, v128.shuffle<u64>(ab, cd, 1, 3), 32);
  const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(AB, CD, 0, 2), 64);
  v128.store(to, v128.shuffle<u64>(AB, CD, 1, 3), 96);
}

/** Panels of n columns from their rows of k int8; k a multiple of 16, n of 8. */
export function packWeights(from: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j += 4) {
    const panel = to + <usize>((j & ~7) * k) + 4 * <usize>(j & 7);
    const row = from + <usize>(j * k);
    for (let p: usize = 0; p < <usize>k; p += 16) {
      const a = v128.load(row + p);
      const b = v128.load(row + p + <usize>k);
      const c = v128.load(row + p + 2 * <usize>k);
      const d = v128.load(row + p + 3 * <usize>k);
      storeQuads(a, b, c, d, panel + 8 * p);
    }
  }
}

/** Back from panels to rows. */
export function unpackWeights(from: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j++) {
    const panel = from + <usize>((j & ~7) * k) + 4 * <usize>(j & 7);
    const row = to + <usize>(j * k);
    for (let p: usize = 0; p < <usize>k; p += 4) store<i32>(row + p, load<i32>(panel + 8 * p));
  }
}

/** 63·Σ of each column, int32: what products of operands that were raised by 63 have too much. */
export function columnSums(panels: usize, n: i32, k: i32, to: usize): void {
  for (let j = 0; j < n; j += 8) {
    let s0 = i32x4.splat(0),
      s1 = s0;
    for (const end = panels + 8 * <usize>k; panels < end; panels += 32) {
      const x0 = i16x8.extadd_pairwise_i8x16_s(v128.load(panels));
      const x1 = i16x8.extadd_pairwise_i8x16_s(v128.load(panels, 16));
      s0 = i32x4.add(s0, i32x4.extadd_pairwise_i16x8_s(x0));
      s1 = i32x4.add(s1, i32x4.extadd_pairwise_i16x8_s(x1));
    }
    const by = i32x4.splat(63);
    v128.store(to + 4 * <usize>j, i32x4.mul(s0, by));
    v128.store(to + 4 * <usize>j, i32x4.mul(s1, by), 16);
  }
}

/** One column's bytes of 4 steps together → the steps' bytes of 4 columns together. */
function turnQuad(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

/** 16 columns (two panels) as k rows of 16 int8: the columns are lanes. */
export function turnWeights(panels: usize, k: i32, to: usize): void {
  const second = 8 * <usize>k;
  for (const end = panels + second; panels < end; panels += 32) {
    const a = turnQuad(v128.load(panels)),
      b = turnQuad(v128.load(panels, 16));
    const c = turnQuad(v128.load(panels + second)),
      d = turnQuad(v128.load(panels + second, 16));
    const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5),
      cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
    v128.store(to, v128.shuffle<u64>(ab, cd, 0, 2));
    v128.store(to, v128.shuffle<u64>(ab, cd, 1, 3), 16);
    const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7),
      CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
    v128.store(to, v128.shuffle<u64>(AB, CD, 0, 2), 32);
    v128.store(to, v128.shuffle<u64>(AB, CD, 1, 3), 48);
    to += 64;
  }
}

/** 8 rows × 16 columns of int8 → 16 × 8 bytes, 16 apart. */
function turnEight(from: usize, k: usize, to: usize): void {
  const a = v128.load(from),
    b = v128.load(from + k),
    c = v128.load(from + 2 * k),
    d = v128.load(from + 3 * k);
  from += 4 * k;
  const e = v128.load(from),
    f = v128.load(from + k),
    g = v128.load(from + 2 * k),
    h = v128.load(from + 3 * k);
  turnHalf(interleaveLow(a, e), interleaveLow(b, f), interleaveLow(c, g), interleaveLow(d, h), to);
  to += 128;
  turnHalf(
    interleaveHigh(a, e),
    interleaveHigh(b, f),
    interleaveHigh(c, g),
    interleaveHigh(d, h),
    to,
  );
}

/** Of 8 columns: pairs of rows (0,4), (1,5), (2,6), (3,7), column by column. */
function turnHalf(ae: v128, bf: v128, cg: v128, dh: v128, to: usize): void {
  const x = interleaveLow(ae, cg),
    X = interleaveHigh(ae, cg);
  const y = interleaveLow(bf, dh),
    Y = interleaveHigh(bf, dh);
  storeTwo(interleaveLow(x, y), to);
  storeTwo(interleaveHigh(x, y), to + 32);
  storeTwo(interleaveLow(X, Y), to + 64);
  storeTwo(interleaveHigh(X, Y), to + 96);
}

function storeTwo(x: v128, to: usize): void {
  v128.store64_lane(to, x, 0);
  v128.store64_lane(to, x, 1, 16);
}

export function interleaveLow(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

export function interleaveHigh(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** 16 rows of k int8 as k rows of 16: the rows are lanes. k a multiple of 16. */
export function turnRows(from: usize, k: i32, to: usize): void {
  for (let p: usize = 0; p < <usize>k; p += 16) {
    turnEight(from + p, k, to + 16 * p);
    turnEight(from + p + 8 * <usize>k, k, to + 16 * p + 8);
  }
}
