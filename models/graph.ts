/**
 * Builds one segment's ONNX graph out of exact integer forms (models/README.md, the checker's
 * rules in src/miner/checker/checker.ts). Names are made in order, so one model always gives one file.
 */
import { DIVIDEND_PARTS } from '../src/miner/checker/patterns.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from '../src/miner/package/onnx.ts';

const product = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
const FLOAT = 1;
const INT32 = 6;

type Attributes = OnnxNode['attributes'];

export class Graph {
  readonly #nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  #scope = '';

  /** Names of the nodes made from here on begin with it. */
  scope(name: string): this {
    this.#scope = `${name}.`;
    return this;
  }

  /** A constant's name in the scope. */
  named = (name: string): string => this.#scope + name;

  op(op: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const name = `${this.#scope}${op}_${this.#nodes.length}`;
    this.#nodes.push({ name, op, inputs, outputs: [name], attributes });
    return name;
  }

  #constant(tensor: OnnxTensor): string {
    if (!this.#constants.has(tensor.name)) this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }

  floats(name: string, dims: number[], values: ArrayLike<number>): string {
    return this.#constant({ name, type: 'float32', dims, data: Float32Array.from(values) });
  }
  ints(name: string, values: readonly number[]): string {
    const data = Int32Array.from(values);
    return this.#constant({ name, type: 'int32', dims: [values.length], data });
  }
  /** Shapes and axes: ONNX wants them as int64. */
  shape(values: readonly number[]): string {
    const name = `shape_${values.join('_').replaceAll('-', 'm')}`;
    const data = BigInt64Array.from(values.map(BigInt));
    return this.#constant({ name, type: 'int64', dims: [values.length], data });
  }
  number(value: number): string {
    const name = `number_${String(value).replaceAll('-', 'm').replaceAll('.', '_')}`;
    return this.floats(name, [], [value]);
  }

  input(name: string, dims: number[], type: 'float32' | 'int32' = 'float32'): string {
    this.#inputs.push({ name, type, dims });
    return name;
  }
  /** Gives `value` (the newest node's output) the name that the next segment knows it by. */
  output(name: string, dims: number[], value: string): void {
    const at = this.#nodes.findIndex((n) => n.outputs[0] === value);
    const rename = (x: string): string => (x === value ? name : x);
    for (const [i, n] of this.#nodes.entries())
      if (i >= at)
        this.#nodes[i] = { ...n, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) };
    this.#outputs.push({ name, type: 'float32', dims });
  }

  add = (a: string, b: string): string => this.op('Add', [a, b]);
  sub = (a: string, b: string): string => this.op('Sub', [a, b]);
  mul = (a: string, b: string): string => this.op('Mul', [a, b]);
  matmul = (a: string, b: string): string => this.op('MatMul', [a, b]);
  toFloat = (x: string): string => this.op('Cast', [x], { to: FLOAT });
  toInt = (x: string): string => this.op('Cast', [x], { to: INT32 });
  atLeast = (x: string, lo: number): string => this.op('Max', [x, this.number(lo)]);
  atMost = (x: string, hi: number): string => this.op('Min', [x, this.number(hi)]);
  /** Two operators, for ONNX Runtime's WebAssembly is slow at Clip unless its result leaves the segment. */
  clip = (x: string, lo: number, hi: number): string => this.atMost(this.atLeast(x, lo), hi);
  /** Clipped, as the last step before the segment's end. */
  clipLast = (x: string, lo: number, hi: number): string =>
    this.op('Clip', [x, this.number(lo), this.number(hi)]);
  gather = (data: string, indices: string, axis = 0): string =>
    this.op('Gather', [data, indices], { axis });
  reshape = (x: string, dims: number[]): string => this.op('Reshape', [x, this.shape(dims)]);
  transpose = (x: string, perm: number[]): string => this.op('Transpose', [x], { perm });
  slice = (x: string, axis: number, from: number, to: number): string =>
    this.op('Slice', [x, this.shape([from]), this.shape([to]), this.shape([axis])]);
  sum = (x: string, axis: number): string =>
    this.op('ReduceSum', [x, this.shape([axis])], { keepdims: 1 });
  max = (x: string, axis: number): string =>
    this.op('ReduceMax', [x, this.shape([axis])], { keepdims: 1 });

  /** ⌊x / 2^bits⌋ */
  shift(x: string, bits: number): string {
    if (bits < 0) throw new Error(`a shift by ${bits} bits`);
    return bits ? this.op('Floor', [this.mul(x, this.number(2 ** -bits))]) : x;
  }

  /** Entries of a table [n] by whole numbers 0..n−1 in a float tensor of `dims`. */
  lookup(table: string, x: string, dims: number[]): string {
    // Not Gather: ONNX Runtime's WebAssembly copies that entry by entry, four times slower.
    const flat = this.toInt(this.reshape(x, [product(dims)]));
    return this.reshape(this.op('GatherElements', [table, flat], { axis: 0 }), dims);
  }

  /** ⌊x / y⌋ for integers |x| ≤ reach, y ≥ 1. */
  divide = (x: string, y: string, reach: number): string =>
    this.#quotient(this.add(x, this.number(0.5)), y, reach + 1);

  /** ⌊x / y + ½⌋ for integers |x| ≤ reach, 1 ≤ y ≤ yMax. */
  divideRounded(x: string, y: string, reach: number, yMax: number): string {
    const half = this.add(this.shift(y, 1), this.number(0.5));
    return this.#quotient(this.add(x, half), y, reach + yMax / 2 + 1);
  }

  /**
   * ⌊x / y⌋ for x halfway between two integers, |x| < reach: right though a GPU's division may be
   * 2.5 ULP off. No quotient is then nearer than 1/2y to an integer, which is more than a small one's
   * error; of a large one, what is left over is divided again.
   */
  #quotient(x: string, y: string, reach: number): string {
    const q = this.op('Floor', [this.op('Div', [x, y])]);
    if (2 * reach < DIVIDEND_PARTS) return q;
    const rest = this.sub(x, this.mul(q, y));
    return this.add(q, this.op('Floor', [this.op('Div', [rest, y])]));
  }

  /** ⌊√v⌋ for integers 1 ≤ v ≤ 4094². */
  squareRoot(v: string): string {
    const s = this.op('Floor', [this.op('Sqrt', [v])]);
    const low = this.sub(s, this.toFloat(this.op('Greater', [this.mul(s, s), v])));
    const next = this.add(low, this.number(1));
    return this.add(low, this.toFloat(this.op('LessOrEqual', [this.mul(next, next), v])));
  }

  graph(): OnnxGraph {
    return {
      nodes: this.#nodes,
      constants: [...this.#constants.values()],
      inputs: this.#inputs,
      outputs: this.#outputs,
    };
  }
}

/** Asserts that an array fills its dims: a builder's bug, not a model's. */
export const sized = <T extends ArrayLike<number>>(values: T, dims: readonly number[]): T => {
  if (values.length !== product(dims)) throw new Error(`${values.length} values for [${dims}]`);
  return values;
};
