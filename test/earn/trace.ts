/**
 * Which tokens each entry of a segment depends on, and what the segment costs: a reading of its ONNX graph that shares
 * nothing with the checker. An entry's value is unknown here; it is the set of the tokens that it was made from.
 */
import { parseOnnx, type OnnxGraph, type OnnxNode } from '../../src/miner/package/onnx.ts';

/** What segments are made of, each a resource with a price of its own. */
export const KINDS = ['products', 'arithmetic', 'look-ups', 'movement', 'reductions'] as const;
export type Kind = (typeof KINDS)[number];
export type Counts = Readonly<Record<Kind, number>>;

/** Sets of tokens by number, each kept once: a tensor names one for each entry. Set 0 is empty. */
export class TokenSets {
  readonly #sets: bigint[] = [0n];
  readonly #sizes: number[] = [0];
  readonly #numbers = new Map([['0', 0]]);
  readonly #unions = new Map<number, number>();
  /** Neighbouring entries mostly have the same two sets. */
  #last = { a: 0, b: 0, both: 0 };

  of(tokens: bigint): number {
    // A text, because a Map tells large integers apart by their lowest word alone.
    const name = tokens.toString(16);
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    const number = this.#sets.push(tokens) - 1;
    this.#sizes.push(tokens.toString(2).replaceAll('0', '').length);
    this.#numbers.set(name, number);
    return number;
  }

  union(a: number, b: number): number {
    if (a === b || !b) return a;
    if (!a) return b;
    const last = this.#last;
    if (a === last.a && b === last.b) return last.both;
    const key = Math.min(a, b) * 2 ** 24 + Math.max(a, b);
    let both = this.#unions.get(key);
    if (both === undefined) {
      both = this.of(this.#sets[a]! | this.#sets[b]!);
      this.#unions.set(key, both);
    }
    this.#last = { a, b, both };
    return both;
  }

  /** One bit for each token. */
  tokens(set: number): bigint {
    return this.#sets[set]!;
  }

  /** Tokens in a set. */
  size(set: number): number {
    return this.#sizes[set]!;
  }
}

export interface Traced {
  readonly dims: readonly number[];
  /** Set of each entry, row-major. */
  readonly sets: Int32Array;
}

const count = (dims: readonly number[]): number => dims.reduce((product, d) => product * d, 1);
const KIND_OF: Readonly<Record<string, Kind>> = {
  MatMul: 'products',
  Gather: 'look-ups',
  GatherElements: 'look-ups',
  Transpose: 'movement',
  Slice: 'movement',
  Concat: 'movement',
  Reshape: 'movement',
  ReduceSum: 'reductions',
  ReduceMax: 'reductions',
};

/** Steps between neighbours of each axis. */
function strides(dims: readonly number[]): number[] {
  const steps = dims.map(() => 1);
  for (let i = dims.length - 2; i >= 0; i--) steps[i] = steps[i + 1]! * dims[i + 1]!;
  return steps;
}

/** The entry of `from` that stands at each entry of `dims`, where `from` is widened as ONNX does it. */
function widened(from: Traced, dims: readonly number[]): Int32Array {
  const lead = dims.length - from.dims.length;
  const own = strides(from.dims);
  const steps = dims.map((_, i) => (i < lead || from.dims[i - lead] === 1 ? 0 : own[i - lead]!));
  return pick(from.sets, dims, steps);
}

/** Entries of `sets` at `first` + Σ index·step, over all indices of `dims`. */
function pick(
  sets: Int32Array,
  dims: readonly number[],
  steps: readonly number[],
  first = 0,
): Int32Array {
  let at = Int32Array.of(first);
  for (const [axis, d] of dims.entries()) {
    const next = new Int32Array(at.length * d);
    for (let i = 0; i < at.length; i++)
      for (let j = 0; j < d; j++) next[i * d + j] = at[i]! + j * steps[axis]!;
    at = next;
  }
  return at.map((place) => sets[place]!);
}

interface Reading {
  readonly all: TokenSets;
  readonly values: Map<string, Traced>;
  readonly constants: ReadonlyMap<string, OnnxGraph['constants'][number]>;
}

function widest(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, i) =>
    Math.max(...shapes.map((dims) => dims[i - rank + dims.length] ?? 1)),
  );
}

/** A union over one axis, which stays with length 1. */
function across(all: TokenSets, { dims, sets }: Traced, axis: number): Traced {
  const step = strides(dims)[axis]!;
  const left = dims.map((d, i) => (i === axis ? 1 : d));
  const size = dims[axis]!;
  const out = new Int32Array(count(left));
  for (let i = 0; i < out.length; i++) {
    const first = Math.floor(i / step) * step * size + (i % step);
    for (let j = 0; j < size; j++) out[i] = all.union(out[i]!, sets[first + j * step]!);
  }
  return { dims: left, sets: out };
}

function gather({ all, constants }: Reading, node: OnnxNode, data: Traced, at: Traced): Traced {
  const axis = Number(node.attributes.axis ?? 0);
  const before = data.dims.slice(0, axis);
  const after = data.dims.slice(axis + 1);
  const dims = [...before, ...at.dims, ...after];
  const indices = constants.get(node.inputs[1]!)?.data;
  const inner = count(after);
  const whole = across(all, data, axis);
  const sets = new Int32Array(count(dims));
  for (let i = 0; i < sets.length; i++) {
    const place = Math.floor(i / inner) % at.sets.length;
    const outer = Math.floor(i / inner / at.sets.length);
    const read = indices
      ? data.sets[(outer * data.dims[axis]! + Number(indices[place])) * inner + (i % inner)]!
      : whole.sets[outer * inner + (i % inner)]!;
    sets[i] = all.union(read, at.sets[place]!);
  }
  return { dims, sets };
}

