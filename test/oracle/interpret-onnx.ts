/**
 * The naive oracle of segments: float64 loops over exactly the operators that a model may use, and
 * a whole plain pass with a triple-loop GEMM. It shares only the file parser with the fast code, and with the
 * interpreter and the plain step (src/miner/interpreter.ts, plain-step.ts), which it looks like since it judges them.
 */
import type { Manifest, Shape } from '../../src/core/manifest.ts';
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
  /** Of linears 1..L. */
  readonly x: Uint8Array[];
  readonly a: Uint8Array[];
  readonly y: Uint8Array[];
  /** C_1..C_L. */
  readonly products: Int32Array[];
  /** B × answerSize. */
  readonly answer: Int8Array;
  /** Every tensor of every segment. */
  readonly tensors: Tensors[];
}

type Parts = Pick<ModelPackage, 'segments' | 'tables' | 'weights'> & {
  manifest: Pick<Manifest, 'name' | 'vocabulary' | 'linears' | 'tables' | 'shapes'>;
};

const derive = (name: string, bytes: readonly number[], dkLen = 32): Uint8Array =>
  blake3(Uint8Array.from(bytes), { context: new TextEncoder().encode(`pila 2 ${name}`), dkLen });

/** Little-endian two's complement of `size` bytes each. */
const signed = (values: Iterable<number>, size: number): number[] =>
  [...values].flatMap((v) =>
    Array.from({ length: size }, (_, i) => Number((BigInt(v) >> BigInt(8 * i)) & 255n)),
  );

/** y and x of linear ℓ from A and the carries that stand among the known tensors. */
function naiveState(shape: Shape, linear: number, a: Uint8Array, known: Tensors) {
  const hashes: number[] = [];
  for (const { name, made, last, low, high } of shape.carries) {
    if (made >= linear || last < linear) continue;
    const size = low < -(2 ** 15) || high >= 2 ** 15 ? 4 : 2;
    hashes.push(...blake3(Uint8Array.from(signed(known.get(name)!.data, size))));
  }
  const y = derive('carry', hashes);
  return { y, x: derive('state', [...a, ...y]) };
}

/** What segment 0 reads of the tokens. */
function naiveInputs({ manifest, tables }: Parts, tokens: readonly number[]): Tensors {
  const { sequences, tokens: length } = manifest.shapes[0]!;
  const inputs: Tensors = new Map([['tokens', tensorFrom([sequences, length], tokens)]]);
  manifest.tables.forEach(({ width, wide }, i) => {
    const entry = (at: number): number => {
      const [low, high] = [tables[i]![wide * at]!, tables[i]![wide * at + wide - 1]!];
      const value = wide === 1 ? low : low + 256 * high;
      return value >= 2 ** (8 * wide - 1) ? value - 2 ** (8 * wide) : value;
    };
    inputs.set(
      `e${i}`,
      build([tokens.length, width], ([row, column]) => entry(tokens[row!]! * width + column!)),
    );
  });
  return inputs;
}

function graphOf(segment: Uint8Array): OnnxGraph {
  const graph = parseOnnx(segment);
  if (typeof graph === 'string') throw new Error(graph);
  return graph;
}

/** A plain pass of a model over B·S token ids. */
export function interpretModel(model: Parts, tokens: Uint32Array): Interpreted {
  const { linears, shapes } = model.manifest;
  const known = naiveInputs(model, [...tokens]);
  const out: Interpreted = {
    operands: [],
    x: [],
    a: [],
    y: [],
    products: [],
    answer: new Int8Array(),
    tensors: [],
  };
  let answer = out.answer;
  for (const [i, bytes] of model.segments.entries()) {
    const graph = graphOf(bytes);
    const inputs: Tensors = new Map(graph.inputs.map((v) => [v.name, known.get(v.name)!]));
    const tensors = interpretGraph(graph, inputs);
    out.tensors.push(tensors);
    for (const v of graph.outputs) known.set(v.name, tensors.get(v.name)!);
    const linear = linears[i];
    if (!linear) {
      answer = Int8Array.from(known.get('answer')!.data);
      break;
    }
    const A = Int8Array.from(known.get(`a${i + 1}`)!.data);
    const a = blake3(new Uint8Array(A.buffer));
    const { x, y } = naiveState(shapes[0]!, i + 1, a, known);
    const c = multiplyNaively(A, model.weights[i]!, tokens.length, linear.k);
    out.operands.push(A);
    out.x.push(x);
    out.a.push(a);
    out.y.push(y);
    out.products.push(c);
    known.set(`c${i + 1}`, tensorFrom([tokens.length, linear.n], c));
  }
  return { ...out, answer };
}

/** Known answer of step ℓ, straight from docs/protocol.md §5.8. */
export function interpretStep(model: Parts, number: number): Uint8Array {
  const { name, vocabulary, linears, shapes } = model.manifest;
  const { sequences, tokens, carries } = shapes[0]!;
  const rows = sequences * tokens;
  const alive = carries.filter(({ made, last }) => made < number - 1 && number - 1 <= last);
  const before = linears[number - 2];
  const counts = before ? [rows * before.k, ...alive.map(({ size }) => sequences * size)] : [rows];
  const input = [...new TextEncoder().encode(name), number, 0, 0, 0];
  const stream = derive('known', input, 4 * counts.reduce((sum, n) => sum + n, 0));
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  let at = 0;
  const draw = (count: number, low: number, high: number): number[] =>
    Array.from({ length: count }, () => {
      const v = BigInt(view.getUint32(at, true));
      at += 4;
      return low + Number((v * BigInt(high - low + 1)) >> 32n);
    });

  const graph = graphOf(model.segments[number - 1]!);
  const inputs: Tensors = new Map();
  if (before) {
    const A = Int8Array.from(draw(counts[0]!, before.low, before.high));
    const c = multiplyNaively(A, model.weights[number - 2]!, rows, before.k);
    inputs.set(`c${number - 1}`, tensorFrom([rows, before.n], c));
    for (const [i, { name: carry, low, high }] of alive.entries()) {
      // A carry that is only handed on may have any form: its numbers are all that is hashed.
      const dims = graph.inputs.find((v) => v.name === carry)?.dims ?? [counts[i + 1]!];
      inputs.set(carry, tensorFrom(dims.map(Number), draw(counts[i + 1]!, low, high)));
    }
  } else
    for (const [key, tensor] of naiveInputs(model, draw(rows, 1, vocabulary - 1)))
      inputs.set(key, tensor);

  const made = interpretGraph(graph, inputs);
  const answer = made.get('answer');
  if (number > linears.length) return blake3(new Uint8Array(Int8Array.from(answer!.data).buffer));
  const a = blake3(new Uint8Array(Int8Array.from(made.get(`a${number}`)!.data).buffer));
  return naiveState(shapes[0]!, number, a, made).x;
}

/** Known answers of all steps of a model whose manifest has none yet. */
export const interpretKnown = (model: Parts): Uint8Array[] =>
  model.segments.map((_, i) => interpretStep(model, i + 1));
