/** Targets: thresholds of 256 bits, their compact form and their work (docs/protocol.md §6). */
import { assert } from '../../lib/errors.ts';
import { PASSES_PER_BLOCK_MIN } from '../params.ts';

export const HASH_SPACE = 1n << 256n;
const SIGN = 0x800000;

/** Target of compact `bits`; undefined when it is zero, negative or over 256 bits. */
export function targetFromBits(bits: number): bigint | undefined {
  const size = bits >>> 24;
  const mantissa = BigInt(bits & 0x7fffff);
  if (bits & SIGN) return undefined;
  const target =
    size <= 3 ? mantissa >> BigInt(8 * (3 - size)) : mantissa << BigInt(8 * (size - 3));
  return target > 0n && target < HASH_SPACE ? target : undefined;
}

/** Compact form, rounded down to 16–23 significant bits. `target` is in [1, 2^256). */
export function bitsFromTarget(target: bigint): number {
  assert(target > 0n && target < HASH_SPACE, 'target is in [1, 2^256)');
  let size = Math.ceil(target.toString(16).length / 2);
  let mantissa = Number(
    size <= 3 ? target << BigInt(8 * (3 - size)) : target >> BigInt(8 * (size - 3)),
  );
  if (mantissa & SIGN) {
    mantissa >>= 8;
    size++;
  }
  return size * 2 ** 24 + mantissa;
}

/** Expected number of tries to get at or below `target`; a chain's work is the sum of these. */
export const workOf = (target: bigint): bigint => HASH_SPACE / (target + 1n);

/** The target for a pass of W multiply-accumulates, capped so that a pass wins at most once in 16. */
export function effectiveTarget(target: bigint, W: bigint): bigint {
  const cap = HASH_SPACE / (PASSES_PER_BLOCK_MIN * W);
  return target < cap ? target : cap;
}
