/**
 * A BERT-class encoder as a Hugging Face folder describes it: config.json, 1_Pooling/config.json,
 * modules.json and the weights' names. What would need another graph is refused with its reason.
 */
import { VOCABULARY_MAX } from '../../src/core/manifest.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Tensors } from './safetensors.ts';

export type Pooling = 'mean' | 'cls';

export interface BertConfig {
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly epsilon: number;
  readonly pooling: Pooling;
}

/** y = x·Wᵀ + b; weight is n×k. */
export interface FloatLinear {
  readonly k: number;
  readonly n: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}
export interface FloatNorm {
  readonly gain: Float32Array;
  readonly bias: Float32Array;
}
export interface Bert extends BertConfig {
  /** vocabulary × hidden. */
  readonly words: Float32Array;
  /** positions × hidden, the embedding of token type 0 added. */
  readonly places: Float32Array;
  /** qkv, o, up, down of every layer. */
  readonly linears: readonly FloatLinear[];
  /** After the embeddings, then after o and after down of every layer. */
  readonly norms: readonly FloatNorm[];
}

const refuse = (message: string): AppError => new AppError('MODEL_REFUSED', message);
type Json = Readonly<Record<string, unknown>>;

function count(config: Json, key: string, max: number): number {
  const value = config[key];
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > max)
    throw refuse(`config.json: ${key} is ${String(value)}, not 1 to ${max}`);
  return value as number;
}

function demandEqual(config: Json, key: string, wanted: unknown, otherwise?: unknown): void {
  const value = config[key] ?? otherwise;
  if (value !== wanted)
    throw refuse(`config.json: ${key} is ${JSON.stringify(value)}; only "${String(wanted)}" fits`);
}

/** A path of a folder that stays in the model's folder. */
const INSIDE = /^(?!.*(^|\/)\.{1,2}(\/|$))[\w.-]+(\/[\w.-]+)*$/;

/**
 * Where the configuration of the pooling lies: in the folder that modules.json names, if there is one.
 * `optional` where nothing names it. @throws AppError MODEL_REFUSED
 */
export function poolingFile(modules: readonly Json[]): { name: string; optional: boolean } {
  const named = modules.filter(
    ({ type }) => typeof type === 'string' && /(^|\.)Pooling$/.test(type),
  );
  if (named.length > 1) throw refuse(`modules.json: ${named.length} poolings`);
  const [pooling] = named;
  if (!pooling) return { name: '1_Pooling/config.json', optional: true };
  const path = typeof pooling.path === 'string' ? pooling.path.replace(/\/$/, '') : '';
  if (!INSIDE.test(path)) throw refuse(`modules.json: no folder of the pooling in '${path}'`);
  return { name: `${path}/config.json`, optional: false };
}

/** Of the pooling's config.json; without one the mean, as sentence-transformers has it. */
function poolingOf(pooling: Json | undefined): Pooling {
  const modes = Object.entries(pooling ?? { pooling_mode_mean_tokens: true })
    .filter(([key, value]) => key.startsWith('pooling_mode_') && value === true)
    .map(([key]) => key);
  if (modes.join() === 'pooling_mode_mean_tokens') return 'mean';
  if (modes.join() === 'pooling_mode_cls_token') return 'cls';
  throw refuse(`the pooling's config.json: [${modes}] is neither the mean nor the first token`);
}

const MODULES = /(^|\.)(Transformer|Pooling|Normalize)$/;

/** @throws AppError MODEL_REFUSED with the field that does not fit */
export function bertConfig(
  config: Json,
  pooling?: Json,
  modules: readonly Json[] = [],
): BertConfig {
  demandEqual(config, 'model_type', 'bert');
  demandEqual(config, 'hidden_act', 'gelu');
  demandEqual(config, 'position_embedding_type', 'absolute', 'absolute');
  demandEqual(config, 'pad_token_id', 0, 0);
  demandEqual(config, 'is_decoder', false, false);
  const odd = modules.find(({ type }) => typeof type !== 'string' || !MODULES.test(type));
  if (odd) throw refuse(`modules.json: ${String(odd.type)} is not known`);
  const found: BertConfig = {
    hidden: count(config, 'hidden_size', 1024),
    ffn: count(config, 'intermediate_size', 4096),
    heads: count(config, 'num_attention_heads', 64),
    layers: count(config, 'num_hidden_layers', 48),
    vocabulary: count(config, 'vocab_size', VOCABULARY_MAX),
    positions: count(config, 'max_position_embeddings', 4096),
    epsilon: typeof config.layer_norm_eps === 'number' ? config.layer_norm_eps : 1e-12,
    pooling: poolingOf(pooling),
  };
  // Linears want k in 64s with a rank of 16 that is at most k/8 (docs/protocol.md §5.1).
  for (const [key, size] of Object.entries({
    hidden_size: found.hidden,
    intermediate_size: found.ffn,
  }))
    if (size % 64 || size < 128)
      throw refuse(`config.json: ${key} ${size} is no multiple of 64 from 128 on`);
  if (found.hidden % found.heads || found.hidden / found.heads > 128)
    throw refuse(`config.json: ${found.heads} heads of ${found.hidden} columns`);
  return found;
}

const joined = (parts: readonly Float32Array[]): Float32Array => {
  const out = new Float32Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

const WORDS = 'embeddings.word_embeddings.weight';

/** The weights by the names of transformers' BertModel, with whatever prefix its wrapper gave them. */
export function bertFrom(config: BertConfig, tensors: Tensors): Bert {
  const { hidden, ffn, layers, vocabulary, positions } = config;
  const first = tensors.names.find((name) => name === WORDS || name.endsWith(`.${WORDS}`));
  const prefix = first?.slice(0, -WORDS.length) ?? '';
  const read = (name: string, ...dims: number[]) => tensors.read(prefix + name, dims);
  /** The name of today, or the one that the first checkpoints have. */
  const either = (name: string, old: string) =>
    tensors.names.includes(prefix + old) && !tensors.names.includes(prefix + name) ? old : name;
  const linear = (names: readonly string[], k: number, n: number): FloatLinear => ({
    k,
    n: n * names.length,
    weight: joined(names.map((name) => read(`${name}.weight`, n, k))),
    bias: joined(names.map((name) => read(`${name}.bias`, n))),
  });
  const norm = (name: string): FloatNorm => ({
    gain: read(either(`${name}.weight`, `${name}.gamma`), hidden),
    bias: read(either(`${name}.bias`, `${name}.beta`), hidden),
  });
  const linears: FloatLinear[] = [];
  const norms = [norm('embeddings.LayerNorm')];
  for (let i = 0; i < layers; i++) {
    const at = `encoder.layer.${i}`;
    const heads = ['query', 'key', 'value'].map((x) => `${at}.attention.self.${x}`);
    linears.push(linear(heads, hidden, hidden));
    linears.push(linear([`${at}.attention.output.dense`], hidden, hidden));
    linears.push(linear([`${at}.intermediate.dense`], hidden, ffn));
    linears.push(linear([`${at}.output.dense`], ffn, hidden));
    norms.push(norm(`${at}.attention.output.LayerNorm`), norm(`${at}.output.LayerNorm`));
  }
  const places = read('embeddings.position_embeddings.weight', positions, hidden);
  const types = tensors.names.includes(`${prefix}embeddings.token_type_embeddings.weight`)
    ? read('embeddings.token_type_embeddings.weight', 2, hidden)
    : new Float32Array(hidden);
  return {
    ...config,
    words: read(WORDS, vocabulary, hidden),
    places: places.map((x, i) => x + types[i % hidden]!),
    linears,
    norms,
  };
}
