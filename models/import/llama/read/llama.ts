/**
 * A decoder of Llama's class, whichever file it was read from: its sizes and what its kin do differently as fields,
 * its tensors by what they are for, its tokenizer and its chat template.
 */

/** How the angles of RoPE differ from theta^(−2i/headWidth) a position. */
export type RopeScaling =
  | { readonly type: 'none' }
  /** All angles are divided. */
  | { readonly type: 'linear'; readonly factor: number }
  /** Llama 3.1: slow angles are divided, fast ones not, those between by part. */
  | {
      readonly type: 'llama3';
      readonly factor: number;
      readonly lowFactor: number;
      readonly highFactor: number;
      readonly originalContext: number;
    }
  /** Each angle is divided by its own number, headWidth/2 of them: what llama.cpp writes of llama3. */
  | { readonly type: 'divisors'; readonly divisors: readonly number[] };

export interface Rope {
  readonly theta: number;
  readonly scaling: RopeScaling;
}

export interface LlamaConfig {
  readonly layers: number;
  readonly hidden: number;
  /** Heads of queries. */
  readonly heads: number;
  /** Heads of keys and values, of which `heads` is a multiple. */
  readonly keyHeads: number;
  /** Columns of a head, an even number; heads·headWidth need not be `hidden`. */
  readonly headWidth: number;
  readonly ffn: number;
  readonly vocabulary: number;
  /** Added to the mean square in each norm. */
  readonly epsilon: number;
  readonly rope: Rope;
  /** RMSNorm of each head of q and k before RoPE, as Qwen3 has it. */
  readonly qkNorm: boolean;
  /** q, k and v have biases, as Qwen2 has them. */
  readonly qkvBias: boolean;
  /** The head's weights are the embedding's. */
  readonly tied: boolean;
  /** The token that begins a text, where the model names one. */
  readonly bos: number | undefined;
  /** Tokens that end an answer, ascending, each once. */
  readonly stops: readonly number[];
  /** Most positions that it was made for. */
  readonly context: number;
}

/** A matrix, or a vector as a matrix of one row, whose numbers are read where they are needed. */
export interface Rows {
  readonly rows: number;
  readonly columns: number;
  /**
   * Rows `from` to `to` (not included), by default all: float32, row-major.
   * @throws AppError MODEL_CORRUPT: a number that is not finite, or the file ends
   */
  read(from?: number, to?: number): Float32Array;
}

/** y = x·Wᵀ: each matrix has a row per output. */
export interface LlamaLayer {
  /** 1×hidden. */
  readonly attentionNorm: Rows;
  /**
   * heads·headWidth × hidden. Halves turn together: RoPE turns columns i and i + headWidth/2 of a head of q and k,
   * as transformers has it, whatever the file's own order.
   */
  readonly q: Rows;
  /** keyHeads·headWidth × hidden, in the order of `q`. */
  readonly k: Rows;
  /** keyHeads·headWidth × hidden. */
  readonly v: Rows;
  /** 1 × rows of q, k, v; with `qkvBias`. */
  readonly bias: { readonly q: Rows; readonly k: Rows; readonly v: Rows } | undefined;
  /** 1×headWidth; with `qkNorm`. */
  readonly headNorm: { readonly q: Rows; readonly k: Rows } | undefined;
  /** hidden × heads·headWidth. */
  readonly o: Rows;
  /** 1×hidden. */
  readonly ffnNorm: Rows;
  /** ffn×hidden; silu(gate)·up is what `down` reads. */
  readonly gate: Rows;
  readonly up: Rows;
  /** hidden×ffn. */
  readonly down: Rows;
}

export interface LlamaWeights {
  /** vocabulary×hidden. */
  readonly embedding: Rows;
  readonly layers: readonly LlamaLayer[];
  /** 1×hidden, before the head. */
  readonly norm: Rows;
  /** vocabulary×hidden: `embedding` itself where it is tied. */
  readonly head: Rows;
}

