/** Loops of a step: where its rows are cut, and what each of its operands is bound to in them. */
import type { Binding, RowProgram } from '../types.ts';
import { cover, rootOf, type Store } from './stores.ts';
import { merge, regroup, sizeOf, type Atom } from './views.ts';

/** Constants that a plan makes: written out as rows read them, or products of a graph's. */
export type MadeConstants = 'spread' | 'products';

/** Buffers and programs of the whole model, shared by its segments. */
export interface Pools {
  bufferOf(store: Store): number;
  /** @throws Uncovered where there is no order of loops for it */
  programOf(program: RowProgram): number;
  /** Takes room for entries of constants that the plan makes. False: the model has none left */
  takes(made: MadeConstants, entries: number): boolean;
}

/**
 * Loops over `rows` rows, outermost first and sequences before all others, with a cut at each of the inner sizes;
 * undefined where they do not nest.
 */
export function loopsOf(
  [rows, sequences]: readonly [number, number],
  must: Iterable<number>,
  may: Iterable<number>,
): number[] | undefined {
  const nests = (cuts: readonly number[], c: number): boolean =>
    cuts.every((d) => (d > c ? d % c === 0 : c % d === 0));
  const cuts = [rows];
  for (const c of must)
    if (!cuts.includes(c)) {
      if (!nests(cuts, c)) return undefined;
      cuts.push(c);
    }
  for (const c of may) if (!cuts.includes(c) && nests(cuts, c)) cuts.push(c);
  if (!cuts.includes(1)) cuts.push(1);
  cuts.sort((a, b) => b - a);
  const loops = cuts.slice(1).map((c, i) => cuts[i]! / c);
  // One sequence is no cut, but a loop all the same.
  return sequences === 1 ? [1, ...loops] : loops;
}
/** Inner sizes at which a list of atoms has its cuts. */
export function cutsOf(atoms: readonly Atom[]): number[] {
  const sizes = merge(atoms).map(({ n }) => n);
  return sizes.map((_, i) => sizeOf(sizes.slice(i + 1)));
}
/** Inner sizes of leading dimensions that make up `rows`. */
export function cutsOfDims(dims: readonly number[], rows: number): number[] {
  let product = 1;
  return dims.flatMap((d) => {
    product *= d;
    return rows % product ? [] : [rows / product];
  });
}

/** Strides of each loop. */
export function stridesOf(atoms: readonly Atom[], loops: readonly number[]): Atom[] {
  const groups = regroup(atoms, loops);
  const found = groups?.map((g) => merge(g));
  cover(found, 'rows that are no steps of constant length');
  cover(
    found.every((g) => g.length <= 1),
    'rows that are no steps of constant length',
  );
  return found.map(([atom]) => atom ?? { n: 1, stride: 0, index: 0 });
}

/** An operand as its buffer and the strides of each loop. */
export function bind(
  { store, offset, indexOffset = 0 }: { store: Store; offset: number; indexOffset?: number },
  steps: readonly Atom[],
  pools: Pools,
): Binding {
  const strides = steps.map(({ stride }) => stride);
  const binding = { buffer: pools.bufferOf(rootOf(store)), offset: store.offset + offset, strides };
  if (!store.list) return binding;
  const { store: list, scale } = store.list;
  const index = {
    buffer: pools.bufferOf(rootOf(list)),
    offset: list.offset + indexOffset,
    strides: steps.map((s) => s.index),
    scale,
  };
  return { ...binding, index };
}

/** Counts a reader: what nobody reads is not written. */
export const touch = (store: Store): void => {
  for (let s: Store | undefined = store; s; s = s.part) s.reads++;
  if (store.list) touch(store.list.store);
};
