import { describe, expect, test } from 'vitest';
import {
  answerBytes,
  answerRows,
  carriesAt,
  carryBytes,
  credits,
  earned,
  heldPlaces,
  inputBytesMax,
  inputTokens,
  KIND,
  Manifest,
  manifestProblem,
  minedProblem,
  modelId,
  sharedByWeights,
  type Carry,
  type Shape,
} from '../../src/core/manifest.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { looksForged, placeOf, SAFETY_BLOCKS_MIN } from '../../src/core/light-safety.ts';
import { naiveCredit } from '../oracle/naive-credit.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { randomBytes } from '../oracle/random.ts';
import { MANIFEST } from './fixtures.ts';

/** Linears of random sizes. */
function drawnLinears(seed: string, count: number) {
  const bytes = randomBytes(seed, 2 * count);
  return Array.from({ length: count }, (_, i) => ({
    k: 128 * (1 + (bytes[2 * i]! % 24)),
    n: 16 * (1 + (bytes[2 * i + 1]! % 64)),
    r: 16,
  }));
}

describe('credit', () => {
  test('equals that of exact fractions, for any sizes', () => {
    for (const [i, count] of [2, 3, 7, 24, 96, 255].entries()) {
      const m = inventedManifest({ sequences: 1 + i, linears: drawnLinears(`credit ${i}`, count) });
      const want = naiveCredit(m.linears.map(({ k, n }) => [16 * (1 + i), k, n]));
      expect(credits(m)).toEqual(want.credits);
      const sums = earned(m);
      for (const [at, { above, below }] of want.shares.entries())
        expect(sums[at]! * below).toBe(above * sums.at(-1)!);
    }
  });

  test('is 0 at the first linear, and in the mean that of the work', () => {
    const c = credits(MANIFEST);
    // Two linears of the same work: all that is earned is earned in the second.
    expect(c).toEqual([0n, 512n * 256n]);
    expect(earned(MANIFEST)[0]).toBe(0n);
  });
});

const [LINEAR, SECOND] = MANIFEST.linears as [Manifest['linears'][0], Manifest['linears'][0]];
const SHAPE = MANIFEST.shapes[0]!;
const withLinear = (fields: object): Partial<Manifest> => ({
  linears: [{ ...LINEAR, ...fields }, SECOND],
});
const withShape = (fields: Partial<Shape>): Partial<Manifest> => ({
  shapes: [{ ...SHAPE, ...fields }],
});
const CARRY: Carry = { name: 'h', made: 0, last: 1, size: 8, low: -5, high: 5 };
const withCarries = (...carries: Partial<Carry>[]): Partial<Manifest> =>
  withShape({ carries: carries.map((fields) => ({ ...CARRY, ...fields })) });
const TABLE = { width: 4, wide: 1, low: -63, high: 63, hash: new Uint8Array(32), size: 1028 };
const withTable = (fields: object): Partial<Manifest> => ({ tables: [{ ...TABLE, ...fields }] });

test('a fixture without a problem; its id binds every field', () => {
  expect(minedProblem(MANIFEST)).toBeUndefined();
  const full: Manifest = {
    ...MANIFEST,
    ...withTable({}),
    ...withCarries({}, { name: 'i', low: -40_000 }),
    tokenizer: { hash: new Uint8Array(32), size: 5 },
    template: { hash: new Uint8Array(32), size: 6 },
    licence: 'MIT',
    attribution: 'nobody',
  };
  expect(manifestProblem(full)).toBeUndefined();
  expect(decode(Manifest, encode(Manifest, full))).toEqual(full);
  const changes: Partial<Manifest>[] = [
    ...(Object.keys(full) as (keyof Manifest)[])
      .filter((key) => typeof full[key] === 'number' && key !== 'version')
      .map((key) => ({ [key]: (full[key] as number) + 1 })),
    withLinear({ low: -62 }),
    withTable({ wide: 2 }),
    withCarries({}, { name: 'i', low: -40_001 }),
    { template: null },
    { licence: '' },
  ];
  const ids = changes.map((change) => modelId({ ...full, ...change }).join());
  expect(new Set([...ids, modelId(full).join()]).size).toBe(changes.length + 1);
});

