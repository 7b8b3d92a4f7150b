import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bitsFromTarget,
  effectiveTarget,
  targetFromBits,
  workOf,
} from '../../../src/core/header/target.ts';

test.each([
  [0x1d00ffff, 0xffffn << 208n],
  [0x01010000, 1n],
  [0x02008000, 0x80n],
  [0x1e0fffff, 0x0fffffn << 216n],
  [0x207fffff, 0x7fffffn << 232n],
  [0x2100ffff, 0xffffn << 240n],
] as const)('%i ↔ target', (bits, target) => {
  expect(targetFromBits(bits)).toBe(target);
  expect(bitsFromTarget(target)).toBe(bits);
});

test.each([0, 0x01000000, 0x1d800001, 0x1d000000, 0x22010000, 0xff7fffff, 0x00ffff00])(
  '%i is no target',
  (bits) => expect(targetFromBits(bits)).toBeUndefined(),
);

test('rounding: down, by less than one part in 2^15, and once', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: (1n << 256n) - 1n }), fc.nat(255), (wide, shift) => {
      const target = (wide >> BigInt(shift)) + 1n;
      if (target >= 1n << 256n) return;
      const rounded = targetFromBits(bitsFromTarget(target))!;
      expect(rounded <= target && (target - rounded) << 15n <= target).toBe(true);
      expect(bitsFromTarget(rounded)).toBe(bitsFromTarget(target));
    }),
  );
});

test('work is the expected number of tries; targets outside their range are a bug', () => {
  expect(workOf((1n << 256n) - 1n)).toBe(1n);
  expect(workOf((1n << 255n) - 1n)).toBe(2n);
  expect(workOf((1n << 240n) - 1n)).toBe(65_536n);
  expect(() => bitsFromTarget(0n)).toThrow('assertion');
  expect(() => bitsFromTarget(1n << 256n)).toThrow('assertion');
});

test('a pass is held to winning at most once in 16', () => {
  const W = 1n << 20n;
  expect(effectiveTarget(1n << 250n, W)).toBe(1n << 232n);
  expect(effectiveTarget(5n, W)).toBe(5n);
});
