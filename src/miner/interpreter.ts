/**
 * Every operator that a model may use (models/README.md), in plain loops that share nothing with ONNX Runtime or the
 * executor: what they must equal, and what runs the few nodes that no plan covers. A node's result is stored as
 * float32 at once, as ONNX defines it: +, −, ·, ÷ and √ of float32 numbers, made as float64 and rounded once more,
 * are the float32 results. Products and sums are of whole numbers that are exact in any order.
 */
import { AppError } from '../lib/errors.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from './package/onnx.ts';

/** Row-major entries: float32, int32 after a Cast; 1 and 0 of a comparison are float32. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array;
}
type Data = Tensor['data'];
type Attributes = OnnxNode['attributes'];
type Operator = (inputs: readonly Tensor[], attributes: Attributes) => Tensor;
/** x·Wᵀ of x, m×k, and W, n×k, row-major: m×n, of whole numbers whose sums of magnitudes are below 2^24. */
export type Multiply = (x: Float32Array, w: Float32Array, k: number) => Float32Array;

const INT32 = 6;

function need(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AppError('MODEL_REFUSED', message);
}
const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
const room = (like: Data, size: number): Data =>
  like instanceof Int32Array ? new Int32Array(size) : new Float32Array(size);

function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let d = dims.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * dims[d + 1]!;
  return strides;
}

/** Both shapes with leading ones up to one rank, and the shape into which they are broadcast. */
function broadcast(a: readonly number[], b: readonly number[]) {
  const rank = Math.max(a.length, b.length);
  const full = (x: readonly number[]): number[] =>
    Array<number>(rank - x.length)
      .fill(1)
      .concat(x);
  const [p, q] = [full(a), full(b)];
  const fits = p.every((d, i) => d === q[i] || d === 1 || q[i] === 1);
  need(fits, `[${a}] and [${b}] do not fit`);
  return { p, q, dims: p.map((d, i) => Math.max(d, q[i]!)) };
}

/** Steps through a tensor along the axes of a shape into which it is broadcast: 0 where its own axis is 1. */
const stepsOf = (dims: readonly number[]): number[] =>
  stridesOf(dims).map((s, d) => (dims[d] === 1 ? 0 : s));

/** Calls `row` once per row (the last axis) of `dims`: where it begins, and where in two operands with these steps. */
function eachRow(
  dims: readonly number[],
  [p, q]: readonly [readonly number[], readonly number[]],
  row: (at: number, a: number, b: number) => void,
): void {
  const [size, length] = [sizeOf(dims), dims.at(-1) ?? 1];
  const index = dims.map(() => 0);
  let [a, b] = [0, 0];
  for (let at = 0; at < size; at += length) {
    row(at, a, b);
    for (let d = dims.length - 2; d >= 0; d--) {
      [a, b] = [a + p[d]!, b + q[d]!];
      if (++index[d]! < dims[d]!) break;
      [a, b] = [a - p[d]! * dims[d]!, b - q[d]! * dims[d]!];
      index[d] = 0;
    }
  }
}

const pairs =
  (f: (x: number, y: number) => number): Operator =>
  ([a, b]) => {
    const { p, q, dims } = broadcast(a!.dims, b!.dims);
    const [steps, other] = [stepsOf(p), stepsOf(q)];
    const [x, y, length] = [a!.data, b!.data, dims.at(-1) ?? 1];
    const [step, by] = [steps.at(-1) ?? 0, other.at(-1) ?? 0];
    const data = new Float32Array(sizeOf(dims));
    eachRow(dims, [steps, other], (at, i, j) => {
      for (const end = at + length; at < end; at++, i += step, j += by) data[at] = f(x[i]!, y[j]!);
    });
    return { dims, data };
  };

const each =
  (f: (x: number, inputs: readonly Tensor[]) => number): Operator =>
  (inputs) => {
    const [x] = inputs;
    const data = new Float32Array(x!.data.length);
    for (let i = 0; i < data.length; i++) data[i] = f(x!.data[i]!, inputs);
    return { dims: x!.dims, data };
  };

const cast: Operator = ([x], { to }) => ({
  dims: x!.dims,
  data: to === INT32 ? new Int32Array(x!.data) : new Float32Array(x!.data),
});

