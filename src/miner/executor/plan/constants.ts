/** Constants that are worked out in the plan, so that no row does it. */
import { isShift } from '../../checker/value.ts';
import type { Point, Ref } from './items.ts';
import { constantStore } from './stores.ts';
import { dense, isPlain, sizeOf } from './views.ts';

const dataOf = (ref: Ref): ArrayLike<number> | undefined =>
  ref.point ? undefined : ref.store.data;

/** A constant operand of an operator that is not stored, and the other one. */
function withConstant(
  point: Point | undefined,
  op: string,
): { readonly constant: Ref; readonly other: Ref } | undefined {
  if (point?.op !== op) return undefined;
  const [a, b] = point.args as [Ref, Ref];
  if (dataOf(b)) return { constant: b, other: a };
  return dataOf(a) ? { constant: a, other: b } : undefined;
}

const isSame = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** a·c, where one is a single number or both have one shape. */
function product(a: Ref, c: Ref): Ref | undefined {
  const [x, y] = [dataOf(a)!, dataOf(c)!];
  if (x.length === 1 && y.length > 1) return product(c, a);
  const isWhole = ({ view }: Ref & { point?: undefined }, length: number): boolean =>
    isPlain(view, length);
  if (a.point || c.point) return undefined;
  const fits = y.length === 1 || (isSame(a.dims, c.dims) && isWhole(c, y.length));
  if (!fits || !isWhole(a, x.length) || sizeOf(a.dims) !== x.length) return undefined;
  const data = Float32Array.from(x, (n, i) => n * y[y.length === 1 ? 0 : i]!);
  return { dims: a.dims, store: constantStore(a.dims, data), view: dense(a.dims) };
}

/** x·factor + plus */
export interface Line {
  readonly x: Ref;
  readonly factor: Ref;
  readonly plus: Ref;
}

/** Entries of what is made for a line; a number lies in its step. */
export const entriesOf = ({ factor, plus }: Line): number =>
  [factor, plus].map(({ dims }) => sizeOf(dims)).reduce((sum, n) => (n > 1 ? sum + n : sum), 0);

/**
 * (x·a + b)·c as x·(a·c) + b·c, where a, b, c are constants, and c powers of two: to multiply by one moves a number's
 * point and leaves its digits, wherever it is done.
 */
export function lineOf(point: Point): Line | undefined {
  const outer = withConstant(point, 'mul');
  const sum = outer && withConstant(outer.other.point, 'add');
  const inner = sum && withConstant(sum.other.point, 'mul');
  if (!inner) return undefined;
  const inside = [outer.other.point!, sum.other.point!];
  if (inside.some(({ store, dims }) => store || !isSame(dims, point.dims))) return undefined;
  if (!Array.from(dataOf(outer.constant)!).every(isShift)) return undefined;
  const factor = product(inner.constant, outer.constant);
  const plus = product(sum.constant, outer.constant);
  return factor && plus && { x: inner.other, factor, plus };
}
