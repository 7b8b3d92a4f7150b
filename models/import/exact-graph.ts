/** Exact forms that an imported encoder needs beyond graph.ts; bounds are those of the checker. */
import { ROOT_MAX } from '../../src/miner/checker/patterns.ts';
import { Graph } from '../graph.ts';

/** Largest integer of a residual stream, before a norm takes its mean off. */
export const RESIDUAL_MAX = 8191;
/** Largest distance from a row's mean: its square stays below 2^24. */
const DEVIATION_MAX = 4095;
/** Bits that the square of a deviation loses on its way into a row's sum. */
const SQUARE_BITS = 5;
const GROUP = 32;
const NORM_BITS = 10;
/** Multipliers have 8 bits, and products below 2^23 leave room for the offset. */
const MULTIPLIER_MAX = 255;
const INPUT_BITS = 15;
const SHIFT_MAX = 23;
const OFFSET_MAX = 2 ** 22;

export interface Scaling {
  /** Largest |x|. */
  readonly bound: number;
  /** Per column, or per entry of `dims`: the result is x·factor + offset, rounded. */
  readonly factors: ArrayLike<number>;
  readonly offsets?: ArrayLike<number>;
  /** Shape of factors; one axis of columns by default. */
  readonly dims?: number[];
}

/** round(x·factor + offset) per column: ⌊(⌊x/2^s⌋·M + B)·2^−t⌋ with M ≤ 255 and a t of each column's own. */
export function scaled(g: Graph, x: string, s: Scaling): string {
  const count = s.factors.length;
  const first = Math.max(0, Math.ceil(Math.log2(s.bound + 1)) - INPUT_BITS);
  const multipliers = new Float32Array(count);
  const offsets = new Float32Array(count);
  const shifts = new Float32Array(count);
  for (let j = 0; j < count; j++) {
    const factor = s.factors[j]! * 2 ** first;
    const offset = s.offsets?.[j] ?? 0;
    const room = Math.floor(Math.log2(OFFSET_MAX / Math.max(Math.abs(offset), 1e-9)));
    const wanted = Math.floor(Math.log2(MULTIPLIER_MAX / Math.max(Math.abs(factor), 1e-12)));
    const bits = Math.max(0, Math.min(SHIFT_MAX, room, wanted));
    const m = Math.round(factor * 2 ** bits);
    if (Math.abs(m) > MULTIPLIER_MAX) throw new Error(`column ${j} is scaled by ${factor}`);
    multipliers[j] = m;
    // Half a step rounds; the first shift drops half of what it may on average.
    const dropped = (m * (2 ** first - 1)) / 2 ** (first + 1);
    offsets[j] = Math.round(offset * 2 ** bits + dropped + (bits ? 2 ** (bits - 1) : 0));
    shifts[j] = 2 ** -bits;
  }
  const dims = s.dims ?? [count];
  const constant = (name: string, values: Float32Array): string =>
    g.floats(g.named(name), dims, values);
  const product = g.mul(g.shift(x, first), constant('multiplier', multipliers));
  const moved = g.mul(g.add(product, constant('offset', offsets)), constant('shift', shifts));
  return g.op('Floor', [moved]);
}

/** Integers of a norm: h is h·unit, and gives z'·zeta = (h − mean)/σ. */
export interface NormUnits {
  /** Real value of one step of h. */
  readonly unit: number;
  /** The sum of squares is multiplied by 2^rootBits before its root. */
  readonly rootBits: number;
  readonly zeta: number;
}
/** |z'| */
export const NORMED_MAX = 8191;

/** How far beyond what calibration saw a row may go. */
const MARGIN = 1.25;

export function normUnits(peak: number, energy: number, width: number): NormUnits {
  const unit = (peak * MARGIN) / DEVIATION_MAX;
  const sum = energy / unit ** 2 / 2 ** (2 * SQUARE_BITS);
  // A root of 512..1024: steps below 0.1 %, and numerators with bits to spare.
  const rootBits = Math.max(0, Math.min(14, Math.floor(Math.log2(2 ** 20 / sum))));
  const zeta = 2 ** -NORM_BITS * Math.sqrt(width) * 2 ** (rootBits / 2 - SQUARE_BITS);
  return { unit, rootBits, zeta };
}

/** Rows' means, rounded: ⌊⌊x/2^a⌋/b⌋ with 2^a·b = width. */
function meanOf(g: Graph, h: string, width: number): string {
  const twos = Math.log2(width & -width);
  const total = g.add(g.sum(h, 1), g.number(Math.floor(width / 2)));
  const some = g.shift(total, twos);
  const odd = width / 2 ** twos;
  return odd === 1 ? some : g.divide(some, g.number(odd), (RESIDUAL_MAX + 1) * odd);
}

/** z' of rows [m, width]: round(1024·d/√(Σd²/2^10·2^rootBits)), |z'| ≤ 8191. */
export function normed(
  g: Graph,
  h: string,
  [m, width]: readonly [number, number],
  { rootBits }: NormUnits,
): string {
  const d = g.clip(g.sub(h, meanOf(g, h, width)), -DEVIATION_MAX, DEVIATION_MAX);
  const rounded = (x: string): string =>
    g.shift(g.add(x, g.number(2 ** (SQUARE_BITS - 1))), SQUARE_BITS);
  const squares = g.reshape(rounded(g.mul(d, d)), [m, width / GROUP, GROUP]);
  const groups = g.reshape(rounded(g.sum(squares, 2)), [m, width / GROUP]);
  const most = Math.floor(ROOT_MAX ** 2 / 2 ** rootBits);
  const sum = g.mul(g.clip(g.sum(groups, 1), 4, most), g.number(2 ** rootBits));
  const root = g.squareRoot(sum);
  const numerator = g.mul(d, g.number(2 ** NORM_BITS));
  const reach = DEVIATION_MAX * 2 ** NORM_BITS;
  return g.clip(g.divideRounded(numerator, root, reach, ROOT_MAX), -NORMED_MAX, NORMED_MAX);
}
