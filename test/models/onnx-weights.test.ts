/** Encoders exported as ONNX give the package that their safetensors give; hostile files are refused. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import * as ort from 'onnxruntime-web/webgpu';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { AppError } from '../../src/lib/errors.ts';
import { FIELDS_MAX } from '../../src/miner/package/onnx.ts';
import { bertConfig, bertFrom } from '../../models/import/bert.ts';
import { calibrate } from '../../models/import/calibrate.ts';
import { readFolder } from '../../models/import/folder.ts';
import { generate, SIZES, writeFiles } from '../../models/import/generate.ts';
import { parseOnnxWeights } from '../../models/import/onnx-weights.ts';
import { draftPackage } from '../../models/import/pack.ts';
import { encodeFloat } from '../../models/import/reference.ts';
import { parseSafetensors, type Tensors } from '../../models/import/safetensors.ts';
import {
  encodeFields,
  exportBert,
  floatTensor,
  node,
  type ExportOptions,
  type Field,
} from '../oracle/bert-onnx.ts';
import { digestOf } from './import/digest.ts';

const MODELS = join(import.meta.dirname, '../../models/import');
const SHAPE = { sequences: 2, tokens: 16 };
const texts = readFileSync(join(MODELS, 'sample.txt'), 'utf8').split('\n').slice(0, 4);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pila-onnx-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const json = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes)) as never;

/** A generated encoder: its files without the weights, and these. */
const FILES = generate(SIZES.mini!);
const config = bertConfig(json(FILES.get('config.json')!));
const tensors = parseSafetensors(FILES.get('model.safetensors')!);
const others = new Map([...FILES].filter(([name]) => name !== 'model.safetensors'));

/** A package's manifest without bounds and known answers: it holds the hash of every file. */
async function packaged(path: string): Promise<Manifest> {
  const { bert, tokenizer } = await readFolder(path);
  const tokeniser = await createTokeniser(tokenizer);
  const ids = texts.map((text) => tokeniser.encode(text, SHAPE.tokens));
  const draft = draftPackage(
    { name: 'x', licence: '', attribution: '' },
    { bert, calibration: await calibrate(bert, ids), tokenizer },
    [SHAPE],
  );
  return draft.manifest;
}

const same = (file: Uint8Array, wanted: Tensors): void =>
  expect(digestOf(bertFrom(config, parseOnnxWeights(file)))).toBe(
    digestOf(bertFrom(config, wanted)),
  );

const TABLES = ['word', 'token_type'].map((x) => `embeddings.${x}_embeddings.weight`);

/** The weights of vectors.py's encoder: 256 levels of −1/8 to 1/8, by name. */
function formula(name: string, dims: readonly number[]): Float32Array {
  const salt = [...name].reduce((sum, c) => (Math.imul(sum, 31) + c.charCodeAt(0)) >>> 0, 0);
  const level = (i: number): number => {
    let x = (Math.imul(i, 2_654_435_761) + salt) >>> 0;
    x = Math.imul(x ^ (x >>> 16), 2_246_822_519);
    x = Math.imul(x ^ (x >>> 13), 3_266_489_917);
    return ((x >>> 24) - 128) / 1024 + (name.endsWith('LayerNorm.weight') ? 1 : 0);
  };
  return Float32Array.from({ length: dims.reduce((p, d) => p * d, 1) }, (_, i) => level(i));
}

/** float32 numbers that float16 holds, as float16. */
const halfTensor: typeof floatTensor = (name, dims, values) => {
  const words = Uint16Array.from(values, (x) => {
    const [bits] = new Uint32Array(Float32Array.of(x).buffer);
    const exponent = ((bits! >>> 23) & 255) - 112;
    const sign = (bits! >>> 16) & 0x8000;
    return exponent > 0
      ? sign | (exponent << 10) | ((bits! >>> 13) & 1023)
      : sign | Math.round(Math.abs(x) * 2 ** 24);
  });
  return [...dims.map((d): Field => [1, d]), [2, 10], [8, name], [9, new Uint8Array(words.buffer)]];
};

