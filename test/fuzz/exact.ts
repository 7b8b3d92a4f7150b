/**
 * The meaning of a segment in whole numbers of any size, and every way in which float32 could miss
 * it: a value, product or sum of magnitudes over 2^24, a fraction that is read by anything but a
 * Floor, a quotient or root too large for a GPU's error. Shares no arithmetic with the checker or with floats.
 */
import type { Value } from '../../src/miner/checker.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../src/miner/onnx.ts';

/** Row-major entries: `num`, or num ÷ den, or the square root of num. */
export interface Exact {
  readonly dims: readonly number[];
  readonly num: readonly bigint[];
  readonly den?: readonly bigint[];
  readonly isRoot?: boolean;
}
export type ExactTensors = Map<string, Exact>;
/** What a device may add to the floor of a quotient or root: −1, 0 or 1. */
export type Skew = () => bigint;

const FLOAT_EXACT = 2n ** 24n;
const QUOTIENT_END = 2n ** 22n;
const OPERAND_MAX = 127n;

/** The graph has no exact meaning in float32: the checker should have refused it. */
export class Inexact extends Error {}
function need(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Inexact(message);
}

const abs = (x: bigint): bigint => (x < 0n ? -x : x);
const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
const floorOf = (num: bigint, den: bigint): bigint => {
  const q = num / den;
  return num % den < 0n ? q - 1n : q;
};

/** ⌊√v⌋ by bisection. */
function rootOf(v: bigint): bigint {
  let [low, high] = [0n, 4096n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle * middle <= v) low = middle;
    else high = middle;
  }
  return low;
}

function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let d = dims.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * dims[d + 1]!;
  return strides;
}

/** Place of each index of `dims`, row by row, when a step along axis d moves by strides[d]. */
function places(dims: readonly number[], strides: readonly number[], start = 0): number[] {
  let all = [start];
  for (const [d, size] of dims.entries()) {
    const longer = new Array<number>(all.length * size);
    let at = 0;
    for (const place of all) for (let i = 0; i < size; i++) longer[at++] = place + i * strides[d]!;
    all = longer;
  }
  return all;
}

/** Places of `t` under the indices of `dims`, into which it is broadcast. */
function spread(t: Exact, dims: readonly number[]): number[] {
  if (sizeOf(t.dims) === 1) return new Array<number>(sizeOf(dims)).fill(0);
  if (sizeOf(t.dims) === sizeOf(dims)) return Array.from(t.num.keys());
  const own = stridesOf(t.dims).map((s, d) => (t.dims[d] === 1 ? 0 : s));
  return places(dims, [...dims.slice(t.dims.length).map(() => 0), ...own]);
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const size = (x: readonly number[], d: number): number => x[d - rank + x.length] ?? 1;
  return Array.from({ length: rank }, (_, d) => {
    const [p, q] = [size(a, d), size(b, d)];
    need(p === q || p === 1 || q === 1, `[${a}] and [${b}] do not fit`);
    return Math.max(p, q);
  });
}

function whole(t: Exact | undefined): asserts t is Exact {
  need(t !== undefined && !t.den && !t.isRoot, 'reads a fraction');
}

/** A result whose entries float32 must hold exactly. */
function made(dims: readonly number[], num: bigint[], den?: bigint[]): Exact {
  for (const x of num) need(abs(x) <= FLOAT_EXACT, `${x} is over 2^24`);
  return den ? { dims, num, den } : { dims, num };
}

const pairs =
  (f: (a: bigint, b: bigint) => bigint) =>
  ([a, b]: Exact[]): Exact => {
    whole(a);
    whole(b);
    const dims = broadcast(a.dims, b.dims);
    const [p, q] = [spread(a, dims), spread(b, dims)];
    return made(
      dims,
      p.map((at, i) => f(a.num[at]!, b.num[q[i]!]!)),
    );
  };
const test = (f: (a: bigint, b: bigint) => boolean) => pairs((a, b) => (f(a, b) ? 1n : 0n));

/** By whole numbers, or by constants of powers of two, whose product waits for its Floor. */
function mul(x: Exact[]): Exact {
  const scale = x.find((t) => t.den);
  if (!scale) return pairs((a, b) => a * b)(x);
  const other = x[0] === scale ? x[1] : x[0];
  whole(other);
  need(
    scale.num.every((n) => n === 1n) && scale.den!.every((d) => (d & (d - 1n)) === 0n),
    'scales by no power of two',
  );
  const dims = broadcast(scale.dims, other.dims);
  const from = spread(scale, dims);
  const num = spread(other, dims).map((at) => other.num[at]!);
  return made(
    dims,
    num,
    from.map((at) => scale.den![at]!),
  );
}

