/**
 * A segment's graph as what has to be computed (points, products, pools, leftovers) and where operands lie. Movement
 * of data vanishes: a Reshape, Transpose, Slice or Gather by constants is a view of what is stored.
 */
import { interpret } from '../interpreter.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../package/onnx.ts';
import type { Value } from '../checker/value.ts';
import type { Role, Storage } from './types.ts';
import {
  broadcastView,
  dense,
  isPlain,
  merge,
  relocate,
  reshapeView,
  rowMajor,
  sizeOf,
  sliceView,
  transposeView,
  type View,
} from './views.ts';

/** Thrown inside the plan only: a segment that no plan covers, with the reason for the report. */
export class Uncovered extends Error {}
export function cover(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new Uncovered(reason);
}

/** A tensor in memory: where its axes lie in a buffer. */
export interface Store {
  readonly dims: readonly number[];
  /** Set when the first reader or writer is bound. */
  buffer: number | undefined;
  readonly role: Role;
  storage: Storage;
  /** Elements of the whole buffer; undefined: as many as the dims say. */
  readonly elements?: number;
  readonly perSequence: boolean;
  strides: readonly number[];
  offset: number;
  /** Rows are found through a list of row numbers, `scale` elements each. */
  readonly list?: { readonly store: Store; readonly scale: number };
  /** The buffer that this is a part of. */
  readonly part?: Store;
  /** Entries, where they are constant. */
  readonly data?: ArrayLike<number>;
  /** Times that a step reads it. */
  reads: number;
}

/** A tensor as it is read: a point's result in its own order, or a view of what is stored. */
export type Ref = { readonly dims: readonly number[] } & (
  | { readonly point: Point }
  | { readonly point?: undefined; readonly store: Store; readonly view: View }
);

/** What a row program computes: one number for each element, or for each group of its operand's. */
export interface Point {
  readonly name: string;
  readonly op: string;
  readonly dims: readonly number[];
  readonly args: readonly Ref[];
  readonly value: Value;
  /** Columns of a row when it is computed by itself. */
  readonly columns: number;
  store: Store | undefined;
  /** Other segments read it, or a linear. */
  isOutput: boolean;
}
export interface Product {
  readonly kind: 'product';
  readonly left: Operand;
  readonly right: Operand;
  readonly out: Store;
  readonly value: Value;
}
export interface Operand {
  readonly store: Store;
  readonly view: View;
  readonly dims: readonly number[];
}
export interface Pool {
  readonly kind: 'pool';
  readonly op: 'sum' | 'most';
  readonly from: Operand;
  /** Axes lead × rows × rest of the operand. */
  readonly axis: number;
  readonly axes: number;
  readonly out: Store;
}
export interface Leftover {
  readonly kind: 'leftover';
  readonly node: OnnxNode;
  readonly constants: readonly OnnxTensor[];
  readonly inputs: readonly { readonly name: string; readonly point: Point }[];
  readonly out: Store;
}
export type Item = Point | Product | Pool | Leftover;
export const isPoint = (item: Item): item is Point => !('kind' in item);

/** Entries that the interpreter may be given in a segment: it takes about 20 ns for each. */
const LEFTOVER_MAX = 2 ** 17;
/** Entries of a segment's constants that are made of constants: 16 MB. */
const EXPANDED_MAX = 2 ** 22;
const POINTWISE = new Map<string, string>([
  ['Add', 'add'],
  ['Sub', 'sub'],
  ['Mul', 'mul'],
  ['Max', 'max'],
  ['Min', 'min'],
  ['Greater', 'gt'],
  ['GreaterOrEqual', 'ge'],
  ['Less', 'lt'],
  ['LessOrEqual', 'le'],
  ['Div', 'quotient'],
  ['Floor', 'floor'],
  ['Sqrt', 'sqrt'],
  ['Clip', 'clip'],
]);
const FITS_INT16 = { lo: -32_768, hi: 32_767 };

export const storageFor = ({ lo, hi, bits }: Pick<Value, 'lo' | 'hi' | 'bits'>): Storage =>
  bits === 0 && lo >= FITS_INT16.lo && hi <= FITS_INT16.hi ? 'i16' : 'f32';

/** Whether each element of the result reads one element of the operand in the same order: equal, or ending in ones. */
export function isPrefix(from: readonly number[], to: readonly number[]): boolean {
  const full = [...new Array<number>(Math.max(0, to.length - from.length)).fill(1), ...from];
  const last = full.findLastIndex((d) => d > 1);
  return full.every((d, i) => d === to[i] || i > last);
}

