/**
 * Writes a Hugging Face folder of a real encoder's shape with generated weights: what the importer is
 * measured on where real weights can't be had, and tested on in every form that exporters write. Four channels are
 * outliers, some 20 times the others, as trained encoders have them; words are those of TypeScript's source (Apache-2.0).
 * Usage: node models/import/generate.ts small|base|mini|bge|e5|gte FOLDER       the same bytes every time
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeTensors, type FloatType } from './safetensors.ts';

export interface Size {
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly pooling: 'mean' | 'cls';
  /** One neuron of a layer's FFN writes a value at [CLS] that is some 100 times the others, as in trained ones. */
  readonly massive?: true;
}

/** What exporters do differently. */
export interface Form {
  /** Before every tensor's name. */
  readonly prefix?: string;
  /** Norms are called gamma and beta, as the first checkpoints have them. */
  readonly oldNorms?: true;
  readonly type?: FloatType;
  /** Tensors that no encoder reads. */
  readonly unread?: ReadonlyMap<string, RawTensor>;
  /** Files that the weights are cut into. */
  readonly shards?: number;
  /** Id of [PAD]; the word that would have it takes 0. */
  readonly padding?: number;
  /** sentence-transformers that wrote the folder: with flags for the pooling (to 5.3), or its name (from 5.4). */
  readonly writer?: 'flags' | 'names';
  /** Folders that modules.json names. */
  readonly folders?: { readonly encoder?: string; readonly pooling?: string };
  /** More fields of a file, or other values. */
  readonly fields?: Readonly<Record<string, object>>;
}

export interface RawTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** Position ids, as checkpoints of transformers before 4.31 have them. */
const IDS: Form['unread'] = new Map([
  ['embeddings.position_ids', { type: 'I64', dims: [1, 512], bytes: new Uint8Array(8 * 512) }],
]);

/** bge, e5 and gte in their small sizes are one shape. */
const SMALL_OF_12: Omit<Size, 'pooling'> = {
  hidden: 384,
  ffn: 1536,
  heads: 12,
  layers: 12,
  vocabulary: 30_522,
  massive: true,
};

/** small: all-MiniLM-L6-v2; base: bge-base; mini: for tests. The others as their names say. */
export const SIZES: Readonly<Record<string, Size>> = {
  small: { hidden: 384, ffn: 1536, heads: 12, layers: 6, vocabulary: 30_522, pooling: 'mean' },
  base: { hidden: 768, ffn: 3072, heads: 12, layers: 12, vocabulary: 30_522, pooling: 'cls' },
  mini: { hidden: 128, ffn: 256, heads: 4, layers: 2, vocabulary: 1024, pooling: 'mean' },
  /** bge-small-en-v1.5 */
  bge: { ...SMALL_OF_12, pooling: 'cls' },
  /** e5-small-v2 */
  e5: { ...SMALL_OF_12, pooling: 'mean' },
  /** gte-small */
  gte: { ...SMALL_OF_12, pooling: 'mean' },
};
/** How the makers' folders are written, by size. */
export const FORMS: Readonly<Record<string, Form>> = {
  bge: { writer: 'flags', unread: IDS },
  e5: { writer: 'flags', unread: IDS },
  gte: { writer: 'flags', unread: IDS, type: 'F16' },
};
const POSITIONS = 512;
const OUTLIERS = 4;
/** Ids of BERT's special words. */
const SPECIAL: Readonly<Record<string, number>> = {
  '[PAD]': 0,
  '[UNK]': 100,
  '[CLS]': 101,
  '[SEP]': 102,
  '[MASK]': 103,
};

/** Standard normal numbers from a seed: mulberry32, Box–Muller. */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

export type TensorMap = Map<string, { dims: readonly number[]; values: Float32Array }>;

/** Channel in which [CLS] is told from all other words, and those that massive neurons write: no outliers. */
const MARK = 7;
const massiveChannel = (layer: number): number => 20 + 3 * layer;
/** The neuron's step for one of what it reads, and its offset: only [CLS] passes it. */
const FIRES = { weight: 1.2, bias: -6 };
const WRITES = 8;

