/**
 * The byte-level encoder that lingua and tiny are, as exact segments around its linears.
 * Pre-norm transformer without gains; activations are integers in 1/16, the residual in 1/128.
 * Per layer: qkv, o, up, down (the linears); attention, norms, requantisation stay in ONNX Runtime.
 */
import { ROOT_MAX } from '../src/miner/checker/patterns.ts';
import type { OnnxGraph } from '../src/miner/package/onnx.ts';
import type { TableSource } from './finish.ts';
import { Graph, sized } from './graph.ts';

/** A linear as integers: real weight = weight·multiplier / 2^power. */
export interface IntegerLinear {
  /** B_ℓᵀ: n×k, −63..63 (the head: −127..127). */
  readonly weight: Int8Array;
  readonly k: number;
  readonly n: number;
  /** Per column, 1..255. */
  readonly multiplier: ArrayLike<number>;
  /** Per column, in 2^−power of the input's unit. */
  readonly bias: ArrayLike<number>;
  readonly power: number;
}
export interface IntegerEncoder {
  readonly name: string;
  readonly labels: readonly string[];
  readonly sequences: number;
  readonly tokens: number;
  readonly heads: number;
  /** Which neighbours' bytes are looked up for a position; one table each. */
  readonly offsets: readonly number[];
  /** offsets × 257 × 128, residual units. */
  readonly tables: ArrayLike<number>;
  /** tokens × 128, residual units. */
  readonly positions: ArrayLike<number>;
  /** qkv, o, up, down of every layer, in order. */
  readonly linears: readonly IntegerLinear[];
  readonly head: IntegerLinear;
}

export const VOCABULARY = 257;
export const WIDTH = 128;
const UNIT_BITS = 4;
const RESIDUAL_BITS = 7;
const LOGIT_BITS = 3;
const ACTIVATION_MAX = 63;
const RESIDUAL_MAX = 2047;
/** More than any two scores differ by. */
const MASK = 8192;
/** Scores count 1/1024; after this shift 64/1448 nats a step, so that 127 steps reach zero. */
const SCORE_SHIFT = 6;
const EXP_STEPS = 128;
/** The largest key's share. */
const WEIGHT_MAX = 127;

const expTable = (headWidth: number): number[] => {
  const nats = 2 ** (SCORE_SHIFT - 2 * UNIT_BITS) / Math.sqrt(headWidth);
  const value = (i: number): number => Math.round(WEIGHT_MAX * Math.exp(-i * nats));
  return Array.from({ length: EXP_STEPS }, (_, i) => (i < EXP_STEPS - 1 ? value(i) : 0));
};

const columnBound = (l: IntegerLinear, j: number, operandMax: number): number =>
  l.weight.subarray(j * l.k, (j + 1) * l.k).reduce((sum, w) => sum + Math.abs(w), 0) * operandMax;

/**
 * Real value of a linear's product in 2^−outBits, rounded: ⌊(⌊c/2^s⌋·M + bias) / 2^t⌋.
 * s is the smallest that brings every column below 2^15.
 */
function requantise(
  g: Graph,
  c: string,
  l: IntegerLinear,
  { inBits, outBits }: { inBits: number; outBits: number },
): string {
  const operandMax = (ACTIVATION_MAX * 2 ** inBits) / 2 ** UNIT_BITS;
  const bounds = Array.from({ length: l.n }, (_, j) => columnBound(l, j, operandMax));
  const bound = Math.max(...bounds);
  const first = Math.max(0, Math.ceil(Math.log2(bound + 1)) - 15);
  const second = l.power + inBits - outBits - first;
  const bias = Array.from({ length: l.n }, (_, j) => {
    // Half of what the first shift drops on average, and half a step: floor becomes rounding.
    const dropped = (l.multiplier[j]! * (2 ** first - 1)) / 2 ** (first + 1);
    return Math.round(l.bias[j]! / 2 ** first + dropped + 2 ** (second - 1));
  });
  const columns = (name: string, values: ArrayLike<number>): string =>
    g.floats(
      g.named(name),
      [l.n],
      Array.from(sized(values, [l.n]), (x) => x * 2 ** -second),
    );
  const scaled = g.mul(g.shift(c, first), columns('multiplier', l.multiplier));
  return g.op('Floor', [g.add(scaled, columns('bias', bias))]);
}