export interface Llama {
  readonly config: LlamaConfig;
  readonly weights: LlamaWeights;
  /** tokenizer.json. */
  readonly tokenizer: Uint8Array;
  /** The chat template, in Jinja; undefined for a model that was not made for conversations. */
  readonly template: string | undefined;
}

/** One kind of tensor. */
export type Role =
  | keyof Pick<LlamaWeights, 'embedding' | 'norm' | 'head'>
  | keyof Omit<LlamaLayer, 'bias' | 'headNorm'>
  | 'qBias'
  | 'kBias'
  | 'vBias'
  | 'qNorm'
  | 'kNorm';

/** Rows and columns of each kind of tensor; a vector has its length alone. */
export function dimsOf(config: LlamaConfig): Readonly<Record<Role, readonly number[]>> {
  const { hidden, heads, keyHeads, headWidth, ffn, vocabulary } = config;
  const [queries, keys] = [heads * headWidth, keyHeads * headWidth];
  return {
    embedding: [vocabulary, hidden],
    norm: [hidden],
    head: [vocabulary, hidden],
    attentionNorm: [hidden],
    q: [queries, hidden],
    k: [keys, hidden],
    v: [keys, hidden],
    o: [hidden, queries],
    qBias: [queries],
    kBias: [keys],
    vBias: [keys],
    qNorm: [headWidth],
    kNorm: [headWidth],
    ffnNorm: [hidden],
    gate: [ffn, hidden],
    up: [ffn, hidden],
    down: [hidden, ffn],
  };
}

/**
 * All tensors of a decoder, each asked for once.
 * @param take gives one, or refuses it; `layer` is undefined of those that are no layer's
 */
export function weightsOf(
  { layers, qkvBias, qkNorm, tied }: LlamaConfig,
  take: (role: Role, layer?: number) => Rows,
): LlamaWeights {
  const embedding = take('embedding');
  const layerOf = (layer: number): LlamaLayer => {
    const of = (role: Role) => take(role, layer);
    return {
      attentionNorm: of('attentionNorm'),
      q: of('q'),
      k: of('k'),
      v: of('v'),
      bias: qkvBias ? { q: of('qBias'), k: of('kBias'), v: of('vBias') } : undefined,
      headNorm: qkNorm ? { q: of('qNorm'), k: of('kNorm') } : undefined,
      o: of('o'),
      ffnNorm: of('ffnNorm'),
      gate: of('gate'),
      up: of('up'),
      down: of('down'),
    };
  };
  return {
    embedding,
    layers: Array.from({ length: layers }, (_, layer) => layerOf(layer)),
    norm: take('norm'),
    head: tied ? embedding : take('head'),
  };
}

/** What divides the angle whose wave is `length` positions long (transformers, `_compute_llama3_parameters`). */
function llama3Divisor(length: number, s: Extract<RopeScaling, { type: 'llama3' }>): number {
  if (length < s.originalContext / s.highFactor) return 1;
  if (length > s.originalContext / s.lowFactor) return s.factor;
  const smooth = (s.originalContext / length - s.lowFactor) / (s.highFactor - s.lowFactor);
  return 1 / ((1 - smooth) / s.factor + smooth);
}

/**
 * Radians a position by which columns i and i + headWidth/2 turn: headWidth/2 numbers.
 * @param power x to the y-th; engines round their own differently
 */
export function ropeAngles(
  { rope: { theta, scaling }, headWidth }: Pick<LlamaConfig, 'rope' | 'headWidth'>,
  power: (x: number, y: number) => number,
): Float64Array {
  const divisor = (angle: number, i: number): number => {
    if (scaling.type === 'linear') return scaling.factor;
    if (scaling.type === 'llama3') return llama3Divisor((2 * Math.PI) / angle, scaling);
    return scaling.type === 'divisors' ? scaling.divisors[i]! : 1;
  };
  return Float64Array.from({ length: headWidth / 2 }, (_, i) => {
    const angle = power(theta, (-2 * i) / headWidth);
    return angle / divisor(angle, i);
  });
}
