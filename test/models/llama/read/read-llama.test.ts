/** Decoders read from both forms: numbers as ggml has them, the same model from either, and only what is asked for. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { weightsFolder } from '../../../../models/fetch/obtain.ts';
import { GGML_TYPES } from '../../../../models/import/llama/read/ggml.ts';
import { llamaOfGguf } from '../../../../models/import/llama/read/from-gguf.ts';
import { ropeAngles, type Llama } from '../../../../models/import/llama/read/llama.ts';
import { openLlama } from '../../../../models/import/llama/read/open.ts';
import { createTokeniser } from '../../../../src/client/models/tokeniser.ts';
import { randomBytes } from '../../../oracle/random.ts';
import {
  changed,
  fieldsOf,
  folderOf,
  generated,
  ggufOf,
  WIDE,
  writtenOf,
  type Files,
  type Shape,
} from './generated.ts';
import { NAIVE, naiveFloats, type Quantised } from './naive-ggml.ts';
import { inMemory, readFiles, readGguf, tensorsOf } from './reading.ts';
import { writeGguf } from './write-gguf.ts';

const QUANTISED = Object.keys(NAIVE) as Quantised[];
const typeNamed = (name: string) => [...GGML_TYPES.values()].find((type) => type.name === name)!;

describe('numbers of ggml', () => {
  test.each(QUANTISED)('%s are worth what the format says', (name) => {
    const { number, block, bytes, halves } = NAIVE[name];
    const type = typeNamed(name);
    expect(GGML_TYPES.get(number)).toBe(type);
    expect([type.block, type.bytes]).toEqual([block, bytes]);
    const data = randomBytes(`blocks of ${name}`, 400 * bytes);
    for (let i = 0; i < 400; i++)
      for (const half of halves) {
        const exponent = i * bytes + half + 1;
        // Every half that is a number: the least ones, the largest ones, both signs, and zero.
        if ((data[exponent]! & 0x7c) === 0x7c) data[exponent]! &= 0xbf;
        if (i % 4 === 1) data[exponent]! &= 0x83;
        if (i === 2) data.fill(0, exponent - 1, exponent + 1);
      }
    const [got, wanted] = [type.floats(data), naiveFloats(name, data)];
    expect(got.length).toBe(400 * block);
    // A whole-numbers' zero has no sign.
    const differing = got.findIndex((x, i) => !(x === wanted[i]));
    expect(differing).toBe(-1);
    expect(new Set(got).size).toBeGreaterThan(100);
  });

  test('a zero keeps the sign that a product gives it', () => {
    const bytes = new Uint8Array(18).fill(0x88);
    bytes.set([0x00, 0xbc]); // −1 · (8 − 8)
    expect([...typeNamed('Q4_0').floats(bytes)].every((x) => Object.is(x, -0))).toBe(true);
  });
});

/** What two lots of numbers have in common if they are the same, but for the sign of a zero, which the oracle has not. */
const digestOf = (numbers: Float32Array): string =>
  createHash('sha256')
    .update(numbers.map((x) => x + 0))
    .digest('hex');

/** All that a decoder is, but for the bytes of its tokenizer, which may differ and mean the same. */
async function contentOf({ config, weights, tokenizer, template }: Llama) {
  const { encode } = await createTokeniser(tokenizer);
  const texts = ['12345 ab!! the', "it'S ½ é\n\n  <|stop|>x<own>", '日本 wholeword', '٣٤ 7'];
  const tensors = [...tensorsOf(weights)].map(([name, rows]) => [
    name,
    rows.rows,
    rows.columns,
    digestOf(rows.read()),
  ]);
  return { config, template, tensors, ids: texts.map((text) => [...encode(text)]) };
}

