/** Folders of checkpoints in the forms that exporters write: read alike, or refused with the field's name. */
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import { AppError } from '../../src/lib/errors.ts';
import { bertConfig, bertFrom } from '../../models/import/bert.ts';
import { parseJson } from '../../models/import/checkpoint/json.ts';
import { readFolder, type ReadFolder } from '../../models/import/folder.ts';
import { generate, SIZES, writeFiles, type Form } from '../../models/import/generate.ts';
import { parseSafetensors } from '../../models/import/safetensors.ts';
import { digestOf } from './import/digest.ts';

const POLYGLOT = join(import.meta.dirname, '../../models/import/polyglot');
const MINI = SIZES.mini!;
type Files = Map<string, Uint8Array>;

let root: string;
let made = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pila-checkpoint-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const utf8 = (text: string) => new TextEncoder().encode(text);
const json = (value: unknown) => utf8(JSON.stringify(value));
const parsed = (files: Files, name: string) =>
  JSON.parse(new TextDecoder().decode(files.get(name))) as Record<string, never>;

function written(files: ReadonlyMap<string, Uint8Array>): string {
  const folder = join(root, String(made++));
  writeFiles(folder, files);
  return folder;
}
const PLAIN = generate(MINI);
const readOf = (form: Form, change: (files: Files) => void = () => undefined) => {
  const files = Object.keys(form).length ? generate(MINI, form) : new Map(PLAIN);
  change(files);
  return readFolder(written(files));
};
/** What a folder is refused with: the code, then the sentence. */
const refusal = async (reading: Promise<ReadFolder>): Promise<string> =>
  reading.then(
    () => 'read',
    (e: unknown) => {
      if (!(e instanceof AppError)) throw e;
      return `${e.code} ${e.message}`;
    },
  );

const plain = digestOf((await readFolderOf()).bert);
async function readFolderOf(): Promise<ReadFolder> {
  const files = new Map(PLAIN);
  const config = bertConfig(parsed(files, 'config.json'), parsed(files, '1_Pooling/config.json'));
  const bert = bertFrom(config, parseSafetensors(files.get('model.safetensors')!));
  return { bert, tokenizer: files.get('tokenizer.json')!, notes: [] };
}

const raw = (type: string, dims: number[], size: number) => ({
  type,
  dims,
  bytes: new Uint8Array(size),
});

describe('weights are the same in every form', () => {
  test.each<[string, Form]>([
    ['plain', {}],
    ['a head over the encoder: bert.', { prefix: 'bert.' }],
    ['a wrapper: model.', { prefix: 'model.' }],
    ['sentence-transformers of old: 0.auto_model.', { prefix: '0.auto_model.' }],
    ['norms of the first checkpoints', { oldNorms: true, prefix: 'bert.' }],
    [
      'tensors of any type that nothing reads',
      {
        unread: new Map([
          ['embeddings.position_ids', raw('I64', [1, 512], 4096)],
          ['embeddings.mask', raw('BOOL', [3], 3)],
          ['pooler.dense.weight', raw('F8_E4M3', [128, 128], 128 ** 2)],
          ['cls.predictions.bias', raw('F64', [2], 16)],
          ['scales', raw('F4', [8], 4)],
          ['of a day to come', raw('Q3_K', [8], 5)],
        ]),
      },
    ],
    ['several files', { shards: 3 }],
    ['several files, with a prefix', { shards: 2, prefix: 'bert.' }],
    ['its own folder', { folders: { encoder: '0_Transformer' } }],
    ['several files in its own folder', { folders: { encoder: '0_BERT' }, shards: 2 }],
    ['written by sentence-transformers to 5.3', { writer: 'flags' }],
    ['written by sentence-transformers from 5.4', { writer: 'names' }],
  ])('%s', async (_, form) => {
    const { bert, notes } = await readOf(form);
    expect(digestOf(bert)).toBe(plain);
    expect(bert.pooling).toBe('mean');
    expect(notes).toEqual([]);
  });

  test.each(['F16', 'BF16'] as const)(
    '%s: each number is the nearest or the next',
    async (type) => {
      const [{ bert }, full] = [await readOf({ type }), await readFolderOf()];
      const [step, least] = type === 'F16' ? [2 ** -11, 2 ** -14] : [2 ** -7, 0];
      bert.words.forEach((x, i) => {
        const wanted = full.bert.words[i]!;
        if (Math.abs(x - wanted) > Math.max(least, step * Math.abs(wanted)))
          expect.fail(`${x} for ${wanted}`);
      });
      expect(digestOf(bert)).not.toBe(plain);
    },
  );

  test('more kinds of tokens than two, or one', async () => {
    for (const types of [1, 4]) {
      const files = generate(MINI, { fields: { 'config.json': { type_vocab_size: types } } });
      const wanted = `'embeddings.token_type_embeddings.weight' is [2,128], not [${types},128]`;
      expect(await refusal(readFolder(written(files)))).toContain(`MODEL_REFUSED`);
      expect(await refusal(readFolder(written(files)))).toContain(wanted);
    }
  });
});

