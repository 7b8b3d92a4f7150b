/**
 * Writes a Hugging Face folder of a real encoder's shape with generated weights: what the importer is
 * measured on where real weights can't be had. Four channels are outliers, some 20 times the others, as
 * trained encoders have them; words are those of TypeScript's source (Apache-2.0).
 * Usage: node models/import/generate.ts small|base|mini FOLDER       the same bytes every time
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors } from './safetensors.ts';

export interface Size {
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly pooling: 'mean' | 'cls';
}
/** small: all-MiniLM-L6-v2; base: bge-base; mini: for tests. */
export const SIZES: Readonly<Record<string, Size>> = {
  small: { hidden: 384, ffn: 1536, heads: 12, layers: 6, vocabulary: 30_522, pooling: 'mean' },
  base: { hidden: 768, ffn: 3072, heads: 12, layers: 12, vocabulary: 30_522, pooling: 'cls' },
  mini: { hidden: 128, ffn: 256, heads: 4, layers: 2, vocabulary: 1024, pooling: 'mean' },
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
  return tensors;
}

/** Word → id: special words, letters, then the most frequent words; what is left stays unused. */
function vocabularyOf(size: number): Record<string, number> {
  const url = new URL('../../node_modules/typescript/lib/typescript.js', import.meta.url);
  const counts = new Map<string, number>();
  for (const [word] of readFileSync(url, 'utf8')
    .toLowerCase()
    .matchAll(/[a-z]{2,20}/g))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  const letters = Array.from({ length: 94 }, (_, i) => String.fromCharCode(33 + i)).filter(
    (c) => !/[A-Z]/.test(c),
  );
  const words = [...letters, ...letters.map((c) => `##${c}`), ...frequent.map(([word]) => word)];
  const names = Object.fromEntries(Object.entries(SPECIAL).map(([word, id]) => [id, word]));
  let next = 0;
  const word = (id: number): string =>
    names[id] ?? (id < 104 ? undefined : words[next++]) ?? `[unused${id}]`;
  return Object.fromEntries(Array.from({ length: size }, (_, id) => [word(id), id]));
}

function tokenizerOf(size: number): unknown {
  const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: Object.entries(SPECIAL).map(([content, id]) => ({
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
      vocab: vocabularyOf(size),
    },
  };
}

/** Files of a generated folder by name. */
export function generate(size: Size): Map<string, Uint8Array> {
  const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
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
    pad_token_id: 0,
  };
  return new Map([
    ['config.json', json(config)],
    [
      '1_Pooling/config.json',
      json({
        pooling_mode_cls_token: size.pooling === 'cls',
        pooling_mode_mean_tokens: size.pooling === 'mean',
      }),
    ],
    ['tokenizer.json', json(tokenizerOf(size.vocabulary))],
    ['model.safetensors', encodeSafetensors(weights(size))],
  ]);
}

export function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  mkdirSync(join(folder, '1_Pooling'), { recursive: true });
  for (const [name, bytes] of files) writeFileSync(join(folder, name), bytes);
}

if (import.meta.main) {
  const [name, folder] = process.argv.slice(2);
  const size = SIZES[name ?? ''];
  if (!size || !folder) throw new Error('usage: models/import/generate.ts small|base|mini FOLDER');
  writeFiles(folder, generate(size));
}
