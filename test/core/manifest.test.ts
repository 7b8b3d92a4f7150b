import { expect, test } from 'vitest';
import {
  credits,
  linearMacs,
  manifestProblem,
  modelId,
  unitMacs,
  type Manifest,
} from '../../src/core/manifest.ts';
import { looksForged, SAFETY_BLOCKS_MIN } from '../../src/core/light-safety.ts';
import { MANIFEST } from './fixtures.ts';

test('credits rise from κ to 2−κ with mean density 1', () => {
  const c = credits(MANIFEST);
  const density = c.map((x, i) => Number(x) / (256 * MANIFEST.linears[i]!.k));
  expect(density[0]!).toBeCloseTo(0.75 + 0.25 * 0.5, 3);
  const mean = MANIFEST.linears.reduce((s, l, i) => s + Number(linearMacs(l)) * density[i]!, 0);
  expect(mean / Number(unitMacs(MANIFEST))).toBeCloseTo(1, 3);
  // Exact: a floor of a ratio of integers.
  expect(c).toEqual([28_672n, 73_728n]);
});

test('a fixture without a problem; its id binds every field', () => {
  expect(manifestProblem(MANIFEST)).toBeUndefined();
  expect(modelId({ ...MANIFEST, kappa64: 47 })).not.toEqual(modelId(MANIFEST));
});

const withLinear = (fields: object): Partial<Manifest> => ({
  linears: [{ ...MANIFEST.linears[0]!, ...fields }, MANIFEST.linears[1]!],
});
test.each<[string, Partial<Manifest>]>([
  ['version', { version: 2 }],
  ['packing', { packing: 'words' }],
  ['2 sequences', { sequences: 1 }],
  ['vocabulary', { vocabulary: 1 }],
  ['no linears', { linears: [] }],
  ['segments', { segments: [] }],
  ['known answer', { knownAnswer: [] }],
  ['κ', { kappa64: 65 }],
  ['κ', { kappaJob64: 65 }],
  ['linear 1: m', withLinear({ m: 48 })],
  ['linear 1: m and n', withLinear({ n: 24 })],
  ['linear 1: k 96', withLinear({ k: 96 })],
  ['linear 1: k 128 and r 32', withLinear({ r: 32 })],
  ['linear 1: k 8192', withLinear({ k: 8192 })],
])('%s', (problem, fields) => {
  expect(manifestProblem({ ...MANIFEST, ...fields })).toContain(problem);
});

test('a branch whose winners lie late looks forged, an honest mix does not', () => {
  const wins = (first: number, last: number) => [
    ...Array.from({ length: first }, () => ({ manifest: MANIFEST, linear: 1 })),
    ...Array.from({ length: last }, () => ({ manifest: MANIFEST, linear: 2 })),
  ];
  expect(looksForged(wins(0, SAFETY_BLOCKS_MIN))).toBe(true);
  expect(looksForged(wins(0, SAFETY_BLOCKS_MIN - 1))).toBe(false);
  expect(looksForged(wins(44, 56))).toBe(false);
  expect(looksForged(wins(100, 0))).toBe(false);
});
