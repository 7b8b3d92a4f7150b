/** Exact forms that an imported encoder needs beyond graph.ts; bounds are those of the checker. */
import { ROOT_MAX } from '../../src/miner/checker/patterns.ts';
import { AppError } from '../../src/lib/errors.ts';
import { Graph } from '../graph.ts';

/** Coarse steps of a deviation from a row's mean: their squares stay below 2^24. */
const DEVIATION_BITS = 12;
const DEVIATION_MAX = 2 ** DEVIATION_BITS - 1;
/** A stream is a carry of int16. */
const STREAM_BITS = 15;
/** Bits that the square of a deviation loses on its way into a row's sum. */
const SQUARE_BITS = 5;
const GROUP = 32;
const NORM_BITS = 10;
/** Multipliers have 8 bits, and products below 2^23 leave room for the offset. */
export const MULTIPLIER_MAX = 255;
/** Of all terms of a sum together: their products and the offset stay below 2^24. */
const MULTIPLIERS_MAX = 380;
const INPUT_BITS = 15;
const SHIFT_MAX = 23;
const OFFSET_MAX = 2 ** 22;
/** Whole numbers below it are exact in float32. */
const EXACT_MAX = 2 ** 24;

/** A tensor and what its columns are multiplied by. */
export interface Term {
  readonly x: string;
  /** Largest |x|. */
  readonly bound: number;
  /** Per column. */
  readonly factors: ArrayLike<number>;
}

export interface Scaling extends Omit<Term, 'x'> {
  readonly offsets?: ArrayLike<number>;
}

/** Bits that numbers up to `bound` lose before they are multiplied. */
export const firstShift = (bound: number): number =>
  Math.max(0, Math.ceil(Math.log2(bound + 1)) - INPUT_BITS);

/** round(x·factor + offset) per column: ⌊(⌊x/2^s⌋·M + B)·2^−t⌋ with M ≤ 255 and a t of each column's own. */
export const scaled = (g: Graph, x: string, { bound, factors, offsets }: Scaling): string =>
  scaledSum(g, [{ x, bound, factors }], offsets);

/** The same of a sum, which is rounded once: M ≤ 380/count of several terms. */
export function scaledSum(g: Graph, terms: readonly Term[], addends?: ArrayLike<number>): string {
  const count = terms[0]!.factors.length;
  const firsts = terms.map(({ bound }) => firstShift(bound));
  const most = Math.min(MULTIPLIER_MAX, Math.floor(MULTIPLIERS_MAX / terms.length));
  const multipliers = terms.map(() => new Float32Array(count));
  const offsets = new Float32Array(count);
  const shifts = new Float32Array(count);
  for (let j = 0; j < count; j++) {
    const factors = terms.map((term, i) => term.factors[j]! * 2 ** firsts[i]!);
    const offset = addends?.[j] ?? 0;
    const largest = Math.max(...factors.map(Math.abs));
    const room = Math.floor(Math.log2(OFFSET_MAX / Math.max(Math.abs(offset), 1e-9)));
    const wanted = Math.floor(Math.log2(most / Math.max(largest, 1e-12)));
    const bits = Math.max(0, Math.min(SHIFT_MAX, room, wanted));
    // Of weights out of all measure, or of a number that is none.
    if (!(Math.round(largest * 2 ** bits) <= most))
      throw new AppError('MODEL_REFUSED', `a product whose column ${j} is scaled by ${largest}`);
    // Half a step rounds; a first shift drops half of what it may on average.
    let moved = offset * 2 ** bits + (bits ? 2 ** (bits - 1) : 0);
    for (const [i, factor] of factors.entries()) {
      const m = Math.round(factor * 2 ** bits);
      multipliers[i]![j] = m;
      moved += (m * (2 ** firsts[i]! - 1)) / 2 ** (firsts[i]! + 1);
    }
    offsets[j] = Math.round(moved);
    shifts[j] = 2 ** -bits;
  }
  const constant = (name: string, values: Float32Array): string =>
    g.floats(g.named(name), [count], values);
  const products = terms.map(({ x }, i) =>
    g.mul(g.shift(x, firsts[i]!), constant(i ? `multiplier_${i}` : 'multiplier', multipliers[i]!)),
  );
  const sum = products.reduce((all, product) => g.add(all, product));
  const moved = g.mul(g.add(sum, constant('offset', offsets)), constant('shift', shifts));
  return g.op('Floor', [moved]);
}

