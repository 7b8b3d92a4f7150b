/** The importer's parts on hostile input, and whole imports of a generated and of a trained encoder. */
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTokeniser, packTexts, tokeniserOf } from '../../src/client/models/tokeniser.ts';
import { inputTokens } from '../../src/core/manifest.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { inShape } from '../../src/miner/engine/backend.ts';
import { boundedManifest } from '../../models/finish.ts';
import { bertConfig, bertFrom } from '../../models/import/bert.ts';
import { calibrate } from '../../models/import/calibrate.ts';
import { importModel } from '../../models/import/convert.ts';
import { readFolder } from '../../models/import/folder.ts';
import { generate, SIZES } from '../../models/import/generate.ts';
import { draftPackage, rankOf } from '../../models/import/pack.ts';
import { cosine } from '../../models/import/quality.ts';
import { encodeFloat, gelu, pool } from '../../models/import/reference.ts';
import { encodeSafetensors, parseSafetensors } from '../../models/import/safetensors.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { interpretKnown, interpretModel } from '../oracle/interpret-onnx.ts';
import { packInput } from '../oracle/pack-input.ts';

const POLYGLOT = join(import.meta.dirname, '../../models/import/polyglot');
const SAMPLE = join(import.meta.dirname, '../../models/import/sample.txt');
const texts = readFileSync(SAMPLE, 'utf8').split('\n').filter(Boolean);

