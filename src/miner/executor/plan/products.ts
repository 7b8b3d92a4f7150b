/** Products, and reductions over a sequence's rows, as steps: loops, sizes and strides of each operand. */
import type { PoolStep, ProductStep } from '../types.ts';
import type { Causal } from './causal.ts';
import type { Operand, Pool, Product } from './items.ts';
import { bind, cutsOf, cutsOfDims, loopsOf, stridesOf, touch, type Pools } from './loops.ts';
import { cover, located, rootOf, type Store } from './stores.ts';
import { dense, merge, sizeOf, type Atom } from './views.ts';

/** A batched product, or a single one where the right operand is shared. @throws Uncovered */
export function productStep(
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
  // The innermost loop is the product's rows, where all of them have one right operand.
  const isRows = all.length > 1 && !stridesOf(each, all).at(-1)!.stride;
  const inner = isRows ? all.at(-1)! : 1;
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
    ...cachedOf(right.store, b.offset, column),
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

/** Where the tokens of a cache are in a product. */
function cachedOf(store: Store, offset: number, column: number): Pick<ProductStep, 'cached'> {
  const { role } = rootOf(store);
  if (role.kind !== 'cache') return {};
  const { row, room } = role;
  const from = Math.floor((store.offset + offset) / row) % room;
  return { cached: { along: column === row ? 'columns' : 'depths', from } };
}

/** A sum or maximum over the axes in the middle. @throws Uncovered */
export function poolStep(
  { op, from, axis, axes, out }: Pool,
  sequences: number,
  pools: Pools,
): PoolStep {
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
