/**
 * The meaning of a segment in fractions of any size, and every way in which float32 could miss
 * it: more than 24 bits in a value, product or sum of magnitudes, a quotient or root that is read by
 * anything but a Floor or is too large for a GPU's error. Shares no arithmetic with the checker or with floats.
 */
import type { Value } from '../../src/miner/checker/checker.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../src/miner/package/onnx.ts';

/** Row-major entries: `num`, or num ÷ den. `raw` quotients and roots of that are no float32. */
export interface Exact {
  readonly dims: readonly number[];
  readonly num: readonly bigint[];
  readonly den?: readonly bigint[] | undefined;
  readonly raw?: 'quotient' | 'root';
}
export type ExactTensors = Map<string, Exact>;
/** What a device may add to the floor of a quotient or root: −1, 0 or 1. */
export type Skew = () => bigint;

const FLOAT_EXACT = 2n ** 24n;
const QUOTIENT_END = 2n ** 22n;
const OPERAND_MAX = 255n;
/** Far from where float32 has fewer bits. */
const PART_MIN = 2n ** 64n;

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

function exact(t: Exact | undefined): asserts t is Exact {
  need(t !== undefined && !t.raw, 'reads a raw quotient or root');
}
function whole(t: Exact | undefined): asserts t is Exact {
  exact(t);
  need(!t.den, 'reads a fraction');
}
const denOf = (t: Exact, at: number): bigint => t.den?.[at] ?? 1n;

/** A result whose entries float32 must hold exactly: 24 bits and a power of two. */
function made(dims: readonly number[], nums: bigint[], dens?: bigint[]): Exact {
  const [num, den] = [[...nums], dens && [...dens]];
  for (let i = 0; i < num.length; i++) {
    while (den && den[i]! > 1n && num[i]! % 2n === 0n) {
      num[i]! /= 2n;
      den[i]! /= 2n;
    }
    need(abs(num[i]!) <= FLOAT_EXACT, `${nums[i]}/${dens?.[i] ?? 1} has over 24 bits`);
    need(!den || den[i]! <= PART_MIN, `${nums[i]}/${dens?.[i]} is too small`);
  }
  return { dims, num, den: den?.every((d) => d === 1n) ? undefined : den };
}

/** f of both over their common denominator, which the result has too unless it is a flag. */
const pairs =
  (f: (a: bigint, b: bigint) => bigint, isFlag = false) =>
  ([a, b]: Exact[]): Exact => {
    exact(a);
    exact(b);
    const dims = broadcast(a.dims, b.dims);
    const [p, q] = [spread(a, dims), spread(b, dims)];
    const den = p.map((at, i) => {
      const [x, y] = [denOf(a, at), denOf(b, q[i]!)];
      return x > y ? x : y;
    });
    const over = (t: Exact, at: number, d: bigint): bigint => (t.num[at]! * d) / denOf(t, at);
    const num = p.map((at, i) => f(over(a, at, den[i]!), over(b, q[i]!, den[i]!)));
    return made(dims, num, isFlag ? undefined : den);
  };
const test = (f: (a: bigint, b: bigint) => boolean) => pairs((a, b) => (f(a, b) ? 1n : 0n), true);

function mul([a, b]: Exact[]): Exact {
  exact(a);
  exact(b);
  const dims = broadcast(a.dims, b.dims);
  const [p, q] = [spread(a, dims), spread(b, dims)];
  return made(
    dims,
    p.map((at, i) => a.num[at]! * b.num[q[i]!]!),
    p.map((at, i) => denOf(a, at) * denOf(b, q[i]!)),
  );
}

function div([x, y]: Exact[]): Exact {
  exact(x);
  whole(y);
  const dims = broadcast(x.dims, y.dims);
  const from = spread(x, dims);
  const by = spread(y, dims).map((at) => y.num[at]!);
  const num = from.map((at) => x.num[at]!);
  const den = from.map((at, i) => denOf(x, at) * by[i]!);
  for (const [i, n] of num.entries()) {
    need(by[i]! >= 1n, `divides by ${by[i]}`);
    need(abs(n) < QUOTIENT_END * den[i]!, `${n}/${den[i]} is over 2^22`);
  }
  return { dims, num, den, raw: 'quotient' };
}

function sqrt([x]: Exact[]): Exact {
  whole(x);
  for (const v of x.num) need(v >= 1n && v <= 4094n ** 2n, `the root of ${v}`);
  return { ...x, raw: 'root' };
}

