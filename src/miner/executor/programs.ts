/**
 * Points of a segment as row programs: which are computed together, in which order of steps, with which loops.
 * A point that nobody stores is computed wherever a reader needs it.
 */
import { magnitude } from '../checker/value.ts';
import type {
  Binary,
  Binding,
  LeftoverStep,
  PoolStep,
  ProductStep,
  ProgramInput,
  RowProgram,
  RowsStep,
  RowValue,
  Step,
  Unary,
} from './types.ts';
import {
  constantStore,
  cover,
  isPoint,
  keep,
  located,
  rootOf,
  type Item,
  type Leftover,
  type Operand,
  type Point,
  type Pool,
  type Product,
  type Ref,
  type Store,
} from './tensors.ts';
import { findCausal, type Causal } from './causal.ts';
import { scheduleOf } from './schedule.ts';
import { broadcastView, dense, merge, regroup, sizeOf, type Atom } from './views.ts';

/** Points that one stored point may need, and points of a program: what a compiler's registers and time bear. */
const FUSED_MAX = 160;
const PROGRAM_MAX = 240;
/** A point that needs this many others is stored where two programs would compute it. */
const SHARED_MIN = 4;
/** Entries of a model's constants that are written out: a row reads them in another pattern than side by side. */
const SPREAD_MAX = 2 ** 22;
/** Addresses of all turns of a segment: 4 MB; attention of 32 heads of 512 rows that is turned needs 2^16 a step. */
const TURNS_MAX = 2 ** 20;
const SHIFT_MAX = 31;

const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);

/** Rows that belong together: one program. */
interface Draft {
  readonly rows: number;
  readonly roots: Point[];
  readonly at: number;
  readonly points: Set<Point>;
}
type Slot = Draft | Product | Pool | Leftover;
const isDraft = (slot: Slot): slot is Draft => 'roots' in slot;

/** Buffers and programs of the whole model, shared by its segments. */
export interface Pools {
  bufferOf(store: Store): number;
  programOf(program: RowProgram): number;
  /** Counts entries of constants that are written out. @returns those of the whole model so far */
  spread(entries: number): number;
}

/** Steps of a segment. @throws Uncovered */
export function stepsOf(items: readonly Item[], sequences: number, pools: Pools): Step[] {
  const causal = findCausal(items);
  storeMore(items);
  let slots = assign(items);
  for (let again = storeShared(slots); again; again = storeShared(slots)) slots = assign(items);
  const built = slots.map((slot) =>
    isDraft(slot)
      ? new Builder(slot, sequences, pools)
      : slot.kind === 'product'
        ? productStep(slot, { sequences, pools, causal: causal.get(slot) })
        : slot.kind === 'pool'
          ? poolStep(slot, sequences, pools)
          : leftoverStep(slot, pools),
  );
  // Only now it is known which points somebody reads.
  const steps = built.flatMap((each) => (each instanceof Builder ? (each.step() ?? []) : each));
  const turns = steps.reduce((sum, step) => sum + turnsOf(step), 0);
  cover(turns <= TURNS_MAX, 'rows in too many short turns');
  return steps;
}

/** Addresses that a step keeps for a sequence: one for each operand in each turn of the loops between. */
function turnsOf(step: Step): number {
  if (step.kind === 'leftover') return 0;
  const between = sizeOf(step.loops.slice(1, step.kind === 'rows' ? -1 : undefined));
  return between * (step.kind === 'rows' ? step.inputs.length + step.outputs.length : 3);
}

/** Points that a point needs and that nobody stores. */
function fusedOf(point: Point): readonly Point[] {
  return point.args.flatMap(({ point: p }) => (p && !p.store ? [p] : []));
}

/** Stores what would make a program too large, and reductions of what is stored, which are cheap to keep. */
function storeMore(items: readonly Item[]): void {
  const needs = new Map<Point, Set<Point>>();
  for (const point of items.filter(isPoint)) {
    const all = new Set([point]);
    for (const p of fusedOf(point)) for (const q of needs.get(p)!) all.add(q);
    if (all.size > FUSED_MAX) {
      for (const p of fusedOf(point)) keep(p);
      needs.set(point, new Set([point]));
    } else needs.set(point, all);
    const isReduction = point.op === 'sum' || point.op === 'most';
    if (isReduction && point.args[0]!.point?.store) keep(point);
  }
}

