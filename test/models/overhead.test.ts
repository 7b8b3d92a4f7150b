import { expect, test } from 'vitest';
import {
  OVERHEAD_MAX,
  kappa64Of,
  overheadOf,
  stoppingPays,
  type Stretch,
} from '../../models/overhead.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { MANIFEST } from '../core/fixtures.ts';

/** A pass of two equal linears: `between` ms of segments before each and at the end. */
const passOf = (between: number): Stretch[] => [
  { stage: 'segments', ms: between },
  ...[1, 2].flatMap((): Stretch[] => [
    { stage: 'hash', ms: 1 },
    { stage: 'noise', ms: 2 },
    { stage: 'gemm', ms: 6 },
    { stage: 'tickets', ms: 2 },
    { stage: 'peel', ms: 3 },
    { stage: 'segments', ms: between },
  ]),
];
const withKappa = (kappa64: number): Manifest => ({ ...MANIFEST, kappa64 });

test('o counts noise, product and tickets as the noisy GEMM', () => {
  expect(overheadOf(passOf(4))).toBeCloseTo((28 + 12) / 20);
});

test('κ follows from o by the rule of the protocol, rounded down', () => {
  expect([1, 1.8, 4].map(kappa64Of)).toEqual([57, 32, 14]);
});

test('a stop earns the credit of the linears until its last ticket, for their time', () => {
  // κ = 1: both linears weigh the same. First ticket after 4+1+2+6+2 of 40 ms, second after 33.
  const [first, second] = stoppingPays(withKappa(64), passOf(4));
  expect(first).toBeCloseTo(0.5 / (15 / 40), 3);
  expect(second).toBeCloseTo(1 / (33 / 40), 3);
});

test('κ by the rule makes no early stop of a long model pay, κ = 1 does', () => {
  const LINEARS = 24;
  const linears = Array.from({ length: LINEARS }, () => MANIFEST.linears[0]!);
  for (const between of [0, 1, 4]) {
    // The first linear is reached at once: the best place to stop.
    const layer = passOf(between).slice(1, 7);
    const pass = linears.flatMap(() => layer);
    const o = overheadOf(pass);
    expect(o).toBeLessThanOrEqual(OVERHEAD_MAX);
    const pays = (kappa64: number): number[] =>
      stoppingPays({ ...MANIFEST, linears, kappa64 }, pass).slice(0, -1);
    expect(Math.max(...pays(kappa64Of(o)))).toBeLessThan(1);
    expect(Math.max(...pays(64))).toBeGreaterThan(1);
  }
});
