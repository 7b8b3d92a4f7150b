/**
 * Causal attention: a mask, written out or by comparison of places, puts what a row must not see so far below the
 * row's maximum that its place in the table of weights is the last one, which is 0. Then the scores after a row's own
 * column need not be computed, and the weights after it need not be multiplied. It is proven from the checker's
 * intervals, for any scores. Keys may lie in several blocks, of which a row sees some, and at least one column.
 */
import { leastAfter } from '../../checker/least.ts';
import { isPoint, type Item, type Point, type Product, type Ref } from './items.ts';
import { rootOf, type Store } from './stores.ts';
import { isPlain, sizeOf } from './views.ts';

/** Of row i (modulo `rows`) columns after i + `diagonal` are not seen: none at all, if that is negative. */
export interface Causal {
  readonly skip: 'columns' | 'depths';
  readonly rows: number;
  readonly diagonal: number;
}

/** A mask: 0 where a row sees a column, at most −`depth` elsewhere. */
interface Mask {
  readonly rows: number;
  readonly columns: number;
  readonly diagonal: number;
  readonly depth: number;
}

const constantOf = (ref: Ref): ArrayLike<number> | undefined =>
  ref.point ? undefined : ref.store.data;

function maskOf(ref: Ref): Mask | undefined {
  if (ref.point) return comparedBy(ref.point);
  const data = constantOf(ref);
  const [rows, columns] = ref.dims.slice(-2) as [number, number];
  if (!data || ref.dims.length < 2 || data.length !== rows * columns) return undefined;
  let diagonal = 0;
  while (diagonal < columns && data[diagonal] === 0) diagonal++;
  diagonal--;
  let most = -Infinity;
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) {
      const x = data[i * columns + j]!;
      if (j > i + diagonal) most = Math.max(most, x);
      else if (x !== 0) return undefined;
    }
  const isMask = diagonal >= 0 && most < 0 && most > -Infinity;
  return isMask ? { rows, columns, diagonal, depth: -most } : undefined;
}

/** Comparisons by which later columns are hidden: whether the column stands first, and the diagonal of equal places. */
const COMPARISONS = new Map([
  ['gt', { columnFirst: true, diagonal: 0 }],
  ['ge', { columnFirst: true, diagonal: -1 }],
  ['lt', { columnFirst: false, diagonal: 0 }],
  ['le', { columnFirst: false, diagonal: -1 }],
]);

/** A negative number times the comparison of columns' places [.., 1, K] with rows' [.., S, 1], which rise by ones. */
function comparedBy({ op, args, store }: Point): Mask | undefined {
  if (op !== 'mul' || store) return undefined;
  const [flags, factor] = args[0]!.point ? args : args.toReversed();
  const later = flags!.point;
  const comparison = later && !later.store ? COMPARISONS.get(later.op) : undefined;
  const data = constantOf(factor!);
  if (!later || !comparison || data?.length !== 1 || data[0]! >= 0) return undefined;
  const [column, row] = comparison.columnFirst ? later.args : later.args.toReversed();
  const [first, own] = [lineOf(column!, -1), lineOf(row!, -2)];
  if (!first || !own) return undefined;
  const diagonal = own.from - first.from + comparison.diagonal;
  return { rows: own.count, columns: first.count, diagonal, depth: -data[0]! };
}

/** Whole places that rise by ones along one of the last two axes: rows and columns are counted by them. */
function lineOf(ref: Ref, axis: -1 | -2): { from: number; count: number } | undefined {
  const data = constantOf(ref);
  const count = ref.dims.at(axis);
  if (!data || count !== data.length || sizeOf(ref.dims) !== count) return undefined;
  if (!Number.isInteger(data[0])) return undefined;
  for (let i = 1; i < count; i++) if (data[i] !== data[0]! + i) return undefined;
  return { from: data[0]!, count };
}

/** What is read by something else than a point. */
function reads(item: Item): Store[] {
  if (isPoint(item) || item.kind === 'leftover') return [];
  const operands = item.kind === 'product' ? [item.left, item.right] : [item.from];
  return operands.map(({ store }) => rootOf(store));
}

type ReadersOf = (x: object) => readonly Point[];

/** What a ref reads: a point, or what is stored and the list through which it is found. */
function sourcesOf(ref: Ref): object[] {
  if (ref.point) return [ref.point];
  const { store } = ref;
  return [rootOf(store), ...(store.list ? [rootOf(store.list.store)] : [])];
}

/** Points that read a point, or what is stored. */
function readersIn(points: readonly Point[]): ReadersOf {
  const readers = new Map<object, Point[]>();
  for (const point of points)
    for (const arg of new Set(point.args))
      for (const key of sourcesOf(arg)) readers.set(key, [...(readers.get(key) ?? []), point]);
  return (x) => readers.get(x) ?? [];
}

/** Scores that a mask is added to. */
interface Masked {
  readonly product: Product;
  readonly mask: Mask;
  readonly point: Point;
}