describe('the same decoder from both forms', () => {
  const SHAPES: readonly (readonly [string, Partial<Shape>])[] = [
    ['Llama', {}],
    ['Llama with a head of its own', { tied: false }],
    ['Qwen2, whose q, k and v have biases', { kind: 'qwen2' }],
    ['Qwen3, with norms of heads', { kind: 'qwen3', tied: false }],
    ['heads of all keys, wider than the stream', { keyHeads: 4, headWidth: 32 }],
    ['float16', { type: 'F16' }],
    ['bfloat16', { type: 'BF16' }],
    ...QUANTISED.map((type) => [type, { ...(type.endsWith('K') ? WIDE : {}), type }] as const),
  ];
  test.each(SHAPES)('%s', async (_, shape) => {
    const model = generated(shape);
    const [gguf, folder] = [await readGguf(ggufOf(model)), await readFiles(folderOf(model))];
    expect(await contentOf(gguf)).toEqual(await contentOf(folder));
    // Each tensor is the one that was made, in its order of rows.
    const { layers, embedding, norm, head } = gguf.weights;
    const made = (name: string) => digestOf(model.tensors.get(name)!.values);
    expect(digestOf(embedding.read())).toEqual(made('model.embed_tokens.weight'));
    expect(digestOf(layers[1]!.k.read())).toEqual(made('model.layers.1.self_attn.k_proj.weight'));
    expect(digestOf(layers[0]!.down.read())).toEqual(made('model.layers.0.mlp.down_proj.weight'));
    expect(digestOf(norm.read())).toEqual(made('model.norm.weight'));
    expect(head === embedding).toBe(model.shape.tied);
    expect(gguf.config).toMatchObject({
      qkvBias: model.shape.kind === 'qwen2',
      qkNorm: model.shape.kind === 'qwen3',
      tied: model.shape.tied,
      bos: 1,
      stops: [0, 2],
      context: 512,
      rope: { theta: 50_000, scaling: { type: 'none' } },
    });
  });

  test('Llama with biases of q, k and v, which only GGUF can say', async () => {
    const model = generated({ kind: 'qwen2' });
    const llama = { ...model, shape: { ...model.shape, kind: 'llama' as const } };
    const { config, weights } = await readGguf(ggufOf(llama));
    expect(config.qkvBias).toBe(true);
    const { q, k } = weights.layers[0]!.bias!;
    // They are in pairs as their weights are.
    const made = (x: string) => model.tensors.get(`model.layers.0.self_attn.${x}_proj.bias`)!;
    expect(q.read()).toEqual(made('q').values);
    expect(k.read()).toEqual(made('k').values);
  });

  test('several files', async () => {
    const model = generated();
    const whole = await contentOf(await readFiles(folderOf(model)));
    expect(await contentOf(await readFiles(folderOf(model, 3)))).toEqual(whole);
  });

  test('version 2, and another alignment', async () => {
    const model = generated();
    const plain = await contentOf(await readGguf(ggufOf(model)));
    const old = writeGguf({ ...writtenOf(model), version: 2 });
    expect(await contentOf(await readGguf(old))).toEqual(plain);
    const fields = fieldsOf(model).set('general.alignment', ['u32', 128]);
    const wide = writeGguf({ ...writtenOf(model, fields), alignment: 128 });
    expect(await contentOf(await readGguf(wide))).toEqual(plain);
    // The last tensor need not be filled up.
    const length = ggufOf(model).length;
    const end = [...model.tensors.values()].at(-1)!.bytes.length % 32;
    const unfilled = ggufOf(model).subarray(0, end ? length - 32 + end : length);
    expect(await contentOf(await readGguf(unfilled))).toEqual(plain);
  });
});

