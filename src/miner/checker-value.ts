/**
 * What the checker knows of a tensor: shape, an interval that holds every entry, whether entries
 * are whole numbers, and whether they depend on the unit's sequences. Refusals of the checker.
 */
import type { ElementType, OnnxTensor } from './onnx.ts';

/** Rules that a model can break; models/README.md gives the reasons. */
export type Rule =
  | 'file'
  | 'manifest'
  | 'operator'
  | 'attribute'
  | 'shape'
  | 'type'
  | 'integer'
  | 'magnitude'
  | 'scale'
  | 'division'
  | 'square-root'
  | 'gather-range'
  | 'matmul-operand'
  | 'matmul-sum'
  | 'sum'
  | 'sequence'
  | 'carry'
  | 'linear-range'
  | 'answer-range'
  | 'weights'
  | 'work';

export interface Refusal {
  /** `seg-<i>` or `seg-<i>/<node>`; `manifest` or `weights` outside the graphs. */
  readonly node: string;
  readonly rule: Rule;
  /** The number that is out of bounds, where the rule has one. */
  readonly bound: number | undefined;
  readonly sentence: string;
}

/** Thrown inside the checker only; checkModel returns it as data. */
export class Refused extends Error {
  readonly rule: Rule;
  readonly bound: number | undefined;
  constructor(rule: Rule, sentence: string, bound?: number) {
    super(sentence);
    this.rule = rule;
    this.bound = bound;
  }
}

export function demand(
  condition: unknown,
  rule: Rule,
  sentence: string,
  bound?: number,
): asserts condition {
  if (!condition) throw new Refused(rule, sentence, bound);
}

export interface Value {
  readonly type: ElementType | 'bool';
  readonly dims: readonly number[];
  readonly lo: number;
  readonly hi: number;
  /** False only between a multiplication by a power of two and its Floor. */
  readonly integer: boolean;
  /** Depends on the unit: axis 0 is sequences × rows of one, each sequence's entries together. */
  readonly perSequence: boolean;
  /** Entries of a constant. */
  readonly constant?: readonly number[] | Float32Array | Int32Array;
}

/** Every integer below it is exact in float32, and so is every sum of two below half of it. */
export const EXACT_MAX = 2 ** 24;

export const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
export const magnitude = (v: Pick<Value, 'lo' | 'hi'>): number =>
  Math.max(Math.abs(v.lo), Math.abs(v.hi));

/** A power of two from 2^−24 to 1. */
export const isShift = (x: number): boolean =>
  x > 0 && x <= 1 && x >= 2 ** -24 && Number.isInteger(Math.log2(x));

/** Value of an initializer. Floats must be whole numbers, or all powers of two. */
export function constantValue(t: OnnxTensor): Value {
  const data = t.data instanceof BigInt64Array ? Array.from(t.data, Number) : t.data;
  let [lo, hi, integer] = [Infinity, -Infinity, true];
  for (const x of data) {
    demand(Number.isFinite(x), 'integer', `constant '${t.name}' holds ${x}`);
    if (x < lo) lo = x;
    if (x > hi) hi = x;
    integer &&= Number.isInteger(x);
  }
  demand(
    integer || data.every(isShift),
    'scale',
    `constant '${t.name}' holds numbers that are neither whole nor all powers of two`,
  );
  const found = Math.max(Math.abs(lo), Math.abs(hi));
  demand(found < EXACT_MAX, 'magnitude', `constant '${t.name}' reaches 2^24`, found);
  return { type: t.type, dims: t.dims, lo, hi, integer, perSequence: false, constant: data };
}

export function demandWhole(v: Value): void {
  demand(v.integer, 'integer', 'takes a scaled value that no Floor has made whole');
}
export function demandFloat(v: Value): void {
  demand(v.type === 'float32', 'type', `takes ${v.type}, not float32`);
}

/** A float result that is a whole number; refused when it could reach 2^24. */
export function whole(
  dims: readonly number[],
  lo: number,
  hi: number,
  perSequence: boolean,
): Value {
  const bound = Math.max(Math.abs(lo), Math.abs(hi));
  demand(bound < EXACT_MAX, 'magnitude', `could reach ${bound}, not below 2^24`, bound);
  return { type: 'float32', dims, lo, hi, integer: true, perSequence };
}