/** Neuron of a layer's FFN that is massive. */
export const massiveNeuron = (layer: number, ffn: number): number => (857 * (layer + 1)) % ffn;
/** The last third of the layers has none, as in all-MiniLM-L6-v2: there [CLS] gathers the text. */
const massiveLayers = (layers: number): number => Math.floor((2 * layers) / 3);

/** A massive neuron in each layer: it reads the channel of the one before, the first one the mark. */
function plant(
  tensors: TensorMap,
  { hidden, ffn, layers }: Pick<Size, 'hidden' | 'ffn' | 'layers'>,
): void {
  const values = (name: string): Float32Array => tensors.get(name)!.values;
  values('embeddings.word_embeddings.weight')[SPECIAL['[CLS]']! * hidden + MARK] = 1.6;
  for (let layer = 0; layer < massiveLayers(layers); layer++) {
    const at = `encoder.layer.${layer}`;
    const neuron = massiveNeuron(layer, ffn);
    const reads = layer ? massiveChannel(layer - 1) : MARK;
    const writes = massiveChannel(layer);
    const up = values(`${at}.intermediate.dense.weight`);
    up.fill(0, neuron * hidden, (neuron + 1) * hidden);
    up[neuron * hidden + reads] = FIRES.weight;
    values(`${at}.intermediate.dense.bias`)[neuron] = FIRES.bias;
    values(`${at}.output.dense.weight`)[writes * ffn + neuron] = WRITES;
  }
}

export function weights(size: Omit<Size, 'heads' | 'pooling'>): TensorMap {
  const { hidden, ffn, layers, vocabulary } = size;
  const normal = normals(7);
  const tensors: TensorMap = new Map();
  const add = (name: string, dims: number[], value: (i: number) => number): void => {
    const values = Float32Array.from({ length: dims.reduce((p, d) => p * d, 1) }, (_, i) =>
      value(i),
    );
    tensors.set(name, { dims, values });
  };
  const isOutlier = (channel: number): boolean => channel % (hidden / OUTLIERS) === 5;
  const random = (name: string, dims: number[], deviation: number): void =>
    add(name, dims, () => normal() * deviation);
  const table = (name: string, rows: number): void =>
    add(name, [rows, hidden], (i) => normal() * 0.04 * (isOutlier(i % hidden) ? 10 : 1));
  const linear = (name: string, k: number, n: number): void => {
    // Readers of outliers are smaller, as in trained encoders: else nothing else would count.
    const deviation = 0.04 * Math.sqrt(384 / hidden);
    const reads = (i: number): number => (k === hidden && isOutlier(i % k) ? 0.3 : 1);
    add(`${name}.weight`, [n, k], (i) => normal() * deviation * reads(i));
    random(`${name}.bias`, [n], 0.05);
  };
  const norm = (name: string, last = false): void => {
    // Outliers stand mostly in the bias, with one sign for all tokens; the rest keeps size 1 beside them.
    // The last norm has none: a sentence's direction must not be the same for all.
    const outlier = (i: number): boolean => !last && isOutlier(i);
    add(
      `${name}.weight`,
      [hidden],
      (i) => (isOutlier(i) ? (last ? 0.2 : 1) : 2) * (1 + 0.2 * normal()),
    );
    add(`${name}.bias`, [hidden], (i) =>
      outlier(i) ? (i & 64 ? -15 : 15) + normal() : 0.2 * normal(),
    );
  };
  table('embeddings.word_embeddings.weight', vocabulary);
  table('embeddings.position_embeddings.weight', POSITIONS);
  table('embeddings.token_type_embeddings.weight', 2);
  norm('embeddings.LayerNorm');
  for (let i = 0; i < layers; i++) {
    const at = `encoder.layer.${i}`;
    for (const part of ['query', 'key', 'value'])
      linear(`${at}.attention.self.${part}`, hidden, hidden);
    linear(`${at}.attention.output.dense`, hidden, hidden);
    norm(`${at}.attention.output.LayerNorm`);
    linear(`${at}.intermediate.dense`, hidden, ffn);
    linear(`${at}.output.dense`, ffn, hidden);
    norm(`${at}.output.LayerNorm`, i === layers - 1);
  }
  if (size.massive) plant(tensors, size);
  return tensors;
}