/** [.., m, k] · [.., k, n], outer axes broadcast. Sums of whole numbers in float64: exact below 2^53. */
const matmul: Operator = ([a, b]) => {
  const [m, k, n] = [a!.dims.at(-2)!, a!.dims.at(-1)!, b!.dims.at(-1)!];
  need(b!.dims.at(-2) === k, `[${a!.dims}] · [${b!.dims}]`);
  const { p, q, dims } = broadcast(a!.dims.slice(0, -2), b!.dims.slice(0, -2));
  const [x, y] = [a!.data, b!.data];
  const out = new Float32Array(sizeOf(dims) * m * n);
  const sums = new Float64Array(n);
  let at = 0;
  // One row of the outer axes is one matrix: an axis of length 1 is put behind them.
  const [steps, other] = [stepsOf([...p, m, k]).slice(0, -1), stepsOf([...q, k, n]).slice(0, -1)];
  eachRow([...dims, 1], [steps, other], (_, i, j) => {
    for (const end = i + m * k; i < end; i += k) {
      sums.fill(0);
      for (let l = 0; l < k; l++) {
        const [factor, row] = [x[i + l]!, j + l * n];
        if (factor) for (let c = 0; c < n; c++) sums[c]! += factor * y[row + c]!;
      }
      out.set(sums, at);
      at += n;
    }
  });
  return { dims: [...dims, m, n], data: out };
};

/** The same by another's product of two matrices. */
const matmulBy =
  (multiply: Multiply): Operator =>
  ([a, b]) => {
    const [m, k, n] = [a!.dims.at(-2)!, a!.dims.at(-1)!, b!.dims.at(-1)!];
    need(b!.dims.at(-2) === k, `[${a!.dims}] · [${b!.dims}]`);
    const { p, q, dims } = broadcast(a!.dims.slice(0, -2), b!.dims.slice(0, -2));
    const out = new Float32Array(sizeOf(dims) * m * n);
    const turned = new Float32Array(n * k);
    let at = 0;
    const [steps, other] = [
      [...p, m, k],
      [...q, k, n],
    ].map((x) => stepsOf(x).slice(0, -1));
    eachRow([...dims, 1], [steps!, other!], (_, i, j) => {
      for (let l = 0; l < k; l++)
        for (let c = 0; c < n; c++) turned[c * k + l] = b!.data[j + l * n + c]!;
      out.set(multiply(new Float32Array(a!.data.subarray(i, i + m * k)), turned, k), at);
      at += m * n;
    });
    return { dims: [...dims, m, n], data: out };
  };

/** Entries of x from `start` on, along the axes of `dims` with these strides. */
function moved(x: Data, dims: readonly number[], strides: readonly number[], start = 0): Tensor {
  const data = room(x, sizeOf(dims));
  const [length, step] = [dims.at(-1) ?? 1, strides.at(-1) ?? 0];
  eachRow(dims, [strides, strides], (at, from) => {
    for (let i = 0; i < length; i++) data[at + i] = x[start + from + i * step]!;
  });
  return { dims, data };
}

const transpose: Operator = ([x], { perm }) => {
  const [order, strides] = [perm as number[], stridesOf(x!.dims)];
  const turned = (list: readonly number[]): number[] => order.map((d) => list[d]!);
  return moved(x!.data, turned(x!.dims), turned(strides));
};

const slice: Operator = ([x, starts, ends, axes]) => {
  const [dims, strides] = [[...x!.dims], stridesOf(x!.dims)];
  let start = 0;
  for (const [i, axis] of axes!.data.entries()) {
    const [from, to] = [starts!.data[i]!, ends!.data[i]!];
    need(from >= 0 && from < to && to <= dims[axis]!, `slice ${from}..${to} of ${dims[axis]}`);
    dims[axis] = to - from;
    start += from * strides[axis]!;
  }
  return moved(x!.data, dims, strides, start);
};

/** A negative axis counts from the last. */
const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const concat: Operator = (parts, { axis }) => {
  const first = parts[0]!.dims;
  const along = fromFront(axis as number, first.length);
  const lengths = parts.map(({ dims }) => sizeOf(dims.slice(along)));
  const total = lengths.reduce((sum, n) => sum + n, 0);
  const outer = sizeOf(first.slice(0, along));
  const data = room(parts[0]!.data, outer * total);
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const [i, n] of lengths.entries()) {
      data.set(parts[i]!.data.subarray(o * n, (o + 1) * n), at);
      at += n;
    }
  const length = parts.reduce((sum, { dims }) => sum + dims[along]!, 0);
  return { dims: first.with(along, length), data };
};