describe('the package is that of the safetensors', () => {
  test('generated, weights without names; ONNX Runtime computes from the file what the reference does', async () => {
    const file = exportBert(config, tensors);
    const [plain, onnx] = ['plain', 'exported'].map((name) => join(folder, name)) as [
      string,
      string,
    ];
    writeFiles(plain, FILES);
    mkdirSync(join(onnx, 'onnx'), { recursive: true });
    writeFiles(onnx, new Map([...others, ['onnx/model.onnx', file]]));
    expect(await packaged(onnx)).toEqual(await packaged(plain));

    const { bert } = await readFolder(onnx);
    const ids = Uint32Array.of(101, 200, 7, 900, 102);
    const session = await ort.InferenceSession.create(file, { executionProviders: ['wasm'] });
    const feed = (x: (id: number) => number) =>
      new ort.Tensor(
        'int64',
        BigInt64Array.from(ids, (id) => BigInt(x(id))),
        [1, ids.length],
      );
    const { last_hidden_state: states } = await session.run({
      input_ids: feed((id) => id),
      attention_mask: feed(() => 1),
      token_type_ids: feed(() => 0),
    });
    const wanted = await encodeFloat(bert, [ids]);
    expect(wanted).toHaveLength(states!.data.length);
    wanted.forEach((x, i) => expect(states!.data[i]).toBeCloseTo(x, 3));
  });

  test('trained, float16', async () => {
    const source = join(MODELS, 'polyglot');
    const read = (name: string) => new Uint8Array(readFileSync(join(source, name)));
    const trained = bertConfig(json(read('config.json')));
    const half = parseSafetensors(read('model.safetensors'));
    const file = exportBert(trained, half, { tensor: halfTensor });
    const files = ['config.json', 'tokenizer.json', '1_Pooling/config.json'];
    const onnx = join(folder, 'half');
    writeFiles(onnx, new Map([...files.map((n) => [n, read(n)] as const), ['model.onnx', file]]));
    const { bert } = await readFolder(onnx);
    expect(digestOf(bert)).toBe(digestOf((await readFolder(source)).bert));
  });

  test.each([
    ['TorchScript', 'exported.onnx.gz', 2],
    ['dynamo, the default since 2.9', 'exported-dynamo.onnx.gz', 1],
  ])('as torch.onnx.export writes it (models/import/vectors.py): %s', (_, name, layers) => {
    const read = (path: string) =>
      new Uint8Array(readFileSync(join(import.meta.dirname, '../vectors/bert', path)));
    const exported = bertConfig(
      Object.assign(json(read('config.json')), { num_hidden_layers: layers }),
    );
    const known = { names: TABLES, check: () => undefined, read: formula };
    const file = new Uint8Array(gunzipSync(read(name)));
    const weights = bertFrom(exported, parseOnnxWeights(file));
    expect(digestOf(weights)).toBe(digestOf(bertFrom(exported, known)));
  });

  const floats: typeof floatTensor = (name, dims, values) =>
    floatTensor(name, dims, values).map(([number, x]) => [number === 9 ? 4 : number, x]);
  test.each<[string, ExportOptions]>([
    ['weights with their names, transposed by a node', { transposes: true }],
    ['names with a prefix', { prefix: '0.auto_model.' }],
    ['floats in float_data', { tensor: floats }],
  ])('%s', (_, options) => {
    const file = exportBert(config, tensors, options);
    same(file, tensors);
  });

  test('tensors that equal others are aliases, and constants may be nodes', () => {
    const [bias, other] = [1, 0].map((i) => `encoder.layer.${i}.output.LayerNorm.bias`);
    const gain = 'embeddings.LayerNorm.weight';
    const aliased: Tensors = {
      names: tensors.names,
      check: () => undefined,
      read: (name, dims) => tensors.read(name === bias ? other! : name, dims),
    };
    // Both are written under other names, and made by nodes.
    const tensor: typeof floatTensor = (name, dims, values) =>
      floatTensor(name === bias || name === gain ? `unused ${name}` : name, dims, values);
    const value = floatTensor('', [config.hidden], tensors.read(gain, [config.hidden]));
    const constant: readonly Field[] = [
      ...node('Constant', [], gain),
      [
        5,
        [
          [1, 'value'],
          [5, value],
        ],
      ],
    ];
    const file = exportBert(config, aliased, {
      tensor,
      nodes: [node('Identity', [other!], bias!), constant],
    });
    same(file, aliased);
  });
});

