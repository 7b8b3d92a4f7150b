/**
 * What the checker knows about a tensor: its shape, an interval that holds every entry, the power of two of
 * which all entries are multiples, and whether they depend on the unit's sequences. Also the checker's refusals.
 */
import type { ElementType, OnnxTensor } from '../package/onnx.ts';

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
  | 'causal'
  | 'carry'
  | 'linear-range'
  | 'answer-range'
  | 'weights'
  | 'table'
  | 'limit'
  | 'admission'
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
  /**
   * Every entry is a multiple of 2^−bits; 0 for whole numbers. Infinity after a scaling that leaves no common
   * power of two: only a Floor may read such a tensor.
   */
  readonly bits: number;
  /** Every entry is an odd multiple of 2^−bits, bits ≥ 1: none is whole. */
  readonly odd?: boolean;
  /** Depends on the unit: axis 0 is sequences × rows of one sequence, the entries of each sequence together. */
  readonly perSequence: boolean;
  /** Entries of a constant. */
  readonly constant?: readonly number[] | Float32Array | Int32Array;
  /** The tensor whose maxima these are, taken along axes that are kept with length 1. */
  readonly maximumOf?: Value;
  /** Every entry is a power of two, 2^−24 to 1, though no common part of them may be fine enough. */
  readonly shifts?: boolean;
  /** How far it is on the way to a remainder. */
  readonly rounding?: Rounding;
}

/** Of whole x and h: x + h, (x + h)·2^−s, ⌊(x + h)·2^−s⌋, 2^s·⌊(x + h)·2^−s⌋, what is taken from x in the end. */
export interface Rounding {
  readonly of: Value;
  /** h */
  readonly plus: number;
  /** s */
  readonly bits: number;
  readonly stage: 'sum' | 'scaled' | 'floor' | 'multiple';
}

/** Every integer below it is exact in float32, and so is every sum of two below half of it. */
export const EXACT_MAX = 2 ** 24;
/** Largest `bits` of a float result: entries are multiples of 2^−24 at the finest. */
export const BITS_MAX = 24;

export const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);
export const magnitude = (v: Pick<Value, 'lo' | 'hi'>): number =>
  Math.max(Math.abs(v.lo), Math.abs(v.hi));

/** The same entries, as far as they are known, in another order or shape. */
export const derived = (v: Value, dims: readonly number[] = v.dims): Value => ({
  type: v.type,
  dims,
  lo: v.lo,
  hi: v.hi,
  bits: v.bits,
  odd: v.odd ?? false,
  perSequence: v.perSequence,
  shifts: isShifts(v),
});

/** A power of two from 2^−24 to 1. */
export const isShift = (x: number): boolean =>
  x > 0 && x <= 1 && x >= 2 ** -BITS_MAX && Number.isInteger(Math.log2(x));
/** Whether a tensor holds powers of two: multiplying by it moves a number's point and keeps its digits. */
export const isShifts = (v: Value): boolean => v.shifts ?? v.constant?.every(isShift) ?? false;

/** The smallest `bits` for which a number is a multiple of 2^−bits, or Infinity. */
function bitsOf(x: number): number {
  for (let bits = 0; bits <= BITS_MAX; bits++) if (Number.isInteger(x * 2 ** bits)) return bits;
  return Infinity;
}

/** Value of an initializer: multiples of one power of two, or powers of two. */
export function constantValue(t: OnnxTensor): Value {
  const data = t.data instanceof BigInt64Array ? Array.from(t.data, Number) : t.data;
  let [lo, hi, bits] = [Infinity, -Infinity, 0];
  // A package has millions of them: no sentence is made for nothing, and of whole numbers no part is looked for.
  for (let i = 0; i < data.length; i++) {
    const x = data[i]!;
    if (!Number.isFinite(x)) throw new Refused('integer', `constant '${t.name}' holds ${x}`);
    if (x < lo) lo = x;
    if (x > hi) hi = x;
    if (x !== Math.floor(x)) bits = Math.max(bits, bitsOf(x));
  }
  const constant: Value = {
    type: t.type,
    dims: t.dims,
    lo,
    hi,
    bits,
    odd: bits > 0 && data.every((x) => (x * 2 ** bits) % 2 !== 0),
    perSequence: false,
    constant: data,
  };
  const found = Math.max(Math.abs(lo), Math.abs(hi));
  if (bits === 0)
    demand(found < EXACT_MAX, 'magnitude', `constant '${t.name}' reaches 2^24`, found);
  else if (!(found * 2 ** bits < EXACT_MAX)) {
    const sentence = 'has neither multiples of one part nor powers of two only';
    demand(isShifts(constant), 'scale', `constant '${t.name}' ${sentence}`);
    return { ...constant, bits: Infinity, odd: false };
  }
  return constant;
}

export function demandExact(v: Value): void {
  const sentence = 'takes numbers of different scales that no Floor has made whole';
  demand(Number.isFinite(v.bits), 'integer', sentence);
}
export function demandWhole(v: Value): void {
  demand(v.bits === 0, 'integer', 'takes a fraction that no Floor has made whole');
}
export function demandFloat(v: Value): void {
  demand(v.type === 'float32', 'type', `takes ${v.type}, not float32`);
}

/** A float result of multiples of 2^−bits; refused when float32 might not hold one. */
export function exact(
  dims: readonly number[],
  [lo, hi]: readonly [number, number],
  perSequence: boolean,
  { bits = 0, odd = false }: { readonly bits?: number; readonly odd?: boolean } = {},
): Value {
  const bound = Math.max(Math.abs(lo), Math.abs(hi));
  demand(bits <= BITS_MAX, 'scale', `makes parts of 2^−${bits}`, bits);
  const limit = bits ? `2^24 parts of 2^−${bits}` : '2^24';
  const holds = bound * 2 ** bits < EXACT_MAX;
  demand(holds, 'magnitude', `could reach ${bound}, not below ${limit}`, bound);
  return { type: 'float32', dims, lo, hi, bits, odd, perSequence };
}