/** Also GatherElements, which has a table of rank 1. */
const gather: Operator = ([table, indices], { axis }) => {
  const along = fromFront(axis as number, table!.dims.length);
  const [before, after] = [table!.dims.slice(0, along), table!.dims.slice(along + 1)];
  const [outer, size, inner] = [sizeOf(before), table!.dims[along]!, sizeOf(after)];
  const data = room(table!.data, outer * indices!.data.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++)
    for (const index of indices!.data) {
      const isPlace = Number.isInteger(index) && index >= 0 && index < size;
      need(isPlace, `index ${index} of ${size} entries`);
      const from = (o * size + index) * inner;
      for (let i = 0; i < inner; i++) data[at++] = table!.data[from + i]!;
    }
  return { dims: [...before, ...indices!.dims, ...after], data };
};

const reduce =
  (first: number, f: (all: number, x: number) => number): Operator =>
  ([x, axes], { keepdims }) => {
    const over = new Set(Array.from(axes!.data, (a) => fromFront(a, x!.dims.length)));
    const kept = x!.dims.map((d, i) => (over.has(i) ? 1 : d));
    const data = new Float32Array(sizeOf(kept)).fill(first);
    const steps = stridesOf(kept).map((s, i) => (over.has(i) ? 0 : s));
    const [length, step, y] = [x!.dims.at(-1) ?? 1, steps.at(-1) ?? 0, x!.data];
    eachRow(x!.dims, [steps, steps], (at, to) => {
      for (const end = at + length; at < end; at++, to += step) data[to] = f(data[to]!, y[at]!);
    });
    return { dims: keepdims ? kept : kept.filter((_, i) => !over.has(i)), data };
  };

const most = (x: number, y: number): number => (x > y ? x : y);
const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['Add', pairs((x, y) => x + y)],
  ['Sub', pairs((x, y) => x - y)],
  ['Mul', pairs((x, y) => x * y)],
  ['Div', pairs((x, y) => x / y)],
  ['Max', pairs(most)],
  ['Min', pairs((x, y) => (x < y ? x : y))],
  ['Greater', pairs((x, y) => (x > y ? 1 : 0))],
  ['GreaterOrEqual', pairs((x, y) => (x >= y ? 1 : 0))],
  ['Less', pairs((x, y) => (x < y ? 1 : 0))],
  ['LessOrEqual', pairs((x, y) => (x <= y ? 1 : 0))],
  ['Sqrt', each(Math.sqrt)],
  ['Floor', each(Math.floor)],
  ['Clip', each((x, [, lo, hi]) => Math.min(Math.max(x, lo!.data[0]!), hi!.data[0]!))],
  ['Cast', cast],
  ['MatMul', matmul],
  ['Gather', gather],
  ['GatherElements', gather],
  ['Reshape', ([x, dims]) => ({ dims: Array.from(dims!.data), data: x!.data })],
  ['Transpose', transpose],
  ['Slice', slice],
  ['Concat', concat],
  ['ReduceSum', reduce(0, (x, y) => x + y)],
  ['ReduceMax', reduce(-Infinity, most)],
]);

/** Shapes and axes are int64 in a file. */
const narrowed = (data: OnnxTensor['data']): Data =>
  data instanceof BigInt64Array ? Int32Array.from(data, Number) : data;

/**
 * Every tensor of a graph: inputs, constants and the results of its nodes in their order.
 * @param multiply for products of matrices, instead of plain loops
 * @throws AppError MODEL_REFUSED for a graph that the checker would not admit
 */
export function interpret(
  { nodes, constants }: Pick<OnnxGraph, 'nodes' | 'constants'>,
  inputs: ReadonlyMap<string, Tensor>,
  multiply?: Multiply,
): Map<string, Tensor> {
  const product = multiply && matmulBy(multiply);
  const known = new Map(inputs);
  for (const { name, dims, data } of constants) known.set(name, { dims, data: narrowed(data) });
  for (const { name, op, inputs: names, outputs, attributes } of nodes) {
    const operator = op === 'MatMul' && product ? product : OPERATORS.get(op);
    need(operator, `${name}: no operator ${op}`);
    const missing = names.find((n) => !known.has(n));
    need(missing === undefined, `${name} reads ${missing}, which was not made before it`);
    const given = names.map((n) => known.get(n)!);
    known.set(outputs[0]!, operator(given, attributes));
  }
  return known;
}