const REFUSED: [string, Partial<Manifest>][] = [
  ['version', { version: 1 }],
  ['kind 3', { kind: 3 }],
  ['packing', { packing: 'words' }],
  ['257', { vocabulary: 300 }],
  ['vocabulary 65537 of u16', { packing: 'u16', vocabulary: 65_537 }],
  ['vocabulary 2', { packing: 'u16', vocabulary: 2 }],
  ['vocabulary 262145', { packing: 'u24', vocabulary: 2 ** 18 + 1 }],
  [
    'an input of 1310720 bytes',
    { packing: 'u16', ...withShape({ sequences: 64, tokens: 10_240 }) },
  ],
  // As many sequences as are mined at once, of the longest shape.
  [
    'an input of 1049600 bytes',
    {
      shapes: [
        { ...SHAPE, sequences: 64 },
        { ...SHAPE, tokens: 16_400 },
      ],
    },
  ],
  ['an answer of 4194432 bytes', { ...withShape({ sequences: 128 }), answerSize: 32_769 }],
  ['an answer of 0 bytes', { answerSize: 0 }],
  ['no shapes', { shapes: [] }],
  ['shape 0: 0 rows', withShape({ sequences: 0 })],
  ['shape 0: 40 rows', withShape({ tokens: 20 })],
  ['shape 1: 0 rows', { shapes: [SHAPE, { ...SHAPE, tokens: 0 }] }],
  ['segments', withShape({ segments: [] })],
  ['known answers', withShape({ known: SHAPE.known.slice(1) })],
  [
    '0 linears',
    {
      linears: [],
      ...withShape({ segments: SHAPE.segments.slice(2), known: SHAPE.known.slice(2) }),
    },
  ],
  [
    '1 linears',
    {
      linears: [LINEAR],
      ...withShape({ segments: SHAPE.segments.slice(1), known: SHAPE.known.slice(1) }),
    },
  ],
  ['linear 1: n', withLinear({ n: 24 })],
  [
    'linear 2: 256×128 has the weights of linear 1, 128×256',
    { linears: [LINEAR, { ...SECOND, weights: LINEAR.weights }] },
  ],
  ['linear 1: k 96', withLinear({ k: 96 })],
  ['linear 1: k 128 and r 32', withLinear({ r: 32 })],
  ['linear 1: k 8256 is over', withLinear({ k: 8256 })],
  ['linear 1: 8519680 bytes', withLinear({ k: 8192, n: 1040 })],
  ['linear 1: bounds 5..4', withLinear({ low: 5, high: 4 })],
  ['linear 1: bounds -128', withLinear({ low: -128 })],
  ["carry 'h': not in order", withCarries({}, {})],
  ["carry 'g': not in order", withCarries({}, { name: 'g' })],
  ["carry 'a1': the name", withCarries({ name: 'a1' })],
  ["carry 'tokens': the name", withCarries({ name: 'tokens' })],
  ["carry 'h': made 1, last 1", withCarries({ made: 1 })],
  ["carry 'h': made 0, last 3", withCarries({ last: 3 })],
  ["carry 'h': no entries", withCarries({ size: 0 })],
  ["carry 'h': bounds 6..5", withCarries({ low: 6 })],
  ['table 0: 3 bytes', withTable({ wide: 3 })],
  ['table 0: 1028 bytes', withTable({ width: 5 })],
  ['table 0: bounds -63..128', withTable({ high: 128 })],
];
test.each(REFUSED)('a manifest is refused: %s', (problem, fields) => {
  expect(manifestProblem({ ...MANIFEST, ...fields })).toContain(problem);
});