/** The tensor whose buffer a store is a part of. */
export const rootOf = (store: Store): Store => (store.part ? rootOf(store.part) : store);

export const storeOf = (
  role: Role,
  storage: Storage,
  dims: readonly number[],
  more: Partial<Store> = {},
): Store => ({
  role,
  storage,
  dims,
  strides: rowMajor(dims),
  offset: 0,
  buffer: undefined,
  perSequence: true,
  reads: 0,
  ...more,
});

/** Gives a point a place in memory. */
export function keep(point: Point, storage = storageFor(point.value)): Store {
  return (point.store ??= storeOf({ kind: 'temporary' }, storage, point.dims));
}

/** The graph's tensors, resolved node by node. `inputs`: where the segment's inputs lie. */
export class Tensors {
  readonly items: Item[] = [];
  readonly report: string[] = [];
  readonly #refs = new Map<string, Ref>();
  readonly #constants: ReadonlyMap<string, OnnxTensor>;
  readonly #folded = new Map<string, OnnxTensor>();
  readonly #values: ReadonlyMap<string, Value>;
  readonly #outputs: ReadonlyMap<string, Store>;
  #leftover = 0;
  #expanded = 0;

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
    for (const node of liveNodes(graph)) this.#node(node);
    // What is a view, a product or a part of something else is written once more.
    for (const name of outputs.keys()) {
      const ref = this.#ref(name);
      if (ref.point?.name !== name) this.#copy(ref, undefined, name);
    }
  }

  #value = (name: string): Value => this.#values.get(name)!;
  #constant = (name: string): OnnxTensor | undefined =>
    this.#constants.get(name) ?? this.#folded.get(name);

  /** Numbers of a constant that gives a shape, axes or places. */
  #numbers(name: string): number[] {
    const constant = this.#constant(name);
    cover(constant, `${name} is no constant`);
    return Array.from(constant.data, Number);
  }

  #ref(name: string): Ref {
    const known = this.#refs.get(name);
    if (known) return known;
    const constant = this.#constant(name);
    cover(constant, `${name} is not made`);
    const { dims } = constant;
    const data =
      constant.data instanceof BigInt64Array ? Array.from(constant.data, Number) : constant.data;
    const ref = { dims, store: constantStore(dims, data), view: dense(dims) };
    this.#refs.set(name, ref);
    return ref;
  }

  #point(made: Omit<Point, 'store' | 'isOutput' | 'columns'> & { columns?: number }): Ref {
    const { name, dims } = made;
    const store = this.#outputs.get(name);
    const isOutput = store !== undefined;
    const point: Point = { columns: columnsOf(dims), ...made, store, isOutput };
    this.items.push(point);
    return { dims, point };
  }

  /** The same numbers in a place of their own, in row-major order; `storage`: as which it must be stored. */
  #copy(ref: Ref, storage?: Storage, name = '(copy)'): Point {
    let columns = columnsOf(ref.dims);
    if (!ref.point) {
      const last = merge(located(ref).dims.flat()).at(-1);
      // Elements side by side are read four at a time, others one by one.
      if (last && (last.stride !== 1 || last.index)) columns = 1;
      else if (last && columns % last.n === 0) columns = last.n;
    }
    const value = valueOf(ref);
    const { point } = this.#point({
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
  #view(ref: Ref, storage?: Storage): { store: Store; view: View } {
    if (!ref.point) return { store: ref.store, view: ref.view };
    const store = keep(ref.point, storage);
    return { store, view: dense(ref.dims) };
  }

  /** A view of the same elements, or, where there is none, of a copy. */
  #moved(ref: Ref, dims: readonly number[], move: (view: View) => View | undefined): Ref {
    const asked = ref.point ? { view: dense(ref.dims) } : ref;
    const view = move(asked.view);
    if (view && ref.point && isPlain(view, sizeOf(ref.dims))) return { dims, point: ref.point };
    if (view) return { dims, ...this.#view(ref), view };
    const point = this.#copy(ref);
    const again = move(dense(ref.dims));
    cover(again, 'a view of a copy');
    return { dims, store: keep(point), view: again };
  }

  #node(node: OnnxNode): void {
    const name = node.outputs[0]!;
    const value = this.#value(name);
    if (!value.perSequence) {
      const constants = node.inputs.map((i) => this.#constant(i));
      cover(
        constants.every((c) => c !== undefined),
        `${name} of what is no constant`,
      );
      this.#expanded += sizeOf(value.dims);
      cover(this.#expanded <= EXPANDED_MAX, `${node.name}: large constants`);
      this.#folded.set(name, fold(node, constants, value));
      return;
    }
    const made = this.#resolve(node, name, value);
    this.#refs.set(name, made ?? this.#leftOver(node, name, value));
  }

  /** Undefined: only the interpreter has it. */
  #resolve(node: OnnxNode, name: string, value: Value): Ref | undefined {
    const { dims } = value;
    const x = this.#ref(node.inputs[0]!);
    switch (node.op) {
      case 'Cast':
        return x;
      case 'Reshape':
        return x.point
          ? { dims, point: x.point }
          : this.#moved(x, dims, (v) => reshapeView(v, dims));
      case 'Transpose': {
        const perm = node.attributes.perm as readonly number[];
        this.#layOut(x, perm);
        return this.#moved(x, dims, (v) => transposeView(v, perm));
      }
      case 'Slice': {
        const [from, to, axes] = node.inputs.slice(1).map((i) => this.#numbers(i));
        return this.#moved(x, dims, (v) =>
          axes!.reduce<View | undefined>(
            (view, axis, i) => view && sliceView(view, axis, from![i]!, to![i]!),
            v,
          ),
        );
      }
      case 'Concat':
        return this.#join(node, value);
      case 'Gather':
        return this.#gather(node, name, value);
      case 'GatherElements':
        return this.#lookup(x, this.#ref(node.inputs[1]!), name, value);
      case 'MatMul':
        return this.#product(x, this.#ref(node.inputs[1]!), name, dims);
      case 'ReduceSum':
      case 'ReduceMax':
        return this.#reduce(node, x, name, value);
      default:
        return this.#pointwise(node, name, value);
    }
  }

  /** Entries of a table by a flat list of places; what is looked up keeps the shape that the places had. */
  #lookup(table: Ref, places: Ref, name: string, value: Value): Ref {
    const at = places.point ? { ...places, dims: places.point.dims } : places;
    const { point } = this.#point({ name, op: 'table', dims: at.dims, args: [table, at], value });
    return { dims: value.dims, point: point! };
  }

  #pointwise(node: OnnxNode, name: string, value: Value): Ref {
    const op = POINTWISE.get(node.op);
    cover(op, `operator ${node.op}`);
    // The checker matched a quotient's Floor, or it would not have let the Div in; what it matched has no part.
    cover(op !== 'quotient' || value.bits === Infinity, `${name}: a quotient outside its form`);
    const args = node.inputs.map((i) => this.#operand(this.#ref(i), value.dims));
    return this.#point({ name, op, dims: value.dims, args, value });
  }

  /** An operand of an operator with a result of `dims`: stored, where the operator reads it in another order. */
  #operand(ref: Ref, dims: readonly number[]): Ref {
    if (ref.point) {
      if (isPrefix(ref.dims, dims)) return ref;
      return { dims: ref.dims, ...this.#view(ref) };
    }
    if (ref.store.data) return ref;
    const view = broadcastView(located(ref), ref.dims, dims);
    const column = merge(view.dims.at(-1) ?? []);
    const isRow =
      column.length === 0 || (column.length === 1 && column[0]!.stride <= 1 && !column[0]!.index);
    if (isRow) return ref;
    const point = this.#copy(ref);
    return isPrefix(ref.dims, dims)
      ? { dims: ref.dims, point }
      : { dims: ref.dims, ...this.#view({ dims: ref.dims, point }) };
  }

  /** What its first reader turns is written as that wants it, where the last axis stays the last. */
  #layOut({ dims, point }: Ref, perm: readonly number[]): void {
    if (!point || point.store || perm.at(-1) !== perm.length - 1) return;
    const axes = axesOf(dims, point.dims);
    if (!axes) return;
    const order = perm.flatMap((p) => axes[p]!);
    const turned = rowMajor(order.map((axis) => point.dims[axis]!));
    keep(point).strides = point.dims.map((_, axis) => turned[order.indexOf(axis)]!);
  }

  #join(node: OnnxNode, value: Value): Ref {
    const axis = ((node.attributes.axis as number) + value.dims.length) % value.dims.length;
    const whole = storeOf({ kind: 'temporary' }, storageFor(value), value.dims);
    let at = 0;
    for (const input of node.inputs) {
      const ref = this.#ref(input);
      const free =
        ref.point &&
        !ref.point.store &&
        ref.dims.length === ref.point.dims.length &&
        ref.dims.every((d, i) => d === ref.point.dims[i]);
      const point = free ? ref.point : this.#copy(ref);
      const offset = at * whole.strides[axis]!;
      point.store = { ...whole, dims: ref.dims, offset, part: whole };
      at += ref.dims[axis]!;
    }
    return { dims: value.dims, store: whole, view: dense(value.dims) };
  }

  /** Rows or entries of a table by numbers, or places of a tensor by constant numbers: read through a list. */
  #gather(node: OnnxNode, name: string, value: Value): Ref | undefined {
    const { dims } = value;
    const [x, places] = node.inputs.map((i) => this.#ref(i)) as [Ref, Ref];
    const axis = ((node.attributes.axis as number) + x.dims.length) % x.dims.length;
    if (!x.point && x.store.data && x.dims.length === 1)
      return this.#lookup(x, places, name, value);
    // Columns that a list picks do not lie side by side.
    if (axis === x.dims.length - 1) return undefined;
    // What already reads through a list gets a place of its own.
    const isListed = x.point ?? x.store.list;
    const from = this.#view(isListed ? { dims: x.dims, point: this.#copy(x) } : x);
    const list = this.#list(places);
    const main = located(from);
    const through = located(list);
    const step = merge(main.dims[axis]!);
    if (step.length > 1) return undefined;
    const view: View = {
      offset: 0,
      indexOffset: 0,
      dims: [
        ...main.dims.slice(0, axis),
        ...through.dims.map((d) => d.map(({ n, stride }) => ({ n, stride: 0, index: stride }))),
        ...main.dims.slice(axis + 1),
      ],
    };
    // The view has followed the strides of both already.
    const numbers = {
      ...list.store,
      offset: list.store.offset + through.offset,
      part: list.store,
    };
    // What a list picks of a constant is none: its entries are not those of the constant in order.
    const { data: _, ...found } = from.store;
    const store: Store = {
      ...found,
      dims: [],
      strides: [],
      offset: from.store.offset + main.offset,
      part: from.store,
      list: { store: numbers, scale: step[0]?.stride ?? 0 },
    };
    return { dims, store, view };
  }

  /** Numbers of rows as int32. */
  #list(places: Ref): { store: Store; view: View } {
    if (!places.point && places.store.data)
      return {
        store: constantStore(places.dims, places.store.data, 'i32'),
        view: dense(places.dims),
      };
    if (!places.point && places.store.storage === 'i32' && !places.store.list) return places;
    return this.#view({ dims: places.dims, point: this.#copy(places, 'i32') });
  }

  #product(x: Ref, y: Ref, name: string, dims: readonly number[]): Ref {
    const left = this.#matrix(x, -1);
    const right = this.#matrix(y, undefined);
    const out = storeOf({ kind: 'temporary' }, 'i32', dims);
    this.items.push({ kind: 'product', left, right, out, value: this.#value(name) });
    return { dims, store: out, view: dense(dims) };
  }

  /** An operand as int16, one of whose last two axes (`side` −1: the last) has its elements side by side. */
  #matrix(ref: Ref, side: -1 | undefined): Operand {
    const { dims } = ref;
    if (ref.point) {
      if (ref.point.store && ref.point.store.storage !== 'i16')
        return this.#matrix({ dims, point: this.#copy(ref) }, side);
      return { dims, ...this.#view(ref, 'i16') };
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
    // `temporary` alone may still become int16.
    if (fits && !ref.store.list && ref.store.storage === 'i16') return ref;
    return this.#matrix({ dims, point: this.#copy(ref) }, side);
  }

  #reduce(node: OnnxNode, x: Ref, name: string, value: Value): Ref | undefined {
    const op = node.op === 'ReduceSum' ? 'sum' : 'most';
    const rank = x.dims.length;
    const axes = this.#numbers(node.inputs[1]!).map((a) => (a < 0 ? a + rank : a));
    const wide = axes.filter((a) => x.dims[a]! > 1).sort((a, b) => a - b);
    const { dims } = value;
    if (!wide.length) return this.#moved(x, dims, (v) => reshapeView(v, dims));
    const first = wide[0]!;
    const last = wide.at(-1)!;
    const between = x.dims
      .slice(first, last + 1)
      .every((d, i) => d === 1 || wide.includes(first + i));
    if (!between) return undefined;
    if (x.dims.slice(last + 1).every((d) => d === 1)) {
      const operand = this.#operand(x, x.dims);
      const args = [{ ...operand, dims: x.dims }];
      return this.#point({ name, op, dims, args, value });
    }
    const from = { dims: x.dims, ...this.#rows(x, last) };
    const out = storeOf({ kind: 'temporary' }, 'f32', dims);
    this.items.push({ kind: 'pool', op, from, axis: first, axes: last - first + 1, out });
    return { dims, store: out, view: dense(dims) };
  }

  /** A stored operand of a pool, whose axes after `last` lie side by side. */
  #rows(ref: Ref, last: number): { store: Store; view: View } {
    if (!ref.point) {
      const moved = located(ref);
      const rest = merge(moved.dims.slice(last + 1).flat());
      const rows = merge(moved.dims.slice(0, last + 1).flat());
      const beside = !rest.length || (rest.length === 1 && rest[0]!.stride === 1);
      if (beside && rows.length && !ref.store.list) return ref;
      return this.#view({ dims: ref.dims, point: this.#copy(ref) });
    }
    return this.#view(ref);
  }

  #leftOver(node: OnnxNode, name: string, value: Value): Ref {
    const inputs: { name: string; point: Point }[] = [];
    const constants: OnnxTensor[] = [];
    for (const input of new Set(node.inputs)) {
      const constant = this.#constant(input);
      if (constant) constants.push(constant);
      else {
        const point = this.#copy(this.#ref(input), 'f32');
        this.#leftover += sizeOf(point.dims);
        inputs.push({ name: input, point });
      }
    }
    this.#leftover += sizeOf(value.dims);
    cover(this.#leftover <= LEFTOVER_MAX, `${node.name}: too much for the interpreter`);
    const out = storeOf({ kind: 'temporary' }, 'f32', value.dims);
    this.items.push({ kind: 'leftover', node, constants, inputs, out });
    this.report.push(`${node.op} ${name} is interpreted`);
    return { dims: value.dims, store: out, view: dense(value.dims) };
  }
}

