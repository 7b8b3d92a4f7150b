/**
 * What a segment has to compute, in the order of its graph: points (row programs are made of them), products, pools
 * and leftovers; and the refs by which one reads another.
 */
import type { OnnxNode, OnnxTensor } from '../../package/onnx.ts';
import type { Value } from '../../checker/value.ts';
import { storageFor, storeOf, type Store } from './stores.ts';
import type { View } from './views.ts';

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
/** left · right, batched over the dimensions before the last two, or with one right operand for all. */
export interface Product {
  readonly kind: 'product';
  readonly left: Operand;
  readonly right: Operand;
  readonly out: Store;
  readonly value: Value;
}
/** What is stored, as it is read. */
export interface Operand {
  readonly store: Store;
  readonly view: View;
  readonly dims: readonly number[];
}
/** A sum or maximum over axes in the middle, each entry of the others by itself. */
export interface Pool {
  readonly kind: 'pool';
  readonly op: 'sum' | 'most';
  readonly from: Operand;
  /** Axes lead × rows × rest of the operand. */
  readonly axis: number;
  readonly axes: number;
  readonly out: Store;
}
/** A node for the interpreter. */
export interface Leftover {
  readonly kind: 'leftover';
  readonly node: OnnxNode;
  readonly constants: readonly OnnxTensor[];
  readonly inputs: readonly { readonly name: string; readonly point: Point }[];
  readonly out: Store;
}
export type Item = Point | Product | Pool | Leftover;
export const isPoint = (item: Item): item is Point => !('kind' in item);

/** Gives a point a place in memory. */
export function keep(point: Point, storage = storageFor(point.value)): Store {
  return (point.store ??= storeOf({ kind: 'temporary' }, storage, point.dims));
}