/** float32 as float16, to the nearest; what is below its least normal number becomes 0. */
function toHalf(x: number): number {
  const [bits] = new Uint32Array(Float32Array.of(x).buffer) as unknown as [number];
  const sign = (bits >>> 16) & 0x8000;
  const rounded = (bits & 0x7fffffff) + 0xfff + ((bits >>> 13) & 1);
  return sign | Math.max(0, rounded - (112 << 23) < 1 << 23 ? 0 : (rounded >>> 13) - (112 << 10));
}

function rawOf(values: Float32Array, type: FloatType): Uint8Array {
  if (type === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words =
    type === 'F16' ? Uint16Array.from(values, toHalf) : Uint16Array.from(bits, (x) => x >>> 16);
  return new Uint8Array(words.buffer);
}

/** Files of weights by name. */
function weightFiles(tensors: TensorMap, form: Form): [string, Uint8Array][] {
  const { prefix = '', type = 'F32', unread = [], shards } = form;
  const named = (name: string): string =>
    prefix +
    (form.oldNorms
      ? name.replace(/(LayerNorm)\.weight$/, '$1.gamma').replace(/(LayerNorm)\.bias$/, '$1.beta')
      : name);
  const all = [
    ...[...tensors].map(([name, { dims, values }]) => {
      const raw: RawTensor = { type, dims, bytes: rawOf(values, type) };
      return [named(name), raw] as const;
    }),
    ...[...unread].map(([name, raw]) => [prefix + name, raw] as const),
  ];
  if (!shards) return [['model.safetensors', encodeTensors(new Map(all))]];
  const fileOf = (i: number): string => {
    const [at, of] = [1 + (i % shards), shards].map((n) => String(n).padStart(5, '0'));
    return `model-${at}-of-${of}.safetensors`;
  };
  const index = {
    metadata: { total_size: all.reduce((sum, [, { bytes }]) => sum + bytes.length, 0) },
    weight_map: Object.fromEntries(all.map(([name], i) => [name, fileOf(i)])),
  };
  const parts = Array.from({ length: shards }, (_, shard): [string, Uint8Array] => [
    fileOf(shard),
    encodeTensors(new Map(all.filter((_, i) => i % shards === shard))),
  ]);
  return [['model.safetensors.index.json', json(index)], ...parts];
}

let frequent: readonly string[] | undefined;
/** Words of TypeScript's source, the most frequent first. */
function frequentWords(): readonly string[] {
  if (frequent) return frequent;
  const url = new URL('../../node_modules/typescript/lib/typescript.js', import.meta.url);
  const counts = new Map<string, number>();
  for (const [word] of readFileSync(url, 'utf8')
    .toLowerCase()
    .matchAll(/[a-z]{2,20}/g))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  const ordered = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return (frequent = ordered.map(([word]) => word));
}

/** Word → id: special words, letters, then the most frequent words; what is left stays unused. */
function vocabularyOf(size: number, special: typeof SPECIAL): Record<string, number> {
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
    (c) => !/[A-Z]/.test(c),
  );
  const words = [...letters, ...letters.map((c) => `##${c}`), ...frequentWords()];
  const names = Object.fromEntries(Object.entries(special).map(([word, id]) => [id, word]));
  let next = 0;
  const word = (id: number): string =>
    names[id] ?? (id && id < 104 ? undefined : words[next++]) ?? `[unused${id}]`;
  return Object.fromEntries(Array.from({ length: size }, (_, id) => [word(id), id]));
}