interface Shape {
  readonly batch: number;
  readonly length: number;
  readonly heads: number;
}

/** Rows scaled to zero mean and variance one, in 1/16. √(Σd²/32) is twice the deviation. */
function norm(g: Graph, h: string): string {
  const mean = g.shift(g.add(g.sum(h, 2), g.number(WIDTH / 2)), Math.log2(WIDTH));
  const d = g.clip(g.sub(h, mean), -RESIDUAL_MAX, RESIDUAL_MAX);
  const squares = g.sum(g.shift(g.mul(d, d), 5), 2);
  const twice = g.squareRoot(g.atLeast(squares, 1));
  // 16·d/σ = 32·d/2σ
  return g.divideRounded(g.mul(d, g.number(32)), twice, 32 * RESIDUAL_MAX, ROOT_MAX);
}

/** A of a linear: [tokens, width], clipped. */
function operand(g: Graph, s: Shape, x: string, linear: number): void {
  const size = [s.batch * s.length, WIDTH];
  const a = g.clipLast(g.reshape(x, size), -ACTIVATION_MAX, ACTIVATION_MAX);
  g.output(`a${linear}`, size, a);
}

/** Embeddings of a token for every place of a neighbour, side by side in one row. */
export function encoderTable({ offsets, tables }: IntegerEncoder): TableSource {
  const width = offsets.length * WIDTH;
  const values = Int16Array.from({ length: VOCABULARY * width }, (_, i) => {
    const [token, column] = [Math.floor(i / width), i % width];
    const part = Math.floor(column / WIDTH);
    return tables[(part * VOCABULARY + token) * WIDTH + (column % WIDTH)]!;
  });
  return { width, wide: 2, values };
}

function embed(m: IntegerEncoder, s: Shape): OnnxGraph {
  const g = new Graph().scope('embed');
  const tokens = g.input('tokens', [s.batch, s.length], 'int32');
  const width = m.offsets.length * WIDTH;
  const rows = g.reshape(g.input('e0', [s.batch * s.length, width]), [s.batch, s.length, width]);
  let h = g.floats('positions', [1, s.length, WIDTH], sized(m.positions, [s.length, WIDTH]));
  for (const [i, offset] of m.offsets.entries()) {
    const at = Array.from({ length: s.length }, (_, t) =>
      Math.min(s.length - 1, Math.max(0, t + offset)),
    );
    const own = g.slice(rows, 2, i * WIDTH, (i + 1) * WIDTH);
    h = g.add(offset ? g.gather(own, g.ints(`neighbour_${i}`, at), 1) : own, h);
  }
  g.output('h0', [s.batch, s.length, WIDTH], (h = g.clipLast(h, -RESIDUAL_MAX, RESIDUAL_MAX)));
  g.output('used', [s.batch, s.length], g.clipLast(g.toFloat(tokens), 0, 1));
  operand(g.scope('norm'), s, norm(g, 'h0'), 1);
  return g.graph();
}

function attention(l: IntegerLinear, s: Shape, linear: number): OnnxGraph {
  const g = new Graph().scope('heads');
  const head = WIDTH / s.heads;
  const c = g.input(`c${linear}`, [s.batch * s.length, 3 * WIDTH]);
  const used = g.input('used', [s.batch, s.length]);
  const qkv = g.clip(
    requantise(g, c, l, { inBits: UNIT_BITS, outBits: UNIT_BITS }),
    -ACTIVATION_MAX,
    ACTIVATION_MAX,
  );
  const part = (i: number, perm: number[]): string => {
    const columns = g.slice(qkv, 1, i * WIDTH, (i + 1) * WIDTH);
    return g.transpose(g.reshape(columns, [s.batch, s.length, s.heads, head]), perm);
  };
  const q = part(0, [0, 2, 1, 3]);
  const k = part(1, [0, 2, 3, 1]);
  const v = part(2, [0, 2, 1, 3]);
  g.scope('softmax');
  const free = g.reshape(g.mul(g.sub(used, g.number(1)), g.number(MASK)), [
    s.batch,
    1,
    1,
    s.length,
  ]);
  const scores = g.add(g.shift(g.matmul(q, k), SCORE_SHIFT), free);
  const below = g.atMost(g.sub(g.max(scores, 3), scores), EXP_STEPS - 1);
  const table = g.floats('exp', [EXP_STEPS], expTable(head));
  const weights = g.lookup(table, below, [s.batch, s.heads, s.length, s.length]);
  const most = WEIGHT_MAX * s.length;
  const total = g.atLeast(g.sum(weights, 3), 1);
  // Divided after the sum over keys: 32 columns a row instead of one per key.
  const reach = ACTIVATION_MAX * most;
  const mixed = g.divideRounded(g.matmul(weights, v), total, reach, most);
  operand(g.scope('context'), s, g.transpose(mixed, [0, 2, 1, 3]), linear + 1);
  return g.graph();
}

