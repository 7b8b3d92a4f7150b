/**
 * Tensors in memory: of which buffer a tensor is a part, in which storage, and where its axes lie. Beside it: how a
 * plan gives a segment up.
 */
import type { Value } from '../../checker/value.ts';
import type { Role, Storage } from '../types.ts';
import { relocate, rowMajor, type View } from './views.ts';

/** Thrown inside the plan only: a segment that no plan covers, with the reason for the report. */
export class Uncovered extends Error {}
/** Gives the segment up where a condition does not hold. */
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

const FITS_INT16 = { lo: -32_768, hi: 32_767 };

/** Storage that holds each number of an interval. */
export const storageFor = ({ lo, hi, bits }: Pick<Value, 'lo' | 'hi' | 'bits'>): Storage =>
  bits === 0 && lo >= FITS_INT16.lo && hi <= FITS_INT16.hi ? 'i16' : 'f32';

/** The tensor whose buffer a store is a part of. */
export const rootOf = (store: Store): Store => (store.part ? rootOf(store.part) : store);

/** A tensor that fills its buffer in row-major order, each sequence with its own, but for what `more` says. */
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

/** Numbers that are in the plan, in a buffer that is never written. */
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

/** A view as its buffer lies. */
export function located({ store, view }: { readonly store: Store; readonly view: View }): View {
  const found = relocate(view, store.dims, store.strides);
  cover(found, 'a view across the axes of a turned tensor');
  return found;
}