describe('refused', () => {
  const imported = (options: ExportOptions) => () =>
    bertFrom(config, parseOnnxWeights(exportBert(config, tensors, options)));
  /** One tensor is written otherwise. */
  const odd = (
    of: string,
    change: (fields: readonly Field[], values: Float32Array) => readonly Field[],
  ): ExportOptions => ({
    tensor: (name, dims, values) => {
      const fields = floatTensor(name, dims, values);
      return name.endsWith(of) ? change(fields, values) : fields;
    },
  });
  const BIAS = 'layer.1.intermediate.dense.bias';
  const without = (fields: readonly Field[], number: number) =>
    fields.filter(([n]) => n !== number);

  test.each<[string, string, ExportOptions]>([
    [
      'an optimised graph',
      'com.microsoft.Attention',
      { nodes: [[...node('Attention', ['x'], 'y'), [7, 'com.microsoft']]] },
    ],
    ['a quantised graph', 'MatMulInteger', { nodes: [node('MatMulInteger', ['x', 'y'], 'z')] }],
    ['a node without operator', 'no operator', { nodes: [[[1, 'x']]] }],
    [
      'external data',
      'external data is not read',
      odd(BIAS, (f) => [...without(f, 9), [13, [[1, 'location']]], [14, 1]]),
    ],
    [
      'a missing bias',
      `no product adds 'encoder.${BIAS}'`,
      odd(BIAS, (f) => [...without(f, 8), [8, 'x']]),
    ],
    ['another shape', 'is [1,256], not [256]', odd(BIAS, (f) => [[1, 1], ...f])],
    [
      'a rank without end',
      'is [1,1,1,1,1,1,1,1]',
      odd(BIAS, (f) => [...Array(99).fill([1, 1] as const), ...f]),
    ],
    [
      'too few bytes',
      '1020 bytes',
      odd(BIAS, (f, v) => [...without(f, 9), [9, new Uint8Array(v.byteLength - 4)]]),
    ],
    ['data twice', '1024 bytes', odd(BIAS, (f) => [...f, f.at(-1)!])],
    ['no data', ' 0 bytes', odd(BIAS, (f) => without(f, 9))],
    ['integers', 'data_type 7', odd(BIAS, (f) => [...without(f, 2), [2, 7]])],
    ['no type', 'data_type undefined', odd(BIAS, (f) => without(f, 2))],
    [
      'not a number',
      'a number that is none',
      odd(BIAS, (f, v) => [
        ...without(f, 9),
        [9, new Uint8Array(Float32Array.from(v, () => NaN).buffer)],
      ]),
    ],
    [
      'a bias of two products',
      'is added to two products',
      {
        nodes: [node('MatMul', ['x', 'y'], 'z'), node('Add', ['z', `encoder.${BIAS}`], 'w')],
      },
    ],
    [
      'a tensor twice',
      'is there twice',
      { constants: [floatTensor(`encoder.${BIAS}`, [1], Float32Array.of(0))] },
    ],
  ])('%s', (_, message, options) => {
    expect(imported(options)).toThrow(message);
    expect(imported(options)).toThrow(AppError);
  });

  test('a square weight that no product reads: it would not tell which way it lies', () => {
    const name = 'encoder.layer.0.attention.self.query.weight';
    const file = encodeFields([
      [7, [[5, floatTensor(name, [128, 128], new Float32Array(128 ** 2))]]],
    ]);
    expect(() => parseOnnxWeights(file).read(name, [128, 128])).toThrow('no product adds');
  });

  test('aliases in a circle, and a file of empty fields', () => {
    const circle = encodeFields([
      [
        7,
        [
          [1, node('Identity', ['b.bias'], 'a.bias')],
          [1, node('Identity', ['a.bias'], 'b.bias')],
        ],
      ],
    ]);
    expect(() => parseOnnxWeights(circle).read('a.bias', [1])).toThrow("there is no 'a.bias'");
    const empty = encodeFields(Array.from({ length: FIELDS_MAX + 1 }, () => [9, '']));
    expect(() => parseOnnxWeights(empty)).toThrow(`more than ${FIELDS_MAX} fields`);
    expect(() => parseOnnxWeights(new Uint8Array(0))).toThrow('no graph');
  });

  test('cut and changed files end in an AppError or in weights', () => {
    const nodes = [node('MatMul', ['x', 'w'], 'y'), node('Add', ['a.bias', 'y'], 'z')];
    const file = encodeFields([
      [
        7,
        [
          ...nodes.map((n): Field => [1, n]),
          [5, floatTensor('w', [2, 1], Float32Array.of(1, 2))],
          [5, floatTensor('a.bias', [1], Float32Array.of(3))],
        ],
      ],
    ]);
    const read = (bytes: Uint8Array) => {
      const weights = parseOnnxWeights(bytes);
      return [...weights.read('a.weight', [1, 2]), ...weights.read('a.bias', [1])];
    };
    expect(read(file)).toEqual([1, 2, 3]);
    const attempt = (bytes: Uint8Array) => {
      try {
        read(bytes);
      } catch (e) {
        expect(e).toBeInstanceOf(AppError);
      }
    };
    for (let n = 0; n < file.length; n++) attempt(file.subarray(0, n));
    const edit = fc.tuple(fc.nat(file.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 3 }), (edits) => {
        const changed = file.slice();
        for (const [at, byte] of edits) changed[at] = byte;
        attempt(changed);
      }),
      { numRuns: 1000 },
    );
  });

  test('a folder without weights', async () => {
    const empty = join(folder, 'empty');
    writeFiles(empty, others);
    const wanted =
      'none of model.safetensors, model.safetensors.index.json, onnx/model.onnx, model.onnx';
    await expect(readFolder(empty)).rejects.toThrow(wanted);
  });
});
