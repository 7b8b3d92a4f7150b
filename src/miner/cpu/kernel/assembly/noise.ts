// Noise on operands and what it projects to. 16 rows of A, or columns of B, are the lanes of a vector ("turned":
// a row of 16 bytes for each of k), so that a permutation is an address. Operands of the noisy product are pairs:
// for each two of k, 4 lanes' two int16 in one vector, of which a layout says where it lies.

import { interleaveHigh, interleaveLow } from './weights';

/**
 * Where vectors of pairs go: groups 0..3 of 4 lanes at (g >> 1)·`half` + (g & 1)·`side`, pairs `step` bytes apart.
 */
function storePairs(x0: v128, x1: v128, to: usize, half: usize, side: usize): void {
  const low = interleaveLow(x0, x1),
    high = interleaveHigh(x0, x1);
  v128.store(to, i16x8.extend_low_i8x16_s(low));
  v128.store(to + side, i16x8.extend_high_i8x16_s(low));
  v128.store(to + half, i16x8.extend_low_i8x16_s(high));
  v128.store(to + half + side, i16x8.extend_high_i8x16_s(high));
}

/**
 * Adds noise to turned lanes and stores them as pairs too: factor[order[c]] − factor[order[c − 1]] inside each block
 * of r, the factor being r rows of 16 lanes.
 */
export function addNoise(
  turned: usize,
  factor: usize,
  order: usize,
  k: i32,
  r: i32,
  to: usize,
  half: usize,
  side: usize,
  step: usize,
): void {
  for (let start = 0; start < k; start += r) {
    let before = i8x16.splat(0);
    for (const end = order + <usize>r; order < end; order += 2) {
      const f0 = v128.load(factor + 16 * <usize>load<u8>(order));
      const f1 = v128.load(factor + 16 * <usize>load<u8>(order, 1));
      const x0 = i8x16.add(v128.load(turned), i8x16.sub(f0, before));
      const x1 = i8x16.add(v128.load(turned, 16), i8x16.sub(f1, f0));
      before = f1;
      v128.store(turned, x0);
      v128.store(turned, x1, 16);
      storePairs(x0, x1, to, half, side);
      turned += 32;
      to += step;
    }
  }
}

/** Adds the step from a lane's entry to the next one to its sum. */
function addSteps(sums: usize, x: v128, next: v128): void {
  const low = i16x8.sub(i16x8.extend_low_i8x16_s(next), i16x8.extend_low_i8x16_s(x));
  const high = i16x8.sub(i16x8.extend_high_i8x16_s(next), i16x8.extend_high_i8x16_s(x));
  v128.store(sums, i16x8.add(v128.load(sums), low));
  v128.store(sums, i16x8.add(v128.load(sums, 16), high), 16);
}

/**
 * *Negative* product of turned lanes with a path-shaped factor: Σ over blocks of x[c + 1] − x[c] at order[c], x being
 * 0 after its block. `sums`: r rows of 16 int16.
 */
export function project(turned: usize, order: usize, k: i32, r: i32, sums: usize): void {
  memory.fill(sums, 0, 32 * r);
  for (let start = 0; start < k; start += r) {
    let x = v128.load(turned);
    for (const last = order + <usize>r - 1; order < last; order++) {
      turned += 16;
      const next = v128.load(turned);
      addSteps(sums + 32 * <usize>load<u8>(order), x, next);
      x = next;
    }
    addSteps(sums + 32 * <usize>load<u8>(order), x, i8x16.splat(0));
    order++;
    turned += 16;
  }
}

/** Pairs of r rows of 16 lanes of int8, laid out as by `addNoise`. */
export function pairBytes(
  from: usize,
  r: i32,
  to: usize,
  half: usize,
  side: usize,
  step: usize,
): void {
  for (const end = from + 16 * <usize>r; from < end; from += 32) {
    storePairs(v128.load(from), v128.load(from, 16), to, half, side);
    to += step;
  }
}

function low16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

function high16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}

/** Pairs of r rows of 16 lanes of int16. */
export function pairSums(
  from: usize,
  r: i32,
  to: usize,
  half: usize,
  side: usize,
  step: usize,
): void {
  for (const end = from + 32 * <usize>r; from < end; from += 64) {
    const low0 = v128.load(from),
      low1 = v128.load(from, 32);
    const high0 = v128.load(from, 16),
      high1 = v128.load(from, 48);
    v128.store(to, low16(low0, low1));
    v128.store(to + side, high16(low0, low1));
    v128.store(to + half, low16(high0, high1));
    v128.store(to + half + side, high16(high0, high1));
    to += step;
  }
}
