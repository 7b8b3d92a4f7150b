/**
 * A decoder out of a GGUF file as llama.cpp writes it. Every field of its architecture is known here, or refused: another
 * graph has others. No tensor's numbers are read.
 */
import type { Bytes } from '../../safetensors.ts';
import { Fields, TEMPLATE_CHARS_MAX } from './fields.ts';
import { Gguf } from './gguf.ts';
import { tokenizerOfGguf, wordsOf } from './gguf-tokenizer.ts';
import {
  dimsOf,
  weightsOf,
  type Llama,
  type LlamaConfig,
  type LlamaWeights,
  type Role,
  type Rope,
  type Rows,
} from './llama.ts';
import { acceptedTokenizer } from './tokenizer.ts';

/** What an architecture does beside Llama's. */
interface Kind {
  /** Biases of q, k and v; undefined: they may be there. */
  readonly biases: boolean | undefined;
  readonly qkNorm: boolean;
  /** llama.cpp has exchanged rows of q and k so that pairs turn together; undone here. */
  readonly pairs: boolean;
}
const KINDS: ReadonlyMap<unknown, Kind> = new Map([
  ['llama', { biases: undefined, qkNorm: false, pairs: true }],
  ['qwen2', { biases: true, qkNorm: false, pairs: false }],
  ['qwen3', { biases: false, qkNorm: true, pairs: false }],
]);

/** Names of sizes, after the architecture's own. */
const SIZES = {
  layers: 'block_count',
  hidden: 'embedding_length',
  heads: 'attention.head_count',
  keyHeads: 'attention.head_count_kv',
  headWidth: 'attention.key_length',
  ffn: 'feed_forward_length',
  epsilon: 'attention.layer_norm_rms_epsilon',
  context: 'context_length',
} as const;
/** Other fields that are read. */
const READ = [
  'vocab_size',
  'attention.value_length',
  'rope.dimension_count',
  'rope.freq_base',
  'rope.scaling.type',
  'rope.scaling.factor',
  'rope.scaling.original_context_length',
] as const;
/** Fields that may say what they say in a model without them. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  'attention.causal': [true],
  'attention.sliding_window': [0],
  expert_count: [0],
  expert_used_count: [0],
  'rope.scaling.finetuned': [true, false],
};
/** Of the file. A quantised one of the first version has other blocks. */
const FILE = { 'general.type': ['model'], 'general.quantization_version': [2], 'split.count': [1] };

const NAMES: Readonly<Record<Role, string>> = {
  embedding: 'token_embd.weight',
  norm: 'output_norm.weight',
  head: 'output.weight',
  attentionNorm: 'attn_norm.weight',
  q: 'attn_q.weight',
  k: 'attn_k.weight',
  v: 'attn_v.weight',
  o: 'attn_output.weight',
  qBias: 'attn_q.bias',
  kBias: 'attn_k.bias',
  vBias: 'attn_v.bias',
  qNorm: 'attn_q_norm.weight',
  kNorm: 'attn_k_norm.weight',
  ffnNorm: 'ffn_norm.weight',
  gate: 'ffn_gate.weight',
  up: 'ffn_up.weight',
  down: 'ffn_down.weight',
};
const nameOf = (role: Role, layer?: number): string =>
  layer === undefined ? NAMES[role] : `blk.${layer}.${NAMES[role]}`;
/** A field that is a list, which is not read: neither a number nor a text. */
const A_LIST: readonly unknown[] = ['a list'];
/** Divisors of the angles of RoPE, where they have some. */
const DIVISORS = 'rope_freqs.weight';

/** Every field of the architecture, or its name in a refusal. */
function demandKnown(gguf: Gguf, fields: Fields, architecture: string): void {
  const known = [...Object.values(SIZES), ...READ, ...Object.keys(PLAIN)];
  const names = new Set(known.map((name) => `${architecture}.${name}`));
  for (const name of gguf.fields)
    if (name.startsWith(`${architecture}.`) && !names.has(name))
      throw fields.refuse(name, 'is not known: it may ask for another graph');
  const plain = Object.entries(PLAIN).map(([name, may]) => [`${architecture}.${name}`, may]);
  fields.demand({ ...FILE, ...(Object.fromEntries(plain) as typeof PLAIN) });
}

function ropeOf(gguf: Gguf, fields: Fields, architecture: string, headWidth: number): Rope {
  const name = (field: string) => `${architecture}.rope.${field}`;
  const width = name('dimension_count');
  if (fields.has(width) && fields.get(width) !== headWidth)
    throw fields.refuse(
      width,
      `is ${String(fields.get(width))}; only all ${headWidth} columns fit`,
    );
  const theta = fields.real(name('freq_base'), 0, 2 ** 40, 10_000);
  fields.demand({ [name('scaling.type')]: ['none', 'linear'] });
  const isLinear = fields.get(name('scaling.type')) === 'linear';
  const hasDivisors = gguf.names.includes(DIVISORS);
  if (isLinear && hasDivisors)
    throw fields.refuse(name('scaling.type'), `is "linear", and ${DIVISORS} is there`);
  if (isLinear) {
    const factor = fields.real(name('scaling.factor'), 0, 2 ** 20);
    return { theta, scaling: { type: 'linear', factor } };
  }
  if (!hasDivisors) return { theta, scaling: { type: 'none' } };
  const divisors = [...gguf.rows(DIVISORS, [headWidth / 2]).read()];
  const odd = divisors.find((divisor) => divisor <= 0);
  if (odd !== undefined) throw fields.refuse(DIVISORS, `has ${odd}, which divides no angle`);
  return { theta, scaling: { type: 'divisors', divisors } };
}