describe('the pooling', () => {
  const POOLING = '1_Pooling/config.json';
  const pooled = async (pooling: object, modules?: unknown, at = POOLING): Promise<string> => {
    const files = new Map(PLAIN);
    files.delete(POOLING);
    files.set(at, json(pooling));
    if (modules) files.set('modules.json', json(modules));
    return readFolder(written(files)).then(
      ({ bert }) => bert.pooling,
      (e: unknown) => AppError.from(e).message,
    );
  };
  test.each<[string, object]>([
    ['cls', { pooling_mode_cls_token: true }],
    [
      'cls',
      {
        word_embedding_dimension: 128,
        pooling_mode_cls_token: true,
        pooling_mode_mean_tokens: false,
      },
    ],
    ['cls', { embedding_dimension: 128, pooling_mode: 'cls', include_prompt: true }],
    ['cls', { pooling_mode: ['cls'] }],
    [
      'cls',
      { pooling_mode: 'cls', pooling_mode_mean_tokens: false, pooling_mode_max_tokens: false },
    ],
    ['cls', { pooling_mode: 'cls', pooling_mode_cls_token: true }],
    ['mean', { pooling_mode_mean_tokens: true }],
    ['mean', { pooling_mode: 'mean' }],
    ['mean', { word_embedding_dimension: 128 }],
    ['mean', {}],
  ])('%s: %j', async (wanted, pooling) => {
    expect(await pooled(pooling)).toBe(wanted);
  });

  test.each<[string, object]>([
    ['pooling_mode_max_tokens', { pooling_mode_max_tokens: true }],
    ['pooling_mode_lasttoken', { pooling_mode_mean_tokens: false, pooling_mode_lasttoken: true }],
    ['pooling_mode_mean_sqrt_len_tokens', { pooling_mode_mean_sqrt_len_tokens: true }],
    ['pooling_mode_cls_token', { pooling_mode_cls_token: true, pooling_mode_mean_tokens: true }],
    ['pooling_mode "weightedmean"', { pooling_mode: 'weightedmean' }],
    ['pooling_mode "lasttoken"', { pooling_mode: 'lasttoken' }],
    ['pooling_mode "max"', { pooling_mode: ['mean', 'max'] }],
    ['pooling_mode "mean"', { pooling_mode: 'mean', pooling_mode_cls_token: true }],
    ['pooling_mode 7', { pooling_mode: 7 }],
    ['pooling_mode {"a":1}', { pooling_mode: { a: 1 } }],
    ['pooling_mode_cls_token is "true"', { pooling_mode_cls_token: 'true' }],
    ['pooling_mode_cls_token is 1', { pooling_mode_cls_token: 1 }],
    ['is neither the mean nor', { pooling_mode_mean_tokens: false }],
    ['include_prompt is false', { pooling_mode: 'mean', include_prompt: false }],
    ['word_embedding_dimension is 384', { word_embedding_dimension: 384 }],
    ['embedding_dimension is 64', { embedding_dimension: 64, pooling_mode: 'cls' }],
  ])('refused: %s', async (message, pooling) => {
    expect(await pooled(pooling)).toContain(message);
  });

  const CLS = { pooling_mode: 'cls' };
  const module = (type: string, path: unknown = '') => ({
    type: `sentence_transformers.${type}`,
    path,
  });
  const old = (type: string, path: unknown = '') => module(`models.${type}`, path);
  const encoder = old('Transformer');
  test.each<[string, unknown, string?]>([
    ['cls', [encoder, old('Pooling', 'pooling')], 'pooling/config.json'],
    ['cls', [encoder, old('Pooling', 'a/b/'), old('Normalize', '3_Normalize')], 'a/b/config.json'],
    ['cls', [old('Pooling', 'pooling')], 'pooling/config.json'],
    ['cls', [module('models.BERT'), old('Pooling', '1_Pooling')]],
    [
      'cls',
      [
        module('base.modules.transformer.Transformer'),
        module('sentence_transformer.modules.pooling.Pooling', '1_Pooling'),
        module('base.modules.normalize.Normalize', '2_Normalize'),
      ],
    ],
    ['cls', []],
    ['pooling/config.json is missing', [encoder, old('Pooling', 'pooling')]],
    ['Transformer; only', [encoder]],
    ['Pooling, Pooling; only', [old('Pooling', '1_Pooling'), old('Pooling', '1_Pooling')]],
    ['Normalize, Pooling; only', [encoder, old('Normalize'), old('Pooling', '1_Pooling')]],
    ['Pooling, Transformer; only', [old('Pooling', '1_Pooling'), encoder]],
    [
      'type "sentence_transformers.models.Dense"',
      [encoder, old('Pooling', '1_Pooling'), old('Dense', '2_Dense')],
    ],
    ['type "sentence_transformers.models.LayerNorm"', [encoder, old('LayerNorm')]],
    [
      'type "sentence_transformers.models.WeightedLayerPooling"',
      [encoder, old('WeightedLayerPooling')],
    ],
    ['type "custom_st.Transformer"', [{ type: 'custom_st.Transformer', path: '' }]],
    ['type nothing', [{}]],
    ['path "../pooling" of Pooling', [encoder, old('Pooling', '../pooling')]],
    ['path "/etc" of Pooling', [encoder, old('Pooling', '/etc')]],
    ['path "a/../.." of Transformer', [old('Transformer', 'a/../..'), old('Pooling', '1_Pooling')]],
    ['path "a\\\\b" of Pooling', [encoder, old('Pooling', 'a\\b')]],
    ['path "" of Pooling', [encoder, old('Pooling', '')]],
    ['path 7 of Pooling', [encoder, old('Pooling', 7)]],
    ['modules.json is not a list', {}],
    ['modules.json: a module is not an object', [7]],
  ])('%s: modules.json %j', async (wanted, modules, at) => {
    expect(await pooled(CLS, modules, at)).toContain(wanted);
  });

  test('is the mean where nothing tells, and it is said', async () => {
    const { bert, notes } = await readOf({}, (files) => files.delete(POOLING));
    expect(bert.pooling).toBe('mean');
    expect(notes).toEqual([expect.stringContaining('1_Pooling/config.json')]);
  });
});