test('an answer has a row for each sequence, and of a generator for each token: in 4 MiB', () => {
  const shape = { ...SHAPE, sequences: 2, tokens: 24 };
  const rows = [KIND.encoder, KIND.classifier, KIND.generator].map((kind) =>
    answerRows({ kind }, shape),
  );
  expect(rows).toEqual([1, 1, 24]);
  expect(answerBytes({ kind: KIND.generator, answerSize: 7 }, shape)).toBe(168);
  const problem = (kind: number, answerSize: number, ...sizes: [number, number][]) => {
    const shapes = sizes.map(([sequences, tokens]) => ({ ...SHAPE, sequences, tokens }));
    return manifestProblem({ ...MANIFEST, labels: [], kind, answerSize, shapes });
  };
  expect(problem(KIND.generator, 2048, [2, 1024])).toBeUndefined();
  expect(problem(KIND.generator, 2049, [2, 1024])).toBe('an answer of 4196352 bytes');
  expect(problem(KIND.encoder, 65_535, [2, 1024])).toBeUndefined();
  // The longest shape's pass; and a question of two sequences that are as long.
  expect(problem(KIND.generator, 512, [1, 256], [1, 8192])).toBeUndefined();
  expect(problem(KIND.generator, 512, [1, 256], [2, 8192])).toBe('an answer of 8388608 bytes');
  expect(problem(KIND.generator, 512, [2, 256], [1, 8192])).toBe('an answer of 8388608 bytes');
  expect(problem(KIND.encoder, 65_535, [16, 16], [64, 16])).toBeUndefined();
  expect(problem(KIND.encoder, 65_535, [16, 16], [80, 16])).toBe('an answer of 5242800 bytes');
  expect(problem(KIND.generator, 0, [2, 16])).toBe('an answer of 0 bytes');
});

test('equal weights are held once, at the place of the first', () => {
  const weights = [3, 4, 3, 5, 4].map((x) => new Uint8Array(32).fill(x));
  const linears = weights.map((each) => ({ ...LINEAR, weights: each }));
  expect(heldPlaces({ linears })).toEqual([0, 1, 3]);
  const made: number[] = [];
  const shared = sharedByWeights({ linears }, (l, i) => (made.push(i), { of: l.weights[0], i }));
  expect(made).toEqual([0, 1, 3]);
  expect(shared.map(({ of, i }) => [of, i])).toEqual([
    [3, 0],
    [4, 1],
    [3, 0],
    [5, 3],
    [4, 1],
  ]);
  expect(shared[2]).toBe(shared[0]);
  // What is different in the rank of its noise or its bounds is still the same matrix.
  const other = { linears: [LINEAR, { ...LINEAR, r: 16, low: -5 }], ...withShape({}) };
  expect(manifestProblem({ ...MANIFEST, ...other })).toBeUndefined();
});

const SERVED: [string, Partial<Manifest>][] = [
  ['no fresh input', withShape({ sequences: 4, tokens: 8 })],
  ['bounds -64..63', withLinear({ low: -64 })],
  ['bounds -63..64', withLinear({ high: 64 })],
  ['too few for a causal model', { kind: KIND.generator }],
  ['linear 2: its tickets earn too much', { linears: [LINEAR, { ...SECOND, n: 64 }] }],
  ['linear 1: 8390656 bytes to start', withCarries({ size: 2_096_640, last: 2, low: -5, high: 5 })],
];
test.each(SERVED)('%s: served, not mined', (problem, fields) => {
  const m = { ...MANIFEST, ...fields };
  expect(manifestProblem(m)).toBeUndefined();
  expect(minedProblem(m)).toContain(problem);
});