describe('what divides the angles of RoPE', () => {
  const LLAMA3 = {
    rope_type: 'llama3',
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 256,
  };
  const folderWith = (fields: object): Promise<Llama> =>
    readFiles(changed(folderOf(generated()), 'config.json', (c) => ({ ...c, ...fields })));

  test('llama3 by its parameters, or by divisors as llama.cpp writes them', async () => {
    const { config } = await folderWith({ rope_scaling: LLAMA3 });
    const angles = ropeAngles(config, Math.pow);
    const plain = ropeAngles(
      { ...config, rope: { theta: 50_000, scaling: { type: 'none' } } },
      Math.pow,
    );
    const divisors = [...plain].map((angle, i) => angle / angles[i]!);
    // Waves shorter than 64 positions stay, those over 256 are divided by 8.
    expect(divisors[0]).toBe(1);
    expect(divisors[1]).toBe(1);
    expect(divisors[2]).toBeGreaterThan(1);
    expect(divisors[2]).toBeLessThan(8);
    expect(divisors.slice(4).every((d) => Math.abs(d - 8) < 1e-12)).toBe(true);

    const written = writtenOf(generated());
    const bytes = new Uint8Array(Float32Array.from(divisors).buffer);
    const tensor = { name: 'rope_freqs.weight', dims: [8], type: 0, bytes };
    const gguf = await readGguf(writeGguf({ ...written, tensors: [tensor, ...written.tensors] }));
    expect(gguf.config.rope.scaling.type).toBe('divisors');
    const found = ropeAngles(gguf.config, Math.pow);
    for (const [i, angle] of angles.entries()) expect(found[i]! / angle).toBeCloseTo(1, 6);
  });

  test('linear, in each form', async () => {
    const fields = fieldsOf(generated());
    fields.set('llama.rope.scaling.type', ['text', 'linear']);
    fields.set('llama.rope.scaling.factor', ['f32', 4]);
    const all = [
      await readGguf(ggufOf(generated(), fields)),
      await folderWith({ rope_scaling: { type: 'linear', factor: 4 } }),
      await folderWith({
        rope_theta: undefined,
        rope_scaling: undefined,
        rope_parameters: { rope_type: 'linear', rope_theta: 50_000, factor: 4 },
      }),
    ];
    for (const { config } of all)
      expect(config.rope).toEqual({ theta: 50_000, scaling: { type: 'linear', factor: 4 } });
    expect(ropeAngles(all[0]!.config, Math.pow)[0]).toBe(1 / 4);
  });
});

describe('only what is asked for', () => {
  test.each<[string, Partial<Shape>]>([
    ['plain numbers', {}],
    ['blocks', { ...WIDE, type: 'Q4_1' }],
    ['K blocks', { ...WIDE, type: 'Q6_K' }],
    ['biases', { kind: 'qwen2' }],
  ])('rows of %s by ranges are those of the whole', async (_, shape) => {
    const model = generated(shape);
    for (const llama of [await readGguf(ggufOf(model)), await readFiles(folderOf(model))])
      for (const [name, { rows, columns, read }] of tensorsOf(llama.weights)) {
        const whole = read();
        expect(whole.length, name).toBe(rows * columns);
        if (rows === 1) continue;
        for (const [from, to] of [
          [0, 1],
          [rows - 1, rows],
          [3, 21],
          [7, 7],
        ] as const)
          expect(digestOf(read(from, to)), `${name} ${from}..${to}`).toBe(
            digestOf(whole.subarray(from * columns, to * columns)),
          );
      }
  });

  test('opening reads the header alone, and a row its own bytes', async () => {
    const fields = fieldsOf(generated());
    const file = ggufOf(
      generated({ hidden: 512, ffn: 2048, tied: false }),
      fields
        .set('llama.embedding_length', ['u32', 512])
        .set('llama.feed_forward_length', ['u32', 2048]),
    );
    let read = 0;
    let largest = 0;
    const bytes = inMemory(file, (from, to) => {
      read += to - from;
      largest = Math.max(largest, to - from);
    });
    const { weights } = await llamaOfGguf(bytes, 'x.gguf');
    expect(file.length).toBeGreaterThan(2 ** 23);
    expect(largest).toBeLessThanOrEqual(2 ** 18);
    expect(read).toBeLessThanOrEqual(2 ** 21);
    read = 0;
    weights.layers[1]!.down.read(5, 7);
    expect(read).toBe(2 * 4 * 2048);
  });
});

