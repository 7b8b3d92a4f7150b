/**
 * A calibrated encoder as exact segments: embed, then per layer attention, residual, GELU, residual;
 * the last one pools. Units of the residual stream are free numbers, since a norm follows each sum.
 */
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import type { TableSource } from '../finish.ts';
import { Graph } from '../graph.ts';
import type { Bert } from './bert.ts';
import type { Calibration, QuantisedLinear } from './calibrate.ts';
import { NORMED_MAX, normUnits, normed, scaled, scaledSum, type NormUnits } from './exact-graph.ts';
import { gelu } from './reference.ts';

const ACTIVATION_MAX = 63;
/** Queries, keys, values and softmax weights: operands of ONNX Runtime's MatMul. */
const OPERAND_MAX = 127;
/** Steps of a score per nat, and entries of the table 127·e^−x; the last one is 0. */
const NAT = 64;
const EXP_STEPS = 384;
/** Padded keys lie lower than any two scores differ by: 2·127²·128. */
const MASK = 2 ** 22;
/** Entries of the table of words: int8. */
const WORD_MAX = 127;
const GELU_MIN = -6;
const GELU_ENTRIES = 4096;
const GELU_VALUE_MAX = 8191;
/** From here on GELU is x, to a ten-thousandth. */
const GELU_LINEAR = 5;
/** Values of massive neurons are a carry of int16. */
const MASSIVE_MAX = 32_767;
/** Final hidden states. */
const HIDDEN_MAX = 8191;
/** Pooled means count half of the hidden states' unit: the most that 256 rows leave room for. */
const MEAN_BITS = 1;
/** Contexts count a quarter of the values' unit. */
const CONTEXT_BITS = 2;
/** Keys whose weighted sum is divided at once. */
const KEYS_MAX = 128;
/** Range that calibration need not have seen. */
const MARGIN = 1.25;

export interface UnitShape {
  readonly sequences: number;
  readonly tokens: number;
}

/** What the answer is: embeddings, or (to measure) every hidden state as integers of `unit`. */
export interface ExactBert {
  readonly segments: readonly OnnxGraph[];
  /** The last segment again, with `answer` = hidden states [m, hidden]. */
  readonly measured: OnnxGraph;
  /** Embeddings of words. */
  readonly table: TableSource;
}

class Builder {
  readonly #bert: Bert;
  readonly #calibration: Calibration;
  readonly #shape: UnitShape;
  readonly #rows: number;
  readonly #norms: readonly NormUnits[];

  constructor(bert: Bert, calibration: Calibration, shape: UnitShape) {
    this.#bert = bert;
    this.#calibration = calibration;
    this.#shape = shape;
    this.#rows = shape.sequences * shape.tokens;
    this.#norms = calibration.norms.map((spread) => normUnits(spread, bert.hidden));
  }