describe('other files of the folder', () => {
  const SENTENCE = 'config_sentence_transformers.json';
  const BERT = 'sentence_bert_config.json';
  test.each<[string, string, object]>([
    ['transformer_task is "fill-mask"', BERT, { transformer_task: 'fill-mask' }],
    [
      'module_output_name is "sentence_embedding"',
      BERT,
      { module_output_name: 'sentence_embedding' },
    ],
    [
      'method_output_name is "pooler_output"',
      BERT,
      { modality_config: { text: { method_output_name: 'pooler_output' } } },
    ],
    ['model_type is "SparseEncoder"', SENTENCE, { model_type: 'SparseEncoder' }],
  ])('refused: %s', async (message, name, fields) => {
    const reading = readOf({ writer: 'names', fields: { [name]: fields } });
    expect(await refusal(reading)).toContain(`MODEL_REFUSED ${name}: ${message}`);
  });

  test('a text that is written before every text is told', async () => {
    const prompts = { default_prompt_name: 'query', prompts: { query: 'query: ' } };
    const { notes } = await readOf({ writer: 'names', fields: { [SENTENCE]: prompts } });
    expect(notes).toEqual([expect.stringContaining('"query: "')]);
  });

  test('a mark of the byte order, and UTF-16, in each file of JSON', async () => {
    const { bert } = await readOf({ writer: 'flags' }, (files) => {
      for (const [name, bytes] of files)
        if (name.endsWith('.json')) files.set(name, Uint8Array.of(0xef, 0xbb, 0xbf, ...bytes));
      const text = `\ufeff${JSON.stringify(parsed(generate(MINI), 'config.json'))}`;
      files.set(
        'config.json',
        new Uint8Array(Uint16Array.from(text, (c) => c.charCodeAt(0)).buffer),
      );
    });
    expect(digestOf(bert)).toBe(plain);
  });

  const NAMES = [
    'config.json',
    'modules.json',
    '1_Pooling/config.json',
    'tokenizer.json',
    BERT,
    SENTENCE,
  ];
  test.each([...NAMES, 'tokenizer_config.json'])('damaged: %s', async (name) => {
    const damaged = async (bytes: Uint8Array) =>
      refusal(readOf({ writer: 'flags' }, (files) => files.set(name, bytes)));
    const good = new TextDecoder().decode(generate(MINI, { writer: 'flags' }).get(name));
    for (const text of ['', '{', '7', 'null', good.slice(0, -1), `${good}x`])
      expect(await damaged(utf8(text))).toMatch(new RegExp(`^MODEL_CORRUPT ${name}`));
    expect(await damaged(Uint8Array.of(0x7b, 0xff, 0x7d))).toContain(`${name} is not text`);
    const twice = good.startsWith('[') ? '[{"a":1,"a":2}]' : `{"a":1,"a":2,${good.slice(1)}`;
    expect(await damaged(utf8(twice))).toContain(`MODEL_CORRUPT ${name}: 'a' is there twice`);
    const large = await damaged(new Uint8Array(17 * 2 ** 20));
    expect(large).toMatch(new RegExp(`^MODEL_REFUSED ${name} has 17825792 bytes`));
  });

  test.each(['config.json', 'tokenizer.json'])('missing: %s', async (name) => {
    const reading = readOf({}, (files) => files.delete(name));
    expect(await refusal(reading)).toBe(`MODEL_MISSING ${name} is missing`);
  });
});