/** Adds the product to the residual and norms it. */
function residual(l: IntegerLinear, s: Shape, linear: number): { g: Graph; carry: string } {
  const g = new Graph().scope('residual');
  const c = g.input(`c${linear}`, [s.batch * s.length, WIDTH]);
  const before = g.input(`h${linear / 2 - 1}`, [s.batch, s.length, WIDTH]);
  const added = g.reshape(requantise(g, c, l, { inBits: UNIT_BITS, outBits: RESIDUAL_BITS }), [
    s.batch,
    s.length,
    WIDTH,
  ]);
  const h = g.clipLast(g.add(added, before), -RESIDUAL_MAX, RESIDUAL_MAX);
  return { g, carry: h };
}

function middle(l: IntegerLinear, s: Shape, linear: number): OnnxGraph {
  const { g, carry } = residual(l, s, linear);
  g.output(`h${linear / 2}`, [s.batch, s.length, WIDTH], carry);
  operand(g.scope('norm'), s, norm(g, `h${linear / 2}`), linear + 1);
  return g.graph();
}

function relu(l: IntegerLinear, s: Shape, linear: number): OnnxGraph {
  const g = new Graph().scope('relu');
  const c = g.input(`c${linear}`, [s.batch * s.length, l.n]);
  const x = g.clipLast(
    requantise(g, c, l, { inBits: UNIT_BITS, outBits: UNIT_BITS }),
    0,
    ACTIVATION_MAX,
  );
  g.output(`a${linear + 1}`, [s.batch * s.length, l.n], x);
  return g.graph();
}

function answer(m: IntegerEncoder, l: IntegerLinear, s: Shape, linear: number): OnnxGraph {
  const { g, carry } = residual(l, s, linear);
  const used = g.input('used', [s.batch, s.length]);
  const normed = norm(g.scope('norm'), carry);
  const x = g.clip(normed, -ACTIVATION_MAX, ACTIVATION_MAX);
  g.scope('pool');
  const kept = g.sum(g.mul(x, g.reshape(used, [s.batch, s.length, 1])), 1);
  const sums = g.reshape(kept, [s.batch, WIDTH]);
  const count = g.atLeast(g.sum(used, 1), 1);
  // The mean in 1/32.
  const reach = 2 * ACTIVATION_MAX * s.length;
  const mean = g.divideRounded(g.mul(sums, g.number(2)), count, reach, s.length);
  const pooled = g.clip(mean, -2 * ACTIVATION_MAX, 2 * ACTIVATION_MAX);
  g.scope('head');
  const { head } = m;
  const weight = Array.from({ length: head.k * head.n }, (_, i) => {
    const [row, column] = [Math.floor(i / head.n), i % head.n];
    return head.weight[column * head.k + row]!;
  });
  const product = g.matmul(pooled, g.floats('head', [head.k, head.n], weight));
  const logits = requantise(g, product, head, { inBits: UNIT_BITS + 1, outBits: LOGIT_BITS });
  g.output('answer', [s.batch, head.n], g.clipLast(logits, -127, 127));
  return g.graph();
}

/** Segments 0..L of an encoder. */
export function encoderSegments(m: IntegerEncoder): OnnxGraph[] {
  const s: Shape = { batch: m.sequences, length: m.tokens, heads: m.heads };
  return [
    embed(m, s),
    ...m.linears.map((l, i) => {
      if (i % 4 === 0) return attention(l, s, i + 1);
      if (i % 4 === 2) return relu(l, s, i + 1);
      return i === m.linears.length - 1 ? answer(m, l, s, i + 1) : middle(l, s, i + 1);
    }),
  ];
}
