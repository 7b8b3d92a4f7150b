/**
 * A BERT-class encoder as a Hugging Face folder describes it: config.json and the weights' names.
 * What would need another graph is refused with its field.
 */
import { VOCABULARY_MAX } from '../../src/core/manifest.ts';
import { AppError } from '../../src/lib/errors.ts';
import { modulesOf, poolingOf, type Pooling } from './checkpoint/modules.ts';
import { shown, type Json } from './checkpoint/json.ts';
import type { Tensors } from './safetensors.ts';

export interface BertConfig {
  readonly hidden: number;
  readonly ffn: number;
  readonly heads: number;
  readonly layers: number;
  readonly vocabulary: number;
  readonly positions: number;
  /** Kinds of tokens; every token of ours is of kind 0. */
  readonly types: number;
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

function count(config: Json, key: string, max: number): number {
  const value = config[key];
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > max)
    throw refuse(`config.json: ${key} is ${shown(value)}, not 1 to ${max}`);
  return value as number;
}

/** What fields may say; undefined: that they are missing. The first is told to who has another. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  model_type: ['bert'],
  hidden_act: ['gelu', 'gelu_python'],
  position_embedding_type: ['absolute', undefined, null],
  is_decoder: [false, undefined, null],
  // Code of the checkpoint's own, which may compute anything.
  auto_map: [undefined, null],
  quantization_config: [undefined, null],
};

function demandPlain(config: Json): void {
  for (const [key, wanted] of Object.entries(PLAIN))
    if (!wanted.includes(config[key]))
      throw refuse(`config.json: ${key} is ${shown(config[key])}; only ${shown(wanted[0])} fits`);
  const classes = [config.architectures ?? []].flat();
  const odd = classes.find(
    (name) => typeof name !== 'string' || !/^(TF|Flax)?Bert[A-Z]/.test(name),
  );
  if (odd !== undefined) throw refuse(`config.json: architectures has ${shown(odd)}, no Bert…`);
  if (Object.keys(Object(config.pruned_heads) as object).length)
    throw refuse('config.json: pruned_heads is not empty');
}

/** A norm divides by the root of variance and this: never by 0. */
function epsilonOf({ layer_norm_eps: epsilon = 1e-12 }: Json): number {
  if (typeof epsilon !== 'number' || !(epsilon > 0 && epsilon <= 0.01))
    throw refuse(`config.json: layer_norm_eps is ${shown(epsilon)}, not over 0 and at most 0.01`);
  return epsilon;
}

/** The id that a config gives to padding. @throws AppError MODEL_REFUSED */
export function paddingOf(config: Json): number {
  const { pad_token_id: id } = config;
  if (id === undefined || id === null) return 0;
  if (!Number.isSafeInteger(id) || (id as number) < 0 || (id as number) >= VOCABULARY_MAX)
    throw refuse(`config.json: pad_token_id is ${shown(id)}, no token`);
  return id as number;
}

/** @throws AppError MODEL_REFUSED with the field that does not fit */
export function bertConfig(
  config: Json,
  pooling?: Json,
  modules: readonly Json[] = [],
): BertConfig {
  demandPlain(config);
  modulesOf(modules);
  paddingOf(config);
  const found: BertConfig = {
    hidden: count(config, 'hidden_size', 1024),
    ffn: count(config, 'intermediate_size', 4096),
    heads: count(config, 'num_attention_heads', 64),
    layers: count(config, 'num_hidden_layers', 48),
    vocabulary: count(config, 'vocab_size', VOCABULARY_MAX),
    positions: count(config, 'max_position_embeddings', 4096),
    types: count({ type_vocab_size: 2, ...config }, 'type_vocab_size', 16),
    epsilon: epsilonOf(config),
    pooling: 'mean',
  };
  // Linears want k in 64s with a rank of 16 that is at most k/8 (docs/protocol.md §5.1).
  for (const [key, size] of Object.entries({
    hidden_size: found.hidden,
    intermediate_size: found.ffn,
  }))
    if (size % 64 || size < 128)
      throw refuse(`config.json: ${key} ${size} is no multiple of 64 from 128 on`);
  if (found.hidden % found.heads || found.hidden / found.heads > 128)
    throw refuse(
      `config.json: num_attention_heads is ${found.heads}, of ${found.hidden} columns (hidden_size)`,
    );
  return { ...found, pooling: poolingOf(pooling, found.hidden) };
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

/** What stands before every name: a wrapper's (`bert.`, `model.`, `0.auto_model.`), or nothing. */
function prefixOf({ names }: Tensors): string {
  const found = new Set(
    names
      .filter((name) => name === WORDS || name.endsWith(`.${WORDS}`))
      .map((name) => name.slice(0, -WORDS.length)),
  );
  if (found.size > 1)
    throw refuse(`the weights have several encoders: ${[...found].map((p) => `'${p}${WORDS}'`)}`);
  const [prefix = ''] = found;
  return prefix;
}

/**
 * The weights by the names of transformers' BertModel, with whatever prefix its wrapper gave them. Every tensor is
 * checked before the first one is read.
 * @throws AppError MODEL_REFUSED with the tensor that is missing or another, MODEL_CORRUPT
 */
export function bertFrom(config: BertConfig, tensors: Tensors): Bert {
  const prefix = prefixOf(tensors);
  bertOf(config, tensors.names, prefix, (name, dims) => {
    tensors.check(name, dims);
    return new Float32Array();
  });
  return bertOf(config, tensors.names, prefix, (name, dims) => tensors.read(name, dims));
}

function bertOf(
  config: BertConfig,
  names: readonly string[],
  prefix: string,
  take: Tensors['read'],
): Bert {
  const { hidden, ffn, layers, vocabulary, positions, types } = config;
  const known = new Set(names);
  const read = (name: string, ...dims: number[]) => take(prefix + name, dims);
  /** The name of today, or the one that the first checkpoints have. */
  const either = (name: string, old: string) =>
    known.has(prefix + old) && !known.has(prefix + name) ? old : name;
  const linear = (from: readonly string[], k: number, n: number): FloatLinear => ({
    k,
    n: n * from.length,
    weight: joined(from.map((name) => read(`${name}.weight`, n, k))),
    bias: joined(from.map((name) => read(`${name}.bias`, n))),
  });
  const norm = (name: string): FloatNorm => ({
    gain: read(either(`${name}.weight`, `${name}.gamma`), hidden),
    bias: read(either(`${name}.bias`, `${name}.beta`), hidden),
  });
  const words = read(WORDS, vocabulary, hidden);
  const places = read('embeddings.position_embeddings.weight', positions, hidden);
  const kinds = read('embeddings.token_type_embeddings.weight', types, hidden);
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
  return {
    ...config,
    words,
    places: places.map((x, i) => x + kinds[i % hidden]!),
    linears,
    norms,
  };
}
