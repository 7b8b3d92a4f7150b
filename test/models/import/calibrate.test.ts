/** How an import chooses its integers, what it refuses before it begins, and how it judges what came out. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTokeniser } from '../../../src/client/models/tokeniser.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { requireShapes } from '../../../models/agree.ts';
import { boundedManifest } from '../../../models/finish.ts';
import { Graph } from '../../../models/graph.ts';
import type { Bert, FloatLinear } from '../../../models/import/bert.ts';
import { calibrate, quantiseLinear } from '../../../models/import/calibrate.ts';
import { importModel } from '../../../models/import/convert.ts';
import { normUnits, scaledSum } from '../../../models/import/exact-graph.ts';
import { readFolder } from '../../../models/import/folder.ts';
import { roundedRows } from '../../../models/import/gptq.ts';
import { draftPackage } from '../../../models/import/pack.ts';
import { cosine, overlapOf } from '../../../models/import/quality.ts';
import { encodeFloat, pool } from '../../../models/import/reference.ts';
import { warningsOf } from '../../../models/import/report.ts';
import { interpretModel } from '../../oracle/interpret-onnx.ts';
import { createRandom } from '../../sim/random.ts';

const POLYGLOT = join(import.meta.dirname, '../../../models/import/polyglot');
const SAMPLE = join(import.meta.dirname, '../../../models/import/sample.txt');
const texts = readFileSync(SAMPLE, 'utf8').split('\n').filter(Boolean);
const LABELLING = { name: 'polyglot', licence: 'MIT', attribution: 'nobody' };

/** Standard normal numbers, near enough. */
function normals(seed: string, count: number): Float32Array {
  const random = createRandom(1, seed);
  const one = (): number =>
    Array.from({ length: 12 }, () => random.int(0, 9999) / 1e4).reduce((a, b) => a + b, -6);
  return Float32Array.from({ length: count }, one);
}

const [K, N, ROWS] = [64, 48, 600];
function linearOf(seed: string): { l: FloatLinear; x: Float32Array } {
  const weight = normals(`${seed} w`, N * K).map((w) => 0.1 * w);
  return {
    l: { k: K, n: N, weight, bias: normals(`${seed} b`, N) },
    x: normals(`${seed} x`, ROWS * K),
  };
}
function outputs({ weight, bias }: FloatLinear, x: Float32Array): Float32Array {
  return Float32Array.from({ length: (x.length / K) * N }, (_, at) => {
    const [i, c] = [Math.floor(at / N), at % N];
    let sum = bias[c]!;
    for (let j = 0; j < K; j++) sum += x[i * K + j]! * weight[c * K + j]!;
    return sum;
  });
}
/** Root mean square of what integers give instead of y, in every column but one. */
function errorOf(
  q: Awaited<ReturnType<typeof quantiseLinear>>,
  x: Float32Array,
  y: Float32Array,
  leftOut = -1,
): number {
  let [sum, count] = [0, 0];
  for (let i = 0; i < x.length / K; i++)
    for (let c = 0; c < N; c++) {
      if (c === leftOut) continue;
      let made = q.bias[c]!;
      for (let j = 0; j < K; j++) {
        const wide = (x[i * K + j]! - q.inputMiddle[j]!) / q.inputScale[j]!;
        const isApart = q.massive.some(({ column }) => column === j);
        const a = isApart ? 0 : Math.max(-63, Math.min(63, Math.round(wide)));
        made += a * q.weight[c * K + j]! * q.outputScale[c]!;
      }
      for (const { column, weights } of q.massive) made += x[i * K + column]! * weights[c]!;
      sum += (made - y[i * N + c]!) ** 2;
      count++;
    }
  return Math.sqrt(sum / count);
}

