/**
 * Small decoders by chance, the same weights in both forms that are read: a GGUF file as llama.cpp writes it, and a
 * folder as transformers does.
 */
import { encodeTensors } from '../../../../models/import/safetensors.ts';
import { randomBytes } from '../../../oracle/random.ts';
import { NAIVE, naiveFloats, type Quantised } from './naive-ggml.ts';
import { writeGguf, type Value, type WrittenGguf } from './write-gguf.ts';

export interface Shape {
  readonly kind: 'llama' | 'qwen2' | 'qwen3';
  readonly tied: boolean;
  readonly hidden: number;
  readonly heads: number;
  readonly keyHeads: number;
  readonly headWidth: number;
  readonly ffn: number;
  /** Of the matrices. */
  readonly type: 'F32' | 'F16' | 'BF16' | Quantised;
}
/** Of the smallest one. */
export const SMALL: Shape = {
  kind: 'llama',
  tied: true,
  hidden: 32,
  heads: 4,
  keyHeads: 2,
  headWidth: 16,
  ffn: 96,
  type: 'F32',
};
/** Of types whose blocks have 256 numbers. */
export const WIDE: Partial<Shape> = { hidden: 256, heads: 8, headWidth: 32, ffn: 256 };
export const LAYERS = 2;

interface Tensor {
  /** In GGUF. */
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: Shape['type'];
  /** Rows as transformers has them. */
  readonly bytes: Uint8Array;
  readonly values: Float32Array;
}

export interface Generated {
  readonly shape: Shape;
  /** By their names in transformers. */
  readonly tensors: ReadonlyMap<string, Tensor>;
}

const bytesOf = (words: Uint16Array | Uint32Array | Float32Array): Uint8Array =>
  new Uint8Array(words.buffer);

/** Numbers of a type, none over 2 in size but by a block's many bits. */
function numbers(seed: string, type: Shape['type'], count: number): [Uint8Array, Float32Array] {
  if (type === 'F32') {
    const values = Float32Array.from(randomBytes(seed, count), (b, i) => (b - 128 + i / 999) / 256);
    return [bytesOf(values.slice()), values];
  }
  if (type === 'F16' || type === 'BF16') {
    const words = new Uint16Array(randomBytes(seed, 2 * count).buffer).map((w) => w & 0xbfff);
    const values = Float32Array.from(words, (word) => {
      const [sign, rest] = [word >> 15 ? -1 : 1, word & 0x7fff];
      const [width, bias] = type === 'F16' ? [10, 15] : [7, 127];
      const [exponent, fraction] = [rest >> width, (rest % 2 ** width) / 2 ** width];
      return exponent
        ? sign * 2 ** (exponent - bias) * (1 + fraction)
        : sign * 2 ** (1 - bias) * fraction;
    });
    return [bytesOf(words), values];
  }
  const { block, bytes: size } = NAIVE[type];
  const [bytes, values] = poolOf(type);
  const picks = randomBytes(seed, count / block);
  const all = [new Uint8Array(picks.length * size), new Float32Array(count)] as const;
  for (const [i, pick] of picks.entries()) {
    all[0].set(bytes.subarray(pick * size, (pick + 1) * size), i * size);
    all[1].set(values.subarray(pick * block, (pick + 1) * block), i * block);
  }
  return [...all];
}

const pools = new Map<Quantised, readonly [Uint8Array, Float32Array]>();

/** The 256 blocks of which matrices of a type are made: what they are worth takes long to find. */
function poolOf(type: Quantised): readonly [Uint8Array, Float32Array] {
  const found = pools.get(type);
  if (found) return found;
  const { bytes: size, halves } = NAIVE[type];
  const bytes = randomBytes(`pool of ${type}`, 256 * size);
  for (let at = 0; at < bytes.length; at += size)
    for (const half of halves) bytes[at + half + 1]! &= 0xbf;
  const pool = [bytes, naiveFloats(type, bytes)] as const;
  pools.set(type, pool);
  return pool;
}

/** Words, merges and kinds: three control words, the bytes, and what two words make. */
export const CONTROLS = ['<|end|>', '<|begin|>', '<|stop|>'] as const;
export const [END, BEGIN, STOP] = [0, 1, 2];

