/**
 * A segment's graph as what has to be computed (points, products, pools, leftovers) and where operands lie. Movement
 * of data vanishes: a Reshape, Transpose, Slice or Gather by constants is a view of what is stored.
 */
import { interpret } from '../../interpreter.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../package/onnx.ts';
import type { Value } from '../../checker/value.ts';
import type { Item, Point, Ref } from './items.ts';
import { Refs } from './refs.ts';
import { cover, located, storageFor, storeOf, type Store } from './stores.ts';
import {
  broadcastView,
  dense,
  merge,
  reshapeView,
  rowMajor,
  sizeOf,
  sliceView,
  transposeView,
  type View,
} from './views.ts';

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

/** Where what a segment gets and gives lies, and, of a step, the sequences' positions. */
export interface Given {
  readonly inputs: ReadonlyMap<string, Store>;
  readonly outputs: ReadonlyMap<string, Store>;
  readonly positions: Store | undefined;
}

/** The graph's tensors, resolved node by node. */
export class Tensors {
  readonly report: string[] = [];
  readonly #refs: Refs;
  readonly #positions: Store | undefined;
  /** Constants made of smaller ones, as masks are of places: they are made again where they are read. */
  readonly #spread = new Map<string, OnnxNode>();
  #leftover = 0;
  #expanded = 0;

  constructor(
    graph: OnnxGraph,
    values: ReadonlyMap<string, Value>,
    { inputs, outputs, positions }: Given,
  ) {
    this.#positions = positions;
    this.#refs = new Refs(graph, values, inputs, outputs);
    for (const node of liveNodes(graph)) this.#node(node);
    // What is a view, a product or a part of something else is written once more.
    for (const name of outputs.keys()) {
      const ref = this.#refs.ref(name);
      if (ref.point?.name !== name) this.#refs.copy(ref, undefined, name);
    }
  }

  /** What has to be computed, in order. */
  get items(): readonly Item[] {
    return this.#refs.items;
  }