/** What is known about the numbers behind a ref; of a store, what its storage can hold. */
function valueOf(ref: Ref): Value {
  if (ref.point) return ref.point.value;
  const most = { i8: 127, i16: 32_767, i32: 2 ** 24, f32: 2 ** 24 }[ref.store.storage];
  const bits = ref.store.storage === 'f32' ? Infinity : 0;
  return { type: 'float32', dims: ref.dims, lo: -most, hi: most, bits, perSequence: true };
}

export function constantStore(
  dims: readonly number[],
  data: ArrayLike<number>,
  storage: Storage = 'f32',
): Store {
  const kinds = { f32: Float32Array, i32: Int32Array, i16: Int16Array, i8: Int16Array };
  const kept = kinds[storage].from(data);
  return storeOf({ kind: 'constant', data: kept }, storage, dims, {
    perSequence: false,
    data: kept,
  });
}

/** Rows of a table outside the graphs, one for each entry of a list. */
const listed = ([rows, width]: readonly number[]): View => ({
  offset: 0,
  indexOffset: 0,
  dims: [[{ n: rows!, stride: 0, index: 1 }], [{ n: width!, stride: 1, index: 0 }]],
});

/** A view as its buffer lies. */
export function located({ store, view }: { readonly store: Store; readonly view: View }): View {
  const found = relocate(view, store.dims, store.strides);
  cover(found, 'a view across the axes of a turned tensor');
  return found;
}

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

/** Nodes that something the segment gives depends on, in order. */
function liveNodes(graph: OnnxGraph): OnnxNode[] {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const live: OnnxNode[] = [];
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.some((o) => needed.has(o))) {
      live.unshift(node);
      for (const i of node.inputs) needed.add(i);
    }
  return live;
}

/** A constant made of constants. */
function fold(node: OnnxNode, inputs: readonly OnnxTensor[], value: Value): OnnxTensor {
  const name = node.outputs[0]!;
  const { data, dims } = interpret({ nodes: [node], constants: inputs }, new Map()).get(name)!;
  return { name, dims, type: value.type === 'int32' ? 'int32' : 'float32', data };
}