describe('files on this machine', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'pila-llama-'));
  });
  afterAll(() => rmSync(root, { recursive: true }));
  const written = (name: string, files: Files): string => {
    for (const [file, bytes] of files) {
      const path = join(root, name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, bytes);
    }
    return join(root, name);
  };
  const coded = (code: string, message: RegExp): unknown =>
    expect.objectContaining({ code, message: expect.stringMatching(message) as string });

  test('a file, a folder that has one, a folder of transformers', async () => {
    const model = generated();
    const one = written(
      'gguf',
      new Map([
        ['m.gguf', ggufOf(model)],
        ['README.md', new Uint8Array(1)],
      ]),
    );
    const folder = written('folder', folderOf(model, 2));
    const contents = [];
    for (const path of [join(one, 'm.gguf'), one, folder]) {
      const llama = await openLlama(path);
      contents.push(await contentOf(llama));
      const { q } = llama.weights.layers[0]!;
      llama.close();
      expect(() => q.read()).toThrow();
    }
    expect(contents[1]).toEqual(contents[0]);
    expect(contents[2]).toEqual(contents[0]);
  });

  test('which file is meant is not guessed', async () => {
    const gguf = ggufOf(generated());
    const two = written(
      'two',
      new Map([
        ['a.gguf', gguf],
        ['b.gguf', gguf],
      ]),
    );
    const both = written('both', new Map([...folderOf(generated()), ['a.gguf', gguf]]));
    for (const path of [two, both])
      await expect(openLlama(path)).rejects.toEqual(coded('MODEL_REFUSED', /name one of them/));
    await expect(openLlama(join(root, 'none'))).rejects.toEqual(coded('MODEL_MISSING', /none/));
    const empty = written('empty', new Map([['x', new Uint8Array(1)]]));
    await expect(openLlama(empty)).rejects.toEqual(
      coded('MODEL_MISSING', /^config.json is missing$/),
    );
  });
});

/** By the library of the makers (Rust), over the words and merges of the same file. */
const IDS: readonly (readonly [text: string, ids: readonly number[]])[] = [
  ['Hello, world!', [19556, 28, 905, 17]],
  [
    'In 2024 it cost 1,234.50 €.',
    [...[788, 216, 34, 32, 34, 36, 357, 1708, 216, 33, 28, 34, 35, 36, 30, 37, 32, 24927, 30]],
  ],
  [
    'Grüße aus Köln – naïve café',
    [27302, 7170, 34878, 85, 253, 376, 659, 7466, 34115, 816, 15486, 46494, 37366],
  ],
  [
    '日本語のテキスト',
    [23274, 115, 40993, 179, 120, 248, 26453, 11100, 224, 10391, 251, 10391, 134, 11100, 226],
  ],
  [
    '👩‍👩‍👧 family 🎉',
    [10813, 235, 119, 321, 231, 10813, 235, 119, 321, 231, 10813, 235, 117, 1564, 15107, 232, 227],
  ],
  ['  two  spaces\n\n\tand tabs ', [216, 827, 216, 5600, 1116, 197, 397, 29416, 216]],
  ["I've can't we'll IT'S", [57, 3543, 416, 982, 392, 3060, 9627, 23, 67]],
  ['١٢٣ ½ ²', [164, 111, 164, 112, 164, 113, 216, 16738, 216, 19133]],
  ['<|im_start|>user\nhi<|im_end|>', [1, 4093, 198, 6004, 2]],
];
const SMOLLM2 = weightsFolder('smollm2');
const hasSmollm2 = existsSync(SMOLLM2);

test.skipIf(!hasSmollm2)(
  `SmolLM2-135M-Instruct${hasSmollm2 ? '' : ': skipped, model:fetch -- smollm2 --only-files brings it'}`,
  async () => {
    const llama = await openLlama(SMOLLM2);
    try {
      expect(llama.config).toEqual({
        layers: 30,
        hidden: 576,
        heads: 9,
        keyHeads: 3,
        headWidth: 64,
        ffn: 1536,
        vocabulary: 49_152,
        epsilon: Math.fround(1e-5),
        rope: { theta: 100_000, scaling: { type: 'none' } },
        qkNorm: false,
        qkvBias: false,
        tied: true,
        bos: 1,
        stops: [2],
        context: 8192,
      });
      expect(llama.template).toContain('You are a helpful AI assistant named SmolLM');
      const { encode, decode } = await createTokeniser(llama.tokenizer);
      for (const [text, ids] of IDS) {
        expect([...encode(text)], text).toEqual(ids);
        expect(decode(Uint32Array.from(ids))).toBe(text);
      }
      // The root mean square of a row of words, and of a matrix in pairs.
      const sizeOf = (numbers: Float32Array) =>
        Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
      const { embedding, layers } = llama.weights;
      expect(sizeOf(embedding.read(19_556, 19_557))).toBeGreaterThan(0.01);
      expect(layers[29]!.q.read(64, 128)).toEqual(
        layers[29]!.q.read().subarray(64 * 576, 128 * 576),
      );
    } finally {
      llama.close();
    }
  },
);