function tokenizerOf(size: number, padding: number): unknown {
  const ids = { ...SPECIAL, '[PAD]': padding };
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Object.entries(ids).map(([content, id]) => ({
      id,
      content,
      ...flags,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, special('[SEP]')],
      pair: [],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((id) => [id, { id, ids: [SPECIAL[id]], tokens: [id] }]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabularyOf(size, ids),
    },
  };
}

const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** The pooling's config.json, as its writer has it. */
function poolingFile({ pooling, hidden }: Size, writer: Form['writer']): object {
  const flags = {
    pooling_mode_cls_token: pooling === 'cls',
    pooling_mode_mean_tokens: pooling === 'mean',
  };
  if (!writer) return flags;
  if (writer === 'names')
    return { embedding_dimension: hidden, pooling_mode: pooling, include_prompt: true };
  const others = { pooling_mode_max_tokens: false, pooling_mode_mean_sqrt_len_tokens: false };
  return { word_embedding_dimension: hidden, ...flags, ...others };
}

/** What sentence-transformers writes beside the encoder, by name. */
function sentenceFiles(form: Form): [string, object][] {
  const { writer, folders = {} } = form;
  const { encoder = '', pooling = '1_Pooling' } = folders;
  if (!writer && !form.folders) return [];
  const names = writer === 'names';
  const modules = [
    [encoder, names ? 'base.modules.transformer.Transformer' : 'models.Transformer'],
    [pooling, names ? 'sentence_transformer.modules.pooling.Pooling' : 'models.Pooling'],
    ['2_Normalize', names ? 'base.modules.normalize.Normalize' : 'models.Normalize'],
  ].map(([path, type], idx) => ({
    idx,
    name: String(idx),
    path,
    type: `sentence_transformers.${type}`,
  }));
  const plain = { max_seq_length: POSITIONS, do_lower_case: true };
  const task = {
    transformer_task: 'feature-extraction',
    modality_config: {
      text: { method: 'forward', method_output_name: 'last_hidden_state' },
    },
    module_output_name: 'token_embeddings',
  };
  const prompts = { default_prompt_name: null, prompts: { query: '', document: '' } };
  return [
    ['modules.json', modules],
    ['sentence_bert_config.json', names ? task : plain],
    ['config_sentence_transformers.json', { model_type: 'SentenceTransformer', ...prompts }],
    ['tokenizer_config.json', { do_lower_case: true, pad_token: '[PAD]', strip_accents: null }],
  ];
}

/** Files of a generated folder by name. */
export function generate(size: Size, form: Form = {}): Map<string, Uint8Array> {
  const { padding = 0, folders = {}, fields = {} } = form;
  const config = {
    architectures: ['BertModel'],
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: size.hidden,
    intermediate_size: size.ffn,
    num_attention_heads: size.heads,
    num_hidden_layers: size.layers,
    max_position_embeddings: POSITIONS,
    position_embedding_type: 'absolute',
    vocab_size: size.vocabulary,
    layer_norm_eps: 1e-12,
    pad_token_id: padding,
  };
  const base = folders.encoder ? `${folders.encoder}/` : '';
  const IN_BASE = new Set(['sentence_bert_config.json', 'tokenizer_config.json']);
  const objects: [string, object][] = [
    [`${base}config.json`, config],
    [`${folders.pooling ?? '1_Pooling'}/config.json`, poolingFile(size, form.writer)],
    [`${base}tokenizer.json`, tokenizerOf(size.vocabulary, padding) as object],
    ...sentenceFiles(form).map(([name, value]): [string, object] => [
      IN_BASE.has(name) ? base + name : name,
      value,
    ]),
  ];
  const files = objects.map(([name, value]): [string, Uint8Array] => [
    name,
    json(fields[name] ? { ...value, ...fields[name] } : value),
  ]);
  const stored = weightFiles(weights(size), form);
  return new Map([
    ...files,
    ...stored.map(([name, bytes]): [string, Uint8Array] => [base + name, bytes]),
  ]);
}

export function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
}

if (import.meta.main) {
  const [name = '', folder] = process.argv.slice(2);
  const size = SIZES[name];
  if (!size || !folder)
    throw new Error(`usage: models/import/generate.ts ${Object.keys(SIZES).join('|')} FOLDER`);
  writeFiles(folder, generate(size, FORMS[name]));
}