  #node(node: OnnxNode): void {
    const name = node.outputs[0]!;
    const value = this.#refs.value(name);
    if (!value.perSequence) {
      if (this.#isSpread(node, value)) this.#spread.set(name, node);
      else this.#fold(node, value);
      return;
    }
    if (!POINTWISE.has(node.op)) node.inputs.forEach((input) => this.#write(input));
    const made = this.#resolve(node, name, value);
    this.#refs.put(name, made ?? this.#leftOver(node, name, value));
  }

  /** Whether a constant is larger than what it is made of. */
  #isSpread({ op, inputs }: OnnxNode, { dims }: Value): boolean {
    if (op !== 'Cast' && (!POINTWISE.has(op) || op === 'Div' || op === 'Sqrt')) return false;
    const isSmaller = (i: string): boolean => {
      const constant = this.#refs.constant(i);
      return !constant || sizeOf(constant.dims) < sizeOf(dims);
    };
    return inputs.every(isSmaller) || inputs.some((i) => this.#spread.has(i));
  }

  /** Writes a constant out that is made where it is read, for who can't make it. */
  #write(name: string): void {
    const node = this.#spread.get(name);
    if (!node || this.#refs.constant(name)) return;
    this.#fold(node, this.#refs.value(name));
  }

  #fold(node: OnnxNode, value: Value): void {
    node.inputs.forEach((input) => this.#write(input));
    const constants = node.inputs.map((i) => this.#refs.constant(i));
    cover(
      constants.every((c) => c !== undefined),
      `${node.outputs[0]} of what is no constant`,
    );
    this.#expanded += sizeOf(value.dims);
    cover(this.#expanded <= EXPANDED_MAX, `${node.name}: large constants`);
    this.#refs.putConstant(fold(node, constants, value));
  }

  /** An operand of an operator with a result of `dims`; `made`: what was made for the operator's operands. */
  #argument(name: string, dims: readonly number[], made: Map<string, Ref>): Ref {
    const node = this.#spread.get(name);
    if (!node || this.#refs.constant(name)) return this.#refs.operand(this.#refs.ref(name), dims);
    const known = made.get(name);
    if (known) return known;
    const args = node.inputs.map((input) => this.#argument(input, dims, made));
    const op = POINTWISE.get(node.op);
    const value = { ...this.#refs.value(name), dims, perSequence: true };
    const ref = op ? this.#refs.point({ name, op, dims, args, value }) : args[0]!;
    made.set(name, ref);
    return ref;
  }

  /** Undefined: only the interpreter has it. */
  #resolve(node: OnnxNode, name: string, value: Value): Ref | undefined {
    const { dims } = value;
    const x = this.#refs.ref(node.inputs[0]!);
    switch (node.op) {
      case 'Cast':
        return x;
      case 'Reshape':
        return x.point
          ? { dims, point: x.point }
          : this.#refs.moved(x, dims, (v) => reshapeView(v, dims));
      case 'Transpose': {
        const perm = node.attributes.perm as readonly number[];
        this.#refs.layOut(x, perm);
        return this.#refs.moved(x, dims, (v) => transposeView(v, perm));
      }
      case 'Slice': {
        const [from, to, axes] = node.inputs.slice(1).map((i) => this.#refs.numbers(i));
        return this.#refs.moved(x, dims, (v) =>
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
        return this.#lookup(x, this.#refs.ref(node.inputs[1]!), name, value);
      case 'Cache':
        return this.#cache(node, x, value);
      case 'MatMul':
        return this.#product(x, this.#refs.ref(node.inputs[1]!), name, dims);
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
    const { point } = this.#refs.point({
      name,
      op: 'table',
      dims: at.dims,
      args: [table, at],
      value,
    });
    return { dims: value.dims, point: point! };
  }

  #pointwise(node: OnnxNode, name: string, value: Value): Ref {
    const op = POINTWISE.get(node.op);
    cover(op, `operator ${node.op}`);
    // The checker matched a quotient's Floor, or it would not have let the Div in; what it matched has no part.
    cover(op !== 'quotient' || value.bits === Infinity, `${name}: a quotient outside its form`);
    const made = new Map<string, Ref>();
    const args = node.inputs.map((i) => this.#argument(i, value.dims, made));
    return this.#refs.point({ name, op, dims: value.dims, args, value });
  }

  #join(node: OnnxNode, value: Value): Ref {
    const axis = ((node.attributes.axis as number) + value.dims.length) % value.dims.length;
    const whole = storeOf({ kind: 'temporary' }, storageFor(value), value.dims);
    let at = 0;
    for (const input of node.inputs) {
      const ref = this.#refs.ref(input);
      const free =
        ref.point &&
        !ref.point.store &&
        ref.dims.length === ref.point.dims.length &&
        ref.dims.every((d, i) => d === ref.point.dims[i]);
      const point = free ? ref.point : this.#refs.copy(ref);
      const offset = at * whole.strides[axis]!;
      point.store = { ...whole, dims: ref.dims, offset, part: whole };
      at += ref.dims[axis]!;
    }
    return { dims: value.dims, store: whole, view: dense(value.dims) };
  }

  /** Rows or entries of a table by numbers, or places of a tensor by constant numbers: read through a list. */
  #gather(node: OnnxNode, name: string, value: Value): Ref | undefined {
    const { dims } = value;
    const [x, places] = node.inputs.map((i) => this.#refs.ref(i)) as [Ref, Ref];
    const axis = ((node.attributes.axis as number) + x.dims.length) % x.dims.length;
    if (!x.point && x.store.data && x.dims.length === 1)
      return this.#lookup(x, places, name, value);
    // Columns that a list picks do not lie side by side.
    if (axis === x.dims.length - 1) return undefined;
    // What already reads through a list gets a place of its own.
    const isListed = x.point ?? x.store.list;
    const from = this.#refs.view(isListed ? { dims: x.dims, point: this.#refs.copy(x) } : x);
    const list = this.#refs.list(places);
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

  /** Adds a row for each sequence to its cache. */
  #cache(node: OnnxNode, x: Ref, value: Value): Ref {
    const { dims, lo, hi } = value;
    cover(storageFor(value) === 'i16' && this.#positions, 'a cache of more than int16');
    cover(lo <= 0 && hi >= 0, 'a cache whose rows are never zero');
    const storage = lo >= -128 && hi <= 127 ? 'i8' : 'i16';
    const { axis, room } = node.attributes as { axis: number; room: number };
    const rest = dims.map((d, i) => (i === axis || !i ? 1 : d));
    // What is multiplied at once lies together: tokens one after the other within each head.
    const row = rest.findLast((d) => d > 1);
    cover(row, 'a cache of single numbers');
    const strides = rowMajor(rest).map((s) => (s < row ? s : s * room));
    strides[axis] = row;
    strides[0] = sizeOf(rest) * room;
    const elements = dims[0]! * strides[0];
    const more = { strides, elements };
    const role = { kind: 'cache', low: lo, high: hi, row, room } as const;
    const whole = storeOf(role, storage, dims, more);
    const list = { store: this.#positions, scale: row };
    // A row of one token: where tokens are the last axis, it is read along the one before.
    const isLast = axis === x.dims.length - 1;
    const kept = isLast ? x.dims.slice(0, -1) : x.dims;
    const one = isLast ? this.#refs.moved(x, kept, (v) => reshapeView(v, kept)) : x;
    const own = isLast ? strides.slice(0, -1) : strides;
    this.#refs.copy(one).store = { ...whole, dims: kept, strides: own, part: whole, list };
    return { dims, store: whole, view: dense(dims) };
  }

  #product(x: Ref, y: Ref, name: string, dims: readonly number[]): Ref {
    const left = this.#refs.matrix(x, -1);
    const own = this.#refs.matrix(y, undefined);
    const batch = own.dims.length === left.dims.length ? left.dims.slice(0, -2) : [];
    const full = [...batch, ...own.dims.slice(-2)];
    const view = batch.length ? broadcastView(own.view, own.dims, full) : own.view;
    const right = batch.length ? { ...own, dims: full, view } : own;
    const out = storeOf({ kind: 'temporary' }, 'i32', dims);
    this.#refs.items.push({ kind: 'product', left, right, out, value: this.#refs.value(name) });
    return { dims, store: out, view: dense(dims) };
  }

  #reduce(node: OnnxNode, x: Ref, name: string, value: Value): Ref | undefined {
    const op = node.op === 'ReduceSum' ? 'sum' : 'most';
    const rank = x.dims.length;
    const axes = this.#refs.numbers(node.inputs[1]!).map((a) => (a < 0 ? a + rank : a));
    const wide = axes.filter((a) => x.dims[a]! > 1).sort((a, b) => a - b);
    const { dims } = value;
    if (!wide.length) return this.#refs.moved(x, dims, (v) => reshapeView(v, dims));
    const first = wide[0]!;
    const last = wide.at(-1)!;
    const between = x.dims
      .slice(first, last + 1)
      .every((d, i) => d === 1 || wide.includes(first + i));
    if (!between) return undefined;
    if (x.dims.slice(last + 1).every((d) => d === 1)) {
      const operand = this.#refs.operand(x, x.dims);
      const args = [{ ...operand, dims: x.dims }];
      return this.#refs.point({ name, op, dims, args, value });
    }
    const from = { dims: x.dims, ...this.#refs.rows(x, last) };
    const out = storeOf({ kind: 'temporary' }, 'f32', dims);
    this.#refs.items.push({ kind: 'pool', op, from, axis: first, axes: last - first + 1, out });
    return { dims, store: out, view: dense(dims) };
  }

  #leftOver(node: OnnxNode, name: string, value: Value): Ref {
    const inputs: { name: string; point: Point }[] = [];
    const constants: OnnxTensor[] = [];
    for (const input of new Set(node.inputs)) {
      const constant = this.#refs.constant(input);
      if (constant) constants.push(constant);
      else {
        const point = this.#refs.copy(this.#refs.ref(input), 'f32');
        this.#leftover += sizeOf(point.dims);
        inputs.push({ name: input, point });
      }
    }
    this.#leftover += sizeOf(value.dims);
    cover(this.#leftover <= LEFTOVER_MAX, `${node.name}: too much for the interpreter`);
    const out = storeOf({ kind: 'temporary' }, 'f32', value.dims);
    this.#refs.items.push({ kind: 'leftover', node, constants, inputs, out });
    this.report.push(`${node.op} ${name} is interpreted`);
    return { dims: value.dims, store: out, view: dense(value.dims) };
  }
}

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
