/**
 * The points of a program as its values: equal ones are computed once, what is stored elsewhere is an input, and
 * numbers lie outside the program, so that equal layers share it.
 */
import { magnitude } from '../../checker/value.ts';
import {
  QUICK_MAX,
  type Binary,
  type ProgramInput,
  type RowsStep,
  type RowValue,
  type Unary,
} from '../types.ts';
import type { Draft } from './assignment.ts';
import { entriesOf, lineOf, type Line } from './constants.ts';
import type { Operand, Point, Ref } from './items.ts';
import { bind, cutsOf, cutsOfDims, loopsOf, stridesOf, touch, type Pools } from './loops.ts';
import { constantStore, cover, located, rootOf, type Store } from './stores.ts';
import { broadcastView, dense, merge, regroup, sizeOf, type Atom, type View } from './views.ts';

const SHIFT_MAX = 31;

/** An input while loops are not known yet. */
interface Leaf {
  readonly input: ProgramInput;
  readonly store: Store;
  readonly offset: number;
  readonly indexOffset: number;
  readonly rows: readonly Atom[];
}

/** Values of one program. */
export class Builder {
  readonly #draft: Draft;
  readonly #sequences: number;
  readonly #pools: Pools;
  readonly #values: RowValue[] = [];
  readonly #known = new Map<string, number>();
  readonly #points = new Map<Point, number>();
  readonly #leaves: Leaf[] = [];
  readonly #leafAt = new Map<string, number>();
  readonly #numbers: number[] = [];
  readonly #roots: { readonly point: Point; readonly value: number }[];

  constructor(draft: Draft, sequences: number, pools: Pools) {
    this.#draft = draft;
    this.#sequences = sequences;
    this.#pools = pools;
    this.#roots = draft.roots.map((point) => ({ point, value: this.#point(point) }));
  }