describe('another architecture is refused with its field, before its weights are read', () => {
  /** Weights that can't be read: whoever opens them fails otherwise. */
  const refused = async (fields: object): Promise<string> =>
    refusal(
      readOf({ fields: { 'config.json': fields } }, (files) =>
        files.set('model.safetensors', new Uint8Array(3)),
      ),
    );
  test('whoever would read the weights says so', async () => {
    expect(await refused({})).toContain('MODEL_CORRUPT model.safetensors: the file has no header');
  });

  test.each<[string, object]>([
    ['model_type is "roberta"', { model_type: 'roberta' }],
    [
      // Alibaba-NLP/gte-base-en-v1.5
      'model_type is "new"',
      {
        architectures: ['NewModel'],
        model_type: 'new',
        position_embedding_type: 'rope',
        auto_map: { AutoModel: 'Alibaba-NLP/new-impl--modeling.NewModel' },
        pack_qkv: true,
        type_vocab_size: 0,
        max_position_embeddings: 8192,
      },
    ],
    // nomic-ai/nomic-embed-text-v1
    ['model_type is "nomic_bert"', { model_type: 'nomic_bert', architectures: ['NomicBertModel'] }],
    ['model_type is "xlm-roberta"', { model_type: 'xlm-roberta', pad_token_id: 1 }],
    ['model_type is nothing', { model_type: undefined }],
    [
      // jinaai/jina-embeddings-v2-small-en
      'position_embedding_type is "alibi"',
      { architectures: ['JinaBertForMaskedLM'], position_embedding_type: 'alibi' },
    ],
    ['architectures has "GoldenRetrieverModel"', { architectures: ['GoldenRetrieverModel'] }],
    ['architectures has 7', { architectures: [7] }],
    ['auto_map is {"AutoModel":"hf.Retriever"}', { auto_map: { AutoModel: 'hf.Retriever' } }],
    ['quantization_config is', { quantization_config: { load_in_4bit: true } }],
    ['pruned_heads', { pruned_heads: { 0: [1] } }],
    ['is_decoder is true', { is_decoder: true }],
    ['hidden_act is "gelu_new"', { hidden_act: 'gelu_new' }],
    ['hidden_size is 128.5', { hidden_size: 128.5 }],
    ['hidden_size 192', { hidden_size: 196 }],
    ['hidden_size is 1088', { hidden_size: 1088 }],
    ['num_attention_heads is 3', { num_attention_heads: 3 }],
    ['num_hidden_layers is 1000', { num_hidden_layers: 1000 }],
    ['vocab_size is 1000000000', { vocab_size: 1e9 }],
    ['max_position_embeddings is 8192', { max_position_embeddings: 8192 }],
    ['type_vocab_size is 0', { type_vocab_size: 0 }],
    ['layer_norm_eps is 0', { layer_norm_eps: 0 }],
    ['layer_norm_eps is "1e-12"', { layer_norm_eps: '1e-12' }],
    ['pad_token_id is -1', { pad_token_id: -1 }],
    ['pad_token_id is "0"', { pad_token_id: '0' }],
  ])('%s', async (message, fields) => {
    expect(await refused(fields)).toContain(
      `MODEL_REFUSED config.json: ${message.replace('hidden_size 192', 'hidden_size 196')}`,
    );
  });

  test('what transformers of version 5 leaves out or adds is read', async () => {
    const { bert } = await readOf({
      fields: {
        'config.json': {
          position_embedding_type: null,
          dtype: 'float32',
          add_cross_attention: false,
          is_decoder: false,
          use_cache: true,
          tie_word_embeddings: true,
          bos_token_id: null,
        },
      },
    });
    expect(digestOf(bert)).toBe(plain);
  });
});

