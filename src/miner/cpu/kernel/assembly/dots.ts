// What all products share.

/** Bytes of weights that all rows go over before the next ones: half of a core's cache of the second level. */
export const SLAB_BYTES = 131_072;

/** Adds to four sums the product of two pairs of int16 each. */
export function madd(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b));
}
