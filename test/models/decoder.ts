/**
 * Decoders of the Llama class as exact graphs, of any size and with weights of no meaning: what the executor, the
 * fuzz and the bench try of language models. Everything stands for its part of such a model: RMSNorm with a
 * power of two per row, RoPE, grouped heads, a causal mask, softmax beside a first key and value that are constants,
 * SwiGLU by a table, 13 bits before `down` in two limbs (two linears of the same weights).
 * Each layer has five linears: qkv, o, gate and up, down's high limb, down's low limb.
 */
import { boundedManifest, draftOf, finishedManifest } from '../../models/finish.ts';
import { Graph } from '../../models/graph.ts';
import { scaled } from '../../models/import/exact-graph.ts';
import { modelId } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';

export interface DecoderSize {
  readonly sequences: number;
  readonly tokens: number;
  readonly layers: number;
  /** A multiple of 64, at least 128, as an operand's columns are. */
  readonly hidden: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyHeads: number;
  /** Columns of a head: even. */
  readonly head: number;
  readonly ffn: number;
  readonly vocabulary: number;
}
export const DECODER_SMALL: DecoderSize = {
  sequences: 2,
  tokens: 32,
  layers: 1,
  hidden: 128,
  heads: 4,
  keyHeads: 2,
  head: 32,
  ffn: 192,
  vocabulary: 300,
};
/** A layer of SmolLM2-135M. */
export const DECODER_LAYER: DecoderSize = {
  sequences: 2,
  tokens: 128,
  layers: 1,
  hidden: 576,
  heads: 9,
  keyHeads: 3,
  head: 64,
  ffn: 1536,
  vocabulary: 512,
};

const OPERAND = 63;
/** Residual stream: what its row's shift of up to 6 bits brings below 2^11. */
const STREAM = 2 ** 17 - 1;
const SHIFT_MAX = 6;
const NORM_BITS = 11;
/** Roots of up to 4094²: squares lose 8 bits, and 1024 columns fit. */
const SQUARE_BITS = 8;
/** Largest sum of two limbs of 63 and 31. */
const LIMBS = 64 * OPERAND - 1;
const ROPE_BITS = 11;
const EXPS = 1024;
/** Steps of the first key's weight above the others' largest. */
const FIRST_ABOVE = 384;
const MASK = -(2 ** 21);
/** SiLU in steps of 1/64 from −16 to 48. */
const SILU_FROM = 1024;
const SILU = 4096;

/** Whole numbers −reach..reach: the same of one seed on every machine. */
export function wholeNumbers(count: number, reach: number, seed: number): Int32Array {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) % (2 * reach + 1)) - reach;
  });
}

interface Linear {
  readonly k: number;
  readonly n: number;
  readonly r: number;
  readonly weight: Int8Array;
}
/** Rank of the noise: a multiple of 16, at most an eighth of k, and a divisor of it. */
const rankOf = (k: number): number => [48, 32, 16].find((r) => k >= 16 * r && k % r === 0) ?? 16;

function linearsOf(s: DecoderSize): Linear[] {
  const linear = (k: number, n: number, seed: number): Linear => {
    const weight = Int8Array.from(wholeNumbers(k * n, OPERAND, seed));
    return { k, n, r: rankOf(k), weight };
  };
  return Array.from({ length: s.layers }, (_, i) => {
    const qkv = linear(s.hidden, (s.heads + 2 * s.keyHeads) * s.head, 8 * i);
    const out = linear(s.heads * s.head, s.hidden, 8 * i + 1);
    const up = linear(s.hidden, 2 * s.ffn, 8 * i + 2);
    const down = linear(s.ffn, s.hidden, 8 * i + 3);
    return [qkv, out, up, down, down];
  }).flat();
}

/** Largest |c| of a product whose operand is within ±reach. */
function boundOf({ k, n, weight }: Linear, reach: number): number {
  let most = 0;
  for (let j = 0; j < n; j++) {
    let sum = 0;
    for (let i = 0; i < k; i++) sum += Math.abs(weight[j * k + i]!);
    most = Math.max(most, reach * sum);
  }
  return most;
}