describe('wrong weights are refused with the tensor, before a number is read', () => {
  const WORDS = 'embeddings.word_embeddings.weight';
  const QUERY = 'encoder.layer.1.attention.self.query.weight';
  const weights = (change: (header: Record<string, never>) => void) => (files: Files) => {
    const file = files.get('model.safetensors')!;
    const size = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + size))) as never;
    change(header);
    const head = json(header);
    const changed = new Uint8Array(8 + head.length + file.length - 8 - size);
    new DataView(changed.buffer).setBigUint64(0, BigInt(head.length), true);
    changed.set(head, 8);
    // The first number of the first tensor is none: whoever reads it says so.
    changed.set(file.subarray(8 + size), 8 + head.length);
    changed.set(new Uint8Array(Float32Array.of(NaN).buffer), 8 + head.length);
    files.set('model.safetensors', changed);
  };
  const renamed = (from: string, to: string) =>
    weights((header) => {
      header[to] = header[from]!;
      delete header[from];
    });

  test.each<[string, string, (files: Files) => void]>([
    ['MODEL_CORRUPT', `'${WORDS}' holds a number that is none`, weights(() => undefined)],
    ['MODEL_REFUSED', `'${QUERY}' is not there`, renamed(QUERY, 'x')],
    [
      'MODEL_REFUSED',
      "'encoder.layer.1.output.LayerNorm.bias' is not there",
      renamed('encoder.layer.1.output.LayerNorm.bias', 'encoder.layer.1.output.norm.bias'),
    ],
    [
      'MODEL_REFUSED',
      "'embeddings.token_type_embeddings.weight' is not there",
      renamed('embeddings.token_type_embeddings.weight', 'x'),
    ],
    [
      'MODEL_REFUSED',
      `'${QUERY}' is [64,256], not [128,128]`,
      weights((header) => Object.assign(header[QUERY]!, { shape: [64, 256] })),
    ],
    [
      'MODEL_REFUSED',
      `'${QUERY}' is U8, not a float`,
      weights((header) => Object.assign(header[QUERY]!, { dtype: 'U8', shape: [128, 512] })),
    ],
    [
      'MODEL_REFUSED',
      `several encoders: '${WORDS}','document.${WORDS}'`,
      renamed('encoder.layer.1.attention.self.key.bias', `document.${WORDS}`),
    ],
  ])('%s %s', async (code, message, change) => {
    const found = await refusal(readOf({}, change));
    expect(found).toContain(code);
    expect(found).toContain(message);
  });

  test.each<[string, Partial<typeof MINI>]>([
    ["'embeddings.word_embeddings.weight' is [1024,128], not [2048,128]", { vocabulary: 2048 }],
    ["'embeddings.word_embeddings.weight' is [1024,128], not [1024,256]", { hidden: 256 }],
    ["'encoder.layer.0.intermediate.dense.weight' is [256,128], not [512,128]", { ffn: 512 }],
    ["'encoder.layer.2.attention.self.query.weight' is not there", { layers: 3 }],
  ])('of another size: %s', async (message, other) => {
    const size = { ...MINI, ...other };
    const config = generate(size).get('config.json')!;
    const found = await refusal(readOf({}, (files) => files.set('config.json', config)));
    expect(found).toContain(`MODEL_REFUSED model.safetensors: ${message}`);
  });

  test('cut: at once, also when one of several files is', async () => {
    const whole = written(generate(MINI));
    const path = join(whole, 'model.safetensors');
    const { length } = readFileSync(path);
    for (const size of [length - 1, Math.floor(length / 2), 100, 7, 0]) {
      truncateSync(path, size);
      expect(await refusal(readFolder(whole))).toMatch(/^MODEL_CORRUPT model\.safetensors: /);
    }
    const shards = written(generate(MINI, { shards: 2 }));
    truncateSync(join(shards, 'model-00002-of-00002.safetensors'), 100_000);
    expect(await refusal(readFolder(shards))).toMatch(
      /^MODEL_CORRUPT model-00002-of-00002\.safetensors: data_offsets of '/,
    );
  });

  test('a file of several is missing, or an index leads elsewhere', async () => {
    const INDEX = 'model.safetensors.index.json';
    const shard = 'model-00001-of-00002.safetensors';
    const without = readOf({ shards: 2 }, (files) => files.delete(shard));
    expect(await refusal(without)).toBe(`MODEL_MISSING ${shard} is missing`);
    const outside = readOf({ shards: 2 }, (files) =>
      files.set(INDEX, json({ weight_map: { a: '../x.safetensors' } })),
    );
    expect(await refusal(outside)).toContain(`MODEL_CORRUPT ${INDEX}: weight_map: "../x`);
  });

  test('ONNX files that are larger than the encoder, or cut', async () => {
    const only = (bytes: Uint8Array) => (files: Files) => {
      files.delete('model.safetensors');
      files.set('onnx/model.onnx', bytes);
    };
    const large = written(new Map([...generate(MINI)].filter(([n]) => n !== 'model.safetensors')));
    writeFiles(large, new Map([['model.onnx', new Uint8Array()]]));
    truncateSync(join(large, 'model.onnx'), 2 ** 30);
    expect(await refusal(readFolder(large))).toMatch(
      /^MODEL_REFUSED model\.onnx has 1073741824 bytes; an encoder of this config\.json has at most/,
    );
    const cut = readOf({}, only(Uint8Array.of(0x3a, 0x7f, 0x0a)));
    expect(await refusal(cut)).toMatch(/^MODEL_CORRUPT onnx\/model\.onnx: /);
  });

  test.each(['pytorch_model.bin', 'tf_model.h5', 'adapter_model.safetensors'])(
    'only %s: it is told that it is not read',
    async (name) => {
      const reading = readOf({}, (files) => {
        files.set(name, files.get('model.safetensors')!);
        files.delete('model.safetensors');
      });
      expect(await refusal(reading)).toContain(`and ${name} is not read`);
    },
  );

  test('a folder in the place of the weights', async () => {
    const reading = readOf({}, (files) => {
      files.set('model.safetensors/x', files.get('model.safetensors')!);
      files.delete('model.safetensors');
    });
    expect(await refusal(reading)).toBe("MODEL_MISSING model.safetensors can't be read");
  });
});

