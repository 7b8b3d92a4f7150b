import { expect, test } from 'vitest';
import { effectiveTarget, workOf } from '../../../src/core/header/target.ts';

test('work is the expected number of tries', () => {
  expect(workOf((1n << 256n) - 1n)).toBe(1n);
  expect(workOf((1n << 255n) - 1n)).toBe(2n);
  expect(workOf((1n << 240n) - 1n)).toBe(65_536n);
});

test('a pass is held to winning at most once in 16', () => {
  const W = 1n << 20n;
  expect(effectiveTarget(1n << 250n, W)).toBe(1n << 232n);
  expect(effectiveTarget(5n, W)).toBe(5n);
});