interface Reach {
  /** Rows that every point can be cut into. */
  readonly rows: number;
  /** The last step that it reads from. */
  readonly after: number;
  readonly points: Set<Point>;
}

/** What computing a point in a program needs, where the roots in `own` need not be read back. */
function reach(point: Point, own: ReadonlySet<Point>, madeAt: ReadonlyMap<Store, number>): Reach {
  const points = new Set<Point>();
  let rows = sizeOf(point.dims) / point.columns;
  let after = -1;
  const read = (store: Store): void => {
    after = Math.max(after, madeAt.get(rootOf(store)) ?? -1);
    if (store.list) read(store.list.store);
  };
  const visit = (p: Point): void => {
    if (points.has(p)) return;
    points.add(p);
    rows = gcd(rows, sizeOf(p.dims));
    for (const arg of p.args)
      if (!arg.point) read(arg.store);
      else if (!arg.point.store || own.has(arg.point)) visit(arg.point);
      else read(arg.point.store);
  };
  visit(point);
  return { rows, after, points };
}

/** Steps in order: each stored point joins the latest program that has its rows and all that it reads before it. */
function assign(items: readonly Item[]): Slot[] {
  const slots: Slot[] = [];
  const madeAt = new Map<Store, number>();
  const note = (store: Store, at: number): void => {
    const root = rootOf(store);
    madeAt.set(root, Math.max(at, madeAt.get(root) ?? -1));
  };
  for (const item of items) {
    if (!isPoint(item)) {
      slots.push(item);
      note(item.out, slots.length - 1);
      continue;
    }
    if (!item.store) continue;
    let draft: Draft | undefined;
    for (let at = slots.length - 1; at >= 0 && !draft; at--) {
      const slot = slots[at]!;
      if (!isDraft(slot)) continue;
      const { rows, after, points } = reach(item, new Set(slot.roots), madeAt);
      if (rows !== slot.rows || after >= at) continue;
      if (new Set([...slot.points, ...points]).size <= PROGRAM_MAX) draft = slot;
    }
    const { rows, points } = reach(item, new Set(draft?.roots), madeAt);
    if (!draft) {
      draft = { rows, roots: [], at: slots.length, points: new Set() };
      slots.push(draft);
    }
    draft.roots.push(item);
    for (const p of points) draft.points.add(p);
    note(item.store, draft.at);
  }
  return slots;
}

/** Stores points that several programs would compute, unless that is little work. @returns whether there were any */
function storeShared(slots: readonly Slot[]): boolean {
  const users = new Map<Point, number>();
  for (const slot of slots)
    if (isDraft(slot)) for (const p of slot.points) users.set(p, (users.get(p) ?? 0) + 1);
  let found = false;
  for (const [point, count] of users) {
    if (count < 2 || point.store) continue;
    const { points } = reach(point, new Set(), new Map());
    if (points.size < SHARED_MIN) continue;
    keep(point);
    found = true;
  }
  return found;
}

/**
 * Loops over `rows` rows, outermost first and sequences before all others, with a cut at each of the inner sizes;
 * undefined where they do not nest.
 */