describe('tokenizers', () => {
  type Tokenizer = Record<string, never> & {
    added_tokens: { id: number; content: string; special: boolean }[];
    model: { vocab: Record<string, number>; unk_token: string };
  };
  const TEXT = 'export the function! of 12 words \u{1F600}';
  /** Ids of the text, each as its row of the table of words. */
  const rowsOf = async ({ bert, tokenizer }: ReadFolder): Promise<Float32Array[]> => {
    const ids = (await createTokeniser(tokenizer)).encode(TEXT);
    expect(ids).not.toContain(0);
    return [...ids].map((id) => bert.words.slice(id * bert.hidden, (id + 1) * bert.hidden));
  };
  const changed = (change: (file: Tokenizer) => unknown) => (files: Files) => {
    const file = parsed(files, 'tokenizer.json') as Tokenizer;
    files.set('tokenizer.json', json(change(file) ?? file));
  };

  test.each([1, 5, 104, 1023])(
    'padding %i changes places with 0: texts read the same rows',
    async (padding) => {
      const own = generate(MINI, { padding });
      const wanted = await createTokeniser(own.get('tokenizer.json')!);
      const words = parseSafetensors(own.get('model.safetensors')!).read(
        'embeddings.word_embeddings.weight',
        [1024, 128],
      );
      const rows = [...wanted.encode(TEXT)].map((id) => words.slice(id * 128, (id + 1) * 128));
      const read = await readFolder(written(own));
      expect(await rowsOf(read)).toEqual(rows);
      expect(read.notes).toEqual([expect.stringContaining(`0 and ${padding}`)]);
      const tokeniser = await createTokeniser(read.tokenizer);
      // The word that had 0 is read, and the frame is still [CLS] and [SEP].
      const [first] = Object.entries(
        (parsed(own, 'tokenizer.json') as Tokenizer).model.vocab,
      ).filter(([, id]) => id === 0);
      expect([...tokeniser.encode(first![0])]).toEqual([101, padding, 102]);
      expect(tokeniser.decode(tokeniser.encode(first![0]))).toBe(first![0]);
    },
  );

  test('the padding that tokenizer.json or its settings name, where config.json has an ordinary word', async () => {
    const wrong = { 'config.json': { pad_token_id: 0 } };
    const { notes } = await readOf(
      { padding: 9, fields: wrong },
      changed((file) => ({ ...file, padding: { pad_id: 9, pad_token: '[PAD]' } })),
    );
    expect(notes).toEqual([expect.stringContaining('0 and 9')]);
    const named = await readOf({ padding: 9, fields: wrong, writer: 'flags' });
    expect(named.notes).toEqual([expect.stringContaining('0 and 9')]);
    expect(await refusal(readOf({ padding: 9, fields: wrong }))).toMatch(
      /^MODEL_REFUSED tokenizer\.json: pad_token_id 0 of config\.json is "!", which texts can have/,
    );
  });

  test.each<[string, object]>([
    ['BertProcessing', { type: 'BertProcessing', sep: ['[SEP]', 102], cls: ['[CLS]', 101] }],
    [
      'a sequence of processors',
      {
        type: 'Sequence',
        processors: [{ type: 'BertProcessing', sep: ['[SEP]', 102], cls: ['[CLS]', 101] }],
      },
    ],
  ])('%s frames texts as a template does', async (_, processor) => {
    for (const padding of [0, 7]) {
      const read = await readOf(
        { padding },
        changed((file) => ({ ...file, post_processor: processor })),
      );
      const tokeniser = await createTokeniser(read.tokenizer);
      const ids = tokeniser.encode('export');
      expect([ids[0], ids.at(-1), ids.length]).toEqual([101, 102, 3]);
    }
  });

  test('other ids of all special words', async () => {
    const ids: Record<string, number> = { '[PAD]': 3, '[UNK]': 0, '[CLS]': 2, '[SEP]': 4 };
    const change = changed((file) => {
      const { vocab } = file.model;
      for (const [word, id] of Object.entries(ids)) {
        const other = Object.keys(vocab).find((name) => vocab[name] === id)!;
        [vocab[word], vocab[other]] = [id, vocab[word]!];
      }
      for (const added of file.added_tokens) added.id = ids[added.content] ?? added.id;
      const text = JSON.stringify(file).replace('"ids":[101]', '"ids":[2]');
      return JSON.parse(text.replace('"ids":[102]', '"ids":[4]')) as object;
    });
    const read = await readOf({ fields: { 'config.json': { pad_token_id: 3 } } }, change);
    const tokeniser = await createTokeniser(read.tokenizer);
    // Unknown words had 0; they have the padding's now.
    expect([...tokeniser.encode('\u{10FFFF}')]).toEqual([2, 3, 4]);
    expect(tokeniser.controlWord('x [PAD]')).toBe('[PAD]');
  });

  test.each<[string, (file: Tokenizer) => unknown]>([
    [
      '"[MASK]" has the id 1024; vocab_size of config.json is 1024',
      (f) => {
        f.added_tokens[4]!.id = 1024;
      },
    ],
    [
      '"export" has the id -1',
      (f) => {
        f.model.vocab.export = -1;
      },
    ],
    [
      '"export" has the id 3.5',
      (f) => {
        f.model.vocab.export = 3.5;
      },
    ],
    [
      'pad_token_id 0 of config.json is "[PAD]", which texts can have',
      (f) => {
        f.model.unk_token = '[PAD]';
      },
    ],
  ])('refused: %s', async (message, change) => {
    expect(await refusal(readOf({}, changed(change)))).toContain(`MODEL_REFUSED tokenizer.json: `);
    expect(await refusal(readOf({}, changed(change)))).toContain(message);
  });

  test.each<[string, string, object]>([
    [
      'do_lower_case of tokenizer_config.json false',
      'tokenizer_config.json',
      { do_lower_case: false },
    ],
    [
      'tokenize_chinese_chars of tokenizer_config.json false',
      'tokenizer_config.json',
      { tokenize_chinese_chars: false },
    ],
  ])('another file says otherwise: %s', async (message, name, fields) => {
    const found = await refusal(readOf({ writer: 'flags', fields: { [name]: fields } }));
    expect(found).toContain('MODEL_REFUSED tokenizer.json: ');
    expect(found).toContain(message);
  });

  test('texts that are to be made small, and a tokenizer that keeps capitals', async () => {
    const cased = changed((file) => ({
      ...file,
      normalizer: { type: 'BertNormalizer', lowercase: false },
    }));
    const form: Form = {
      writer: 'flags',
      fields: { 'tokenizer_config.json': { do_lower_case: false } },
    };
    expect(await refusal(readOf(form, cased))).toContain(
      'do_lower_case of sentence_bert_config.json is true',
    );
    const keeps = { ...form.fields, 'sentence_bert_config.json': { do_lower_case: false } };
    expect(await refusal(readOf({ ...form, fields: keeps }, cased))).toBe('read');
  });

  test('one that makes no ids', async () => {
    const reading = readOf(
      {},
      changed((file) => ({ ...file, model: { type: 'WordPiece' } })),
    );
    expect(await refusal(reading)).toMatch(/^MODEL_CORRUPT tokenizer\.json|^MODEL_REFUSED /);
    const unknown = readOf(
      {},
      changed((file) => {
        delete file.model.vocab['[UNK]'];
        return { ...file, added_tokens: file.added_tokens.filter(({ id }) => id !== 100) };
      }),
    );
    expect(await refusal(unknown)).toMatch(/^MODEL_CORRUPT /);
  });
});

