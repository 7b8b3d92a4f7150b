/**
 * The naive oracle of segments: float64 loops over exactly the operators that a model may use, and
 * a whole plain pass with a triple-loop GEMM. It shares only the file parser with the fast code.
 */
import type { Manifest } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { parseOnnx, type OnnxGraph, type OnnxNode } from '../../src/miner/package/onnx.ts';
import { blake3 } from '@noble/hashes/blake3.js';

/** Row-major numbers; bool is 0 or 1. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}
export type Tensors = Map<string, Tensor>;

const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
export const tensorFrom = (dims: readonly number[], data: ArrayLike<number>): Tensor => ({
  dims,
  data: Float64Array.from(data),
});
const numbers = (t: Tensor): number[] => [...t.data];

function indexOf(flat: number, dims: readonly number[]): number[] {
  const index = new Array<number>(dims.length);
  for (let d = dims.length - 1; d >= 0; d--) {
    index[d] = flat % dims[d]!;
    flat = Math.floor(flat / dims[d]!);
  }
  return index;
}
/** Entry at an index; an axis of size 1 is broadcast, missing leading axes too. */
function at(t: Tensor, index: readonly number[]): number {
  let flat = 0;
  const skip = index.length - t.dims.length;
  for (let d = 0; d < t.dims.length; d++)
    flat = flat * t.dims[d]! + (t.dims[d] === 1 ? 0 : index[skip + d]!);
  return t.data[flat]!;
}
function build(dims: readonly number[], f: (index: number[]) => number): Tensor {
  const data = new Float64Array(sizeOf(dims));
  for (let i = 0; i < data.length; i++) data[i] = f(indexOf(i, dims));
  return { dims, data };
}
function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const full = (x: readonly number[]): number[] => [...Array(rank - x.length).fill(1), ...x];
  const [p, q] = [full(a), full(b)];
  return p.map((d, i) => Math.max(d, q[i]!));
}
const zip = (f: (a: number, b: number) => number, a: Tensor, b: Tensor): Tensor =>
  build(broadcast(a.dims, b.dims), (i) => f(at(a, i), at(b, i)));
const each = (f: (x: number) => number, t: Tensor): Tensor => ({ ...t, data: t.data.map(f) });

function matmul(a: Tensor, b: Tensor): Tensor {
  const k = a.dims.at(-1)!;
  const dims = [
    ...broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2)),
    a.dims.at(-2)!,
    b.dims.at(-1)!,
  ];
  return build(dims, (i) => {
    const [row, column, outer] = [i.at(-2)!, i.at(-1)!, i.slice(0, -2)];
    let sum = 0;
    for (let p = 0; p < k; p++) sum += at(a, [...outer, row, p]) * at(b, [...outer, p, column]);
    return sum;
  });
}

function gather(data: Tensor, indices: Tensor, axis: number): Tensor {
  const rank = indices.dims.length;
  const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)];
  return build(dims, (i) => {
    const row = at(indices, i.slice(axis, axis + rank));
    return at(data, [...i.slice(0, axis), row, ...i.slice(axis + rank)]);
  });
}

function reduce(
  t: Tensor,
  axes: number[],
  keep: boolean,
  f: (a: number, b: number) => number,
): Tensor {
  const over = axes.map((a) => fromFront(a, t.dims.length));
  const dims = t.dims.map((d, i) => (over.includes(i) ? 1 : d));
  const out = new Map<number, number>();
  for (let i = 0; i < t.data.length; i++) {
    const index = indexOf(i, t.dims).map((x, d) => (over.includes(d) ? 0 : x));
    const flat = index.reduce((sum, x, d) => sum * dims[d]! + x, 0);
    const before = out.get(flat);
    out.set(flat, before === undefined ? t.data[i]! : f(before, t.data[i]!));
  }
  const data = Float64Array.from({ length: sizeOf(dims) }, (_, i) => out.get(i)!);
  return { dims: keep ? dims : dims.filter((_, i) => !over.includes(i)), data };
}

function concat(parts: Tensor[], axis: number): Tensor {
  const dims = [...parts[0]!.dims];
  dims[axis] = parts.reduce((sum, p) => sum + p.dims[axis]!, 0);
  return build(dims, (i) => {
    let [place, part] = [i[axis]!, 0];
    while (place >= parts[part]!.dims[axis]!) place -= parts[part++]!.dims[axis]!;
    return at(parts[part]!, i.with(axis, place));
  });
}