  #put(value: RowValue): number {
    const key = JSON.stringify(value);
    const at = this.#known.get(key) ?? this.#values.push(value) - 1;
    this.#known.set(key, at);
    return at;
  }

  /**
   * Each use has a number of its own: layers whose numbers happen to be equal would be programs of their own, and a
   * shift is kept as an integer.
   */
  #number(x: number): number {
    return this.#numbers.push(x) - 1;
  }

  #point(point: Point): number {
    const known = this.#points.get(point);
    if (known !== undefined) return known;
    const made = this.#make(point);
    this.#points.set(point, made);
    return made;
  }

  #make(point: Point): number {
    const { op, args, dims } = point;
    const width = sizeOf(dims) / this.#draft.rows;
    cover(Number.isInteger(width), `${point.name} has parts of rows`);
    if (op === 'table') {
      const [table, places] = args as [Ref, Ref];
      const input = this.#table(table);
      return this.#put({ op, width, input, args: [this.#arg(places, dims)] });
    }
    if (op === 'sum' || op === 'most')
      return this.#put({ op, width, args: [this.#arg(args[0]!, args[0]!.dims)] });
    if (op === 'copy') return this.#arg(args[0]!, dims);
    const shifted = op === 'floor' ? this.#shift(point, width) : undefined;
    if (shifted !== undefined) return shifted;
    const line = lineOf(point);
    if (line && this.#pools.takes('products', entriesOf(line)))
      return this.#line(line, point.dims, width);
    const values = args.map((a) => this.#arg(a, dims));
    if (op === 'clip') {
      const [x, low, high] = values as [number, number, number];
      const least = this.#put({ op: 'max', width, args: [x, low] });
      return this.#put({ op: 'min', width, args: [least, high] });
    }
    if (values.length === 1) return this.#put({ op: op as Unary, width, args: [values[0]!] });
    const pair = values as [number, number];
    if (op === 'quotient') return this.#put({ op, width, args: pair, ...partsOf(args[0]!) });
    return this.#put({ op: op as Exclude<Binary, 'quotient'>, width, args: pair });
  }

  #line({ x, factor, plus }: Line, dims: readonly number[], width: number): number {
    const scaled = this.#put({
      op: 'mul',
      width,
      args: [this.#arg(x, dims), this.#arg(factor, dims)],
    });
    return this.#put({ op: 'add', width, args: [scaled, this.#arg(plus, dims)] });
  }

  /** Floor(x·2^−s) of whole int32 numbers in memory. */
  #shift(point: Point, width: number): number | undefined {
    const scaled = point.args[0]!.point;
    if (scaled?.op !== 'mul') return undefined;
    if (scaled.store && !this.#draft.roots.includes(scaled)) return undefined;
    const [a, b] = scaled.args as [Ref, Ref];
    const [x, bits] = shiftOf(b) === undefined ? [b, shiftOf(a)] : [a, shiftOf(b)];
    if (bits === undefined || x.point || x.store.storage !== 'i32' || x.store.list)
      return undefined;
    const leaf = this.#values[this.#leaf(x, x.dims, scaled.dims)]!;
    if (leaf.op !== 'input' || leaf.width !== width) return undefined;
    return this.#put({ op: 'shift', width, input: leaf.input, number: this.#number(bits) });
  }

  #arg(ref: Ref, dims: readonly number[]): number {
    const { point } = ref;
    if (!point) return this.#leaf(ref, ref.dims, dims);
    if (!point.store || this.#draft.roots.includes(point)) return this.#point(point);
    return this.#leaf({ store: point.store, view: dense(ref.dims) }, ref.dims, dims);
  }

  #table(table: Ref): number {
    cover(!table.point, 'a table that is computed');
    const { store } = table;
    cover(sizeOf(table.dims) <= QUICK_MAX, 'a table of over 2^22 entries');
    const input = {
      storage: store.storage,
      width: 0,
      isTable: true,
      isIndexed: false,
    };
    return this.#input({
      input,
      store,
      offset: 0,
      indexOffset: 0,
      rows: [{ n: this.#draft.rows, stride: 0, index: 0 }],
    });
  }

  #input(leaf: Leaf): number {
    touch(leaf.store);
    const { store, input, offset, indexOffset, rows } = leaf;
    const list = store.list && this.#pools.bufferOf(rootOf(store.list.store));
    const key = JSON.stringify([
      this.#pools.bufferOf(rootOf(store)),
      store.offset + offset,
      indexOffset,
      input,
      rows,
      list,
      store.list?.store.offset,
    ]);
    const at = this.#leafAt.get(key) ?? this.#leaves.push(leaf) - 1;
    this.#leafAt.set(key, at);
    return at;
  }

  /** What is stored, read by an operator with a result of `to`. */
  #leaf(
    operand: Pick<Operand, 'store' | 'view'>,
    from: readonly number[],
    to: readonly number[],
  ): number {
    const { store } = operand;
    if (store.data?.length === 1)
      return this.#put({ op: 'number', width: 1, number: this.#number(store.data[0]!) });
    const { rows } = this.#draft;
    const view = broadcastView(located(operand), from, to);
    const width = sizeOf(to) / rows;
    const cut = regroup(view.dims.flat(), [rows, width]);
    cover(cut, 'rows that end inside a step');
    const [lines, columns] = cut.map((atoms) => merge(atoms)) as [Atom[], Atom[]];
    const found = widthOf(columns);
    if (found === undefined) {
      cover(store.data, 'columns that do not lie side by side');
      return this.#spread(store.data, view.offset, lines, columns);
    }
    const input = {
      storage: store.storage,
      width: found,
      isTable: false,
      isIndexed: store.list !== undefined,
    };
    const { offset, indexOffset } = view;
    return this.#put({
      op: 'input',
      width: found,
      input: this.#input({ input, store, offset, indexOffset, rows: lines }),
    });
  }

  /** A constant written out as a row reads it, which is in another pattern than side by side. */
  #spread(
    data: ArrayLike<number>,
    offset: number,
    lines: readonly Atom[],
    columns: readonly Atom[],
  ): number {
    const own = lines.filter(({ stride }) => stride);
    const width = sizeOf(columns.map(({ n }) => n));
    const count = sizeOf(own.map(({ n }) => n)) * width;
    cover(this.#pools.takes('spread', count), 'a constant that is large in each row');
    let places = [offset];
    for (const { n, stride } of [...own, ...columns])
      places = places.flatMap((p) => Array.from({ length: n }, (_, i) => p + i * stride));
    const store = constantStore(
      [count],
      Float32Array.from(places, (p) => data[p]!),
    );
    let step = count;
    const rows = lines.map((atom) => (atom.stride ? { ...atom, stride: (step /= atom.n) } : atom));
    const input: ProgramInput = { storage: 'f32', width, isTable: false, isIndexed: false };
    return this.#put({
      op: 'input',
      width,
      input: this.#input({ input, store, offset: 0, indexOffset: 0, rows }),
    });
  }

  /** The operand of a clip, where it is whole and no larger than is quickly converted. */
  #unclipped({ op, args: [operand] }: Point): { unclipped?: number } {
    const from = op === 'clip' ? operand!.point : undefined;
    const unclipped = from && this.#points.get(from);
    if (unclipped === undefined || from!.value.bits || magnitude(from!.value) > QUICK_MAX)
      return {};
    return { unclipped };
  }

  /** The step, without what nobody reads; undefined where nothing is left. */
  step(): RowsStep | undefined {
    const kept = this.#roots.filter(
      ({ point: { isOutput, store } }) => isOutput || store!.reads > 0 || store!.part,
    );
    if (!kept.length) return undefined;
    const { rows, roots } = this.#draft;
    const targets = kept.map(({ point }) => {
      const found = located({ store: point.store!, view: dense(point.dims) });
      const view = point.store!.list ? listedRows(found) : found;
      const cut = regroup(view.dims.flat(), [rows, sizeOf(point.dims) / rows])?.map(merge);
      cover(
        cut && widthOf(cut[1]!) === sizeOf(point.dims) / rows,
        `rows of ${point.name} are not written side by side`,
      );
      return { store: point.store!, offset: view.offset, rows: cut[0]! };
    });
    const must = [
      rows / this.#sequences,
      ...this.#leaves.flatMap((l) => cutsOf(l.rows)),
      ...targets.flatMap((t) => cutsOf(t.rows)),
    ];
    const loops = loopsOf([rows, this.#sequences], must, cutsOfDims(roots[0]!.dims, rows));
    cover(loops, 'rows that do not nest');
    const inputs = this.#leaves.map((leaf) => bind(leaf, stridesOf(leaf.rows, loops), this.#pools));
    const outputs = targets.map((t) => bind(t, stridesOf(t.rows, loops), this.#pools));
    const shape = {
      inputs: this.#leaves.map(({ input }) => input),
      values: this.#values,
      outputs: kept.map(({ point, value }) => ({
        value,
        storage: point.store!.storage,
        isQuick: magnitude(point.value) <= QUICK_MAX,
        ...this.#unclipped(point),
      })),
      numbers: this.#numbers.length,
    };
    const program = this.#pools.programOf({ key: JSON.stringify(shape), ...shape });
    return { kind: 'rows', loops, program, inputs, outputs, numbers: this.#numbers };
  }
}

/** The view of what is written through a list that has an entry for each sequence. */
const listedRows = (view: View): View => ({
  ...view,
  dims: view.dims.map((atoms, i) => (i ? atoms : atoms.map((a) => ({ ...a, index: 1 })))),
});

/** How many parts a dividend has of which each is odd. */
function partsOf({ point }: Ref): { parts?: 23 | 24 } {
  if (!point?.value.odd) return {};
  const parts = magnitude(point.value) * 2 ** point.value.bits;
  if (parts < 2 ** 23) return { parts: 23 };
  return parts < 2 ** 24 - 1 ? { parts: 24 } : {};
}

/** s of a constant 2^−s. */
function shiftOf(ref: Ref): number | undefined {
  if (ref.point || ref.store.data?.length !== 1) return undefined;
  const bits = -Math.log2(ref.store.data[0]!);
  return Number.isInteger(bits) && bits >= 0 && bits <= SHIFT_MAX ? bits : undefined;
}

/** Numbers that lie side by side and make up a row, each for one column or a group of them; undefined: they do not. */
function widthOf(columns: readonly Atom[]): number | undefined {
  const [first, second] = columns;
  if (columns.some(({ index }) => index)) return undefined;
  if (!first || (columns.length === 1 && first.stride === 0)) return 1;
  if (columns.length === 1) return first.stride === 1 ? first.n : undefined;
  return columns.length === 2 && first.stride === 1 && second!.stride === 0 ? first.n : undefined;
}