describe('the integers of a linear', () => {
  test('a massive column is taken apart, and no longer widens the steps of all others', async () => {
    const { l, x } = linearOf('massive');
    const plain = outputs(l, x);
    const usual = errorOf(await quantiseLinear(l, [x, plain]), x, plain);
    // One column far above the others, read by one output most of all.
    for (let i = 0; i < ROWS; i += 40) x[i * K + 5] = 60;
    for (let c = 0; c < N; c++) l.weight[c * K + 5] = c === 7 ? 4 : 0.05;
    const y = outputs(l, x);
    const together = await quantiseLinear(l, [x, y]);
    const apart = await quantiseLinear(l, [x, y], true);
    expect(together.massive).toEqual([]);
    expect(apart.massive.map(({ column }) => column)).toEqual([5]);
    expect(apart.weight.filter((_, i) => i % K === 5).every((w) => w === 0)).toBe(true);
    expect(errorOf(apart, x, y, 7)).toBeLessThan(1.3 * usual);
    expect(errorOf(together, x, y, 7)).toBeGreaterThan(2 * usual);
  });

  test('columns count from the middle of their range', async () => {
    const { l, x } = linearOf('middle');
    const usual = outputs(l, x);
    const wanted = errorOf(await quantiseLinear(l, [x, usual]), x, usual);
    // As GELU's values: 20 above zero, nothing below.
    const moved = x.map((v) => v + 20);
    const y = outputs(l, moved);
    const q = await quantiseLinear(l, [moved, y]);
    expect(Math.min(...q.inputMiddle)).toBeGreaterThan(18);
    expect(errorOf(q, moved, y)).toBeLessThan(1.2 * wanted);
  });

  test('roundings that make up for each other leave less error than the nearest integers', async () => {
    const random = createRandom(1, 'correlated');
    // Four causes behind all columns: what one weight loses another can give.
    const causes = normals('causes', 4 * ROWS);
    const mix = normals('mix', 4 * K);
    const a = Int8Array.from({ length: ROWS * K }, (_, at) => {
      const [i, j] = [Math.floor(at / K), at % K];
      let sum = random.int(-3, 3);
      for (let t = 0; t < 4; t++) sum += 8 * causes[i * 4 + t]! * mix[t * K + j]!;
      return Math.max(-63, Math.min(63, Math.round(sum)));
    });
    const rows = Float64Array.from(normals('rows', N * K), (w) => 15 * w);
    const rounded = await roundedRows(a, rows, K);
    const lost = (q: ArrayLike<number>): number => {
      let sum = 0;
      for (let c = 0; c < N; c++) {
        const errors = Array.from({ length: ROWS }, (_, i) => {
          let e = 0;
          for (let j = 0; j < K; j++) e += (q[c * K + j]! - rows[c * K + j]!) * a[i * K + j]!;
          return e;
        });
        const mean = errors.reduce((s, e) => s + e, 0) / ROWS;
        for (const e of errors) sum += (e - mean) ** 2;
      }
      return sum;
    };
    expect(lost(rounded)).toBeLessThan(0.3 * lost(rows.map(Math.round)));
    expect(Math.max(...rounded.map(Math.abs))).toBeLessThanOrEqual(63);
    expect(await roundedRows(a, rows, K)).toEqual(rounded);
  });
});

test('a sum of scaled tensors is rounded once, within what its multipliers leave open', () => {
  const [m, n] = [16, 64];
  const factors = [0.8, 0.011, 0.3].map((f, i) => normals(`factors ${i}`, n).map((x) => f * x));
  const g = new Graph().scope('sum');
  const terms = factors.map((f, i) => ({
    x: g.input(i ? `v${i}` : 'c1', [m, i ? 1 : n]),
    bound: 32_767,
    factors: f,
  }));
  // A segment of its own: the massive values as carries of int16.
  const out = scaledSum(g, terms);
  expect(out).toContain('Floor');
  const { nodes, constants } = g.graph();
  expect(nodes.filter(({ op }) => op === 'Floor')).toHaveLength(1);
  const named = new Map(constants.map((t) => [t.name, t.data as Float32Array]));
  const [shift, offset] = ['sum.shift', 'sum.offset'].map((name) => named.get(name)!);
  const multipliers = ['', '_1', '_2'].map((s) => named.get(`sum.multiplier${s}`)!);
  expect(Math.max(...multipliers.flatMap((l) => [...l].map(Math.abs)))).toBeLessThanOrEqual(126);
  const values = [31_000, -12_345, 777];
  for (let j = 0; j < n; j++) {
    const sum = multipliers.reduce((s, l, i) => s + values[i]! * l[j]!, offset![j]!);
    const wanted = factors.reduce((s, f, i) => s + values[i]! * f[j]!, 0);
    const open = values.reduce((s, v) => s + Math.abs(v) * 0.5 * shift![j]!, 0.5);
    expect(Math.abs(Math.floor(sum * shift![j]!) - wanted)).toBeLessThanOrEqual(open + 0.5);
  }
});