function loopsOf(
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
function cutsOf(atoms: readonly Atom[]): number[] {
  const sizes = merge(atoms).map(({ n }) => n);
  return sizes.map((_, i) => sizeOf(sizes.slice(i + 1)));
}
/** Inner sizes of leading dimensions that make up `rows`. */
function cutsOfDims(dims: readonly number[], rows: number): number[] {
  let product = 1;
  return dims.flatMap((d) => {
    product *= d;
    return rows % product ? [] : [rows / product];
  });
}

/** Strides of each loop. */
function stridesOf(atoms: readonly Atom[], loops: readonly number[]): Atom[] {
  const groups = regroup(atoms, loops);
  const found = groups?.map((g) => merge(g));
  cover(found, 'rows that are no steps of constant length');
  cover(
    found.every((g) => g.length <= 1),
    'rows that are no steps of constant length',
  );
  return found.map(([atom]) => atom ?? { n: 1, stride: 0, index: 0 });
}

function bind(
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

const touch = (store: Store): void => {
  for (let s: Store | undefined = store; s; s = s.part) s.reads++;
  if (store.list) touch(store.list.store);
};

/** An input while loops are not known yet. */
interface Leaf {
  readonly input: ProgramInput;
  readonly store: Store;
  readonly offset: number;
  readonly indexOffset: number;
  readonly rows: readonly Atom[];
}

/** Values of one program. */
class Builder {
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
    const values = args.map((a) => this.#arg(a, dims));
    if (op === 'clip') {
      const [x, low, high] = values as [number, number, number];
      const least = this.#put({ op: 'max', width, args: [x, low] });
      return this.#put({ op: 'min', width, args: [least, high] });
    }
    if (values.length === 1) return this.#put({ op: op as Unary, width, args: [values[0]!] });
    return this.#put({ op: op as Binary, width, args: values as [number, number] });
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
      cover(store.data && !store.list, 'columns that do not lie side by side');
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

  /** A constant written out as a row reads it. */
  #spread(
    data: ArrayLike<number>,
    offset: number,
    lines: readonly Atom[],
    columns: readonly Atom[],
  ): number {
    const own = lines.filter(({ stride }) => stride);
    const width = sizeOf(columns.map(({ n }) => n));
    const count = sizeOf(own.map(({ n }) => n)) * width;
    cover(this.#pools.spread(count) <= SPREAD_MAX, 'a constant that is large in each row');
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

  /** The step, without what nobody reads; undefined where nothing is left. */
  step(): RowsStep | undefined {
    const kept = this.#roots.filter(
      ({ point: { isOutput, store } }) => isOutput || store!.reads > 0 || store!.part,
    );
    if (!kept.length) return undefined;
    const { rows, roots } = this.#draft;
    const targets = kept.map(({ point }) => {
      const view = located({ store: point.store!, view: dense(point.dims) });
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
      })),
      numbers: this.#numbers.length,
    };
    cover(scheduleOf(shape), 'two kinds of groups in one loop');
    const program = this.#pools.programOf({ key: JSON.stringify(shape), ...shape });
    return { kind: 'rows', loops, program, inputs, outputs, numbers: this.#numbers };
  }
}

/** s of a constant 2^−s. */
function shiftOf(ref: Ref): number | undefined {
  if (ref.point || ref.store.data?.length !== 1) return undefined;
  const bits = -Math.log2(ref.store.data[0]!);
  return Number.isInteger(bits) && bits >= 0 && bits <= SHIFT_MAX ? bits : undefined;
}

/** Up to it, adding 1.5·2^23 leaves a whole number in a float32's low bits. */
const QUICK_MAX = 2 ** 22;

/** Numbers that lie side by side and make up a row, each for one column or a group of them; undefined: they do not. */
function widthOf(columns: readonly Atom[]): number | undefined {
  const [first, second] = columns;
  if (columns.some(({ index }) => index)) return undefined;
  if (!first || (columns.length === 1 && first.stride === 0)) return 1;
  if (columns.length === 1) return first.stride === 1 ? first.n : undefined;
  return columns.length === 2 && first.stride === 1 && second!.stride === 0 ? first.n : undefined;
}

function productStep(
  { left, right, out }: Product,
  { sequences, pools, causal }: { sequences: number; pools: Pools; causal: Causal | undefined },
): ProductStep {
  const [m, k] = left.dims.slice(-2) as [number, number];
  const n = right.dims.at(-1)!;
  const rows = sizeOf(left.dims) / k;
  const of = (operand: Operand): { view: ReturnType<typeof located>; lines: Atom[] } => {
    const view = located(operand);
    return { view, lines: view.dims.slice(0, -1).flat() };
  };
  const [a, c] = [of(left), of({ store: out, view: dense(out.dims), dims: out.dims })];
  const b = located(right);
  const shared = right.dims.length < left.dims.length || right.dims.length === 2;
  const each = shared
    ? [{ n: rows, stride: 0, index: 0 }]
    : [...b.dims.slice(0, -2).flat(), { n: m, stride: 0, index: 0 }];
  const must = [
    rows / sequences,
    Math.min(m, rows / sequences),
    ...cutsOf(a.lines),
    ...cutsOf(each),
  ];
  const may = cutsOfDims(out.dims, rows);
  const all =
    (causal && loopsOf([rows, sequences], [...must, causal.rows], may)) ??
    loopsOf([rows, sequences], must, may);
  cover(all, 'rows of a product that do not nest');
  // The innermost loop is the product's rows, where it has more than one.
  const inner = Math.min(m, rows / sequences) > 1 ? all.at(-1)! : 1;
  const loops = inner > 1 ? all.slice(0, -1) : all;
  const stepped = (atoms: readonly Atom[]): { outer: Atom[]; row: number } => {
    const steps = stridesOf(atoms, all);
    return inner > 1
      ? { outer: steps.slice(0, -1), row: steps.at(-1)!.stride }
      : { outer: steps, row: 0 };
  };
  const [as, bs, cs] = [stepped(a.lines), stepped(each), stepped(c.lines)];
  cover(!bs.row, 'a right operand for each row');
  const single = (atoms: readonly Atom[]): number => {
    const found = merge(atoms);
    cover(found.length <= 1, 'an operand whose axes are no steps of constant length');
    return found[0]?.stride ?? 1;
  };
  const [depth, column] = b.dims.slice(-2).map((d) => single(d)) as [number, number];
  cover(
    single(a.view.dims.at(-1)!) === 1 && (depth === 1 || column === 1),
    'an operand without neighbours',
  );
  touch(left.store);
  touch(right.store);
  return {
    kind: 'product',
    ...(causal?.rows === inner && { causal: { [causal.skip]: causal.diagonal } }),
    loops,
    m: inner,
    n,
    k,
    left: {
      ...bind({ store: left.store, offset: a.view.offset }, as.outer, pools),
      row: as.row || k,
    },
    right: { ...bind({ store: right.store, offset: b.offset }, bs.outer, pools), depth, column },
    out: { ...bind({ store: out, offset: 0 }, cs.outer, pools), row: n },
  };
}

function poolStep({ op, from, axis, axes, out }: Pool, sequences: number, pools: Pools): PoolStep {
  const view = located(from);
  const lead = view.dims.slice(0, axis).flat();
  const between = merge(view.dims.slice(axis, axis + axes).flat());
  const rest = merge(view.dims.slice(axis + axes).flat());
  const width = sizeOf(from.dims.slice(axis + axes));
  cover(between.length === 1 && rest.length <= 1 && (rest[0]?.stride ?? 1) === 1, 'rows of a pool');
  const rows = sizeOf(from.dims.slice(0, axis));
  const loops = loopsOf([rows, sequences], [rows / sequences, ...cutsOf(lead)], []);
  cover(loops, 'pools that do not nest');
  touch(from.store);
  const target = dense([rows, width]);
  return {
    kind: 'pool',
    op,
    loops,
    rows: between[0]!.n,
    width,
    from: {
      ...bind({ store: from.store, offset: view.offset }, stridesOf(lead, loops), pools),
      row: between[0]!.stride,
    },
    to: bind({ store: out, offset: 0 }, stridesOf(target.dims[0]!, loops), pools),
  };
}

function leftoverStep({ node, constants, inputs, out }: Leftover, pools: Pools): LeftoverStep {
  const type = 'float32';
  return {
    kind: 'leftover',
    nodes: [node],
    constants,
    inputs: inputs.map(({ name, point }) => {
      touch(point.store!);
      return {
        name,
        dims: point.dims,
        type: point.value.type === 'int32' ? 'int32' : type,
        buffer: pools.bufferOf(point.store!),
      };
    }),
    outputs: [{ name: node.outputs[0]!, dims: out.dims, type, buffer: pools.bufferOf(out) }],
  };
}
