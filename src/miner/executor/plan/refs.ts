/**
 * Where operands lie, and how a reader gets them as it needs them: as they are, as a view of what is stored, or as a
 * copy where there is no such view.
 */
import type { OnnxGraph, OnnxTensor } from '../../package/onnx.ts';
import type { Value } from '../../checker/value.ts';
import type { Storage } from '../types.ts';
import { keep, type Item, type Operand, type Point, type Ref } from './items.ts';
import { constantStore, cover, located, rootOf, type Store } from './stores.ts';
import { broadcastView, dense, isPlain, merge, rowMajor, sizeOf, type View } from './views.ts';

/** A segment's tensors by name. `inputs`, `outputs`: where what it gets and gives lies. */
export class Refs {
  /** What has to be computed for the refs that were made so far. */
  readonly items: Item[] = [];
  readonly #refs = new Map<string, Ref>();
  readonly #constants: ReadonlyMap<string, OnnxTensor>;
  readonly #folded = new Map<string, OnnxTensor>();
  readonly #values: ReadonlyMap<string, Value>;
  readonly #outputs: ReadonlyMap<string, Store>;

  constructor(
    graph: OnnxGraph,
    values: ReadonlyMap<string, Value>,
    inputs: ReadonlyMap<string, Store>,
    outputs: ReadonlyMap<string, Store>,
  ) {
    this.#values = values;
    this.#constants = new Map(graph.constants.map((c) => [c.name, c]));
    for (const { name, dims } of graph.inputs) {
      const store = inputs.get(name)!;
      this.#refs.set(name, { dims, store, view: store.list ? listed(dims) : dense(dims) });
    }
    this.#outputs = outputs;
  }

  /** What the checker proved about a tensor. */
  readonly value = (name: string): Value => this.#values.get(name)!;
  readonly constant = (name: string): OnnxTensor | undefined =>
    this.#constants.get(name) ?? this.#folded.get(name);

  /** Numbers of a constant that gives a shape, axes or places. */
  numbers(name: string): number[] {
    const constant = this.constant(name);
    cover(constant, `${name} is no constant`);
    return Array.from(constant.data, Number);
  }

  put(name: string, ref: Ref): void {
    this.#refs.set(name, ref);
  }
  putConstant(constant: OnnxTensor): void {
    this.#folded.set(constant.name, constant);
  }

  /** A tensor that was put before, or a constant. */
  ref(name: string): Ref {
    const known = this.#refs.get(name);
    if (known) return known;
    const constant = this.constant(name);
    cover(constant, `${name} is not made`);
    const { dims } = constant;
    const data =
      constant.data instanceof BigInt64Array ? Array.from(constant.data, Number) : constant.data;
    const ref = { dims, store: constantStore(dims, data), view: dense(dims) };
    this.#refs.set(name, ref);
    return ref;
  }

  /** A new point; where the segment gives it, its place is known. */
  point(made: Omit<Point, 'store' | 'isOutput' | 'columns'> & { columns?: number }): Ref {
    const { name, dims } = made;
    const store = this.#outputs.get(name);
    const isOutput = store !== undefined;
    const point: Point = { columns: columnsOf(dims), ...made, store, isOutput };
    this.items.push(point);
    return { dims, point };
  }

  /** The same numbers in a place of their own, in row-major order; `storage`: as which it must be stored. */
  copy(ref: Ref, storage?: Storage, name = '(copy)'): Point {
    let columns = columnsOf(ref.dims);
    if (!ref.point) {
      const last = merge(located(ref).dims.flat()).at(-1);
      // Elements side by side are read four at a time, others one by one.
      if (last && (last.stride !== 1 || last.index)) columns = 1;
      else if (last && columns % last.n === 0) columns = last.n;
    }
    const value = valueOf(ref);
    const { point } = this.point({
      name,
      op: 'copy',
      dims: ref.dims,
      args: [ref],
      value,
      columns,
    });
    // A reader's rows may be longer than what lies side by side.
    if (storage || columns !== columnsOf(ref.dims)) keep(point!, storage);
    return point!;
  }

  /** A ref as a view of what is stored. */
  view(ref: Ref, storage?: Storage): { store: Store; view: View } {
    if (!ref.point) return { store: ref.store, view: ref.view };
    const store = keep(ref.point, storage);
    return { store, view: dense(ref.dims) };
  }

  /** A view of the same elements, or, where there is none, of a copy. */
  moved(ref: Ref, dims: readonly number[], move: (view: View) => View | undefined): Ref {
    const asked = ref.point ? { view: dense(ref.dims) } : ref;
    const view = move(asked.view);
    if (view && ref.point && isPlain(view, sizeOf(ref.dims))) return { dims, point: ref.point };
    if (view) return { dims, ...this.view(ref), view };
    const point = this.copy(ref);
    const again = move(dense(ref.dims));
    cover(again, 'a view of a copy');
    return { dims, store: keep(point), view: again };
  }

