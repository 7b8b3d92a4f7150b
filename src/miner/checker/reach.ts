/**
 * On which of a sequence's tokens every entry of a segment depends: whoever may choose among few tokens can
 * keep the results in a table, so work on them costs nothing (docs/models.md). Sets of more tokens than a table
 * can hold are one set, MANY. One sequence stands for all, since nothing tells sequences apart.
 */
import type { OnnxGraph, OnnxNode } from '../package/onnx.ts';
import { axisOf } from './shape.ts';
import { demand, sizeOf, type Value } from './value.ts';

/** Rows that depend on fewer inputs than this can be kept in a table. */
const TABLE_ROWS = 2n ** 40n;
/** Distinct sets of tokens: a model of windows has a few for each place. */
const SETS_MAX = 2 ** 16;

type SetId = number;
const NONE: SetId = 0;
export const MANY: SetId = 1;

/** Sets of at most as many tokens as a table can hold, by number. */
export class TokenSets {
  readonly #most: number;
  readonly #sets: (readonly number[])[] = [[], []];
  readonly #ids = new Map<string, SetId>([['', NONE]]);
  readonly #unions = new Map<number, SetId>();

  constructor(vocabulary: number) {
    let most = 0;
    for (let n = BigInt(vocabulary); n < TABLE_ROWS; n *= BigInt(vocabulary)) most++;
    this.#most = most;
  }

