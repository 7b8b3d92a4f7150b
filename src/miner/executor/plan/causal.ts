/**
 * Causal attention: a constant mask puts what a row must not see so far below the row's maximum that its place in
 * the table of weights is the last one, which is 0. Then the scores after a row's own column need not be computed,
 * and the weights after it need not be multiplied. It is proven from the checker's intervals, for any scores.
 */
import { isPoint, type Item, type Point, type Product, type Ref } from './items.ts';
import { rootOf, type Store } from './stores.ts';
import { isPlain, sizeOf } from './views.ts';

/** Of row i (modulo `rows`) columns after i + `diagonal` are not seen. */
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

/** Products that a mask lets leave something out. */
export function findCausal(items: readonly Item[]): Map<Product, Causal> {
  const products = items.filter((i): i is Product => 'kind' in i && i.kind === 'product');
  const readersOf = readersIn(items.filter(isPoint));
  const found = new Map<Product, Causal>();
  for (const product of products) {
    const [masked, ...others] = readersOf(product.out);
    if (!masked || others.length) continue;
    if (items.some((i) => reads(i).includes(product.out))) continue;
    const mask = masked.op === 'add' ? maskedBy(masked, product) : undefined;
    const weights = mask && weightsOf(masked, mask, product, readersOf);
    if (!weights?.store) continue;
    const { rows, diagonal } = mask!;
    const { store } = weights;
    const users = products.filter((p) => rootOf(p.left.store) === store);
    found.set(product, { skip: 'columns', rows, diagonal });
    for (const user of users)
      if (user.left.dims.at(-1) === mask!.columns && isPlain(user.left.view, sizeOf(store.dims)))
        found.set(user, { skip: 'depths', rows, diagonal });
  }
  return found;
}

/** The mask that is added to a product's numbers, in their own order. */
function maskedBy(masked: Point, product: Product): Mask | undefined {
  const [a, b] = masked.args as [Ref, Ref];
  const [scores, mask] = constantOf(a) ? [b, maskOf(a)] : [a, maskOf(b)];
  if (!mask || scores.point || scores.store !== product.out) return undefined;
  const [rows, columns] = masked.dims.slice(-2);
  const isAligned =
    rows === mask.rows && columns === mask.columns && product.out.dims.at(-1) === columns;
  return isAligned && isPlain(scores.view, sizeOf(masked.dims)) ? mask : undefined;
}

/** The looked-up weights of masked scores, where those of what is not seen are 0 for any scores. */
function weightsOf(
  masked: Point,
  mask: Mask,
  { value }: Product,
  readersOf: ReadersOf,
): Point | undefined {
  const width = value.hi - value.lo;
  // What is left out is read as 0, which is a score like any other.
  if (value.lo > 0 || value.hi < 0 || mask.depth <= width || masked.store) return undefined;
  const below = belowOf(masked, mask.columns, readersOf(masked));
  // A row sees at least its first column, whose score is not below the least.
  let least: number | undefined = mask.depth - width;
  for (let point = below; point && least !== undefined;) {
    const [next, ...others] = readersOf(point);
    if (!next || others.length || point.store) return undefined;
    // Rows stay rows: an operand that is read again and again has its zeros elsewhere.
    if (sizeOf(next.dims) !== sizeOf(masked.dims)) return undefined;
    if (next.op === 'table') return isLast(next, least) ? next : undefined;
    least = boundAfter(next, point, least);
    point = next;
  }
  return undefined;
}

/** The distance of each score from its row's maximum, where nothing else reads the scores. */
function belowOf(masked: Point, columns: number, users: readonly Point[]): Point | undefined {
  const best = users.find((p) => p.op === 'most' && p.args[0]!.dims.at(-1) === columns);
  if (!best || sizeOf(best.dims) * columns !== sizeOf(masked.dims)) return undefined;
  const isBelow = ({ op, args: [a, b] }: Point): boolean =>
    op === 'sub' && a!.point === best && b!.point === masked;
  const below = users.find(isBelow);
  return users.every((p) => p === best || p === below) ? below : undefined;
}

/** Whether places from `least` on are a table's last entry, and that is 0. */
function isLast({ args }: Point, least: number): boolean {
  const table = constantOf(args[0]!);
  return table !== undefined && least >= table.length - 1 && table[table.length - 1] === 0;
}

const leastOf = (data: ArrayLike<number> | undefined): number => {
  let least = Infinity;
  for (let i = 0; i < (data?.length ?? 0); i++) least = Math.min(least, data![i]!);
  return least;
};

/** The least result of an operator that does not fall where its operand rises. */
function boundAfter(next: Point, operand: Point, least: number): number | undefined {
  const constants = next.args.filter((a) => a.point !== operand).map((a) => constantOf(a));
  if (constants.some((c) => !c) || next.args[0]!.point !== operand) return undefined;
  const [low, high] = constants.map(leastOf);
  switch (next.op) {
    case 'floor':
      return Math.floor(least);
    case 'copy':
      return least;
    case 'add':
      return least + low!;
    case 'mul':
      return low! > 0 && least >= 0 ? least * low! : undefined;
    case 'min':
      return Math.min(least, low!);
    case 'max':
      return Math.max(least, low!);
    case 'clip':
      return Math.min(Math.max(least, low!), high!);
    default:
      return undefined;
  }
}