/** The sign that stands for a byte (GPT-2, `bytes_to_unicode`). */
const BYTE_SIGNS: readonly string[] = (() => {
  const isPlain = (b: number) => (b > 32 && b < 127) || (b > 160 && b < 173) || b > 173;
  let others = 0;
  return Array.from({ length: 256 }, (_, b) =>
    String.fromCharCode(isPlain(b) ? b : 256 + others++),
  );
})();
export const MERGES = [
  ...['1 2', '12 3', '123 4', 'a b', 'Ġ t', 'Ġ 1', "' S", "' s", 'h e', '! !', 'Ã ©'],
  ...['ab !!', 'x y', 'Ċ Ċ', 'Ġ Ġ', 'Ù £', 'Ù£ Ù£'],
];
export const WORDS: readonly string[] = [
  ...CONTROLS,
  ...BYTE_SIGNS,
  ...MERGES.map((merge) => merge.replace(' ', '')),
  'wholeword',
  '<own>',
];
const VOCABULARY = WORDS.length;
const kindOf = (word: string) =>
  (CONTROLS as readonly string[]).includes(word) ? 3 : word === '<own>' ? 4 : 1;
export const TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}";
export const CONTEXT = 512;

export function generated(part: Partial<Shape> = {}): Generated {
  const shape = { ...SMALL, ...part };
  const { hidden, heads, keyHeads, headWidth, ffn, kind } = shape;
  const tensors = new Map<string, Tensor>();
  const add = (name: string, gguf: string, ...dims: number[]) => {
    const type = dims.length === 1 ? 'F32' : shape.type;
    const count = dims.reduce((a, b) => a * b, 1);
    const [bytes, values] = numbers(`${name} ${type}`, type, count);
    tensors.set(name, { name: gguf, dims, type, bytes, values });
  };
  add('model.embed_tokens.weight', 'token_embd.weight', VOCABULARY, hidden);
  for (let i = 0; i < LAYERS; i++) {
    const layer = (name: string, gguf: string, ...dims: number[]) =>
      add(`model.layers.${i}.${name}`, `blk.${i}.${gguf}`, ...dims);
    layer('input_layernorm.weight', 'attn_norm.weight', hidden);
    for (const [x, n] of [
      ['q', heads],
      ['k', keyHeads],
      ['v', keyHeads],
    ] as const) {
      layer(`self_attn.${x}_proj.weight`, `attn_${x}.weight`, n * headWidth, hidden);
      if (kind === 'qwen2') layer(`self_attn.${x}_proj.bias`, `attn_${x}.bias`, n * headWidth);
      if (kind === 'qwen3' && x !== 'v')
        layer(`self_attn.${x}_norm.weight`, `attn_${x}_norm.weight`, headWidth);
    }
    layer('self_attn.o_proj.weight', 'attn_output.weight', hidden, heads * headWidth);
    layer('post_attention_layernorm.weight', 'ffn_norm.weight', hidden);
    layer('mlp.gate_proj.weight', 'ffn_gate.weight', ffn, hidden);
    layer('mlp.up_proj.weight', 'ffn_up.weight', ffn, hidden);
    layer('mlp.down_proj.weight', 'ffn_down.weight', hidden, ffn);
  }
  add('model.norm.weight', 'output_norm.weight', hidden);
  if (!shape.tied) add('lm_head.weight', 'output.weight', VOCABULARY, hidden);
  return { shape, tensors };
}

/** Rows as llama.cpp writes those of q and k: of each head the first half and the second by turns. */
function pairsOf(bytes: Uint8Array, rows: number, width: number): Uint8Array {
  const size = bytes.length / rows;
  const out = new Uint8Array(bytes.length);
  for (let head = 0; head < rows / width; head++)
    for (let second = 0; second < 2; second++)
      for (let i = 0; i < width / 2; i++) {
        const row = head * width + second * (width / 2) + i;
        const place = head * width + 2 * i + second;
        out.set(bytes.subarray(row * size, (row + 1) * size), place * size);
      }
  return out;
}

const PLAIN_NUMBERS = { F32: 0, F16: 1, BF16: 30 } as const;
const isPlain = (type: Shape['type']): type is keyof typeof PLAIN_NUMBERS => type in PLAIN_NUMBERS;

/** What a file says of the model: tests change it. */
export type Fields = Map<string, Value>;