  of(tokens: readonly number[]): SetId {
    if (tokens.length > this.#most) return MANY;
    const key = tokens.join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    demand(this.#sets.length < SETS_MAX, 'work', `over ${SETS_MAX} sets of tokens`);
    this.#ids.set(key, this.#sets.length);
    return this.#sets.push(tokens) - 1;
  }

  union(a: SetId, b: SetId): SetId {
    if (a === b || b === NONE) return a;
    if (a === NONE) return b;
    if (a === MANY || b === MANY) return MANY;
    const key = Math.min(a, b) * SETS_MAX + Math.max(a, b);
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const all = new Set([...this.#sets[a]!, ...this.#sets[b]!]);
    const made = this.of([...all].sort((x, y) => x - y));
    this.#unions.set(key, made);
    return made;
  }
}

/** The sets of one sequence's entries of a tensor. */
export interface Reach {
  readonly dims: readonly number[];
  /** One for all entries, or one for each. */
  readonly sets: SetId | readonly SetId[];
}

const at = ({ sets }: Reach, i: number): SetId => (typeof sets === 'number' ? sets : sets[i]!);

function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let d = dims.length - 2; d >= 0; d--) strides[d] = strides[d + 1]! * dims[d + 1]!;
  return strides;
}

/** Where each entry of `dims` comes from, when a step along axis d moves by strides[d]. */
function places(dims: readonly number[], strides: readonly number[], start = 0): number[] {
  let all = [start];
  for (const [d, size] of dims.entries()) {
    const longer = new Array<number>(all.length * size);
    let next = 0;
    for (const place of all)
      for (let i = 0; i < size; i++) longer[next++] = place + i * strides[d]!;
    all = longer;
  }
  return all;
}

/** One set for all entries where they are alike: what follows is then quick. */
const reach = (dims: readonly number[], sets: readonly SetId[]): Reach => ({
  dims,
  sets: sets.every((set) => set === sets[0]) ? sets[0]! : sets,
});

const moved = (x: Reach, dims: readonly number[], from: readonly number[]): Reach =>
  typeof x.sets === 'number'
    ? { dims, sets: x.sets }
    : reach(
        dims,
        from.map((i) => at(x, i)),
      );

/** Places of `x` under the entries of `dims`, into which it is broadcast. */
function spread(x: Reach, dims: readonly number[]): number[] {
  const own = stridesOf(x.dims).map((s, d) => (x.dims[d] === 1 ? 0 : s));
  return places(dims, [...dims.slice(x.dims.length).map(() => 0), ...own]);
}

class Tracer {
  readonly #sets: TokenSets;
  readonly #values: ReadonlyMap<string, Value>;

  constructor(sets: TokenSets, values: ReadonlyMap<string, Value>) {
    this.#sets = sets;
    this.#values = values;
  }

  #numbers = (name: string | undefined): number[] =>
    Array.from(this.#values.get(name ?? '')?.constant ?? []);

  #join = (parts: readonly Reach[], i: number): SetId =>
    parts.reduce((set, x) => this.#sets.union(set, at(x, i)), NONE);

  /** Of all entries along some axes, which are kept with length 1. */
  along(x: Reach, axes: readonly number[]): Reach {
    const dims = x.dims.map((d, i) => (axes.includes(i) ? 1 : d));
    if (typeof x.sets === 'number') return { dims, sets: x.sets };
    const strides = stridesOf(x.dims);
    const inside = places(
      axes.map((a) => x.dims[a]!),
      axes.map((a) => strides[a]!),
    );
    const sets = places(dims, strides).map((start) =>
      inside.reduce((set, move) => this.#sets.union(set, at(x, start + move)), NONE),
    );
    return reach(dims, sets);
  }

  /** @param dims of one sequence's part of the node's result */
  of(node: OnnxNode, x: readonly Reach[], dims: readonly number[]): Reach {
    if (x.every(({ sets }) => typeof sets === 'number')) return { dims, sets: this.#join(x, 0) };
    const [a, b] = x as [Reach, Reach];
    const { attributes: { axis, perm } } = node; // prettier-ignore
    const rank = a.dims.length;
    switch (node.op) {
      case 'Reshape':
        return { ...a, dims };
      case 'Transpose': {
        const strides = stridesOf(a.dims);
        return moved(
          a,
          dims,
          places(
            dims,
            (perm as number[]).map((p) => strides[p]!),
          ),
        );
      }
      case 'Slice': {
        const [, starts, , axes] = node.inputs.map(this.#numbers);
        const strides = stridesOf(a.dims);
        const start = axes!.reduce((sum, d, i) => sum + starts![i]! * strides[d]!, 0);
        return moved(a, dims, places(dims, strides, start));
      }
      case 'Concat':
        return this.#concat(x, dims, axisOf(axis, rank));
      case 'ReduceSum':
      case 'ReduceMax': {
        const axes = this.#numbers(node.inputs[1]).map((d) => axisOf(d, rank));
        return { ...this.along(a, axes), dims };
      }
      case 'GatherElements':
        return { ...b, dims };
      case 'Gather':
        return this.#gather([a, b], this.#numbers(node.inputs[1]), dims, axisOf(axis, rank));
      case 'MatMul':
        return this.#elementwise(
          [this.along(a, [rank - 1]), this.along(b, [b.dims.length - 2])],
          dims,
        );
      default:
        return this.#elementwise(x, dims);
    }
  }

  #elementwise(x: readonly Reach[], dims: readonly number[]): Reach {
    const over = x.map((part) =>
      typeof part.sets === 'number' ? part : moved(part, dims, spread(part, dims)),
    );
    return reach(
      dims,
      Array.from({ length: sizeOf(dims) }, (_, i) => this.#join(over, i)),
    );
  }

  #concat(parts: readonly Reach[], dims: readonly number[], axis: number): Reach {
    const sets: SetId[] = [];
    for (let outer = 0; outer < sizeOf(dims.slice(0, axis)); outer++)
      for (const part of parts) {
        const length = sizeOf(part.dims.slice(axis));
        for (let i = 0; i < length; i++) sets.push(at(part, outer * length + i));
      }
    return reach(dims, sets);
  }

  /** A table's rows depend on the indices; rows of the unit are chosen by constant ones. */
  #gather(
    [data, indices]: [Reach, Reach],
    chosen: number[],
    dims: readonly number[],
    axis: number,
  ): Reach {
    const inner = sizeOf(data.dims.slice(axis + 1));
    const count = sizeOf(indices.dims);
    const sets: SetId[] = [];
    for (let outer = 0; outer < sizeOf(data.dims.slice(0, axis)); outer++)
      for (let i = 0; i < count; i++)
        for (let j = 0; j < inner; j++) {
          const from = (outer * data.dims[axis]! + (chosen[i] ?? 0)) * inner + j;
          sets.push(this.#sets.union(at(data, from), at(indices, i)));
        }
    return reach(dims, sets);
  }
}

/** One sequence's part of a tensor's dimensions. */
const partOf = (v: Value, sequences: number): number[] =>
  v.perSequence ? [v.dims[0]! / sequences, ...v.dims.slice(1)] : [...v.dims];

export interface SegmentReach {
  readonly reach: ReadonlyMap<string, Reach>;
  /** Whether each row (the entries along the last axis) of each of its outputs depends on few tokens. */
  readonly isTable: boolean;
}

/** The reach of every tensor of a segment, from that of its inputs. */
export function reachOf(
  graph: OnnxGraph,
  values: ReadonlyMap<string, Value>,
  inputs: ReadonlyMap<string, Reach>,
  { sets, sequences }: { readonly sets: TokenSets; readonly sequences: number },
): SegmentReach {
  const tracer = new Tracer(sets, values);
  const found = new Map(inputs);
  for (const { name, dims } of graph.constants) found.set(name, { dims, sets: NONE });
  for (const node of graph.nodes) {
    const [name] = node.outputs as [string];
    const x = node.inputs.map((input) => found.get(input)!);
    found.set(name, tracer.of(node, x, partOf(values.get(name)!, sequences)));
  }
  const isTable = graph.outputs.every(({ name }) => {
    const output = found.get(name)!;
    const rows = tracer.along(output, [output.dims.length - 1]);
    return typeof rows.sets === 'number' ? rows.sets !== MANY : !rows.sets.includes(MANY);
  });
  return { reach: found, isTable };
}

/** The reach of C = A·B: every entry of a row depends on all of A's row. */
export function productReach(sets: TokenSets, a: Reach, n: number): Reach {
  const rows = new Tracer(sets, new Map()).along(a, [1]);
  const dims = [a.dims[0]!, n];
  return moved(rows, dims, spread(rows, dims));
}

/** The reach of tokens [1, S] or rows of tables [S, width]. */
export function tokenReach(sets: TokenSets, tokens: number, width?: number): Reach {
  const own = Array.from({ length: tokens }, (_, i) => sets.of([i]));
  if (width === undefined) return { dims: [1, tokens], sets: own };
  return { dims: [tokens, width], sets: own.flatMap((set) => new Array<SetId>(width).fill(set)) };
}
