/** How an encoder's quality is measured and judged: on vectors made up, and on a small generated encoder. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generate, SIZES } from '../../../models/import/generate.ts';
import { readFolder } from '../../../models/import/folder.ts';
import { BARS, encoderReport, shortfalls } from '../../../models/measure/encoder-report.ts';
import { measureEncoder, type EncoderFigures } from '../../../models/measure/encoder.ts';
import {
  compareSearch,
  distribution,
  unit,
  type Retrieved,
} from '../../../models/measure/figures.ts';
import { exactVectors } from '../../../models/measure/vectors.ts';
import type { Sets } from '../../../models/texts/sets.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { createRandom } from '../../sim/random.ts';
import { miniModel } from '../mini.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'pila-measure-'))));
afterEach(() => rmSync(folder, { recursive: true }));

test('median, one in a hundred, least', () => {
  const values = Array.from({ length: 200 }, (_, i) => (i * 77) % 200);
  expect(distribution(values)).toEqual({ count: 200, median: 99.5, p1: 2, min: 0 });
  expect(distribution([3, 1, 2])).toEqual({ count: 3, median: 2, p1: 1, min: 1 });
});

/** Unit vectors, and the same with noise: query i is document i with noise. */
function searched(noise: number) {
  const random = createRandom(5, 'vectors');
  const vector = () => Float64Array.from({ length: 16 }, () => random.between(-1, 1));
  const near = (of: Float64Array, by: number, name: string, i: number) => {
    const own = createRandom(i, name);
    return unit(of.map((x) => x + by * own.between(-1, 1)));
  };
  const documents = Array.from({ length: 300 }, vector);
  const queries = documents.slice(0, 100).map((d, i) => near(d, 1.2, 'query', i));
  return {
    documents: documents.map((d, i) => near(d, noise, 'document', i)),
    queries: queries.map((q, i) => near(q, noise, 'noise', i)),
  };
}

test('a search is compared with itself, and with a worse one', () => {
  const float = searched(0);
  const same = compareSearch(float, float, 1);
  expect(same).toMatchObject({ difference: 0, interval: [0, 0], overlap: 1, sameFirst: 1 });
  expect(same.mrr[0]).toBeGreaterThan(0.3);
  expect(same.recall1[0]).toBeLessThanOrEqual(same.mrr[0]);
  expect(same.recall10[0]).toBeGreaterThanOrEqual(same.mrr[0]);

  const worse = compareSearch(float, searched(0.6), 1);
  expect(worse.difference).toBeLessThan(-0.02);
  expect(worse.mrr[1] / worse.mrr[0] - 1).toBeCloseTo(worse.difference, 12);
  expect(worse.interval[0]).toBeLessThan(worse.difference);
  expect(worse.interval[1]).toBeGreaterThan(worse.difference);
  expect(worse.overlap).toBeLessThan(0.9);
  expect(compareSearch(float, searched(0.6), 1)).toEqual(worse);
  expect(compareSearch(float, searched(0.6), 2).interval).not.toEqual(worse.interval);
});

const GOOD = { count: 100, median: 0.999, p1: 0.995, min: 0.99 };
const SEARCH = {
  ...compareSearch(searched(0), searched(0), 1),
  interval: [-BARS.mrr, BARS.mrr] as const,
  overlap: BARS.overlap,
};
const figures = (over: Partial<EncoderFigures>): EncoderFigures => ({
  seed: 1,
  tokens: 64,
  all: { ...GOOD, median: BARS.median, p1: BARS.p1 },
  withoutOdd: { ...GOOD, min: BARS.min },
  odd: [{ text: '|\u200b', tokens: 3, cosine: BARS.oddMin }],
  groups: new Map([['talk-it', GOOD]]),
  lengths: new Map([['0–3', GOOD]]),
  longer: new Map([[128, GOOD]]),
  retrieval: new Map([
    ['debian', SEARCH],
    ['wordnet', SEARCH],
  ]),
  ...over,
});
const both = (over: Partial<Retrieved>) =>
  new Map([
    ['debian', SEARCH],
    ['wordnet', { ...SEARCH, ...over }],
  ]);

