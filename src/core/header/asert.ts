/**
 * ASERT difficulty (aserti3-2d arithmetic, docs/protocol.md §6): the target doubles with each half-life of lateness.
 * Source: bitcoincash.org spec 2020-11-15-asert, whose vectors are tests here; the snippet printed there lacks
 * `* radix`.
 */

/** Lateness in half-lives × 65536, towards zero. `lateMs` is negative for what is early. */
export const asertExponent = (lateMs: number, halfLifeMs: number): bigint =>
  (BigInt(lateMs) * 65536n) / BigInt(halfLifeMs);

/** `start` · 2^(exponent ÷ 65536), in [1, max]. */
export function asertTarget(start: bigint, exponent: bigint, max: bigint): bigint {
  const shifts = exponent >> 16n;
  // Beyond 256 bits the result is clamped anyway, and a shift by a hostile time would not fit memory.
  if (shifts > 256n) return max;
  if (shifts < -256n) return 1n;
  const f = exponent - shifts * 65536n;
  const cubic = 195766423245049n * f + 971821376n * f ** 2n + 5127n * f ** 3n + (1n << 47n);
  const product = start * ((cubic >> 48n) + 65536n);
  const target = (shifts < 0n ? product >> -shifts : product << shifts) >> 16n;
  if (target < 1n) return 1n;
  return target > max ? max : target;
}
