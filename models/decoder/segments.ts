/**
 * Segments of a decoder for one shape: embed, then per layer attention, residual, product, limb, residual; the last
 * one gives a row of the answer for each token. Five linears a layer: qkv, o, gate and up, down's low limb, its high
 * limb (of the same weights); after them one more, before the answer.
 */
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import { Graph } from '../graph.ts';
import { firstShift, MULTIPLIER_MAX, scaled } from '../import/exact-graph.ts';
import { attention, turns } from './attention.ts';
import type {
  DecoderConstants,
  DecoderShape,
  LayerConstants,
  Norm,
  ScaledLinear,
} from './description.ts';
import { limbsOf, normed, OPERAND_MAX, shiftedRows, STREAM_MAX } from './forms.ts';

/** Places of SiLU's table: from step −1024 on. */
export const SILU_FROM = 1024;
export const SILU_ENTRIES = 4096;
/** Largest step of `up`. */
export const UP_MAX = 2047;
export const LIMB_BITS = 7;
/** Two limbs of 127 and 63. */
export const LIMBS_MAX = OPERAND_MAX * 2 ** LIMB_BITS + 2 ** (LIMB_BITS - 1) - 1;
/** What a row's power of two multiplies stays below it. */
const CHANGE_BITS = 23;
const KEYS = 512;
const LINEARS_PER_LAYER = 5;

/** Largest |c| of a product whose operand is within ±reach. */
function boundOf({ weight }: ScaledLinear, k: number, reach: number): number {
  let most = 0;
  for (let from = 0; from < weight.length; from += k) {
    let sum = 0;
    for (let i = from; i < from + k; i++) sum += Math.abs(weight[i]!);
    most = Math.max(most, reach * sum);
  }
  return most;
}

type RowShifts = Pick<LayerConstants, 'productShift' | 'silu' | 'rowShiftMax'>;

/** Powers of two by which rows of silu(gate)·up may be too large for two limbs. */
function limbSteps({ productShift, silu, rowShiftMax = Infinity }: RowShifts): number {
  let most = 1;
  for (let at = 0; at < silu.length; at++) most = Math.max(most, Math.abs(silu[at]!));
  const needed = Math.ceil(Math.log2((most * UP_MAX) / LIMBS_MAX)) - productShift;
  return Math.max(1, Math.min(needed, rowShiftMax));
}

/** Largest |c·factor| of `down` before a row's power of two multiplies it. */
export const changeMax = (layer: RowShifts): number => 2 ** (CHANGE_BITS - limbSteps(layer)) - 1;

/** c, |c| ≤ bound, scaled as far as it reaches. */
function reached(g: Graph, c: string, linear: ScaledLinear, bound: number): string {
  const { reach = Infinity } = linear;
  if (reach >= bound) return scaled(g, c, { ...linear, bound });
  return scaled(g, g.clip(c, -reach, reach), { ...linear, bound: reach });
}

/** Largest |c| of `down`, both limbs together. */
const downBound = (down: ScaledLinear, ffn: number): number =>
  boundOf(down, ffn, OPERAND_MAX + 0.5) + 1;

/** Largest factor that `down` can be scaled by. */
export const downFactorMax = (down: ScaledLinear, ffn: number): number =>
  MULTIPLIER_MAX / 2 ** firstShift(Math.min(down.reach ?? Infinity, downBound(down, ffn)));

/** Builds the segments of one shape. */
class Builder {
  readonly #c: DecoderConstants;
  readonly #shape: DecoderShape;
  readonly #rows: number;
  readonly #tokensMax: number;

  constructor(c: DecoderConstants, shape: DecoderShape, tokensMax: number) {
    this.#c = c;
    this.#shape = shape;
    this.#rows = shape.sequences * shape.tokens;
    this.#tokensMax = tokensMax;
  }