/** Builds the segments of one decoder. */
class Decoder {
  readonly #s: DecoderSize;
  readonly #linears: readonly Linear[];
  readonly #rows: number;

  constructor(s: DecoderSize, linears: readonly Linear[]) {
    this.#s = s;
    this.#linears = linears;
    this.#rows = s.sequences * s.tokens;
  }

  /** max(|x|) of each row. */
  #peak = (g: Graph, x: string): string => g.max(g.op('Max', [x, g.sub(g.number(0), x)]), 1);

  /** e [rows, 1]: how many bits bring a row whose largest magnitude is `peak` to `reach`. */
  #rowShift(g: Graph, peak: string, reach: number): string {
    const steps = Array.from({ length: SHIFT_MAX }, (_, j) => (reach + 0.5) * 2 ** j);
    const over = g.op('GreaterOrEqual', [peak, g.floats(g.named('steps'), [SHIFT_MAX], steps)]);
    return g.sum(g.toFloat(over), 1);
  }

  /** 2^(sign·e) by a table. */
  #power(g: Graph, e: string, sign: 1 | -1, rows: number): string {
    const powers = Array.from({ length: SHIFT_MAX + 1 }, (_, i) => 2 ** (sign * i));
    const table = g.floats(`powers_${sign < 0 ? 'down' : 'up'}`, [SHIFT_MAX + 1], powers);
    return g.lookup(table, e, [rows, 1]);
  }

  #half = (g: Graph, x: string): string => g.op('Floor', [g.add(x, g.number(0.5))]);

  /** RMSNorm of h [rows, hidden]: about 63 where a number is three times its row's root mean square. */
  #normed(g: Graph, h: string, rows: number): string {
    const reach = 2 ** NORM_BITS - 1;
    const e = this.#rowShift(g, this.#peak(g, h), reach);
    const scaledRow = this.#half(g, g.mul(h, this.#power(g, e, -1, rows)));
    const v = g.clip(scaledRow, -reach, reach);
    const half = g.number(2 ** (SQUARE_BITS - 1));
    const squares = g.shift(g.add(g.mul(v, v), half), SQUARE_BITS);
    const root = g.squareRoot(g.clip(g.sum(squares, 1), 1, 4094 ** 2));
    const { hidden } = this.#s;
    const gain = Math.round((OPERAND * Math.sqrt(hidden)) / 24);
    const x = g.add(g.mul(v, g.number(gain)), root);
    const quotient = g.divide(x, g.mul(root, g.number(2)), gain * reach + 4094);
    const means = g.floats(g.named('means'), [hidden], wholeNumbers(hidden, 3, 5));
    return g.sub(quotient, means);
  }

  #operand(g: Graph, number: number, x: string): void {
    const { k } = this.#linears[number - 1]!;
    g.output(`a${number}`, [this.#rows, k], g.clipLast(x, -OPERAND, OPERAND));
  }

  /** c of linear `number`, |c| ≤ bound, in another unit: about `to` where c is what random operands give. */
  #scaled(g: Graph, number: number, c: string, [to, bound]: readonly [number, number]): string {
    const { k, n } = this.#linears[number - 1]!;
    const usual = 750 * Math.sqrt(k);
    const spread = (j: number): number => 0.8 + (0.4 * ((j * 37) % 64)) / 64;
    const factors = Array.from({ length: n }, (_, j) => (to / usual) * spread(j));
    return scaled(g, c, { bound, factors, offsets: wholeNumbers(n, Math.ceil(to / 8), number) });
  }

  #bound = (number: number, reach = OPERAND): number => boundOf(this.#linears[number - 1]!, reach);

  embed(): OnnxGraph {
    const { sequences, tokens, hidden } = this.#s;
    const g = new Graph().scope('embed');
    g.input('tokens', [sequences, tokens], 'int32');
    const rows = g.input('e0', [this.#rows, hidden]);
    g.output('x0', [this.#rows, hidden], g.clipLast(rows, -STREAM, STREAM));
    this.#operand(g, 1, this.#normed(g.scope('norm'), 'x0', this.#rows));
    return g.graph();
  }

  /** x·cos + x̃·sin of [.., tokens, head], in sixteenths of x's unit: pairs lie in halves. */
  #turned(g: Graph, x: string): string {
    const { tokens, head } = this.#s;
    const turn = (f: (angle: number) => number): Float32Array =>
      Float32Array.from({ length: tokens * head }, (_, i) => {
        const pair = (i % head) % (head / 2);
        const angle = (1 + Math.floor(i / head)) * 10_000 ** ((-2 * pair) / head);
        return Math.round(2 ** ROPE_BITS * f(angle));
      });
    const cos = g.floats('cos', [1, 1, tokens, head], turn(Math.cos));
    const sin = g.floats('sin', [1, 1, tokens, head], turn(Math.sin));
    const second = g.sub(g.number(0), g.slice(x, 3, head / 2, head));
    const swapped = g.op('Concat', [second, g.slice(x, 3, 0, head / 2)], { axis: 3 });
    const sum = g.add(g.mul(x, cos), g.mul(swapped, sin));
    const bits = ROPE_BITS + 4;
    return g.clip(g.shift(g.add(sum, g.number(2 ** (bits - 1))), bits), -127, 127);
  }

  /** Of layer i: c → the operand of o. */
  attention(i: number): OnnxGraph {
    const { sequences: B, tokens: S, heads, keyHeads, head } = this.#s;
    const number = 5 * i + 1;
    const [group, queries, keys] = [heads / keyHeads, heads * head, keyHeads * head];
    const columns = queries + 2 * keys;
    const g = new Graph().scope('heads');
    const c = g.input(`c${number}`, [this.#rows, columns]);
    const wide = g.clip(this.#scaled(g, number, c, [600, this.#bound(number)]), -2047, 2047);
    const split = (x: string, from: number, to: number): string => {
      const part = g.reshape(g.slice(x, 1, from, to), [B, S, (to - from) / head, head]);
      return g.transpose(part, [0, 2, 1, 3]);
    };
    const q = this.#turned(g.scope('query'), split(wide, 0, queries));
    const k = this.#turned(g.scope('key'), split(wide, queries, queries + keys));
    const values = g.scope('value').clip(g.shift(wide, 4), -127, 127);
    const v = split(values, queries + keys, columns);

    g.scope('scores');
    const grouped = [B, keyHeads, group * S];
    const [five, perHead] = [
      [B, keyHeads, group, S],
      [1, keyHeads, group, 1, 1],
    ];
    const flat = g.reshape(q, [...grouped, head]);
    const scores = g.reshape(g.matmul(flat, g.transpose(k, [0, 1, 3, 2])), [...five, S]);
    const hidden = Float32Array.from({ length: S * S }, (_, at) =>
      at % S > Math.floor(at / S) ? MASK : 0,
    );
    const masked = g.add(scores, g.floats('mask', [1, 1, 1, S, S], hidden));
    const best = g.max(masked, 4);
    // A step of the table is 2^bits of a score, with bits of each head's own.
    const bits = Array.from({ length: heads }, (_, h) => 4 + (h % 3));
    const powers = g.floats(
      'steps',
      perHead,
      bits.map((b) => 2 ** -b),
    );
    const halves = g.floats(
      'halves',
      perHead,
      bits.map((b) => 2 ** (b - 1)),
    );
    const steps = (score: string): string =>
      g.op('Floor', [g.mul(g.add(g.sub(best, score), halves), powers)]);
    const weight = (at: number): number => Math.round(127 * Math.exp(-at / 64));
    const exps = g.floats(
      'exp',
      [EXPS],
      Array.from({ length: EXPS }, (_, at) => weight(at)),
    );
    const weights = g.lookup(exps, g.clip(steps(masked), 0, EXPS - 1), [...five, S]);

    g.scope('first');
    const firstKey = wholeNumbers(keys, 127, number);
    const own = g.mul(flat, g.floats('first_key', [1, keyHeads, 1, head], firstKey));
    const ownScore = g.reshape(g.sum(own, 3), [...five, 1]);
    const ownSteps = g.add(steps(ownScore), g.number(FIRST_ABOVE));
    const most = EXPS + FIRST_ABOVE;
    const ownWeight = (at: number): number => Math.min(2 ** 15, weight(at - FIRST_ABOVE));
    const table = Array.from({ length: most }, (_, at) => ownWeight(at));
    const first = g.lookup(g.floats('first_exp', [most], table), g.clip(ownSteps, 0, most - 1), [
      ...five,
      1,
    ]);

    g.scope('context');
    const firstValue = wholeNumbers(keys, 127, number + 1);
    const rest = g.matmul(g.reshape(weights, [...grouped, S]), v);
    const firstTerm = g.mul(
      g.reshape(first, [...grouped, 1]),
      g.floats('first_value', [1, keyHeads, 1, head], firstValue),
    );
    const sums = g.reshape(g.shift(g.add(rest, firstTerm), 4), [...five, head]);
    const total = g.atLeast(g.add(g.sum(weights, 4), first), 127);
    const gains = Array.from({ length: heads }, (_, h) => 9 + (h % 8));
    const scaledSums = g.mul(sums, g.floats('gains', perHead, gains));
    const reach = 16 * Math.ceil((127 * 127 * S + 127 * 2 ** 15) / 16);
    const context = g.divideRounded(scaledSums, total, reach, 127 * S + 2 ** 15);
    const perToken = g.transpose(g.reshape(context, [B, heads, S, head]), [0, 2, 1, 3]);
    this.#operand(g, number + 1, g.reshape(perToken, [this.#rows, queries]));
    return g.graph();
  }

  /**
   * Stream number `count` + `change` → the next, and the operand of linear `number` after a norm; or, after the last
   * one, the answer: a row for each token.
   */
  #after(g: Graph, number: number, count: number, change: string): OnnxGraph {
    const { hidden } = this.#s;
    const sum = g.add(g.input(`x${count}`, [this.#rows, hidden]), change);
    const stream = g.clip(sum, -STREAM, STREAM);
    g.scope('norm');
    if (number <= this.#linears.length) {
      const next = `x${count + 1}`;
      g.output(next, [this.#rows, hidden], stream);
      this.#operand(g, number, this.#normed(g, next, this.#rows));
      return g.graph();
    }
    const answer = g.clipLast(this.#normed(g, stream, this.#rows), -127, 127);
    g.output('answer', [this.#rows, hidden], answer);
    return g.graph();
  }

  /** Of layer i: c of o and the stream → the stream, and the operand of gate and up. */
  middle(i: number): OnnxGraph {
    const { hidden } = this.#s;
    const number = 5 * i + 2;
    const g = new Graph().scope('o');
    const c = g.input(`c${number}`, [this.#rows, hidden]);
    const change = g.clip(this.#scaled(g, number, c, [1200, this.#bound(number)]), -STREAM, STREAM);
    return this.#after(g, number + 1, 2 * i, change);
  }

  /** Of layer i: c of gate and up → silu(gate)·up in two limbs, and its rows' powers of two. */
  product(i: number): OnnxGraph {
    const { ffn } = this.#s;
    const number = 5 * i + 3;
    const g = new Graph().scope('swiglu');
    const c = g.input(`c${number}`, [this.#rows, 2 * ffn]);
    const wide = this.#scaled(g, number, c, [400, this.#bound(number)]);
    const gate = g.clip(g.slice(wide, 1, 0, ffn), -SILU_FROM, SILU - 1 - SILU_FROM);
    const up = g.clip(g.slice(wide, 1, ffn, 2 * ffn), -2047, 2047);
    const silu = Array.from({ length: SILU }, (_, at) => {
      const x = (at - SILU_FROM) / 64;
      return Math.round((64 * x) / (1 + Math.exp(-x)));
    });
    const index = g.add(gate, g.number(SILU_FROM));
    const curve = g.lookup(g.floats('silu', [SILU], silu), index, [this.#rows, ffn]);
    const y = g.shift(g.add(g.mul(curve, up), g.number(16)), 5);

    g.scope('limbs');
    const most = LIMBS * 2 ** SHIFT_MAX;
    const x = g.clip(y, -most, most);
    const e = this.#rowShift(g, this.#peak(g, x), LIMBS);
    const rounded = this.#half(g, g.mul(x, this.#power(g, e, -1, this.#rows)));
    const v = g.clip(rounded, -LIMBS, LIMBS);
    const high = g.shift(g.add(v, g.number(32)), 6);
    // That a remainder is small the checker does not see: a limit that changes nothing says so.
    const low = g.clip(g.sub(v, g.mul(high, g.number(64))), -32, 31);
    g.output(`low${i}`, [this.#rows, ffn], low);
    g.output(`power${i}`, [this.#rows, 1], this.#power(g, e, 1, this.#rows));
    this.#operand(g, number + 1, high);
    return g.graph();
  }

  /** Of layer i: c of the high limb is kept, the low limb goes on. */
  limb(i: number): OnnxGraph {
    const { hidden, ffn } = this.#s;
    const number = 5 * i + 4;
    const g = new Graph().scope('limb');
    const c = g.input(`c${number}`, [this.#rows, hidden]);
    const low = g.input(`low${i}`, [this.#rows, ffn]);
    const offsets = g.floats('offsets', [hidden], wholeNumbers(hidden, 5000, number));
    g.output(`high${i}`, [this.#rows, hidden], g.add(c, offsets));
    this.#operand(g, number + 1, low);
    return g.graph();
  }

  /** Of layer i: c of both limbs and the stream → the stream, and what comes next. */
  end(i: number): OnnxGraph {
    const { hidden } = this.#s;
    const number = 5 * i + 5;
    const g = new Graph().scope('down');
    const c = g.input(`c${number}`, [this.#rows, hidden]);
    const high = g.input(`high${i}`, [this.#rows, hidden]);
    const power = g.input(`power${i}`, [this.#rows, 1]);
    const both = g.add(high, g.shift(c, 6));
    const bound = this.#bound(number, OPERAND + 1) + 5000;
    const part = g.clip(this.#scaled(g, number, both, [300, bound]), -2047, 2047);
    return this.#after(g, number + 1, 2 * i + 1, g.mul(part, power));
  }
}

/**
 * A package that the checker admits. Its rows draw no attention: weights are random.
 * @param isKnown computes the known answers with the naive interpreter: seconds for small sizes, minutes for others
 */
export function decoderPackage(s: DecoderSize, isKnown = false): ModelPackage {
  const linears = linearsOf(s);
  const decoder = new Decoder(s, linears);
  const layers = Array.from({ length: s.layers }, (_, i) => [
    decoder.attention(i),
    decoder.middle(i),
    decoder.product(i),
    decoder.limb(i),
    decoder.end(i),
  ]);
  const draft = draftOf({
    name: 'decoder',
    kind: 'generator',
    vocabulary: s.vocabulary,
    packing: 'u16',
    answerSize: s.hidden,
    labels: [],
    sequences: s.sequences,
    tokens: s.tokens,
    linears,
    tables: [{ width: s.hidden, wide: 2, values: wholeNumbers(s.vocabulary * s.hidden, 4000, 9) }],
    graphs: [decoder.embed(), ...layers.flat()],
    licence: '',
    attribution: '',
  });
  const manifest = isKnown ? finishedManifest(draft) : boundedManifest(draft);
  return { ...draft, manifest, id: modelId(manifest) };
}