/** A file with this header and that many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Uint8Array {
  const head = new TextEncoder().encode(JSON.stringify(header));
  const file = new Uint8Array(8 + head.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(head.length), true);
  file.set(head, 8);
  return file;
}
const entry = (dtype: string, shape: unknown, ...data_offsets: unknown[]) => ({
  dtype,
  shape,
  data_offsets,
});

describe('safetensors', () => {
  test('float32, float16 and bfloat16 are read; other types only when nobody asks for them', () => {
    const header = {
      __metadata__: { format: 'pt' },
      half: entry('F16', [2], 0, 4),
      brain: entry('BF16', [1, 2], 4, 8),
      full: entry('F32', [1], 8, 12),
      ids: entry('I64', [1], 12, 20),
    };
    const file = fileOf(header, 20);
    const data = file.subarray(file.length - 20);
    data.set([0x00, 0x3c, 0x01, 0x80]); // 1, −2^−24
    data.set([0x80, 0xbf, 0x49, 0x40], 4); // −1, 3.140625
    data.set(new Uint8Array(Float32Array.of(0.1).buffer), 8);
    const tensors = parseSafetensors(file);
    expect([...tensors.read('half', [2])]).toEqual([1, -(2 ** -24)]);
    expect([...tensors.read('brain', [1, 2])]).toEqual([-1, 3.140625]);
    expect([...tensors.read('full', [1])]).toEqual([Math.fround(0.1)]);
    expect(() => tensors.read('ids', [1])).toThrow('not a float');
    expect(() => tensors.read('half', [1, 2])).toThrow('[2], not [1,2]');
    expect(() => tensors.read('none', [2])).toThrow("no 'none'");
  });

  test.each<[string, unknown, number]>([
    ['overlap', { a: entry('F32', [2], 0, 8), b: entry('F32', [1], 4, 8) }, 8],
    ['overlap or hole', { a: entry('F32', [1], 0, 4), b: entry('F32', [1], 8, 12) }, 12],
    ['belong to no tensor', { a: entry('F32', [1], 0, 4) }, 8],
    ['lies at', { a: entry('F32', [2], 0, 4) }, 4],
    ['lies at', { a: entry('F32', [2 ** 40, 2 ** 40], 0, 4) }, 4],
    ['lies at', { a: entry('F32', [1], 0, 4) }, 0],
    ['no place', { a: entry('F32', [1], 0) }, 4],
    ['no place', { a: entry('F32', [1], -4, 0) }, 4],
    ['no shape', { a: entry('F32', [1.5], 0, 4) }, 4],
    ['no shape', { a: entry('F32', 'x', 0, 4) }, 4],
    ['the type', { a: entry('Q4', [1], 0, 4) }, 4],
    ['the type', { a: null }, 0],
    ['not an object', [], 0],
  ])('%s', (message, header, bytes) => {
    expect(() => parseSafetensors(fileOf(header, bytes))).toThrow(message);
  });

  test('a number that is none, a header that is none, and noise', () => {
    const file = fileOf({ a: entry('F32', [1], 0, 4) }, 4);
    file.set(new Uint8Array(Float32Array.of(NaN).buffer), file.length - 4);
    expect(() => parseSafetensors(file).read('a', [1])).toThrow('a number that is none');
    expect(() => parseSafetensors(new Uint8Array(7))).toThrow('no header');
    expect(() => parseSafetensors(new Uint8Array(16).fill(255))).toThrow('a header of');
    expect(() => parseSafetensors(fileOf({}, 0).fill(0xc0, 8))).toThrow('not JSON');
    const good = encodeSafetensors(new Map([['a', { dims: [2], values: Float32Array.of(1, 2) }]]));
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
        const changed = good.slice();
        changed[at] = byte;
        try {
          parseSafetensors(changed);
        } catch (e) {
          expect(e).toBeInstanceOf(AppError);
        }
      }),
    );
  });
});

test.each([
  ['a', '{"a":E,"a":E}'],
  ['a', '{"a":E,"\\u0061":E}'],
  ['__metadata__', '{"__metadata__":{},"__metadata__":{},"a":E}'],
  ['dtype', '{"a":{"dtype":"F16","dtype":"F32","shape":[1],"data_offsets":[0,4]}}'],
])('safetensors: %s twice in a header is refused', (name, json) => {
  const text = json.replaceAll('E', JSON.stringify(entry('F32', [1], 0, 4)));
  const file = new Uint8Array(8 + text.length + 4);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(new TextEncoder().encode(text), 8);
  expect(() => parseSafetensors(file)).toThrow(`'${name}' is there twice`);
});

test('the first names of norms are read as those of today', () => {
  const files = generate(SIZES.mini!);
  const json = (name: string) => JSON.parse(new TextDecoder().decode(files.get(name))) as never;
  const config = bertConfig(json('config.json'), json('1_Pooling/config.json'));
  const tensors = parseSafetensors(files.get('model.safetensors')!);
  const toOld = (name: string) =>
    name.replace(/(LayerNorm)\.weight$/, '$1.gamma').replace(/(LayerNorm)\.bias$/, '$1.beta');
  const toNew = (name: string) => name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');
  const names = tensors.names.map(toOld);
  expect(names).not.toEqual(tensors.names);
  const old = {
    names,
    read: (name: string, dims: readonly number[]) => {
      expect(names).toContain(name);
      return tensors.read(toNew(name), dims);
    },
  };
  expect(bertFrom(config, old)).toEqual(bertFrom(config, tensors));
});

describe('the pooling', () => {
  const MEAN = { pooling_mode_mean_tokens: true };
  const CLS = { pooling_mode_cls_token: true };
  const module = (type: string, path: unknown) => ({
    type: `sentence_transformers.models.${type}`,
    path,
  });
  async function folderOf(files: Readonly<Record<string, unknown>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'pila-pooling-'));
    await cp(POLYGLOT, folder, { recursive: true });
    for (const name of ['1_Pooling', 'modules.json'])
      await rm(join(folder, name), { recursive: true, force: true });
    for (const [name, value] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), JSON.stringify(value));
    }
    return folder;
  }
  test.each<[string, string, Record<string, unknown>]>([
    [
      'lies where modules.json says',
      'cls',
      {
        'modules.json': [module('Pooling', 'pooling')],
        'pooling/config.json': CLS,
        '1_Pooling/config.json': MEAN,
      },
    ],
    ['lies in its usual folder', 'cls', { '1_Pooling/config.json': CLS }],
    ['is the mean where nothing tells', 'mean', {}],
    [
      'must be where modules.json says',
      'MODEL_MISSING',
      { 'modules.json': [module('Pooling', 'pooling')], '1_Pooling/config.json': MEAN },
    ],
    [
      'is one',
      'MODEL_REFUSED',
      {
        'modules.json': [module('Pooling', 'a'), module('Pooling', 'b')],
        'a/config.json': CLS,
        'b/config.json': MEAN,
      },
    ],
    [
      'lies in the model’s folder',
      'MODEL_REFUSED',
      { 'modules.json': [module('Pooling', '../pooling')] },
    ],
    ['has a folder', 'MODEL_REFUSED', { 'modules.json': [module('Pooling', 7)] }],
  ])('%s: %s', async (_, wanted, files) => {
    const folder = await folderOf(files);
    const found = await readFolder(folder).then(
      ({ bert }) => bert.pooling,
      (e: unknown) => AppError.from(e).code,
    );
    await rm(folder, { recursive: true });
    expect(found).toBe(wanted);
  });
});

const CONFIG = JSON.parse(readFileSync(join(POLYGLOT, 'config.json'), 'utf8')) as object;

test.each<[string, object, object?, object[]?]>([
  ['model_type is "roberta"', { model_type: 'roberta' }],
  ['hidden_act is "relu"', { hidden_act: 'relu' }],
  ['position_embedding_type is "relative_key"', { position_embedding_type: 'relative_key' }],
  ['hidden_size 192 is no', { hidden_size: 192.5 }],
  ['hidden_size 130', { hidden_size: 130 }],
  ['vocab_size is 300000', { vocab_size: 300_000 }],
  ['intermediate_size is 8192', { intermediate_size: 8192 }],
  ['3 heads', { num_attention_heads: 3 }],
  ['num_hidden_layers is undefined', { num_hidden_layers: undefined }],
  ['pooling_mode_max_tokens', {}, { pooling_mode_max_tokens: true }],
  ['Dense is not known', {}, undefined, [{ type: 'sentence_transformers.models.Dense' }]],
])('a config is refused: %s', (message, fields, pooling, modules) => {
  const wanted = message.replace('192 is no', 'is 192.5');
  expect(() => bertConfig({ ...CONFIG, ...fields }, pooling as never, modules as never)).toThrow(
    wanted,
  );
});

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
  const vectors = readFileSync(join(import.meta.dirname, '../vectors/bert/pooling.json'), 'utf8');
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
  await expect(tokeniserOf(model.manifest, tokenizer)).resolves.toBeDefined();
  await expect(tokeniserOf(model.manifest, tokenizer.slice(1))).rejects.toMatchObject({
    code: 'MODEL_CORRUPT',
  });
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