function div([x, y]: Exact[]): Exact {
  whole(x);
  whole(y);
  const dims = broadcast(x.dims, y.dims);
  const num = spread(x, dims).map((at) => x.num[at]!);
  const den = spread(y, dims).map((at) => y.num[at]!);
  for (const [i, n] of num.entries()) {
    need(den[i]! >= 1n, `divides by ${den[i]}`);
    need(abs(n) < QUOTIENT_END * den[i]!, `${n}/${den[i]} is over 2^22`);
    need(abs(n) + 2n * den[i]! <= FLOAT_EXACT, `|${n}| + 2·${den[i]} is over 2^24`);
  }
  return { dims, num, den };
}

function sqrt([x]: Exact[]): Exact {
  whole(x);
  for (const v of x.num) need(v >= 1n && v <= 4094n ** 2n, `the root of ${v}`);
  return { ...x, isRoot: true };
}

/** A quotient's or root's floor may miss by one; a power of two's may not. */
function floor([x]: Exact[], isQuotient: boolean, skew: Skew): Exact {
  const { dims, num, den, isRoot } = x!;
  if (isRoot)
    return made(
      dims,
      num.map((v) => rootOf(v) + skew()),
    );
  if (!den) return x!;
  return made(
    dims,
    num.map((n, i) => floorOf(n, den[i]!) + (isQuotient ? skew() : 0n)),
  );
}

function matmul([a, b]: Exact[]): Exact {
  whole(a);
  whole(b);
  for (const v of [...a.num, ...b.num]) need(abs(v) <= OPERAND_MAX, `multiplies by ${v}`);
  const [rows, k, columns] = [a.dims.at(-2)!, a.dims.at(-1)!, b.dims.at(-1)!];
  need(k === b.dims.at(-2), `[${a.dims}]·[${b.dims}]`);
  const outer = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const starts = [a, b].map((t) => spread(t, [...outer, ...t.dims.slice(-2)]));
  const [p, q] = [starts[0]!, starts[1]!];
  const num: bigint[] = [];
  for (let o = 0; o < sizeOf(outer); o++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        let [sum, reach] = [0n, 0n];
        for (let l = 0; l < k; l++) {
          const left = a.num[p[(o * rows + i) * k + l]!]!;
          const term = left * b.num[q[(o * k + l) * columns + j]!]!;
          sum += term;
          reach += abs(term);
        }
        need(reach <= FLOAT_EXACT, `sums magnitudes of ${reach}`);
        num.push(sum);
      }
  return made([...outer, rows, columns], num);
}

function gather([data, indices]: Exact[], { axis }: OnnxNode['attributes']): Exact {
  whole(data);
  whole(indices);
  const at = axis as number;
  const along = at < 0 ? at + data.dims.length : at;
  const [before, after] = [data.dims.slice(0, along), data.dims.slice(along + 1)];
  const [size, inner] = [data.dims[along]!, sizeOf(after)];
  const num: bigint[] = [];
  for (let o = 0; o < sizeOf(before); o++)
    for (const index of indices.num) {
      need(index >= 0n && index < BigInt(size), `index ${index} of ${size}`);
      const start = (o * size + Number(index)) * inner;
      for (let i = 0; i < inner; i++) num.push(data.num[start + i]!);
    }
  return { dims: [...before, ...indices.dims, ...after], num };
}

/** Entries over constant axes, one list per entry of the result. */
function reduce(
  [x, axes]: Exact[],
  { keepdims }: OnnxNode['attributes'],
  f: (entries: bigint[]) => bigint,
): Exact {
  whole(x);
  const rank = x.dims.length;
  const over = new Set(axes!.num.map((a) => (Number(a) + rank) % rank));
  const strides = stridesOf(x.dims);
  const part = (inside: boolean): [number[], number[]] => {
    const at = x.dims.map((_, d) => d).filter((d) => over.has(d) === inside);
    return [at.map((d) => x.dims[d]!), at.map((d) => strides[d]!)];
  };
  const [kept, summed] = [part(false), part(true)];
  const moves = places(...summed);
  const num = places(...kept).map((start) => f(moves.map((move) => x.num[start + move]!)));
  return made(keepdims ? x.dims.map((d, i) => (over.has(i) ? 1 : d)) : kept[0], num);
}

const sum = (entries: bigint[]): bigint => {
  const reach = entries.reduce((total, x) => total + abs(x), 0n);
  need(reach <= FLOAT_EXACT, `sums magnitudes of ${reach}`);
  return entries.reduce((total, x) => total + x, 0n);
};

function slice([x, starts, ends, axes]: Exact[]): Exact {
  whole(x);
  const [dims, strides] = [[...x.dims], stridesOf(x.dims)];
  let start = 0;
  for (const [i, axis] of axes!.num.map(Number).entries()) {
    const from = Number(starts!.num[i]!);
    dims[axis] = Number(ends!.num[i]!) - from;
    start += from * strides[axis]!;
  }
  return { dims, num: places(dims, strides, start).map((at) => x.num[at]!) };
}

