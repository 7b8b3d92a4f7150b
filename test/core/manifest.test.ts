import { expect, test } from 'vitest';
import {
  credits,
  inputBytesMax,
  inputTokens,
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
  ['257', { vocabulary: 300 }],
  ['an input of 1310720 bytes', { packing: 'u16', sequences: 64, tokens: 10_240 }],
  ['an answer of 4194432 bytes', { sequences: 128, answerSize: 32_769 }],
  ['an answer of 0 bytes', { answerSize: 0 }],
  ['no sequences', { sequences: 0 }],
  ['vocabulary', { vocabulary: 1 }],
  ['no linears', { linears: [] }],
  ['segments', { segments: [] }],
  ['known answer', { knownAnswer: [] }],
  ['κ', { kappa64: 65 }],
  ['linear 1: m', withLinear({ m: 48 })],
  ['linear 1: m and n', withLinear({ n: 24 })],
  ['linear 1: k 96', withLinear({ k: 96 })],
  ['linear 1: k 128 and r 32', withLinear({ r: 32 })],
  ['linear 1: k 8192', withLinear({ k: 8192 })],
])('%s', (problem, fields) => {
  expect(manifestProblem({ ...MANIFEST, ...fields })).toContain(problem);
});

const WORDS: Manifest = { ...MANIFEST, packing: 'u16', vocabulary: 30_522, labels: [] };

test('token ids come as u16, the low byte first; up to V−1 and B·S of them', () => {
  expect(manifestProblem(WORDS)).toBeUndefined();
  expect(inputBytesMax(WORDS)).toBe(2 * inputBytesMax(MANIFEST));
  expect(inputTokens(Uint8Array.of(101, 0, 0x39, 0x77, 102, 0), WORDS)).toEqual(
    Uint16Array.of(101, 30_521, 102),
  );
  expect(inputTokens(new Uint8Array(), WORDS)).toHaveLength(0);
  expect(inputTokens(new Uint8Array(inputBytesMax(WORDS)), WORDS)).toHaveLength(32);
});

test.each<[string, number[]]>([
  ['half a token', [101]],
  ['an id that is V', [0x3a, 0x77]],
  ['too many', new Array<number>(66).fill(0)],
])('%s does not fit', (_, input) => {
  expect(inputTokens(Uint8Array.from(input), WORDS)).toBeUndefined();
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
