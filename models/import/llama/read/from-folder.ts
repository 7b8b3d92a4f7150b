/**
 * A decoder as transformers writes it: config.json, weights in safetensors, the tokenizer and what is beside them. What
 * would need another graph is refused with its field. No tensor's numbers are read.
 */
import { TOKENIZER_BYTES_MAX, TOKENIZER_FILE } from '../../../../src/miner/package/package.ts';
import { AppError } from '../../../../src/lib/errors.ts';
import { jsonOf, wholeOf } from '../../checkpoint/bytes.ts';
import { objectOf, shown, textOfFile, type Json } from '../../checkpoint/json.ts';
import { openSafetensors, openShards, type Bytes, type RowTensors } from '../../safetensors.ts';
import { Fields, TEMPLATE_CHARS_MAX } from './fields.ts';
import {
  dimsOf,
  weightsOf,
  type Llama,
  type LlamaConfig,
  type LlamaWeights,
  type Role,
  type Rope,
} from './llama.ts';
import { acceptedTokenizer } from './tokenizer.ts';

/** A file by its name; undefined where there is none. */
export type Open = (name: string) => Bytes | undefined;

interface Kind {
  readonly architecture: string;
  readonly qkvBias: boolean;
  readonly qkNorm: boolean;
}
const KINDS: ReadonlyMap<unknown, Kind> = new Map([
  ['llama', { architecture: 'LlamaForCausalLM', qkvBias: false, qkNorm: false }],
  ['qwen2', { architecture: 'Qwen2ForCausalLM', qkvBias: true, qkNorm: false }],
  ['qwen3', { architecture: 'Qwen3ForCausalLM', qkvBias: false, qkNorm: true }],
]);

const SIZES = {
  layers: 'num_hidden_layers',
  hidden: 'hidden_size',
  heads: 'num_attention_heads',
  keyHeads: 'num_key_value_heads',
  headWidth: 'head_dim',
  ffn: 'intermediate_size',
  epsilon: 'rms_norm_eps',
  context: 'max_position_embeddings',
} as const;

/** What fields may say beside nothing. The first is told to who has another. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish'],
  // In transformers it stands for a bias of o too.
  attention_bias: [false],
  mlp_bias: [false],
  use_sliding_window: [false],
  partial_rotary_factor: [1],
  rope_interleaved: [false],
  use_mrope: [false],
  num_experts: [0],
  num_local_experts: [0],
  is_encoder_decoder: [false],
  // Code of the checkpoint's own, which may compute anything.
  auto_map: [undefined],
  quantization_config: [undefined],
};

const LAYER: Readonly<Partial<Record<Role, string>>> = {
  attentionNorm: 'input_layernorm.weight',
  q: 'self_attn.q_proj.weight',
  k: 'self_attn.k_proj.weight',
  v: 'self_attn.v_proj.weight',
  o: 'self_attn.o_proj.weight',
  qBias: 'self_attn.q_proj.bias',
  kBias: 'self_attn.k_proj.bias',
  vBias: 'self_attn.v_proj.bias',
  qNorm: 'self_attn.q_norm.weight',
  kNorm: 'self_attn.k_norm.weight',
  ffnNorm: 'post_attention_layernorm.weight',
  gate: 'mlp.gate_proj.weight',
  up: 'mlp.up_proj.weight',
  down: 'mlp.down_proj.weight',
};
const OTHER: Readonly<Partial<Record<Role, string>>> = {
  embedding: 'model.embed_tokens.weight',
  norm: 'model.norm.weight',
  head: 'lm_head.weight',
};
const nameOf = (role: Role, layer?: number): string =>
  layer === undefined ? OTHER[role]! : `model.layers.${layer}.${LAYER[role]!}`;
/** Tensors that follow from config.json, which the first checkpoints have. */
const DERIVED = /^model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq$/;

const CONFIG = 'config.json';
const GENERATION = 'generation_config.json';
const SETTINGS = 'tokenizer_config.json';
const TEMPLATE = 'chat_template.jinja';
const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

const fieldsOf = (what: string, json: Json) => new Fields(what, (name) => json[name]);

/** Fields of a file; without any where there is none. */
function optional(open: Open, name: string): Fields {
  const file = open(name);
  return fieldsOf(name, file ? objectOf(jsonOf(file, name), name) : {});
}

function required<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new AppError('MODEL_MISSING', `${name} is missing`);
  return found;
}

/** As transformers 5 has it (rope_parameters), or as before (rope_theta, rope_scaling). */
function ropeOf(config: Fields): Rope {
  const isNew = config.has('rope_parameters');
  const name = isNew ? 'rope_parameters' : 'rope_scaling';
  if (isNew && config.has('rope_scaling'))
    throw config.refuse('rope_scaling', 'stands beside rope_parameters');
  const what = `${CONFIG}: ${name}`;
  const rope = fieldsOf(what, config.has(name) ? objectOf(config.get(name), what) : {});
  rope.demand({ partial_rotary_factor: [1] });
  const theta = (rope.has('rope_theta') ? rope : config).real(
    'rope_theta',
    0,
    2 ** 40,
    isNew ? undefined : 10_000,
  );
  const typeName = rope.has('rope_type') ? 'rope_type' : 'type';
  const type = config.has(name) ? rope.get(typeName) : 'default';
  const positive = (field: string) => rope.real(field, 0, 2 ** 24);
  if (type === 'default') return { theta, scaling: { type: 'none' } };
  if (type === 'linear') return { theta, scaling: { type, factor: positive('factor') } };
  if (type !== 'llama3')
    throw rope.refuse(typeName, `is ${shown(type)}; default, linear, llama3 fit`);
  const [lowFactor, highFactor] = [positive('low_freq_factor'), positive('high_freq_factor')];
  if (highFactor <= lowFactor)
    throw rope.refuse('high_freq_factor', `is ${highFactor}, not over ${lowFactor}`);
  const originalContext = positive('original_max_position_embeddings');
  const factor = positive('factor');
  return { theta, scaling: { type, factor, lowFactor, highFactor, originalContext } };
}