function concat(parts: Exact[], { axis }: OnnxNode['attributes']): Exact {
  parts.forEach(whole);
  const along = ((axis as number) + parts[0]!.dims.length) % parts[0]!.dims.length;
  const dims = [...parts[0]!.dims];
  dims[along] = parts.reduce((total, p) => total + p.dims[along]!, 0);
  const num: bigint[] = [];
  for (let o = 0; o < sizeOf(dims.slice(0, along)); o++)
    for (const p of parts) {
      const length = sizeOf(p.dims.slice(along));
      num.push(...p.num.slice(o * length, (o + 1) * length));
    }
  return { dims, num };
}

function transpose([x]: Exact[], { perm }: OnnxNode['attributes']): Exact {
  whole(x);
  const order = perm as number[];
  const strides = stridesOf(x.dims);
  const dims = order.map((d) => x.dims[d]!);
  const from = order.map((d) => strides[d]!);
  return { dims, num: places(dims, from).map((at) => x.num[at]!) };
}

function clip([x, low, high]: Exact[]): Exact {
  whole(x);
  const [from, to] = [low!.num[0]!, high!.num[0]!];
  return { ...x, num: x.num.map((v) => (v < from ? from : v > to ? to : v)) };
}

type Operator = (x: Exact[], a: OnnxNode['attributes']) => Exact;
const OPERATORS: Readonly<Record<string, Operator>> = {
  Add: pairs((a, b) => a + b),
  Sub: pairs((a, b) => a - b),
  Mul: mul,
  Div: div,
  Sqrt: sqrt,
  Greater: test((a, b) => a > b),
  GreaterOrEqual: test((a, b) => a >= b),
  Less: test((a, b) => a < b),
  LessOrEqual: test((a, b) => a <= b),
  Clip: clip,
  Cast: ([x]) => (whole(x), x),
  MatMul: matmul,
  Gather: gather,
  Reshape: ([x, dims]) => (whole(x), { dims: dims!.num.map(Number), num: x.num }),
  Transpose: transpose,
  Slice: slice,
  Concat: concat,
  ReduceSum: (x, a) => reduce(x, a, sum),
  ReduceMax: (x, a) => reduce(x, a, (all) => all.reduce((p, v) => (v > p ? v : p))),
};

/** Whole numbers, or powers of two from 2^−24 to 1. */
function constantOf(t: OnnxTensor): Exact {
  const data = Array.from(t.data as ArrayLike<number | bigint>);
  if (data.every((x) => typeof x === 'bigint' || Number.isInteger(x)))
    return { dims: t.dims, num: data.map(BigInt) };
  const den = data.map((x) => 1 / Number(x));
  need(den.every(Number.isInteger), `constant ${t.name} is neither whole nor a power of two`);
  return { dims: t.dims, num: data.map(() => 1n), den: den.map(BigInt) };
}

/** Every tensor of a graph. @throws Inexact where float32 need not give it */
export function exactGraph(
  graph: OnnxGraph,
  inputs: ExactTensors,
  skew: Skew = () => 0n,
): ExactTensors {
  const known: ExactTensors = new Map(inputs);
  const quotients = new Set<string>();
  for (const c of graph.constants) known.set(c.name, constantOf(c));
  for (const { op, name, inputs: names, outputs, attributes } of graph.nodes) {
    const x = names.map((n) => known.get(n)!);
    if (op === 'Div') quotients.add(outputs[0]!);
    try {
      const operator = OPERATORS[op];
      need(op === 'Floor' || operator !== undefined, `no operator ${op}`);
      const isQuotient = quotients.has(names[0]!);
      known.set(outputs[0]!, operator?.(x, attributes) ?? floor(x, isQuotient, skew));
    } catch (e) {
      if (e instanceof Inexact) e.message = `${name}: ${e.message}`;
      throw e;
    }
  }
  return known;
}

/** Bounds are whole, or whole numbers of 2^−24. */
const PARTS = 2n ** 24n;
const inParts = (x: number): bigint => BigInt(x * 2 ** 24);

/** Index of the first entry outside lo..hi, or −1. */
function outside(t: Exact, { lo, hi }: Value): number {
  const [from, to] = [inParts(lo), inParts(hi)];
  return t.num.findIndex((n, i) => {
    const x = n * PARTS;
    // √x ≥ lo holds for every lo ≤ 0.
    if (t.isRoot) return (lo > 0 && from * from > x * PARTS) || x * PARTS > to * to;
    const den = t.den?.[i] ?? 1n;
    return from * den > x || x > to * den;
  });
}

/** The first tensor that is not what the checker says of it, as a sentence. */
export function falseClaim(
  tensors: ExactTensors,
  claims: ReadonlyMap<string, Value>,
): string | undefined {
  for (const [name, t] of tensors) {
    const claim = claims.get(name);
    if (!claim) return `nothing is claimed of ${name}`;
    if (String(t.dims) !== String(claim.dims)) return `${name} is [${t.dims}], not [${claim.dims}]`;
    if (claim.integer && (t.den || t.isRoot)) return `${name} is not whole`;
    const at = outside(t, claim);
    if (at >= 0) return `${name} = ${t.num[at]} is outside ${claim.lo}..${claim.hi}`;
  }
  return undefined;
}