/** The rows of q or k as transformers has them: of each head first those of the first half, then the others. */
function halvesOfPairs(pairs: Rows, headWidth: number): Rows {
  const { columns } = pairs;
  const isVector = pairs.rows === 1;
  const half = headWidth / 2;
  /** Where row `row` of a head lies among its pairs. */
  const place = (row: number) => (row < half ? 2 * row : 2 * (row - half) + 1);
  const reordered = (from: number, to: number, size: number, read: Rows['read']) => {
    const first = from - (from % headWidth);
    const values = read(first, Math.ceil(to / headWidth) * headWidth);
    const out = new Float32Array((to - from) * size);
    for (let row = from; row < to; row++) {
      const inHead = row % headWidth;
      const at = (row - inHead - first + place(inHead)) * size;
      out.set(values.subarray(at, at + size), (row - from) * size);
    }
    return out;
  };
  // A bias is one row whose columns are what a matrix has as rows.
  if (isVector) return { ...pairs, read: () => reordered(0, columns, 1, () => pairs.read()) };
  return {
    ...pairs,
    read: (from = 0, to = pairs.rows) => reordered(from, to, columns, pairs.read),
  };
}

/** Every tensor of the file has its place, or its name is in a refusal. */
function tensorsOf(gguf: Gguf, fields: Fields, config: LlamaConfig, pairs: boolean): LlamaWeights {
  const dims = dimsOf(config);
  const left = new Set(gguf.names);
  left.delete(DIVISORS);
  const weights = weightsOf(config, (role, layer) => {
    const name = nameOf(role, layer);
    left.delete(name);
    const rows = gguf.rows(name, dims[role]);
    const turns = pairs && ['q', 'k', 'qBias', 'kBias'].includes(role);
    return turns ? halvesOfPairs(rows, config.headWidth) : rows;
  });
  const [odd] = left;
  if (odd !== undefined) throw fields.refuse(`tensor '${odd}'`, 'belongs to another graph');
  return weights;
}

/**
 * @param what the file, for messages; its bytes are read by ranges, and must stay readable as long as the tensors are used
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED, each with the field
 */
export async function llamaOfGguf(bytes: Bytes, what: string): Promise<Llama> {
  const gguf = new Gguf(bytes, what);
  const fields = new Fields(what, (name) => (gguf.isList(name) ? A_LIST : gguf.value(name)));
  const named = fields.get('general.architecture');
  const kind = KINDS.get(named);
  if (typeof named !== 'string' || !kind) {
    const fit = [...KINDS.keys()].join(', ');
    throw fields.refuse('general.architecture', `is ${String(named)}; ${fit} fit`);
  }
  demandKnown(gguf, fields, named);

  const sizeNames = Object.entries(SIZES).map(([size, name]) => [size, `${named}.${name}`]);
  const sizes = fields.sizes(Object.fromEntries(sizeNames) as typeof SIZES);
  const valueWidth = `${named}.attention.value_length`;
  if (fields.has(valueWidth) && fields.get(valueWidth) !== sizes.headWidth)
    throw fields.refuse(valueWidth, `is ${String(fields.get(valueWidth))}, not ${sizes.headWidth}`);
  const words = wordsOf(gguf, fields);
  const vocabulary = fields.vocabulary(`${named}.vocab_size`, words.length);
  if (vocabulary !== words.length)
    throw fields.refuse(`${named}.vocab_size`, `is ${vocabulary}, of ${words.length} words`);

  const token = (name: string) => fields.token(`tokenizer.ggml.${name}_token_id`, vocabulary);
  const stops = [token('eos'), token('eot')].filter((id) => id !== undefined);
  const config: LlamaConfig = {
    ...sizes,
    vocabulary,
    rope: ropeOf(gguf, fields, named, sizes.headWidth),
    qkNorm: kind.qkNorm,
    qkvBias: kind.biases ?? gguf.names.includes(nameOf('qBias', 0)),
    tied: !gguf.names.includes(NAMES.head),
    bos: token('bos'),
    stops: [...new Set(stops)].sort((a, b) => a - b),
  };
  const weights = tensorsOf(gguf, fields, config, kind.pairs);
  const made = tokenizerOfGguf(gguf, fields, words, config.bos);
  const tokenizer = await acceptedTokenizer(made, vocabulary);
  const template = fields.text('tokenizer.chat_template', TEMPLATE_CHARS_MAX);
  return { config, weights, tokenizer, template };
}