  /** An operand of an operator with a result of `dims`: stored, where the operator reads it in another order. */
  operand(ref: Ref, dims: readonly number[]): Ref {
    if (ref.point) {
      if (isPrefix(ref.dims, dims)) return ref;
      return { dims: ref.dims, ...this.view(ref) };
    }
    if (ref.store.data) return ref;
    const view = broadcastView(located(ref), ref.dims, dims);
    const column = merge(view.dims.at(-1) ?? []);
    const isRow =
      column.length === 0 || (column.length === 1 && column[0]!.stride <= 1 && !column[0]!.index);
    if (isRow) return ref;
    const point = this.copy(ref);
    return isPrefix(ref.dims, dims)
      ? { dims: ref.dims, point }
      : { dims: ref.dims, ...this.view({ dims: ref.dims, point }) };
  }

  /** What its first reader turns is written as that wants it, where the last axis stays the last. */
  layOut({ dims, point }: Ref, perm: readonly number[]): void {
    if (!point || point.store || perm.at(-1) !== perm.length - 1) return;
    const axes = axesOf(dims, point.dims);
    if (!axes) return;
    const order = perm.flatMap((p) => axes[p]!);
    const turned = rowMajor(order.map((axis) => point.dims[axis]!));
    keep(point).strides = point.dims.map((_, axis) => turned[order.indexOf(axis)]!);
  }

  /** Numbers of rows as int32. */
  list(places: Ref): { store: Store; view: View } {
    if (!places.point && places.store.data)
      return {
        store: constantStore(places.dims, places.store.data, 'i32'),
        view: dense(places.dims),
      };
    if (!places.point && places.store.storage === 'i32' && !places.store.list) return places;
    return this.view({ dims: places.dims, point: this.copy(places, 'i32') });
  }

  /** An operand as int16, one of whose last two axes (`side` −1: the last) has its elements side by side. */
  matrix(ref: Ref, side: -1 | undefined): Operand {
    const { dims } = ref;
    if (ref.point) {
      if (ref.point.store && ref.point.store.storage !== 'i16')
        return this.matrix({ dims, point: this.copy(ref) }, side);
      return { dims, ...this.view(ref, 'i16') };
    }
    if (ref.store.data) {
      const data = Int16Array.from({ length: sizeOf(dims) }, (_, i) => ref.store.data![i]!);
      return { dims, store: constantStore(dims, data, 'i16'), view: dense(dims) };
    }
    const moved = located(ref);
    const [row, column] = moved.dims.slice(-2).map((d) => merge(d));
    const beside = (atoms: typeof row): boolean =>
      !atoms!.length || (atoms!.length === 1 && atoms![0]!.stride === 1);
    const single = row!.length <= 1 && column!.length <= 1;
    const fits = side ? beside(column) : single && (beside(row) || beside(column));
    // `temporary` alone may still become int16; a cache is read as it is.
    const isReady = ref.store.storage === 'i16' || rootOf(ref.store).role.kind === 'cache';
    if (fits && !ref.store.list && isReady) return ref;
    return this.matrix({ dims, point: this.copy(ref) }, side);
  }

  /** A stored operand of a pool, whose axes after `last` lie side by side. */
  rows(ref: Ref, last: number): { store: Store; view: View } {
    if (!ref.point) {
      const moved = located(ref);
      const rest = merge(moved.dims.slice(last + 1).flat());
      const rows = merge(moved.dims.slice(0, last + 1).flat());
      const beside = !rest.length || (rest.length === 1 && rest[0]!.stride === 1);
      if (beside && rows.length && !ref.store.list) return ref;
      return this.view({ dims: ref.dims, point: this.copy(ref) });
    }
    return this.view(ref);
  }
}

/** Whether each element of the result reads one element of the operand in the same order: equal, or ending in ones. */
function isPrefix(from: readonly number[], to: readonly number[]): boolean {
  const full = [...new Array<number>(Math.max(0, to.length - from.length)).fill(1), ...from];
  const last = full.findLastIndex((d) => d > 1);
  return full.every((d, i) => d === to[i] || i > last);
}

/** What is known about the numbers behind a ref; of a store, what its storage can hold. */
function valueOf(ref: Ref): Value {
  if (ref.point) return ref.point.value;
  const most = { i8: 127, i16: 32_767, i32: 2 ** 24, f32: 2 ** 24 }[ref.store.storage];
  const bits = ref.store.storage === 'f32' ? Infinity : 0;
  return { type: 'float32', dims: ref.dims, lo: -most, hi: most, bits, perSequence: true };
}

/** Rows of a table outside the graphs, one for each entry of a list. */
const listed = ([rows, width]: readonly number[]): View => ({
  offset: 0,
  indexOffset: 0,
  dims: [[{ n: rows!, stride: 0, index: 1 }], [{ n: width!, stride: 1, index: 0 }]],
});

/** Axes of a tensor that make up each of the dimensions it is reshaped to; undefined: an axis is cut. */
function axesOf(dims: readonly number[], from: readonly number[]): number[][] | undefined {
  let axis = 0;
  const axes = dims.map((d) => {
    const own: number[] = [];
    for (let size = 1; size < d && axis < from.length; axis++) {
      size *= from[axis]!;
      own.push(axis);
    }
    return own;
  });
  // Axes of one element lie anywhere.
  while (axis < from.length) axes.at(-1)?.push(axis++);
  const fits = axes.every((own, i) => sizeOf(own.map((a) => from[a]!)) === dims[i]);
  return fits ? axes : undefined;
}

/** Columns of a row of a tensor that is computed by itself; one without rows is not one row for all sequences. */
const columnsOf = (dims: readonly number[]): number => (dims.length > 1 ? dims.at(-1)! : 1);