export function fieldsOf({ shape }: Generated): Fields {
  const { kind, hidden, heads, keyHeads, headWidth, ffn } = shape;
  return new Map<string, Value>([
    ['general.architecture', ['text', kind]],
    ['general.type', ['text', 'model']],
    ['general.name', ['text', 'made by chance']],
    ['general.tags', ['texts', ['a', 'b']]],
    ['general.quantization_version', ['u32', 2]],
    [`${kind}.block_count`, ['u32', LAYERS]],
    [`${kind}.context_length`, ['u32', CONTEXT]],
    [`${kind}.embedding_length`, ['u32', hidden]],
    [`${kind}.feed_forward_length`, ['u32', ffn]],
    [`${kind}.attention.head_count`, ['u32', heads]],
    [`${kind}.attention.head_count_kv`, ['u32', keyHeads]],
    [`${kind}.attention.key_length`, ['u32', headWidth]],
    [`${kind}.attention.value_length`, ['u32', headWidth]],
    [`${kind}.attention.layer_norm_rms_epsilon`, ['f32', 1e-5]],
    [`${kind}.rope.freq_base`, ['f32', 50_000]],
    [`${kind}.rope.dimension_count`, ['u32', headWidth]],
    [`${kind}.vocab_size`, ['u32', VOCABULARY]],
    ['tokenizer.ggml.model', ['text', 'gpt2']],
    ['tokenizer.ggml.pre', ['text', 'smollm']],
    ['tokenizer.ggml.tokens', ['texts', WORDS]],
    ['tokenizer.ggml.token_type', ['i32s', WORDS.map(kindOf)]],
    ['tokenizer.ggml.merges', ['texts', MERGES]],
    ['tokenizer.ggml.bos_token_id', ['u32', BEGIN]],
    ['tokenizer.ggml.eos_token_id', ['u32', STOP]],
    ['tokenizer.ggml.eot_token_id', ['u32', END]],
    ['tokenizer.ggml.add_bos_token', ['bool', 0]],
    ['tokenizer.chat_template', ['text', TEMPLATE]],
  ]);
}

export function writtenOf(model: Generated, fields: Fields = fieldsOf(model)): WrittenGguf {
  const { kind, headWidth } = model.shape;
  const tensors = [...model.tensors].map(([name, { name: gguf, dims, type, bytes }]) => ({
    name: gguf,
    dims,
    type: isPlain(type) ? PLAIN_NUMBERS[type] : NAIVE[type].number,
    bytes:
      kind === 'llama' && /\.[qk]_proj\./.test(name) ? pairsOf(bytes, dims[0]!, headWidth) : bytes,
  }));
  return { fields: [...fields], tensors };
}

export const ggufOf = (model: Generated, fields?: Fields): Uint8Array =>
  writeGguf(writtenOf(model, fields));

export type Files = Map<string, Uint8Array>;
type Json = Record<string, unknown>;
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

export const configOf = ({ shape }: Generated): Json => ({
  architectures: [`${shape.kind[0]!.toUpperCase()}${shape.kind.slice(1)}ForCausalLM`],
  model_type: shape.kind,
  attention_bias: false,
  bos_token_id: BEGIN,
  eos_token_id: STOP,
  head_dim: shape.headWidth,
  hidden_act: 'silu',
  hidden_size: shape.hidden,
  initializer_range: 0.02,
  intermediate_size: shape.ffn,
  max_position_embeddings: CONTEXT,
  num_attention_heads: shape.heads,
  num_hidden_layers: LAYERS,
  num_key_value_heads: shape.keyHeads,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 50_000,
  tie_word_embeddings: shape.tied,
  torch_dtype: 'bfloat16',
  transformers_version: '4.48.1',
  vocab_size: VOCABULARY,
});

const level = (use_regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
});

/** tokenizer.json as the makers of SmolLM2 write it. */
export const tokenizerJson = (): Json => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: WORDS.flatMap((content, id) => {
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return kindOf(content) === 1 ? [] : [{ id, content, ...flags, special: kindOf(content) === 3 }];
  }),
  normalizer: null,
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [{ type: 'Digits', individual_digits: true }, level(true)],
  },
  post_processor: null,
  decoder: level(true),
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    merges: MERGES,
  },
});

/** A folder by the names of its files. */
export function folderOf(model: Generated, shards = 1): Files {
  const files: Files = new Map([
    ['config.json', json(configOf(model))],
    ['generation_config.json', json({ eos_token_id: [END, STOP] })],
    ['tokenizer_config.json', json({ chat_template: TEMPLATE })],
    ['tokenizer.json', json(tokenizerJson())],
  ]);
  const tensors = [...model.tensors].map(([name, { dims, type, bytes, values }], i) => {
    const raw = isPlain(type)
      ? { type, dims, bytes }
      : { type: 'F32', dims, bytes: bytesOf(values) };
    return { name, raw, file: `model-${(i % shards) + 1}.safetensors` };
  });
  const only = (file: string | undefined) =>
    encodeTensors(
      new Map(tensors.filter((t) => !file || t.file === file).map(({ name, raw }) => [name, raw])),
    );
  if (shards === 1) files.set('model.safetensors', only(undefined));
  else {
    for (const { file } of tensors) files.set(file, only(file));
    const weight_map = Object.fromEntries(tensors.map(({ name, file }) => [name, file]));
    files.set('model.safetensors.index.json', json({ weight_map }));
  }
  return files;
}

/** One of its JSON files, changed. */
export function changed(files: Files, name: string, change: (value: Json) => Json): Files {
  const value = JSON.parse(new TextDecoder().decode(files.get(name) ?? json({}))) as Json;
  return new Map(files).set(name, json(change(value)));
}