test.each([128, 384, 512, 768, 1024])(
  'a row of %i steps of the stream sums up below 2^24',
  (width) => {
    const { streamMax, fineBits, unit } = normUnits({ peak: 100, energy: 1e4 }, width);
    expect(width * streamMax + width / 2).toBeLessThan(2 ** 24);
    expect(streamMax).toBeLessThan(2 ** 15);
    expect(2 * width * (streamMax + 1)).toBeGreaterThan(
      width > 512 ? 2 ** 24 : 2 ** 16 * width - 1,
    );
    // Squares count in steps of which 4095 hold the peak with a quarter more.
    expect(4095 * 2 ** fineBits * unit).toBeGreaterThan(124.9);
    expect(fineBits).toBeGreaterThan(1);
  },
);

/** Neuron `neuron` of layer 0 becomes massive at the first token, whose place alone it reads. */
function withMassive(bert: Bert, neuron: number, channel: number): Bert {
  const linears = bert.linears.map((l) => ({
    ...l,
    weight: l.weight.slice(),
    bias: l.bias.slice(),
  }));
  const [up, down] = [linears[2]!, linears[3]!];
  up.weight.fill(0, neuron * up.k, (neuron + 1) * up.k);
  // Channel 3 is what the first place is known by.
  up.weight[neuron * up.k + 3] = 3;
  up.bias[neuron] = -2;
  down.weight[channel * down.k + neuron] = 5;
  return { ...bert, linears };
}

async function directions(bert: Bert, tokenizer: Uint8Array) {
  const tokeniser = await createTokeniser(tokenizer);
  const sample = texts.slice(0, 20).map((text) => tokeniser.encode(text, 32));
  const held = texts.slice(60, 62).map((text) => tokeniser.encode(text, 32));
  const calibration = await calibrate(bert, sample);
  const shape = { sequences: 2, tokens: 32 };
  const draft = draftPackage(LABELLING, { bert, calibration, tokenizer }, [shape]);
  const manifest = boundedManifest(draft);
  const model = { ...draft, manifest, id: ZERO_HASH };
  const tokens = new Uint32Array(2 * 32);
  held.forEach((ids, i) => tokens.set(ids, 32 * i));
  const backend = await createCpuBackend(model);
  const { answer } = await backend.pass({ tokens, sigma0: undefined, limits: [] });
  await backend.close();
  const float = pool(
    bert,
    await encodeFloat(bert, held),
    held.map((ids) => ids.length),
  );
  const rows = float.map((_, i) => answer.subarray(i * bert.hidden, (i + 1) * bert.hidden));
  return {
    model,
    tokens,
    answer,
    calibration,
    cosines: rows.map((row, i) => cosine(row, float[i]!)),
  };
}

test('an encoder with a massive neuron answers as near the float one as without, and exactly', async () => {
  const { bert, tokenizer } = await readFolder(POLYGLOT);
  const planted = withMassive(bert, 17, 9);
  const { model, tokens, answer, calibration, cosines } = await directions(planted, tokenizer);
  expect(calibration.linears[3]!.massive.map(({ column }) => column)).toContain(17);
  expect(Math.min(...cosines)).toBeGreaterThan(0.99);
  expect(interpretModel(model, tokens).answer).toEqual(answer);
});

test('sequences of over 128 tokens have the same answers as in shorter shapes, and where they have another form', async () => {
  const source = await readFolder(POLYGLOT);
  const { hidden } = source.bert;
  const longer = { ...source.bert, positions: 256, places: new Float32Array(256 * hidden) };
  longer.places.set(source.bert.places);
  longer.places.set(source.bert.places, 128 * hidden);
  const tokeniser = await createTokeniser(source.tokenizer);
  const sample = texts.slice(0, 10).map((text) => tokeniser.encode(text, 256));
  const calibration = await calibrate(longer, sample);
  const shapes = [
    { sequences: 2, tokens: 32 },
    { sequences: 1, tokens: 128 },
    { sequences: 1, tokens: 256 },
  ] as const;
  const draft = draftPackage(LABELLING, { ...source, bert: longer, calibration }, shapes);
  const model = { ...draft, manifest: boundedManifest(draft), id: ZERO_HASH };
  const backend = await createCpuBackend(model);
  await expect(requireShapes(model, backend)).resolves.toContain('one answer each');
  await backend.close();
});

