// Between ONNX Runtime's float tensors and the kernel's integers.

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

/** sums[i]·factors[i] of int32 and int16 as float64, exact: below 2^53. `count` a multiple of 4. */
export function toLogits(sums: usize, factors: usize, count: i32, to: usize): void {
  for (let i: usize = 0; i < <usize>count; i += 4) {
    const s = v128.load(sums + 4 * i),
      f = v128.load16x4_s(factors + 2 * i);
    const low = f64x2.mul(f64x2.convert_low_i32x4_s(s), f64x2.convert_low_i32x4_s(f));
    const t = v128.shuffle<u64>(s, s, 1, 0),
      g = v128.shuffle<u64>(f, f, 1, 0);
    v128.store(to + 8 * i, low);
    const high = f64x2.mul(f64x2.convert_low_i32x4_s(t), f64x2.convert_low_i32x4_s(g));
    v128.store(to + 8 * i, high, 16);
  }
}