test('at the bars nothing is said; below any of them the report begins with a warning', () => {
  const about = { name: 'm', facts: [['id', 'x']] as const };
  const well = encoderReport(about, figures({}));
  expect(shortfalls(figures({}))).toEqual([]);
  expect(well.split('\n')[2]).toBe('Above every bar.');
  expect(well).toContain('| `"\\|\\u200b"` | 3 | 0.8500 |');
  const below: readonly (readonly [string, Partial<EncoderFigures>])[] = [
    ['median is', { all: { ...GOOD, median: BARS.median - 1e-4 } }],
    ['p1 is', { all: { ...GOOD, p1: BARS.p1 - 1e-4 } }],
    ['least without odd texts', { withoutOdd: { ...GOOD, min: BARS.min - 1e-4 } }],
    ['least of odd texts', { odd: [{ text: '', tokens: 2, cosine: BARS.oddMin - 1e-4 }] }],
    ['overlap@10', { retrieval: both({ overlap: BARS.overlap - 1e-3 }) }],
    ['MRR@10 of wordnet', { retrieval: both({ interval: [-BARS.mrr - 1e-4, 0] }) }],
    ['MRR@10 of wordnet', { retrieval: both({ interval: [0, BARS.mrr + 1e-4] }) }],
  ];
  for (const [what, over] of below) {
    expect(shortfalls(figures(over)), what).toEqual([expect.stringContaining(what)]);
    expect(encoderReport(about, figures(over)).split('\n')[2]).toContain(`**Warning: ${what}`);
  }
});

const WORDS = ['function', 'type', 'of', 'return', 'value', 'class', 'name', 'is', 'not', 'a'];
const sentence = (i: number, words: number): string =>
  Array.from({ length: words }, (_, j) => WORDS[(i * (j + 3) + j) % WORDS.length]).join(' ');
const SETS: Sets = {
  seed: 3,
  retrieval: {
    debian: {
      queries: [1, 2, 3, 4, 5].map((i) => sentence(i, 4)),
      documents: Array.from({ length: 20 }, (_, i) => sentence(i, 2 + (i % 9))),
    },
  },
  groups: {
    words: WORDS,
    long: [sentence(1, 60), sentence(2, 35), sentence(3, 70)],
    odd: ['', 'a '.repeat(90), '🙂'],
  },
};

test('a package is measured against its own weights, in every shape, and each vector once', async () => {
  for (const [name, bytes] of generate(SIZES.mini!)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  const input = {
    source: await readFolder(folder),
    model: await miniModel(),
    sets: SETS,
    keys: { float: 'weights', exact: 'package' },
    folder: join(folder, 'vectors'),
    log: () => undefined,
  };
  const measured = await measureEncoder(input);
  expect(measured.all.count).toBe(5 + 20 + 10 + 3 + 3);
  expect(measured.withoutOdd.count).toBe(measured.all.count - 3);
  expect(measured.all.min).toBeGreaterThan(0.9);
  expect(measured.all.median).toBeLessThan(1);
  expect(measured.odd.map(({ text }) => text)).toEqual(SETS.groups.odd);
  expect(measured.odd.map(({ tokens }) => tokens)).toEqual([2, 32, 3]);
  expect([...measured.groups.keys()]).toEqual(['debian.q', 'debian.d', 'words', 'long', 'odd']);
  expect([...measured.longer.keys()]).toEqual([40]);
  expect(measured.retrieval.get('debian')!.overlap).toBeGreaterThan(0.7);
  const kept = readdirSync(input.folder);
  // Five groups and the long texts cut elsewhere, float and exact.
  expect(kept).toHaveLength(12);
  // Again, from what is kept: the same, and nothing is computed with a model that can't compute.
  const broken = { ...input.model, segments: [], weights: [] };
  expect(await measureEncoder({ ...input, model: broken })).toEqual(measured);
  // Vectors of another package are others.
  await expect(
    measureEncoder({ ...input, model: broken, keys: { float: 'weights', exact: 'other' } }),
  ).rejects.toThrow();
}, 60_000);

test('every text is answered as in a pass of its own', async () => {
  const model = await miniModel();
  const texts = Array.from({ length: 40 }, (_, i) =>
    Uint32Array.from({ length: i + 1 }, (_, j) => 104 + ((i * 31 + j * 17) % 900)),
  );
  const rows = await exactVectors(model, 'package', folder)(texts);
  const backend = await createCpuBackend(model);
  for (const [i, ids] of texts.entries()) {
    const tokens = new Uint32Array(40);
    tokens.set(ids);
    const { answer } = await backend.pass({ shape: 2, tokens, sigma0: undefined, limits: [] });
    expect(rows[i], `${i + 1} tokens`).toEqual(Float32Array.from(answer));
  }
  await backend.close();
}, 60_000);
