/**
 * Builds one segment's ONNX graph out of exact integer forms (models/README.md, the checker's
 * rules in src/miner/checker.ts). Names are made in order, so one model always gives one file.
 */
import type { OnnxGraph, OnnxNode, OnnxTensor, OnnxValue } from '../src/miner/onnx.ts';

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
  clip = (x: string, lo: number, hi: number): string =>
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

  /** ⌊x / y⌋ for integers, y ≥ 1: right though a GPU's division may be 2.5 ULP off. */
  divide(x: string, y: string): string {
    const q = this.op('Floor', [this.op('Div', [x, y])]);
    const rest = this.sub(x, this.mul(q, y));
    const up = this.toFloat(this.op('GreaterOrEqual', [rest, y]));
    const down = this.toFloat(this.op('Less', [rest, this.number(0)]));
    return this.sub(this.add(q, up), down);
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