/** Products that a mask lets leave something out. */
export function findCausal(items: readonly Item[]): Map<Product, Causal> {
  const products = items.filter((i): i is Product => 'kind' in i && i.kind === 'product');
  const readersOf = readersIn(items.filter(isPoint));
  const all = new Map<Point, Masked>();
  for (const product of products) {
    const [point, ...others] = readersOf(product.out);
    if (!point || others.length || items.some((i) => reads(i).includes(product.out))) continue;
    const mask = point.op === 'add' ? maskedBy(point, product) : undefined;
    if (mask) all.set(point, { product, mask, point });
  }
  const found = new Map<Product, Causal>();
  for (const masked of all.values()) {
    const { product, mask: { rows, columns, diagonal } } = masked; // prettier-ignore
    const weights = weightsOf(masked, all, readersOf);
    if (!weights?.store) continue;
    const { store } = weights;
    const users = products.filter((p) => rootOf(p.left.store) === store);
    found.set(product, { skip: 'columns', rows, diagonal });
    for (const user of users)
      if (user.left.dims.at(-1) === columns && isPlain(user.left.view, sizeOf(store.dims)))
        found.set(user, { skip: 'depths', rows, diagonal });
  }
  return found;
}

/** The mask that is added to a product's numbers, in their own order. */
function maskedBy(masked: Point, product: Product): Mask | undefined {
  const [a, b] = masked.args as [Ref, Ref];
  const first = maskOf(a);
  const [scores, mask] = first ? [b, first] : [a, maskOf(b)];
  if (!mask || scores.point || scores.store !== product.out) return undefined;
  const [rows, columns] = masked.dims.slice(-2);
  const isAligned =
    rows === mask.rows && columns === mask.columns && product.out.dims.at(-1) === columns;
  return isAligned && isPlain(scores.view, sizeOf(masked.dims)) ? mask : undefined;
}

/** The looked-up weights of masked scores, where those of what is not seen are 0 for any scores. */
function weightsOf(
  masked: Masked,
  all: ReadonlyMap<Point, Masked>,
  readersOf: ReadersOf,
): Point | undefined {
  const below = belowOf(masked, all, readersOf);
  if (!below) return undefined;
  let least: number | undefined = below.least;
  for (let point = below.point; least !== undefined;) {
    const [next, ...others] = readersOf(point);
    if (!next || others.length || point.store) return undefined;
    // Rows stay rows: an operand that is read again and again has its zeros elsewhere.
    if (sizeOf(next.dims) !== sizeOf(masked.point.dims)) return undefined;
    if (next.op === 'table') return isLast(next, least) ? next : undefined;
    least = boundAfter(next, point, least);
    point = next;
  }
  return undefined;
}

/**
 * The distance of each score from its row's maximum, where nothing else reads the scores, and the least distance of
 * what is not seen.
 */
function belowOf(
  { point, mask, product }: Masked,
  all: ReadonlyMap<Point, Masked>,
  readersOf: ReadersOf,
): { point: Point; least: number } | undefined {
  const users = readersOf(point);
  const below = users.find(({ op, args: [, b] }) => op === 'sub' && b!.point === point);
  const best = below?.args[0]!.point;
  const blocks = best && blocksOf(best, all, readersOf);
  const own = blocks?.get(point);
  if (!below || !blocks || !own) return undefined;
  if (users.some((p) => p !== own && p !== below)) return undefined;
  const scores = [...blocks.keys()].map((p) => all.get(p)!);
  const lo = Math.min(...scores.map((s) => s.product.value.lo));
  const isFit = scores.every(
    // What is left out is read as 0, which is a score like any other.
    ({ product: { value }, mask: { depth, rows }, point: { store } }) =>
      value.lo <= 0 && value.hi >= 0 && value.hi - depth < lo && rows === mask.rows && !store,
  );
  // A row sees at least its first column, whose score is not below the least.
  const isSeen = scores.some((s) => s.mask.diagonal >= 0);
  return isFit && isSeen
    ? { point: below, least: mask.depth - (product.value.hi - lo) }
    : undefined;
}

/** The masked scores of which a row's maximum is the largest, and the maximum of each. */
function blocksOf(
  best: Point,
  all: ReadonlyMap<Point, Masked>,
  readersOf: ReadersOf,
): Map<Point, Point> | undefined {
  const blocks = new Map<Point, Point>();
  const add = (part: Point | undefined): boolean => {
    // What a row does not see of a block may be its largest there, which nothing else may read.
    if (!part || (part !== best && readersOf(part).length !== 1)) return false;
    if (part.op === 'max') return part.args.every((arg) => add(arg.point));
    const masked = part.op === 'most' ? part.args[0]!.point : undefined;
    const columns = masked && all.get(masked)?.mask.columns;
    if (columns === undefined || part.args[0]!.dims.at(-1) !== columns) return false;
    if (sizeOf(part.dims) * columns !== sizeOf(masked!.dims)) return false;
    blocks.set(masked!, part);
    return true;
  };
  return add(best) ? blocks : undefined;
}

/** Whether places from `least` on are a table's last entry, and that is 0. */
function isLast({ args }: Point, least: number): boolean {
  const table = constantOf(args[0]!);
  return table !== undefined && least >= table.length - 1 && table[table.length - 1] === 0;
}

/** The least result of an operator that does not fall where its operand rises. */
function boundAfter(next: Point, operand: Point, least: number): number | undefined {
  const constants = next.args.filter((a) => a.point !== operand).map((a) => constantOf(a));
  if (constants.some((c) => !c) || next.args[0]!.point !== operand) return undefined;
  return leastAfter(next.op, least, constants as ArrayLike<number>[]);
}