/** A negative axis counts from the last. */
const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const yes = (x: boolean): number => (x ? 1 : 0);
export type Operators = Record<string, (x: Tensor[], a: OnnxNode['attributes']) => Tensor>;
const OPERATORS: Operators = {
  Add: ([a, b]) => zip((p, q) => p + q, a!, b!),
  Sub: ([a, b]) => zip((p, q) => p - q, a!, b!),
  Mul: ([a, b]) => zip((p, q) => p * q, a!, b!),
  Div: ([a, b]) => zip((p, q) => p / q, a!, b!),
  Greater: ([a, b]) => zip((p, q) => yes(p > q), a!, b!),
  GreaterOrEqual: ([a, b]) => zip((p, q) => yes(p >= q), a!, b!),
  Less: ([a, b]) => zip((p, q) => yes(p < q), a!, b!),
  LessOrEqual: ([a, b]) => zip((p, q) => yes(p <= q), a!, b!),
  Sqrt: ([x]) => each(Math.sqrt, x!),
  Floor: ([x]) => each(Math.floor, x!),
  Clip: ([x, lo, hi]) => each((v) => Math.min(Math.max(v, lo!.data[0]!), hi!.data[0]!), x!),
  Max: ([a, b]) => zip(Math.max, a!, b!),
  Min: ([a, b]) => zip(Math.min, a!, b!),
  Cast: ([x]) => x!,
  MatMul: ([a, b]) => matmul(a!, b!),
  // Of a table of rank 1, as the checker has it.
  GatherElements: ([data, indices]) => gather(data!, indices!, 0),
  Gather: ([data, indices], { axis }) =>
    gather(data!, indices!, fromFront(axis as number, data!.dims.length)),
  Reshape: ([x, dims]) => ({ dims: numbers(dims!), data: x!.data }),
  Transpose: ([x], { perm }) => {
    const p = perm as number[];
    return build(
      p.map((d) => x!.dims[d]!),
      (i) =>
        at(
          x!,
          p.map((_, d) => i[p.indexOf(d)]!),
        ),
    );
  },
  Slice: ([x, starts, ends, axes]) => {
    const dims = [...x!.dims];
    const first = dims.map(() => 0);
    for (const [i, a] of numbers(axes!).entries()) {
      const axis = fromFront(a, dims.length);
      first[axis] = starts!.data[i]!;
      dims[axis] = ends!.data[i]! - starts!.data[i]!;
    }
    return build(dims, (i) =>
      at(
        x!,
        i.map((v, d) => v + first[d]!),
      ),
    );
  },
  Concat: (parts, { axis }) => concat(parts, fromFront(axis as number, parts[0]!.dims.length)),
  ReduceSum: ([x, axes], a) => reduce(x!, numbers(axes!), a.keepdims !== 0, (p, q) => p + q),
  ReduceMax: ([x, axes], a) => reduce(x!, numbers(axes!), a.keepdims !== 0, Math.max),
};

/** Every tensor of a graph for the given inputs; the constants too. `instead` replaces operators. */
export function interpretGraph(
  graph: OnnxGraph,
  inputs: Tensors,
  instead: Operators = {},
): Tensors {
  const known: Tensors = new Map(inputs);
  for (const c of graph.constants)
    known.set(c.name, tensorFrom(c.dims, Array.from(c.data as Float32Array, Number)));
  for (const node of graph.nodes) {
    const operator = instead[node.op] ?? OPERATORS[node.op];
    if (!operator) throw new Error(`no operator ${node.op}`);
    const x = node.inputs.map((name) => known.get(name)!);
    known.set(node.outputs[0]!, operator(x, node.attributes));
  }
  return known;
}

/** C = A·B: a is m×k, weights is Bᵀ (n×k). */
export function multiplyNaively(
  a: Int8Array,
  weights: Int8Array,
  m: number,
  k: number,
): Int32Array {
  const n = weights.length / k;
  const out = new Int32Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * weights[j * k + p]!;
      out[i * n + j] = sum;
    }
  return out;
}

export interface Interpreted {
  /** A_1..A_L, row-major int8. */
  readonly operands: Int8Array[];
  /** a_1..a_L. */
  readonly a: Uint8Array[];
  /** C_1..C_L. */
  readonly products: Int32Array[];
  /** B × answerSize. */
  readonly answer: Int8Array;
  /** Every tensor of every segment. */
  readonly tensors: Tensors[];
}

type Parts = Pick<ModelPackage, 'segments' | 'weights'> & {
  manifest: Pick<Manifest, 'sequences' | 'tokens' | 'linears'>;
};

/** A plain pass of a model over B·S token ids. */
export function interpretModel(model: Parts, tokens: Uint16Array): Interpreted {
  const { sequences, tokens: length, linears } = model.manifest;
  const known: Tensors = new Map([['tokens', tensorFrom([sequences, length], tokens)]]);
  const out: Interpreted = {
    operands: [],
    a: [],
    products: [],
    answer: new Int8Array(),
    tensors: [],
  };
  let answer = out.answer;
  for (const [i, bytes] of model.segments.entries()) {
    const graph = parseOnnx(bytes);
    if (typeof graph === 'string') throw new Error(graph);
    const inputs: Tensors = new Map(graph.inputs.map((v) => [v.name, known.get(v.name)!]));
    const tensors = interpretGraph(graph, inputs);
    out.tensors.push(tensors);
    for (const v of graph.outputs) known.set(v.name, tensors.get(v.name)!);
    const linear = linears[i];
    if (!linear) {
      answer = Int8Array.from(known.get('answer')!.data);
      break;
    }
    const a = Int8Array.from(known.get(`a${i + 1}`)!.data);
    const c = multiplyNaively(a, model.weights[i]!, linear.m, linear.k);
    out.operands.push(a);
    out.a.push(blake3(new Uint8Array(a.buffer)));
    out.products.push(c);
    known.set(`c${i + 1}`, tensorFrom([linear.m, linear.n], c));
  }
  return { ...out, answer };
}