  segments(): OnnxGraph[] {
    const layers = this.#c.layers.flatMap((_, i) => [
      this.#attention(i),
      this.#middle(i),
      this.#product(i),
      this.#limb(i),
      this.#end(i),
    ]);
    return [this.#embed(), ...layers, this.#last()];
  }

  /** c of linear `number` [m, n], scaled. */
  #scaled(g: Graph, number: number, linear: ScaledLinear): string {
    const n = linear.factors.length;
    const k = linear.weight.length / n;
    const c = g.input(`c${number}`, [this.#rows, n]);
    return reached(g, c, linear, boundOf(linear, k, OPERAND_MAX));
  }

  #operand(g: Graph, number: number, k: number, x: string): void {
    g.output(`a${number}`, [this.#rows, k], g.clipLast(x, -OPERAND_MAX, OPERAND_MAX));
  }

  /** Hands stream `place` on, if anything is added to it yet, and gives the operand of linear `number`. */
  #streamAndOperand(g: Graph, sum: string, place: number, [number, norm]: [number, Norm]): void {
    const { hidden } = this.#c.size;
    let stream = g.clip(sum, -STREAM_MAX, STREAM_MAX);
    if (place < 2 * this.#c.layers.length) {
      g.output(`x${place}`, [this.#rows, hidden], stream);
      stream = `x${place}`;
    }
    let operand = normed(g.scope('norm'), stream, this.#rows, norm);
    if (place === 2 * this.#c.layers.length && this.#c.last.diagonal) {
      g.output('normed', [this.#rows, hidden], g.clip(operand, -OPERAND_MAX, OPERAND_MAX));
      operand = 'normed';
    }
    this.#operand(g, number, hidden, operand);
  }

  #embed(): OnnxGraph {
    const { size, embedShift, frequencies, layers, lastNorm } = this.#c;
    const { sequences, tokens } = this.#shape;
    const g = new Graph().scope('embed');
    const ids = g.input('tokens', [sequences, tokens], 'int32');
    turns(g, ids, this.#shape, frequencies);
    const rows = g.input('e0', [this.#rows, size.hidden]);
    const fine = g.mul(rows, g.input('e1', [this.#rows, 1]));
    const half = embedShift ? g.add(fine, g.number(2 ** (embedShift - 1))) : fine;
    const norm = layers[0]?.attentionNorm ?? lastNorm;
    this.#streamAndOperand(g, g.shift(half, embedShift), 0, [1, norm]);
    return g.graph();
  }

  /** Of layer i: c of q, k and v → the operand of o. */
  #attention(i: number): OnnxGraph {
    const { size, blockKeys: block = KEYS } = this.#c;
    const layer = this.#c.layers[i]!;
    const number = LINEARS_PER_LAYER * i + 1;
    const g = new Graph().scope('heads');
    const wide = this.#scaled(g, number, layer.qkv);
    const [shape, tokensMax] = [this.#shape, this.#tokensMax];
    const context = attention({ g, wide, size, shape, layer, block, tokensMax });
    this.#operand(g, number + 1, size.heads * size.head, context);
    return g.graph();
  }

  /** Of layer i: c of o and the stream → the stream, and the operand of gate and up. */
  #middle(i: number): OnnxGraph {
    const { out, ffnNorm } = this.#c.layers[i]!;
    const number = LINEARS_PER_LAYER * i + 2;
    const g = new Graph().scope('o');
    const change = this.#scaled(g, number, out);
    const sum = this.#added(g, change, 2 * i);
    this.#streamAndOperand(g, sum, 2 * i + 1, [number + 1, ffnNorm]);
    return g.graph();
  }

  /** Stream `place` + a change, which is cut first. */
  #added(g: Graph, change: string, place: number): string {
    const stream = g.input(`x${place}`, [this.#rows, this.#c.size.hidden]);
    return g.add(stream, g.clip(change, -STREAM_MAX, STREAM_MAX));
  }

  /** Of layer i: c of gate and up → silu(gate)·up in two limbs, and its rows' powers of two. */
  #product(i: number): OnnxGraph {
    const { gateUp, silu, productShift } = this.#c.layers[i]!;
    const { ffn } = this.#c.size;
    const number = LINEARS_PER_LAYER * i + 3;
    const g = new Graph().scope('swiglu');
    const wide = this.#scaled(g, number, gateUp);
    const last = SILU_ENTRIES - 1;
    const gate = g.add(g.slice(wide, 1, 0, ffn), g.number(SILU_FROM));
    const table = g.floats('silu', [SILU_ENTRIES], silu);
    const curve = g.lookup(table, g.clip(gate, 0, last), [this.#rows, ffn]);
    const up = g.clip(g.slice(wide, 1, ffn, 2 * ffn), -UP_MAX, UP_MAX);

    g.scope('limbs');
    const steps = limbSteps(this.#c.layers[i]!);
    const { rows, shifts } = shiftedRows(g, g.mul(curve, up), {
      m: this.#rows,
      first: productShift,
      most: LIMBS_MAX,
      steps,
    });
    const { high, low } = limbsOf(g, rows, LIMB_BITS);
    const powers = Array.from({ length: steps + 1 }, (_, e) => 2 ** e);
    const power = g.lookup(g.floats('doubles', [steps + 1], powers), shifts, [this.#rows, 1]);
    g.output(`power${i}`, [this.#rows, 1], power);
    g.output(`high${i}`, [this.#rows, ffn], high);
    this.#operand(g, number + 1, ffn, low);
    return g.graph();
  }

  /** Of layer i: c of the low limb in steps of the high one's, which goes on. */
  #limb(i: number): OnnxGraph {
    const { hidden, ffn } = this.#c.size;
    const number = LINEARS_PER_LAYER * i + 4;
    const g = new Graph().scope('limb');
    const c = g.input(`c${number}`, [this.#rows, hidden]);
    const high = g.input(`high${i}`, [this.#rows, ffn]);
    const half = g.number(2 ** (LIMB_BITS - 1));
    g.output(`low${i}`, [this.#rows, hidden], g.shift(g.add(c, half), LIMB_BITS));
    this.#operand(g, number + 1, ffn, high);
    return g.graph();
  }

  /** Of layer i: c of both limbs and the stream → the stream, and what comes next. */
  #end(i: number): OnnxGraph {
    const { size, layers, lastNorm } = this.#c;
    const { down, changeBits } = layers[i]!;
    const number = LINEARS_PER_LAYER * i + 5;
    const g = new Graph().scope('down');
    const c = g.input(`c${number}`, [this.#rows, size.hidden]);
    const low = g.input(`low${i}`, [this.#rows, size.hidden]);
    const power = g.input(`power${i}`, [this.#rows, 1]);
    const bound = downBound(down, size.ffn);
    const both = reached(g, g.add(c, low), down, bound);
    const most = changeMax(layers[i]!);
    const fine = g.mul(g.clip(both, -most, most), power);
    const half = changeBits ? g.add(fine, g.number(2 ** (changeBits - 1))) : fine;
    const sum = this.#added(g, g.shift(half, changeBits), 2 * i + 1);
    const norm = layers[i + 1]?.attentionNorm ?? lastNorm;
    this.#streamAndOperand(g, sum, 2 * i + 2, [number + 1, norm]);
    return g.graph();
  }

  /** c of the last linear → a row of the answer for each token. */
  #last(): OnnxGraph {
    const { last, layers, size } = this.#c;
    const g = new Graph().scope('answer');
    const number = LINEARS_PER_LAYER * layers.length + 1;
    const rows = [this.#rows, size.hidden];
    const { diagonal = [] } = last;
    let c = g.input(`c${number}`, rows);
    let bound = boundOf(last, size.hidden, OPERAND_MAX);
    if (diagonal.length) {
      const entries = g.floats('diagonal', [size.hidden], diagonal);
      c = g.add(c, g.mul(g.input('normed', rows), entries));
      bound += OPERAND_MAX * Math.max(...Array.from(diagonal, Math.abs));
    }
    const y = reached(g, c, last, bound);
    g.output('answer', rows, g.clipLast(y, -OPERAND_MAX, OPERAND_MAX));
    return g.graph();
  }
}

/** Segments 0 to L of one shape; `tokensMax`: tokens of the package's longest shape. */
export const decoderSegments = (
  c: DecoderConstants,
  shape: DecoderShape,
  tokensMax: number,
): OnnxGraph[] => new Builder(c, shape, tokensMax).segments();