function product(all: TokenSets, a: Traced, b: Traced): Traced {
  const rows = across(all, a, a.dims.length - 1);
  const columns = across(all, b, b.dims.length - 2);
  return joined(all, [rows, columns]);
}

function joined(all: TokenSets, inputs: readonly Traced[]): Traced {
  const dims = widest(inputs.map((v) => v.dims));
  const [first, ...others] = inputs.map((v) => widened(v, dims));
  const sets = first!;
  for (const other of others)
    for (let i = 0; i < sets.length; i++) sets[i] = all.union(sets[i]!, other[i]!);
  return { dims, sets };
}

function slice(data: Traced, [starts, ends, axes, by]: readonly (readonly number[])[]): Traced {
  const steps = strides(data.dims);
  const own = [...steps];
  const dims = [...data.dims];
  let first = 0;
  for (const [i, start] of starts!.entries()) {
    const axis = axes ? axes[i]! : i;
    const step = by ? by[i]! : 1;
    const end = Math.min(ends![i]!, data.dims[axis]!);
    dims[axis] = Math.ceil((end - start) / step);
    first += start * own[axis]!;
    steps[axis] = own[axis]! * step;
  }
  return { dims, sets: pick(data.sets, dims, steps, first) };
}

function concat(parts: readonly Traced[], axis: number): Traced {
  const dims = parts[0]!.dims.map((d, i) =>
    i === axis ? parts.reduce((sum, p) => sum + p.dims[axis]!, 0) : d,
  );
  const inner = parts.map((p) => count(p.dims.slice(axis)));
  const sets = new Int32Array(count(dims));
  let at = 0;
  for (let outer = 0; at < sets.length; outer++)
    for (const [i, p] of parts.entries()) {
      sets.set(p.sets.subarray(outer * inner[i]!, (outer + 1) * inner[i]!), at);
      at += inner[i]!;
    }
  return { dims, sets };
}

function run(reading: Reading, node: OnnxNode): Traced {
  const { all, values, constants } = reading;
  const inputs = node.inputs.map((name) => values.get(name)!);
  const [a, b] = inputs as [Traced, Traced];
  const numbers = (i: number): number[] => Array.from(constants.get(node.inputs[i]!)!.data, Number);
  switch (node.op) {
    case 'MatMul':
      return product(all, a, b);
    case 'Gather':
      return gather(reading, node, a, b);
    case 'GatherElements':
      return joined(all, [b, { dims: [1], sets: across(all, a, 0).sets }]);
    case 'Reshape':
      return { dims: numbers(1), sets: a.sets };
    case 'Transpose': {
      const perm = node.attributes.perm as readonly number[];
      const dims = perm.map((axis) => a.dims[axis]!);
      const own = strides(a.dims);
      return {
        dims,
        sets: pick(
          a.sets,
          dims,
          perm.map((axis) => own[axis]!),
        ),
      };
    }
    case 'Slice':
      return slice(
        a,
        inputs.slice(1).map((_, i) => numbers(i + 1)),
      );
    case 'Concat':
      return concat(inputs, Number(node.attributes.axis));
    case 'ReduceSum':
    case 'ReduceMax': {
      const axes = numbers(1);
      const left = axes.reduce((v, axis) => across(all, v, axis), a);
      if (node.attributes.keepdims !== 0) return left;
      return { dims: left.dims.filter((_, i) => !axes.includes(i)), sets: left.sets };
    }
    default:
      return joined(all, inputs);
  }
}

export interface Costs {
  /** What the segment does. */
  readonly all: Counts;
  /** Of it, what a table could hold: entries made from so few tokens that all their cases can be listed. */
  readonly listed: Counts;
}

/**
 * Runs a graph on sets of tokens. `inputs`: by name. `isListed`: whether a table can hold what depends on so many
 * tokens. Entries written by an operator count for it, entries read for a reduction, multiplications for a product.
 */
export function trace(
  bytes: Uint8Array,
  inputs: ReadonlyMap<string, Traced>,
  all: TokenSets,
  isListed: (tokens: number) => boolean,
): { costs: Costs; outputs: ReadonlyMap<string, Traced> } {
  const graph = parseOnnx(bytes);
  if (typeof graph === 'string') throw new Error(graph);
  const values = new Map(inputs);
  const constants = new Map(graph.constants.map((c) => [c.name, c]));
  for (const { name, dims } of graph.constants)
    values.set(name, { dims, sets: new Int32Array(count(dims)) });
  const sums = {
    all: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
    listed: Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>,
  };
  for (const node of graph.nodes) {
    const made = run({ all, values, constants }, node);
    values.set(node.outputs[0]!, made);
    const read = values.get(node.inputs[0]!)!;
    const kind = KIND_OF[node.op] ?? 'arithmetic';
    // Work for each entry that is written.
    let each = 1;
    if (kind === 'products') each = read.dims.at(-1)!;
    if (kind === 'reductions') each = read.sets.length / made.sets.length;
    sums.all[kind] += each * made.sets.length;
    let [set, listed, isFew] = [-1, 0, false];
    for (const next of made.sets) {
      if (next !== set) isFew = isListed(all.size(next));
      set = next;
      if (isFew) listed++;
    }
    sums.listed[kind] += each * listed;
  }
  const outputs = new Map(graph.outputs.map(({ name }) => [name, values.get(name)!]));
  return { costs: sums, outputs };
}
