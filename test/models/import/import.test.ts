/** The importer's parts, and whole imports of a generated and of a trained encoder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  createTokeniser,
  packTexts,
  requireTokenizer,
} from '../../../src/client/models/tokeniser.ts';
import { inputTokens } from '../../../src/core/manifest.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { tokensOf } from '../../../src/core/pow/seed.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { inShape } from '../../../src/miner/engine/backend.ts';
import { boundedManifest } from '../../../models/finish.ts';
import { bertConfig, bertFrom } from '../../../models/import/bert.ts';
import { calibrate } from '../../../models/import/calibrate.ts';
import { importModel } from '../../../models/import/convert.ts';
import { readFolder } from '../../../models/import/folder.ts';
import { generate, SIZES } from '../../../models/import/generate.ts';
import { draftPackage, rankOf } from '../../../models/import/pack.ts';
import { cosine } from '../../../models/import/quality.ts';
import { encodeFloat, gelu, pool } from '../../../models/import/reference.ts';
import { parseSafetensors } from '../../../models/import/safetensors.ts';
import { inventedManifest } from '../../oracle/manifests.ts';
import { interpretKnown, interpretModel } from '../../oracle/interpret-onnx.ts';
import { packInput } from '../../oracle/pack-input.ts';

const POLYGLOT = join(import.meta.dirname, '../../../models/import/polyglot');
const SAMPLE = join(import.meta.dirname, '../../../models/import/sample.txt');
const texts = readFileSync(SAMPLE, 'utf8').split('\n').filter(Boolean);

test('ranks are near √(1.56·k) and fit', () => {
  expect([128, 384, 768, 1024, 1536, 3072].map(rankOf)).toEqual([16, 32, 32, 32, 48, 64]);
});

test('GELU', () => {
  const known = [
    [-6, -5.9e-9],
    [-1, -0.15865525393],
    [0, 0],
    [0.5, 0.34573123063],
    [3, 2.9959503059],
  ] as const;
  for (const [x, y] of known) expect(gelu(x)).toBeCloseTo(y, 6);
});

test('tokens and float states are those of PyTorch', async () => {
  const { bert, tokenizer } = await readFolder(POLYGLOT);
  const tokeniser = await createTokeniser(tokenizer);
  const expected = JSON.parse(readFileSync(join(POLYGLOT, 'expected.json'), 'utf8')) as {
    text: string;
    ids: number[];
    first: number[];
    pooled: number[];
  }[];
  const all = expected.map(({ text }) => tokeniser.encode(text, 128));
  const x = await encodeFloat(bert, all);
  const pooled = pool(
    bert,
    x,
    all.map((ids) => ids.length),
  );
  let row = 0;
  for (const [i, { ids, first, pooled: direction }] of expected.entries()) {
    expect([...all[i]!]).toEqual(ids);
    first.forEach((v, j) => expect(x[row * bert.hidden + j]!).toBeCloseTo(v, 4));
    const norm = Math.hypot(...pooled[i]!);
    direction.forEach((v, j) => expect(pooled[i]![j]! / norm).toBeCloseTo(v, 5));
    row += ids.length;
  }
});

describe('mean and first row are those of PyTorch (models/import/vectors.py)', () => {
  const vectors = readFileSync(
    join(import.meta.dirname, '../../vectors/bert/pooling.json'),
    'utf8',
  );
  const expected = JSON.parse(vectors) as { ids: number[]; mean: number[]; cls: number[] }[];
  const all = expected.map(({ ids }) => Uint32Array.from(ids));

  test.each(['mean', 'cls'] as const)('%s, float', async (pooling) => {
    const { bert } = await readFolder(POLYGLOT);
    const lengths = all.map((ids) => ids.length);
    const pooled = pool({ ...bert, pooling }, await encodeFloat(bert, all), lengths);
    for (const [i, wanted] of expected.entries()) {
      const norm = Math.hypot(...pooled[i]!);
      wanted[pooling].forEach((v, j) => expect(pooled[i]![j]! / norm).toBeCloseTo(v, 5));
    }
    expect(lengths).toContain(64);
  });

  test.each(['mean', 'cls'] as const)('%s, exact', async (pooling) => {
    const { bert, tokenizer } = await readFolder(POLYGLOT);
    const tokeniser = await createTokeniser(tokenizer);
    const sample = texts.slice(0, 30).map((text) => tokeniser.encode(text, 64));
    const shape = { sequences: all.length + 1, tokens: 64 };
    const chosen = { ...bert, pooling };
    const calibration = await calibrate(chosen, sample);
    const draft = draftPackage(LABELLING, { bert: chosen, calibration, tokenizer }, [shape]);
    const manifest = boundedManifest(draft);
    const backend = await createCpuBackend({ ...draft, manifest, id: ZERO_HASH });
    const tokens = new Uint32Array(shape.sequences * shape.tokens);
    all.forEach((ids, i) => tokens.set(ids, i * shape.tokens));
    const { answer } = await backend.pass({ tokens, sigma0: undefined, limits: [] });
    await backend.close();
    for (const [i, wanted] of expected.entries()) {
      const row = answer.subarray(i * bert.hidden, (i + 1) * bert.hidden);
      expect(cosine(row, wanted[pooling])).toBeGreaterThan(0.99);
    }
  });
});

const LABELLING = { name: 'polyglot', licence: 'MIT', attribution: 'nobody' };
const quiet = { ...LABELLING, measureMax: 12, rounds: 1, log: () => undefined };

test('a generated encoder with outliers: what is imported is the oracle’s, and near the float one', async () => {
  const files = generate(SIZES.mini!);
  const json = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name))) as never;
  const config = bertConfig(json('config.json'), json('1_Pooling/config.json'));
  const bert = bertFrom(config, parseSafetensors(files.get('model.safetensors')!));
  const tokenizer = files.get('tokenizer.json')!;
  const shapes = [
    { sequences: 2, tokens: 16 },
    { sequences: 2, tokens: 8 },
  ] as const;
  const options = { ...quiet, name: 'mini', shapes, texts: texts.slice(0, 36) };
  const { model, quality } = await importModel({ bert, tokenizer }, options);
  expect(quality.sentences.mean).toBeGreaterThan(0.99);
  expect(quality.tokens.mean).toBeGreaterThan(0.99);
  expect(quality.centred.mean).toBeGreaterThan(0.95);
  const { answer } = interpretModel(model, tokensOf(ZERO_HASH, model.manifest));
  for (const [place, { known }] of model.manifest.shapes.entries())
    expect(known).toEqual(interpretKnown(inShape(model, place)));
  expect(model.manifest.shapes).toHaveLength(2);
  expect(model.manifest).toMatchObject({ licence: 'MIT', attribution: 'nobody' });
  const peaks = [0, 1].map((i) =>
    Math.max(...[...answer.subarray(128 * i, 128 * (i + 1))].map(Math.abs)),
  );
  expect(peaks).toEqual([127, 127]);
  expect(() => requireTokenizer(model.manifest, tokenizer)).not.toThrow();
  expect(() => requireTokenizer(model.manifest, tokenizer.slice(1))).toThrow(
    expect.objectContaining({ code: 'MODEL_CORRUPT' }) as Error,
  );
});

test('ids of a large vocabulary are packed in three bytes', () => {
  const manifest = {
    ...inventedManifest({ linears: [], sequences: 2, tokens: 4 }),
    vocabulary: 2 ** 17,
    packing: 'u24',
  };
  const tokeniser = {
    encode: (text: string) => Uint32Array.from(text, (c) => c.codePointAt(0)!),
    isEmpty: () => false,
    controlWord: () => undefined,
    decode: () => '',
  };
  const { input, tokens } = packTexts(['a\u{1f600}', 'b'], tokeniser, manifest);
  expect(tokens).toEqual([2, 1]);
  expect([...input!.subarray(0, 6)]).toEqual([97, 0, 0, 0x00, 0xf6, 1]);
  expect([...inputTokens(input!, manifest)!]).toEqual([97, 0x1f600, 0, 0, 98, 0, 0, 0]);
});

test('a trained encoder: a question of texts is answered near the float embeddings', async () => {
  const source = await readFolder(POLYGLOT);
  const shapes = [{ sequences: 4, tokens: 32 }] as const;
  const options = { ...quiet, shapes, texts: texts.slice(0, 45) };
  const { model, quality } = await importModel(source, options);
  expect(quality.sentences.mean).toBeGreaterThan(0.99);
  expect(quality.centred.mean).toBeGreaterThan(0.99);
  const tokeniser = await createTokeniser(source.tokenizer);
  const asked = ['The file does not exist.', 'Il file non esiste.', 'A class needs a name.'];
  const input = packTexts(asked, tokeniser, model.manifest).input!;
  expect(tokeniser.decode(inputTokens(input, model.manifest)!.slice(32, 64))).toBe(
    'il file non esiste.',
  );
  const over = packTexts([...asked, 'one more', 'another'], tokeniser, model.manifest);
  expect([over.tokens.length, over.input]).toEqual([5, undefined]);
  const backend = await createCpuBackend(model);
  const tokens = packInput(input, model.manifest);
  const { answer } = await backend.pass({ tokens, sigma0: undefined, limits: [] });
  await backend.close();
  const row = (i: number) => [...answer.subarray(128 * i, 128 * (i + 1))];
  expect(cosine(row(0), row(1))).toBeGreaterThan(cosine(row(0), row(2)) + 0.3);
});