function demandPlain(config: Fields, { architecture }: Kind): void {
  config.demand(PLAIN);
  const classes = [config.get('architectures') ?? []].flat();
  const odd = classes.find((name) => name !== architecture);
  if (odd !== undefined)
    throw config.refuse('architectures', `has ${shown(odd)}; only ${architecture} fits`);
  if (config.get('use_sliding_window') !== false) config.demand({ sliding_window: [undefined] });
  const layers = [config.get('layer_types') ?? []].flat();
  const other = layers.find((type) => type !== 'full_attention');
  if (other !== undefined)
    throw config.refuse('layer_types', `has ${shown(other)}; only "full_attention" fits`);
}

/** Tokens that end an answer, by one file. */
function stopsOf(fields: Fields, vocabulary: number): number[] {
  const value = fields.get('eos_token_id') ?? [];
  return [value].flat().map((id) => {
    const isToken = Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < vocabulary;
    if (!isToken) throw fields.refuse('eos_token_id', `has ${shown(id)}, no token`);
    return id as number;
  });
}

function configOf(config: Fields, generation: Fields): LlamaConfig {
  const kind = KINDS.get(config.get('model_type'));
  if (!kind) {
    const fit = [...KINDS.keys()].join(', ');
    throw config.refuse('model_type', `is ${shown(config.get('model_type'))}; ${fit} fit`);
  }
  demandPlain(config, kind);
  const vocabulary = config.vocabulary('vocab_size');
  const stops = [config, generation].flatMap((fields) => stopsOf(fields, vocabulary));
  return {
    ...config.sizes(SIZES),
    vocabulary,
    rope: ropeOf(config),
    qkNorm: kind.qkNorm,
    qkvBias: kind.qkvBias,
    tied: config.flag('tie_word_embeddings', false),
    bos: config.token('bos_token_id', vocabulary),
    stops: [...new Set(stops)].sort((a, b) => a - b),
  };
}

function tensorsIn(open: Open): RowTensors {
  const whole = open(WEIGHTS);
  if (whole) return openSafetensors(whole, WEIGHTS);
  const index = required(open(INDEX), `${WEIGHTS} or ${INDEX}`);
  return openShards(jsonOf(index, INDEX), INDEX, (file) => required(open(file), file));
}

function weightsIn(config: LlamaConfig, tensors: RowTensors): LlamaWeights {
  const dims = dimsOf(config);
  const left = new Set(tensors.names);
  const weights = weightsOf(config, (role, layer) => {
    const name = nameOf(role, layer);
    left.delete(name);
    const shape = dims[role];
    tensors.check(name, shape);
    if (shape.length === 1)
      return { rows: 1, columns: shape[0]!, read: () => tensors.read(name, shape) };
    const [rows, columns] = shape as [number, number];
    const read = (from = 0, to = rows) => tensors.readRows(name, shape, from, to);
    return { rows, columns, read };
  });
  // A head that is tied may be written out all the same.
  if (config.tied) left.delete(nameOf('head'));
  const odd = [...left].find((name) => !DERIVED.test(name));
  if (odd !== undefined)
    throw new AppError('MODEL_REFUSED', `${WEIGHTS}: '${odd}' belongs to another graph`);
  return weights;
}

/** The template for conversations: its own file, or a setting, which may be a list of them by name. */
function templateOf(open: Open, settings: Fields): string | undefined {
  const file = open(TEMPLATE);
  if (file) {
    const text = textOfFile(wholeOf(file, TEMPLATE, 4 * TEMPLATE_CHARS_MAX), TEMPLATE);
    return fieldsOf(TEMPLATE, { text }).text('text', TEMPLATE_CHARS_MAX);
  }
  const name = 'chat_template';
  const value = settings.get(name);
  if (!Array.isArray(value)) return settings.text(name, TEMPLATE_CHARS_MAX);
  const named = value.map((one: unknown) => Object(one) as Json);
  const { template } = named.find((one) => one.name === 'default') ?? {};
  return fieldsOf(SETTINGS, { [name]: template }).text(name, TEMPLATE_CHARS_MAX);
}

/**
 * @param open files of the folder; those of the weights must stay readable as long as the tensors are used
 * @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, each with the file and the field
 */
export async function llamaOfFolder(open: Open): Promise<Llama> {
  const json = jsonOf(required(open(CONFIG), CONFIG), CONFIG);
  const config = configOf(fieldsOf(CONFIG, objectOf(json, CONFIG)), optional(open, GENERATION));
  const template = templateOf(open, optional(open, SETTINGS));
  const weights = weightsIn(config, tensorsIn(open));
  const file = required(open(TOKENIZER_FILE), TOKENIZER_FILE);
  const bytes = wholeOf(file, TOKENIZER_FILE, TOKENIZER_BYTES_MAX);
  const tokenizer = await acceptedTokenizer(bytes, config.vocabulary);
  return { config, weights, tokenizer, template };
}