/** How far the rows before a norm go. */
export interface Spread {
  /** Largest |h| and |h − mean|. */
  readonly peak: number;
  /** Largest Σ(h − mean)² of a row. */
  readonly energy: number;
}

/** Integers of a norm: h is h·unit, and gives z'·zeta = (h − mean)/σ. */
export interface NormUnits {
  /** Real value of one step of h. */
  readonly unit: number;
  /** Largest |h|: rows of as many sum up below 2^24. */
  readonly streamMax: number;
  /** Steps of h for one of what is squared: 2^fineBits. */
  readonly fineBits: number;
  /** The sum of squares is multiplied by 2^rootBits before its root. */
  readonly rootBits: number;
  readonly zeta: number;
}
/** |z'| */
export const NORMED_MAX = 8191;

/** How far beyond what calibration saw a row may go. */
const MARGIN = 1.25;

/** @param width up to 1024: wider rows would leave a stream fewer bits than its squares have */
export function normUnits({ peak, energy }: Spread, width: number): NormUnits {
  const bits = Math.min(STREAM_BITS, Math.floor(Math.log2(EXACT_MAX / width)));
  const streamMax = 2 ** bits - 1;
  const fineBits = bits - DEVIATION_BITS;
  const unit = (peak * MARGIN) / streamMax;
  const sum = energy / (unit * 2 ** fineBits) ** 2 / 2 ** (2 * SQUARE_BITS);
  // A root of 512..1024: steps below 0.1 %, and numerators with bits to spare.
  const rootBits = Math.max(0, Math.min(14, Math.floor(Math.log2(2 ** 20 / sum))));
  const zeta = 2 ** -NORM_BITS * Math.sqrt(width) * 2 ** (rootBits / 2 - SQUARE_BITS);
  return { unit, streamMax, fineBits, rootBits, zeta };
}

/** Rows' means, rounded: ⌊⌊x/2^a⌋/b⌋ with 2^a·b = width. */
function meanOf(g: Graph, h: string, width: number, streamMax: number): string {
  const twos = Math.log2(width & -width);
  const total = g.add(g.sum(h, 1), g.number(Math.floor(width / 2)));
  const some = g.shift(total, twos);
  const odd = width / 2 ** twos;
  return odd === 1 ? some : g.divide(some, g.number(odd), (streamMax + 1) * odd);
}

/** z' of rows [m, width]: round(1024·d/√(Σd²/2^10·2^rootBits)), d in coarse steps; |z'| ≤ 8191. */
export function normed(
  g: Graph,
  h: string,
  [m, width]: readonly [number, number],
  { streamMax, fineBits, rootBits }: NormUnits,
): string {
  const most = DEVIATION_MAX * 2 ** fineBits;
  const d = g.clip(g.sub(h, meanOf(g, h, width, streamMax)), -most, most);
  const coarse = fineBits ? g.shift(g.add(d, g.number(2 ** (fineBits - 1))), fineBits) : d;
  const rounded = (x: string): string =>
    g.shift(g.add(x, g.number(2 ** (SQUARE_BITS - 1))), SQUARE_BITS);
  const squares = g.reshape(rounded(g.mul(coarse, coarse)), [m, width / GROUP, GROUP]);
  const groups = g.reshape(rounded(g.sum(squares, 2)), [m, width / GROUP]);
  const sumMax = Math.floor(ROOT_MAX ** 2 / 2 ** rootBits);
  const sum = g.mul(g.clip(g.sum(groups, 1), 4, sumMax), g.number(2 ** rootBits));
  const root = g.squareRoot(sum);
  const numerator = g.mul(d, g.number(2 ** (NORM_BITS - fineBits)));
  const reach = DEVIATION_MAX * 2 ** NORM_BITS;
  return g.clip(g.divideRounded(numerator, root, reach, ROOT_MAX), -NORMED_MAX, NORMED_MAX);
}