test('no damage of the small files ends otherwise than in a code or in an encoder', async () => {
  const files = generate(MINI, { writer: 'flags' });
  const names = [...files.keys()].filter((n) => n.endsWith('.json') && n !== 'tokenizer.json');
  const folder = written(files);
  const edit = fc.tuple(fc.nat(400), fc.nat(255));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...names),
      fc.array(edit, { minLength: 1, maxLength: 3 }),
      async (name, edits) => {
        const changed = files.get(name)!.slice();
        for (const [at, byte] of edits) changed[at % changed.length] = byte;
        writeFiles(folder, new Map([[name, changed]]));
        await refusal(readFolder(folder));
        writeFiles(folder, new Map([[name, files.get(name)!]]));
      },
    ),
    { numRuns: 60 },
  );
  expect(existsSync(folder)).toBe(true);
});

test('any values of config.json, the pooling and modules.json end in a code or in a configuration', () => {
  const config = parsed(generate(MINI), 'config.json');
  const keys = [
    ...Object.keys(config),
    'type_vocab_size',
    'auto_map',
    'pruned_heads',
    'is_decoder',
  ];
  const value = fc.oneof(fc.jsonValue(), fc.integer(), fc.constantFrom('bert', 'gelu', 128, 0));
  const module = fc.record(
    {
      type: fc.oneof(
        fc
          .constantFrom('Transformer', 'Pooling', 'Normalize')
          .map((x) => `sentence_transformers.models.${x}`),
        fc.jsonValue(),
      ),
      path: fc.oneof(fc.constantFrom('', '1_Pooling', '../x'), fc.jsonValue()),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 2 }),
      fc.option(
        fc.dictionary(fc.constantFrom('pooling_mode', 'pooling_mode_cls_token', 'x'), value),
      ),
      fc.array(module, { maxLength: 3 }),
      (fields, pooling, modules) => {
        try {
          const found = bertConfig({ ...config, ...fields }, pooling ?? undefined, modules);
          expect(['mean', 'cls']).toContain(found.pooling);
        } catch (e) {
          if (!(e instanceof AppError)) throw e;
          expect(e.code).toBe('MODEL_REFUSED');
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('JSON is what JSON.parse reads, but for names that are there twice', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson(text, 'x')).toEqual(JSON.parse(text));
    }),
  );
  expect(() => parseJson('[{"a":{"b":1}},{"a":1,"c":"\\"a\\":","a":2}]', 'x')).toThrow(
    "x: 'a' is there twice",
  );
});

test('the trained encoder of the repository is read without a note', async () => {
  expect((await readFolder(POLYGLOT)).notes).toEqual([]);
});
