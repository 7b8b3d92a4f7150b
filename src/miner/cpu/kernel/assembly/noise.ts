// Noise on operands and its projections, 16 columns at a time: a permuted pick is a swizzle of each 16
// bytes of the block, of which all but one give zero. Tables hold places in a block, 255 = none; r ≤ 128.
// Rows go together, so that a table is read and moved once for several.

/** Places in a block, as seen from its byte b. */
function placesFrom(table: usize, b: usize): v128 {
  return i8x16.sub(v128.load(table), i8x16.splat(<i8>b));
}

/** The vector one byte to the left: what follows `before` without its last byte. */
function shifted(before: v128, x: v128): v128 {
  return v128.shuffle<u8>(
    before,
    x,
    15,
    16,
    17,
    18,
    19,
    20,
    21,
    22,
    23,
    24,
    25,
    26,
    27,
    28,
    29,
    30,
  );
}

/** 16 columns plus what the path steps by on them. */
function addStep(from: usize, x: v128, before: v128, to: usize): void {
  v128.store(to, i8x16.add(v128.load(from), i8x16.sub(x, shifted(before, x))));
}

/**
 * `count` rows (a multiple of 4) of k int8 plus noise: factor[order[c]] − factor[order[c − 1]] inside
 * each block, the row's own factor being r bytes long.
 */
export function addNoise(
  rows: usize,
  factor: usize,
  order: usize,
  count: i32,
  k: i32,
  r: i32,
  to: usize,
): void {
  const zero = i8x16.splat(0);
  for (let i = 0; i < count; i += 4) {
    for (let start: usize = 0; start < <usize>k; start += r) {
      let before0 = zero,
        before1 = zero,
        before2 = zero,
        before3 = zero;
      for (let c = start; c < start + <usize>r; c += 16) {
        let x0 = zero,
          x1 = zero,
          x2 = zero,
          x3 = zero;
        for (let b: usize = 0; b < <usize>r; b += 16) {
          const places = placesFrom(order + c, b);
          x0 = v128.or(x0, i8x16.swizzle(v128.load(factor + b), places));
          x1 = v128.or(x1, i8x16.swizzle(v128.load(factor + b + <usize>r), places));
          x2 = v128.or(x2, i8x16.swizzle(v128.load(factor + b + 2 * <usize>r), places));
          x3 = v128.or(x3, i8x16.swizzle(v128.load(factor + b + 3 * <usize>r), places));
        }
        addStep(rows + c, x0, before0, to + c);
        addStep(rows + c + <usize>k, x1, before1, to + c + <usize>k);
        addStep(rows + c + 2 * <usize>k, x2, before2, to + c + 2 * <usize>k);
        addStep(rows + c + 3 * <usize>k, x3, before3, to + c + 3 * <usize>k);
        before0 = x0;
        before1 = x1;
        before2 = x2;
        before3 = x3;
      }
    }
    rows += 4 * k;
    to += 4 * k;
    factor += 4 * r;
  }
}

/** Eight sums of 16 bits plus the lower bytes of `plus`, less those of `minus`. */
function stepLow(sums: v128, plus: v128, minus: v128): v128 {
  const more = i16x8.add(sums, i16x8.extend_low_i8x16_s(plus));
  return i16x8.sub(more, i16x8.extend_low_i8x16_s(minus));
}

/** The same of the upper bytes. */
function stepHigh(sums: v128, plus: v128, minus: v128): v128 {
  const more = i16x8.add(sums, i16x8.extend_high_i8x16_s(plus));
  return i16x8.sub(more, i16x8.extend_high_i8x16_s(minus));
}

/**
 * *Negative* product of `count` rows (an even number) of k int8 with a path-shaped factor, r int16 each,
 * rows `stride` bytes apart: Σ over blocks of row[next[p]] − row[place[p]].
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
  const zero = i16x8.splat(0);
  for (let i = 0; i < count; i += 2) {
    for (let p: usize = 0; p < <usize>r; p += 16) {
      let low0 = zero,
        high0 = zero,
        low1 = zero,
        high1 = zero;
      for (let c: usize = 0; c < <usize>k; c += r) {
        let plus0 = zero,
          minus0 = zero,
          plus1 = zero,
          minus1 = zero;
        for (let b: usize = 0; b < <usize>r; b += 16) {
          const plus = placesFrom(next + c + p, b);
          const minus = placesFrom(place + c + p, b);
          const x0 = v128.load(rows + c + b);
          const x1 = v128.load(rows + c + b + <usize>k);
          plus0 = v128.or(plus0, i8x16.swizzle(x0, plus));
          minus0 = v128.or(minus0, i8x16.swizzle(x0, minus));
          plus1 = v128.or(plus1, i8x16.swizzle(x1, plus));
          minus1 = v128.or(minus1, i8x16.swizzle(x1, minus));
        }
        low0 = stepLow(low0, plus0, minus0);
        high0 = stepHigh(high0, plus0, minus0);
        low1 = stepLow(low1, plus1, minus1);
        high1 = stepHigh(high1, plus1, minus1);
      }
      v128.store(to + 2 * p, low0);
      v128.store(to + 2 * p, high0, 16);
      v128.store(to + 2 * p + stride, low1);
      v128.store(to + 2 * p + stride, high1, 16);
    }
    rows += 2 * k;
    to += 2 * stride;
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