/** Whether 2.5 ULP, 2.5·2^−23 of it at most, take a quotient over or onto an integer. */
function misses(num: bigint, den: bigint): boolean {
  const rest = num - floorOf(num, den) * den;
  const distance = rest < den - rest ? rest : den - rest;
  return 5n * abs(num) >= FLOAT_EXACT * distance;
}

/** A quotient's floor may miss by one where an integer is near, a root's anywhere. */
function floor([x]: Exact[], skew: Skew): Exact {
  need(x !== undefined, 'reads nothing');
  const { dims, num, den, raw } = x;
  if (raw === 'root')
    return made(
      dims,
      num.map((v) => rootOf(v) + skew()),
    );
  if (!den) return x;
  const floors = num.map((n, i) => {
    const q = floorOf(n, den[i]!);
    return raw && misses(n, den[i]!) ? q + skew() : q;
  });
  return made(dims, floors);
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

/** Entries of t at places. */
const moved = (t: Exact, dims: readonly number[], from: readonly number[]): Exact => ({
  dims,
  num: from.map((at) => t.num[at]!),
  den: t.den && from.map((at) => t.den![at]!),
});

function gather([data, indices]: Exact[], { axis }: OnnxNode['attributes']): Exact {
  exact(data);
  whole(indices);
  const at = axis as number;
  const along = at < 0 ? at + data.dims.length : at;
  const [before, after] = [data.dims.slice(0, along), data.dims.slice(along + 1)];
  const [size, inner] = [data.dims[along]!, sizeOf(after)];
  const from: number[] = [];
  for (let o = 0; o < sizeOf(before); o++)
    for (const index of indices.num) {
      need(index >= 0n && index < BigInt(size), `index ${index} of ${size}`);
      const start = (o * size + Number(index)) * inner;
      for (let i = 0; i < inner; i++) from.push(start + i);
    }
  return moved(data, [...before, ...indices.dims, ...after], from);
}

/** Of a table of rank 1: entry by entry. */
const gatherElements = (x: Exact[], a: OnnxNode['attributes']): Exact => {
  need(x[0]?.dims.length === 1 && x[1]?.dims.length === 1, 'elements of more than one axis');
  return gather(x, a);
};

/** Entries over constant axes, one list per entry of the result. */
function reduce(
  [x, axes]: Exact[],
  { keepdims }: OnnxNode['attributes'],
  f: (entries: bigint[]) => bigint,
): Exact {
  exact(x);
  // Over one denominator, so that entries compare and add.
  const common = (x.den ?? []).reduce((d, e) => (e > d ? e : d), 1n);
  const rank = x.dims.length;
  const over = new Set(axes!.num.map((a) => (Number(a) + rank) % rank));
  const strides = stridesOf(x.dims);
  const part = (inside: boolean): [number[], number[]] => {
    const at = x.dims.map((_, d) => d).filter((d) => over.has(d) === inside);
    return [at.map((d) => x.dims[d]!), at.map((d) => strides[d]!)];
  };
  const [kept, summed] = [part(false), part(true)];
  const moves = places(...summed);
  const entry = (at: number): bigint => (x.num[at]! * common) / denOf(x, at);
  const num = places(...kept).map((start) => f(moves.map((move) => entry(start + move))));
  return made(
    keepdims ? x.dims.map((d, i) => (over.has(i) ? 1 : d)) : kept[0],
    num,
    num.map(() => common),
  );
}

const sum = (entries: bigint[]): bigint => {
  const reach = entries.reduce((total, x) => total + abs(x), 0n);
  need(reach <= FLOAT_EXACT, `sums magnitudes of ${reach}`);
  return entries.reduce((total, x) => total + x, 0n);
};

function slice([x, starts, ends, axes]: Exact[]): Exact {
  exact(x);
  const [dims, strides] = [[...x.dims], stridesOf(x.dims)];
  let start = 0;
  for (const [i, axis] of axes!.num.map(Number).entries()) {
    const from = Number(starts!.num[i]!);
    dims[axis] = Number(ends!.num[i]!) - from;
    start += from * strides[axis]!;
  }
  return moved(x, dims, places(dims, strides, start));
}

function concat(parts: Exact[], { axis }: OnnxNode['attributes']): Exact {
  parts.forEach(exact);
  const along = ((axis as number) + parts[0]!.dims.length) % parts[0]!.dims.length;
  const dims = [...parts[0]!.dims];
  dims[along] = parts.reduce((total, p) => total + p.dims[along]!, 0);
  const [num, den]: [bigint[], bigint[]] = [[], []];
  for (let o = 0; o < sizeOf(dims.slice(0, along)); o++)
    for (const p of parts) {
      const length = sizeOf(p.dims.slice(along));
      for (let at = o * length; at < (o + 1) * length; at++) {
        num.push(p.num[at]!);
        den.push(denOf(p, at));
      }
    }
  return made(dims, num, den);
}

function transpose([x]: Exact[], { perm }: OnnxNode['attributes']): Exact {
  exact(x);
  const order = perm as number[];
  const strides = stridesOf(x.dims);
  const dims = order.map((d) => x.dims[d]!);
  const from = order.map((d) => strides[d]!);
  return moved(x, dims, places(dims, from));
}

const most = pairs((a, b) => (a > b ? a : b));
const least = pairs((a, b) => (a < b ? a : b));

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
  Max: most,
  Min: least,
  Clip: ([x, low, high]) => least([most([x!, low!]), high!]),
  Cast: ([x]) => (whole(x), x),
  MatMul: matmul,
  Gather: gather,
  GatherElements: gatherElements,
  Reshape: ([x, dims]) => (exact(x), { ...x, dims: dims!.num.map(Number) }),
  Transpose: transpose,
  Slice: slice,
  Concat: concat,
  ReduceSum: (x, a) => reduce(x, a, sum),
  ReduceMax: (x, a) => reduce(x, a, (all) => all.reduce((p, v) => (v > p ? v : p))),
};