  build(): ExactBert {
    const { layers } = this.#bert;
    const segments = [this.#embed()];
    for (let layer = 0; layer < layers; layer++) {
      segments.push(this.#attention(4 * layer));
      segments.push(this.#residual(4 * layer + 1, 2 * layer + 1));
      segments.push(this.#gelu(4 * layer + 2));
      segments.push(
        layer + 1 < layers ? this.#residual(4 * layer + 3, 2 * layer + 2) : this.#last(true),
      );
    }
    return { segments, measured: this.#last(false), table: this.#table() };
  }

  #linear = (index: number): QuantisedLinear => this.#calibration.linears[index]!;

  /** Unit of the stream after norm `index`: that of the sum before the next one, or of the answer. */
  #unitAfter(index: number): number {
    return this.#norms[index + 1]?.unit ?? (this.#calibration.last * MARGIN) / HIDDEN_MAX;
  }

  #product(g: Graph, index: number): { c: string; bound: number } {
    const l = this.#linear(index);
    let bound = 0;
    for (let j = 0; j < l.n; j++) {
      let sum = 0;
      for (let i = 0; i < l.k; i++) sum += Math.abs(l.weight[j * l.k + i]!);
      bound = Math.max(bound, ACTIVATION_MAX * sum);
    }
    return { c: g.input(`c${index + 1}`, [this.#rows, l.n]), bound };
  }

  /** From z' of norm `index`: gain and bias, in `unit` or in the columns' units. */
  #affine(
    g: Graph,
    z: string,
    index: number,
    { units, middles }: { units: ArrayLike<number>; middles?: ArrayLike<number> },
  ): string {
    const { gain, bias } = this.#bert.norms[index]!;
    const { zeta } = this.#norms[index]!;
    const unit = (j: number): number => units[j % units.length]!;
    return scaled(g, z, {
      bound: NORMED_MAX,
      factors: Float64Array.from(gain, (x, j) => (x * zeta) / unit(j)),
      offsets: Float64Array.from(bias, (x, j) => (x - (middles?.[j] ?? 0)) / unit(j)),
    });
  }

  /** Norms h, hands the stream on as a carry and gives A of linear `next`. */
  #normAndOperand(g: Graph, h: string, index: number, next: number): OnnxGraph {
    const { hidden } = this.#bert;
    const size = [this.#rows, hidden];
    const z = normed(g, h, [this.#rows, hidden], this.#norms[index]!);
    const stream = this.#affine(g.scope('stream'), z, index, { units: [this.#unitAfter(index)] });
    const { streamMax } = this.#norms[index + 1]!;
    g.output(`x${index}`, size, g.clipLast(stream, -streamMax, streamMax));
    const { inputScale: units, inputMiddle: middles } = this.#linear(next);
    const operand = this.#affine(g.scope('operand'), z, index, { units, middles });
    this.#operand(g, operand, next);
    return g.graph();
  }

  /** A of linear `next`, clipped. */
  #operand(g: Graph, x: string, next: number): void {
    const a = g.clipLast(x, -ACTIVATION_MAX, ACTIVATION_MAX);
    g.output(`a${next + 1}`, [this.#rows, this.#linear(next).k], a);
  }

  /** Real value of one step of each column of the table of words. */
  #wordUnits(): Float64Array {
    const { hidden, words } = this.#bert;
    const peaks = new Float64Array(hidden).fill(1e-6);
    for (let i = 0; i < words.length; i++)
      peaks[i % hidden] = Math.max(peaks[i % hidden]!, Math.abs(words[i]!));
    return peaks.map((peak) => peak / WORD_MAX);
  }

  #table(): TableSource {
    const { hidden, words } = this.#bert;
    const units = this.#wordUnits();
    const values = Int8Array.from(words, (x, i) => Math.round(x / units[i % hidden]!));
    return { width: hidden, wide: 1, values };
  }

  #embed(): OnnxGraph {
    const { hidden, places } = this.#bert;
    const { sequences, tokens } = this.#shape;
    const { unit, streamMax } = this.#norms[0]!;
    const g = new Graph().scope('embed');
    const ids = g.input('tokens', [sequences, tokens], 'int32');
    const words = scaled(g, g.input('e0', [this.#rows, hidden]), {
      bound: WORD_MAX,
      factors: this.#wordUnits().map((step) => step / unit),
    });
    const positions = Float32Array.from(places.subarray(0, tokens * hidden), (x) =>
      Math.max(-streamMax, Math.min(streamMax, Math.round(x / unit))),
    );
    const sum = g.add(
      g.reshape(words, [sequences, tokens, hidden]),
      g.floats('positions', [1, tokens, hidden], positions),
    );
    g.output('used', [sequences, tokens], g.clipLast(g.toFloat(ids), 0, 1));
    const h = g.reshape(g.clip(sum, -streamMax, streamMax), [this.#rows, hidden]);
    return this.#normAndOperand(g.scope('norm'), h, 0, 0);
  }

  /** Units of query, key and value columns, and of each head's scores as a power of two per 1/64 nat. */
  #headUnits(index: number): { columns: Float64Array; scores: Float64Array } {
    const { hidden, heads } = this.#bert;
    const width = hidden / heads;
    const peaks = this.#calibration.outputs[index]!;
    const peak = (part: number, j: number): number =>
      (Math.max(peaks[part * hidden + j]!, 1e-6) * MARGIN) / OPERAND_MAX;
    const products = new Float64Array(heads);
    for (let j = 0; j < hidden; j++) {
      const head = Math.floor(j / width);
      products[head] = Math.max(products[head]!, peak(0, j) * peak(1, j));
    }
    const step = NAT / Math.sqrt(width);
    const scores = products.map(
      (p) => 2 ** Math.max(-24, Math.min(0, Math.ceil(Math.log2(p * step)))),
    );
    const columns = new Float64Array(3 * hidden);
    for (let j = 0; j < hidden; j++) {
      // All columns of a head have one product of units, so that a score is a plain sum.
      const more = Math.sqrt(scores[Math.floor(j / width)]! / step / (peak(0, j) * peak(1, j)));
      columns[j] = peak(0, j) * more;
      columns[hidden + j] = peak(1, j) * more;
      columns[2 * hidden + j] = peak(2, j);
    }
    return { columns, scores };
  }

  #attention(index: number): OnnxGraph {
    const { hidden, heads } = this.#bert;
    const { sequences, tokens } = this.#shape;
    const width = hidden / heads;
    const l = this.#linear(index);
    const units = this.#headUnits(index);
    const g = new Graph().scope('heads');
    const { c, bound } = this.#product(g, index);
    const used = g.input('used', [sequences, tokens]);
    const wide = scaled(g, c, {
      bound,
      factors: l.outputScale.map((s, j) => s / units.columns[j]!),
      offsets: l.bias.map((b, j) => b / units.columns[j]!),
    });
    const qkv = g.clip(wide, -OPERAND_MAX, OPERAND_MAX);
    const part = (i: number, perm: number[]): string => {
      const columns = g.slice(qkv, 1, i * hidden, (i + 1) * hidden);
      return g.transpose(g.reshape(columns, [sequences, tokens, heads, width]), perm);
    };
    const [q, k, v] = [part(0, [0, 2, 1, 3]), part(1, [0, 2, 3, 1]), part(2, [0, 2, 1, 3])];
    g.scope('scores');
    const shifts = g.floats(g.named('shift'), [heads, 1, 1], units.scores);
    // Only differences of scores count, so that what Floor drops need not be rounded.
    const scores = g.op('Floor', [g.mul(g.matmul(q, k), shifts)]);
    const mixed = this.#softmax(g.scope('softmax'), scores, used, v);
    const context = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [this.#rows, hidden]);
    const { inputScale, inputMiddle } = this.#linear(index + 1);
    const a = scaled(g.scope('context'), context, {
      bound: OPERAND_MAX * 2 ** CONTEXT_BITS,
      factors: inputScale.map((s, j) => units.columns[2 * hidden + j]! / 2 ** CONTEXT_BITS / s),
      offsets: inputScale.map((s, j) => -inputMiddle[j]! / s),
    });
    this.#operand(g, a, index + 1);
    return g.graph();
  }

  /** Σ softmax(scores)·v in a quarter of v's units: divided after the sum over keys. */
  #softmax(g: Graph, scores: string, used: string, v: string): string {
    const { sequences, tokens } = this.#shape;
    const { heads } = this.#bert;
    const free = g.mul(g.sub(used, g.number(1)), g.number(MASK));
    const masked = g.add(scores, g.reshape(free, [sequences, 1, 1, tokens]));
    const below = g.atMost(g.sub(g.max(masked, 3), masked), EXP_STEPS - 1);
    const entry = (i: number): number =>
      i === EXP_STEPS - 1 ? 0 : Math.round(OPERAND_MAX * Math.exp(-i / NAT));
    const table = g.floats(
      'exp',
      [EXP_STEPS],
      Float32Array.from({ length: EXP_STEPS }, (_, i) => entry(i)),
    );
    const weights = g.lookup(table, below, [sequences, heads, tokens, tokens]);
    // The largest score always weighs 127.
    const most = OPERAND_MAX * tokens;
    const total = g.atLeast(g.sum(weights, 3), OPERAND_MAX);
    const max = OPERAND_MAX * 2 ** CONTEXT_BITS;
    const sums = g.matmul(weights, v);
    if (tokens <= KEYS_MAX) {
      const parts = g.mul(sums, g.number(2 ** CONTEXT_BITS));
      return g.clip(g.divideRounded(parts, total, max * most, most), -max, max);
    }
    // The same of more keys: what the whole part leaves over is divided again, and is less than the total.
    const whole = g.clip(g.divide(sums, total, OPERAND_MAX * most), -OPERAND_MAX, OPERAND_MAX);
    const rest = g.clip(g.sub(sums, g.mul(whole, total)), 0, most);
    const parts = g.mul(rest, g.number(2 ** CONTEXT_BITS));
    const quarters = g.divideRounded(parts, total, most * 2 ** CONTEXT_BITS, most);
    const mixed = g.add(g.mul(whole, g.number(2 ** CONTEXT_BITS)), quarters);
    return g.clip(mixed, -max, max);
  }

  /** Steps of GELU's table a unit, its entries, and the steps of their values: massive neurons go past its end. */
  #geluUnits(index: number): { steps: number; entries: number; valueBits: number } {
    const massive = new Set(this.#linear(index + 1).massive.map(({ column }) => column));
    const largest = this.#calibration.largest[index]!.filter((_, j) => !massive.has(j));
    const peak = Math.max(GELU_LINEAR, MARGIN * largest.reduce((a, b) => Math.max(a, b), 1));
    const steps = 2 ** Math.min(8, Math.floor(Math.log2(GELU_ENTRIES / (peak - GELU_MIN))));
    const entries = Math.ceil((peak - GELU_MIN) * steps) + 1;
    // Values count 2^valueBits steps of the table, so that what is past its end is a whole number of them.
    const valueBits = Math.floor(Math.log2(GELU_VALUE_MAX / peak / steps));
    return { steps, entries, valueBits };
  }

  #gelu(index: number): OnnxGraph {
    const l = this.#linear(index);
    const { steps, entries, valueBits } = this.#geluUnits(index);
    const unit = 1 / (steps * 2 ** valueBits);
    const g = new Graph().scope('gelu');
    const { c, bound } = this.#product(g, index);
    const at = scaled(g, c, {
      bound,
      factors: l.outputScale.map((s) => s * steps),
      offsets: l.bias.map((b) => (b - GELU_MIN) * steps),
    });
    const values = Float32Array.from({ length: entries }, (_, i) =>
      Math.round(gelu(i / steps + GELU_MIN) / unit),
    );
    const table = g.floats('table', [entries], values);
    const value = g.lookup(table, g.clip(at, 0, entries - 1), [this.#rows, l.n]);
    const { inputScale, inputMiddle, massive } = this.#linear(index + 1);
    for (const [i, { column }] of massive.entries()) {
      const own = (x: string): string => g.slice(x, 1, column, column + 1);
      const past = g.atLeast(g.sub(own(at), g.number(entries - 1)), 0);
      const steps = g.atMost(past, Math.floor(MASSIVE_MAX / 2 ** valueBits));
      const whole = g.add(own(value), g.mul(steps, g.number(2 ** valueBits)));
      g.output(`v${index}_${i}`, [this.#rows, 1], g.clipLast(whole, -MASSIVE_MAX, MASSIVE_MAX));
    }
    const a = scaled(g.scope('operand'), value, {
      bound: values.reduce((top, x) => Math.max(top, Math.abs(x)), 0),
      factors: inputScale.map((s) => unit / s),
      offsets: inputScale.map((s, j) => -inputMiddle[j]! / s),
    });
    this.#operand(g, a, index + 1);
    return g.graph();
  }

  /** The product of linear `index` added to the stream, in the unit of norm `norm`. */
  #added(g: Graph, index: number, norm: number): string {
    const l = this.#linear(index);
    const { unit, streamMax } = this.#norms[norm]!;
    const { c, bound } = this.#product(g, index);
    const before = g.input(`x${norm - 1}`, [this.#rows, l.n]);
    const y = scaled(g, c, {
      bound,
      factors: l.outputScale.map((s) => s / unit),
      offsets: l.bias.map((b) => b / unit),
    });
    let sum = g.add(y, before);
    if (l.massive.length) {
      const { steps, valueBits } = this.#geluUnits(index - 1);
      const terms = l.massive.map(({ weights }, i) => ({
        x: g.input(`v${index - 1}_${i}`, [this.#rows, 1]),
        bound: MASSIVE_MAX,
        factors: weights.map((w) => w / (steps * 2 ** valueBits) / unit),
      }));
      sum = g.add(sum, scaledSum(g.scope('massive'), terms));
    }
    return g.clip(sum, -streamMax, streamMax);
  }

  #residual(index: number, norm: number): OnnxGraph {
    const g = new Graph().scope('residual');
    const h = this.#added(g, index, norm);
    return this.#normAndOperand(g.scope('norm'), h, norm, index + 1);
  }

  #last(pooled: boolean): OnnxGraph {
    const { hidden, layers } = this.#bert;
    const norm = 2 * layers;
    const g = new Graph().scope('residual');
    const h = this.#added(g, 4 * layers - 1, norm);
    const z = normed(g.scope('norm'), h, [this.#rows, hidden], this.#norms[norm]!);
    const units = [this.#unitAfter(norm)];
    const wide = this.#affine(g.scope('hidden'), z, norm, { units });
    const x = g.clip(wide, -HIDDEN_MAX, HIDDEN_MAX);
    const rows = pooled ? this.#shape.sequences : this.#rows;
    g.output('answer', [rows, hidden], pooled ? this.#pool(g.scope('pool'), x) : x);
    return g.graph();
  }

  /** One direction per sequence: the largest magnitude becomes 127. */
  #pool(g: Graph, x: string): string {
    const { hidden, pooling } = this.#bert;
    const { sequences, tokens } = this.#shape;
    const states = g.reshape(x, [sequences, tokens, hidden]);
    const max = HIDDEN_MAX * 2 ** MEAN_BITS;
    let mean: string;
    if (pooling === 'cls') {
      const first = g.reshape(g.slice(states, 1, 0, 1), [sequences, hidden]);
      mean = g.mul(first, g.number(2 ** MEAN_BITS));
    } else {
      const used = g.input('used', [sequences, tokens]);
      const kept = g.sum(g.mul(states, g.reshape(used, [sequences, tokens, 1])), 1);
      const count = g.atLeast(g.sum(used, 1), 1);
      const sums = g.mul(g.reshape(kept, [sequences, hidden]), g.number(2 ** MEAN_BITS));
      mean = g.clip(g.divideRounded(sums, count, max * tokens, tokens), -max, max);
    }
    const both = g.op('Concat', [mean, g.sub(g.number(0), mean)], { axis: 1 });
    const peak = g.atLeast(g.max(both, 1), 1);
    const numerator = g.mul(mean, g.number(OPERAND_MAX));
    const quotient = g.divideRounded(numerator, peak, OPERAND_MAX * max, max);
    return g.clipLast(quotient, -OPERAND_MAX, OPERAND_MAX);
  }
}

/** @param shape tokens at most 256, and at most the model's positions */
export const exactBert = (bert: Bert, calibration: Calibration, shape: UnitShape): ExactBert =>
  new Builder(bert, calibration, shape).build();