const quiet = { ...LABELLING, measureMax: 40, rounds: 1 };

test.each<[string, { sequences: number; tokens: number }]>([
  ['an input of 2097152 bytes', { sequences: 8192, tokens: 128 }],
  ['too many bytes', { sequences: 128, tokens: 128 }],
  ['300 tokens a sequence are over 128', { sequences: 1, tokens: 300 }],
  ['24 rows are no multiple of 16', { sequences: 3, tokens: 8 }],
])('what no calibration can mend is refused before it: %s', async (message, shape) => {
  const lines: string[] = [];
  const options = { ...quiet, shapes: [shape] as const, texts: texts.slice(0, 12) };
  const found = importModel(await readFolder(POLYGLOT), {
    ...options,
    log: (line) => lines.push(line),
  });
  await expect(found).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  await expect(found).rejects.toThrow(message);
  expect(lines).toEqual([]);
});

describe('the judgement', () => {
  const good = { count: 100, mean: 0.995, median: 0.996, p1: 0.985, min: 0.97 };
  const judged = (sentences: Partial<typeof good>, tokens = 4000): string[] => {
    const quality = {
      tokens: good,
      sentences: { ...good, ...sentences },
      centred: good,
      similarity: 0,
      overlap: 1,
    };
    return warningsOf({ quality, calibrated: { texts: 1, tokens } });
  };
  test('is a warning below a median of 0.99, a p1 of 0.98, and 2,000 tokens of calibration', () => {
    expect(judged({})).toEqual([]);
    expect(judged({ median: 0.9899 })).toEqual([expect.stringContaining('the median')]);
    expect(judged({ p1: 0.9799 })).toEqual([expect.stringContaining('one in a hundred')]);
    expect(judged({ p1: 0.9799, count: 99 })).toEqual([]);
    expect(judged({}, 1999)).toEqual([expect.stringContaining('1999 tokens')]);
    expect(judged({ median: 0.99, p1: 0.98 }, 2000)).toEqual([]);
  });

  test('overlap@10 is the share of nearest texts that both models name', () => {
    const vectors = Array.from({ length: 40 }, (_, i) => normals(`vector ${i}`, 16));
    expect(overlapOf(vectors, vectors)).toBe(1);
    expect(
      overlapOf(
        vectors.map((v) => v.map((x) => 3 * x)),
        vectors,
      ),
    ).toBe(1);
    const turned = vectors.map((_, i) => vectors[(i + 7) % 40]!);
    expect(overlapOf(turned, vectors)).toBeLessThan(0.5);
    expect(overlapOf(vectors.slice(0, 29), vectors.slice(0, 29))).toBeUndefined();
  });
});

test('the default text holds what calibration asks for: tokens enough for rounding in all parts, and every kind', async () => {
  const { tokenizer } = await readFolder(POLYGLOT);
  const tokeniser = await createTokeniser(tokenizer);
  const lengths = texts.map((text) => tokeniser.encode(text, 128).length);
  const kept = lengths.filter((_, i) => i % 5 !== 4).reduce((a, b) => a + b, 0);
  expect(kept).toBeGreaterThan(4000);
  expect(new Set(texts).size).toBe(texts.length);
  for (const script of ['Latin', 'Cyrillic', 'Hiragana', 'Hangul', 'Han', 'Greek', 'Arabic'])
    expect(texts.some((text) => new RegExp(`\\p{Script=${script}}`, 'u').test(text))).toBe(true);
  const train = join(import.meta.dirname, '../../../models/lingua/train');
  const measured = new Set(
    ['cs', 'de', 'en', 'es', 'fr', 'it', 'ja', 'ko', 'pl', 'pt', 'ru', 'tr', 'zh', 'zht'].flatMap(
      (lang) => readFileSync(join(train, `${lang}.txt`), 'utf8').split('\n'),
    ),
  );
  expect(texts.filter((text) => measured.has(text))).toEqual([]);
});