/** Any float is a whole number over a power of two. */
function constantOf(t: OnnxTensor): Exact {
  const data = Array.from(t.data as ArrayLike<number | bigint>, Number);
  const bits = data.map((x) => {
    need(Number.isFinite(x), `constant ${t.name} holds ${x}`);
    let n = 0;
    while (!Number.isInteger(x * 2 ** n)) n++;
    return n;
  });
  return made(
    t.dims,
    data.map((x, i) => BigInt(x * 2 ** bits[i]!)),
    bits.map((n) => 2n ** BigInt(n)),
  );
}

/** Every tensor of a graph. @throws Inexact where float32 need not give it */
export function exactGraph(
  graph: OnnxGraph,
  inputs: ExactTensors,
  skew: Skew = () => 0n,
): ExactTensors {
  const known: ExactTensors = new Map(inputs);
  for (const c of graph.constants) known.set(c.name, constantOf(c));
  for (const { op, name, inputs: names, outputs, attributes } of graph.nodes) {
    const x = names.map((n) => known.get(n)!);
    try {
      const operator = OPERATORS[op];
      need(op === 'Floor' || operator !== undefined, `no operator ${op}`);
      known.set(outputs[0]!, operator?.(x, attributes) ?? floor(x, skew));
    } catch (e) {
      if (e instanceof Inexact) e.message = `${name}: ${e.message}`;
      throw e;
    }
  }
  return known;
}

/** Bounds are whole numbers of parts: of 2^−24, or of that shifted again. */
const PARTS = 2n ** 64n;
const inParts = (x: number): bigint => BigInt(x * 2 ** 64);

/** Index of the first entry outside lo..hi, or −1. */
function outside(t: Exact, { lo, hi }: Value): number {
  const [from, to] = [inParts(lo), inParts(hi)];
  return t.num.findIndex((n, i) => {
    const x = n * PARTS;
    // √x ≥ lo holds for every lo ≤ 0.
    if (t.raw === 'root') return (lo > 0 && from * from > x * PARTS) || x * PARTS > to * to;
    const den = denOf(t, i);
    return from * den > x || x > to * den;
  });
}

/** Whether every entry is a multiple of the part that is claimed, an odd one where that is. */
function keepsParts(t: Exact, { bits, odd }: Value): boolean {
  const part = 2n ** BigInt(bits);
  return t.num.every((n, i) => {
    const [units, den] = [n * part, denOf(t, i)];
    return units % den === 0n && (!odd || (units / den) % 2n !== 0n);
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
    if (claim.bits < Infinity && (t.raw || !keepsParts(t, claim)))
      return `${name} is not in parts of 2^-${claim.bits}`;
    const at = outside(t, claim);
    if (at >= 0) return `${name} = ${t.num[at]} is outside ${claim.lo}..${claim.hi}`;
  }
  return undefined;
}