test('a carry is alive after the segment that makes it, up to the one that reads it last', () => {
  const carry = { ...CARRY, made: 1, last: 3 };
  const alive = [0, 1, 2, 3, 4].map((linear) => carriesAt({ carries: [carry] }, linear).length);
  expect(alive).toEqual([0, 0, 1, 1, 0]);
  const bytes = (low: number, high: number) => carryBytes({ ...carry, low, high });
  expect([bytes(-32_768, 32_767), bytes(-32_769, 0), bytes(0, 32_768)]).toEqual([2, 4, 4]);
});

const WORDS: Manifest = { ...MANIFEST, packing: 'u16', vocabulary: 30_522, labels: [] };

test('token ids come as u16, the low byte first; up to V−1 and B·S of them', () => {
  expect(manifestProblem(WORDS)).toBeUndefined();
  expect(inputBytesMax(WORDS)).toBe(2 * inputBytesMax(MANIFEST));
  expect(inputTokens(Uint8Array.of(101, 0, 0x39, 0x77, 102, 0), WORDS)).toEqual(
    Uint32Array.of(101, 30_521, 102),
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

test('token ids of larger vocabularies come as u24', () => {
  const large: Manifest = { ...MANIFEST, packing: 'u24', vocabulary: 2 ** 18 };
  expect(manifestProblem(large)).toBeUndefined();
  expect(inputBytesMax(large)).toBe(3 * inputBytesMax(MANIFEST));
  const input = Uint8Array.of(1, 0, 0, 0xff, 0xff, 3);
  expect(inputTokens(input, large)).toEqual(Uint32Array.of(1, 2 ** 18 - 1));
  expect(inputTokens(Uint8Array.of(0, 0, 4), large)).toBeUndefined();
  expect(inputTokens(input.slice(1), large)).toBeUndefined();
});

describe('where winners lie', () => {
  const tiles = 2 * 8;
  const wins = (count: number, tile: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => ({ manifest: MANIFEST, linear: 2, tile: tile(i) }));
  const even = (i: number) => i % tiles;

  test('is the share of the credit before the middle of their tile', () => {
    const unit = 2n ** 32n;
    expect(placeOf(wins(1, () => 0)[0]!)).toBe(unit / 32n);
    expect(placeOf(wins(1, () => 15)[0]!)).toBe((unit * 31n) / 32n);
    const three = inventedManifest({
      linears: [1, 2, 3].map(() => ({ k: 128, n: 16, r: 16 })),
    });
    // Linears 2 and 3 earn one third and two thirds; each has two tiles.
    expect(placeOf({ manifest: three, linear: 2, tile: 1 })).toBe(unit / 4n);
    expect(placeOf({ manifest: three, linear: 3, tile: 0 })).toBe(unit / 2n);
  });

  test('tells a forged branch, whose winners lie late, from an honest one', () => {
    const late = (i: number) => tiles / 2 + (i % (tiles / 2));
    expect(looksForged(wins(SAFETY_BLOCKS_MIN, late))).toBe(true);
    expect(looksForged(wins(SAFETY_BLOCKS_MIN - 1, late))).toBe(false);
    expect(looksForged(wins(SAFETY_BLOCKS_MIN, even))).toBe(false);
    expect(looksForged(wins(SAFETY_BLOCKS_MIN, (i) => i % 8))).toBe(false);
  });

  test('is refused just above half and four deviations', () => {
    // The mean is (early·(1/32) + late·(31/32))/n; ½ + 4/√2400 is 0.58165, so 117 late ones are one too many.
    const mix = (late: number) => wins(SAFETY_BLOCKS_MIN, (i) => (i < late ? 15 : 0));
    const bound = [...Array(SAFETY_BLOCKS_MIN).keys()].findIndex((late) => {
      const mean = (late * 31 + (SAFETY_BLOCKS_MIN - late)) / 32 / SAFETY_BLOCKS_MIN;
      return mean > 0.5 + 4 / Math.sqrt(12 * SAFETY_BLOCKS_MIN);
    });
    expect(looksForged(mix(bound))).toBe(true);
    expect(looksForged(mix(bound - 1))).toBe(false);
  });
});
