/** Rows of weights as integers with a unit per row, rounded by GPTQ on the operand that they multiply. */
import { AppError } from '../../../src/lib/errors.ts';
import type { Arithmetic } from './kernel/arithmetic.ts';

/** Weights of every manifest. */
export const WEIGHT_MAX = 63;
const DAMPING = 0.01;
/** How much of its range a row may lose, so that the rest is finer. */
const CLIPS = [1, 0.96, 0.92, 0.88, 0.84, 0.8, 0.76, 0.72];

const word = new DataView(new ArrayBuffer(8));
/** ⌊log2 x⌋ of a positive number, from its bits. */
export function exponentOf(x: number): number {
  word.setFloat64(0, x);
  return ((word.getUint16(0) >> 4) & 0x7ff) - 1023;
}

/** The nearest M·2^−t with 128 ≤ M ≤ 255 or a power of two: what a product can be scaled by exactly. */
export function scalable(x: number): number {
  const step = 2 ** (exponentOf(x) - 7);
  const m = Math.round(x / step);
  return (m > 255 ? 256 : m) * step;
}

/** Of each of n rows the unit with the least Σ error²·energy. */
export function rowUnits(
  rows: Float32Array,
  k: number,
  limit: number,
  energy?: Float64Array,
): Float64Array {
  const units = new Float64Array(rows.length / k);
  for (let i = 0; i < units.length; i++) {
    let top = 1e-12;
    for (let j = i * k; j < (i + 1) * k; j++) top = Math.max(top, Math.abs(rows[j]!));
    let least = Infinity;
    for (const clip of CLIPS) {
      const unit = (top * clip) / limit;
      let error = 0;
      for (let j = 0; j < k && error < least; j++) {
        const w = rows[i * k + j]!;
        const q = Math.max(-limit, Math.min(limit, Math.round(w / unit)));
        error += (w - q * unit) ** 2 * (energy ? energy[j]! : 1);
      }
      if (error < least) [least, units[i]] = [error, unit];
    }
  }
  return units;
}

/** Rounds rows of weights on one operand. */
export class Rounding {
  readonly #arithmetic: Arithmetic;
  readonly #root: Float64Array;
  /** Columns in the order in which they are rounded. */
  readonly #order: readonly number[];
  /** Of each column: Σ a² and what damps it. */
  readonly energy: Float64Array;

  /**
   * @param operand on calibration rows, × k
   * @param damping share of the columns' mean energy that is added to every column's: what few rows leave open stays
   * near its nearest integer
   * @throws AppError MODEL_REFUSED: operands that are not finite
   */
  constructor(arithmetic: Arithmetic, operand: Float32Array, k: number, damping = DAMPING) {
    this.#arithmetic = arithmetic;
    const h = arithmetic.gram(operand, k);
    let total = 0;
    for (let j = 0; j < k; j++) total += h[j * k + j]!;
    if (!Number.isFinite(total)) throw new AppError('MODEL_REFUSED', 'operands are not finite');
    this.energy = new Float64Array(k);
    for (let j = 0; j < k; j++) {
      // A column that is always zero would leave nothing to divide by.
      h[j * k + j]! += (damping * total) / k + 1e-9;
      this.energy[j] = h[j * k + j]!;
    }
    // Columns with the most energy are rounded first: what they lose the others can make up for.
    const { energy } = this;
    const order = Array.from(energy.keys()).sort((a, b) => energy[b]! - energy[a]! || a - b);
    const sorted = new Float64Array(k * k);
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) sorted[i * k + j] = h[order[i]! * k + order[j]!]!;
    this.#root = arithmetic.inverseRoot(sorted, k);
    this.#order = order;
  }

  /** @param units real value of a step of each row */
  rows(rows: Float32Array, units: Float64Array): Int8Array<ArrayBuffer> {
    const order = this.#order;
    const [n, k] = [units.length, order.length];
    const steps = new Float64Array(n * k);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < k; j++) steps[i * k + j] = rows[i * k + order[j]!]! / units[i]!;
    const found = this.#arithmetic.roundRows(steps, this.#root, k, WEIGHT_MAX);
    const integers = new Int8Array(n * k);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < k; j++) integers[i * k + order[j]!] = found[i * k + j]!;
    return integers;
  }
}

export interface Quantised {
  /** n × k */
  readonly weight: Int8Array<ArrayBuffer>;
  /** Real value of a step of each row. */
  readonly units: Float64Array;
}

/**
 * @param rows n × k, real weights for whole operands
 * @param operand the operand on calibration rows, × k
 * @param wanted of each row the unit of what its sums become: the ratio is made one that scaling has exactly
 * @throws AppError MODEL_REFUSED: operands that are not finite
 */
export function quantised(
  arithmetic: Arithmetic,
  rows: Float32Array,
  operand: Float32Array,
  wanted: ArrayLike<number>,
): Quantised {
  const k = rows.length / wanted.length;
  const rounding = new Rounding(arithmetic, operand, k);
  const units = rowUnits(rows, k, WEIGHT_MAX, rounding.energy).map(
    (unit, i) => scalable(unit / wanted[i]!) * wanted[i]!,
  );
  return { weight: rounding.rows(rows, units), units };
}

/** What all but `share` of the magnitudes are at most. */
export function quantile(x: Float32Array | Float64Array, share: number): number {
  const sorted = x.map(Math.abs).sort();
  return sorted[Math.max(0, Math.ceil(sorted.length * (1 - share)) - 1)]!;
}

/** The same of each column of rows of `width`. */
export function columnQuantiles(x: Float32Array, width: number, share: number): Float64Array {
  const rows = x.length / width;
  const column = new Float32Array(rows);
  return Float64Array.from({ length: width }, (_, j) => {
    for (let i = 0; i < rows; i++) column[i] = x[i * width + j]!;
    return quantile(column, share);
  });
}
