// Noise on operands and its projections, 16 columns at a time: a permuted pick is a swizzle of each 16
// bytes of the block, of which all but one give zero. Tables hold places in a block, 255 = none; r ≤ 128.

/** Sum over the block's r bytes at `from` of those that `places` picks. */
function pick(from: usize, r: i32, places: v128): v128 {
  let out = i8x16.swizzle(v128.load(from), places);
  for (let b = 16; b < r; b += 16) {
    const x = v128.load(from + <usize>b);
    out = v128.or(out, i8x16.swizzle(x, i8x16.sub(places, i8x16.splat(<i8>b))));
  }
  return out;
}

/**
 * `count` rows of k int8 plus noise: factor[order[c]] − factor[before[c]], the row's own factor being r
 * bytes long.
 */
export function addNoise(
  rows: usize,
  factor: usize,
  order: usize,
  before: usize,
  count: i32,
  k: i32,
  r: i32,
  to: usize,
): void {
  for (let i = 0; i < count; i++) {
    for (let c: usize = 0; c < <usize>k; c += 16) {
      const plus = pick(factor, r, v128.load(order + c));
      const minus = pick(factor, r, v128.load(before + c));
      v128.store(to + c, i8x16.sub(i8x16.add(v128.load(rows + c), plus), minus));
    }
    rows += k;
    to += k;
    factor += r;
  }
}

/**
 * *Negative* product of `count` rows of k int8 with a path-shaped factor, r int16 each, rows `stride` bytes
 * apart: Σ over blocks of row[next[p]] − row[place[p]].
 */
export function project(
  rows: usize,
  place: usize,
  next: usize,
  count: i32,
  k: i32,
  r: i32,
  to: usize,
  stride: i32,
): void {
  for (let i = 0; i < count; i++) {
    for (let p = 0; p < r; p += 16) {
      let low = i16x8.splat(0),
        high = i16x8.splat(0);
      for (let c = 0; c < k; c += r) {
        const plus = pick(rows + c, r, v128.load(next + <usize>(c + p)));
        const minus = pick(rows + c, r, v128.load(place + <usize>(c + p)));
        low = i16x8.add(low, i16x8.extend_low_i8x16_s(plus));
        high = i16x8.add(high, i16x8.extend_high_i8x16_s(plus));
        low = i16x8.sub(low, i16x8.extend_low_i8x16_s(minus));
        high = i16x8.sub(high, i16x8.extend_high_i8x16_s(minus));
      }
      v128.store(to + 2 * <usize>p, low);
      v128.store(to + 2 * <usize>p, high, 16);
    }
    rows += k;
    to += stride;
  }
}

/** `count` rows of r int8 to int16, rows `stride` bytes apart. */
export function widen(from: usize, count: i32, r: i32, to: usize, stride: i32): void {
  for (let i = 0; i < count; i++) {
    for (let p: usize = 0; p < <usize>r; p += 8) v128.store(to + 2 * p, v128.load8x8_s(from + p));
    from += r;
    to += stride;
  }
}

/** Float32 to int8; false when a value is not an integer in [−63, 63]. `count` a multiple of 16. */
export function quantize(from: usize, count: i32, to: usize): bool {
  let bad = i32x4.splat(0);
  for (let i: usize = 0; i < <usize>count; i += 16) {
    for (let w: usize = 0; w < 4; w++) {
      const x = v128.load(from + 4 * i + 16 * w);
      const q = i32x4.trunc_sat_f32x4_s(x);
      bad = v128.or(bad, f32x4.ne(f32x4.convert_i32x4_s(q), x));
      bad = v128.or(bad, i32x4.gt_s(i32x4.abs(q), i32x4.splat(63)));
      const half = i16x8.narrow_i32x4_s(q, q);
      const bytes = i8x16.narrow_i16x8_s(half, half);
      store<i32>(to + i + 4 * w, i32x4.extract_lane(bytes, 0));
    }
  }
  return !v128.any_true(bad);
}

/** Int32 to float32, `count` a multiple of 4. */
export function toFloat(from: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < 4 * <usize>count; i += 16)
    v128.store(to + i, f32x4.convert_i32x4_s(v128.load(from + i)));
}
