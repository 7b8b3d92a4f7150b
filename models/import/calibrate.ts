/**
 * Chooses the integers of an encoder's linears from what flows through the float one. Columns of an
 * activation that are large (outliers) are scaled down, and the weights that read them up, so that both
 * fit −63..63 (SmoothQuant, arXiv 2211.10438); exponent and clipping are those of the least error.
 */
import type { Bert, FloatLinear } from './bert.ts';
import { OPERAND_MAX } from '../../src/core/manifest.ts';
import type { Spread } from './exact-graph.ts';
import { roundedRows } from './gptq.ts';
import { encodeFloat } from './reference.ts';

/** Rows on which candidates are compared: the largest of a column are among few. And columns. */
const ROWS_COMPARED = 512;
const COLUMNS_COMPARED = 64;
/** Share of a column's range that goes into the weights' scale: 1 none, 0 all. */
const EXPONENTS = [1, 0.9, 0.8, 0.65, 0.5, 0.35, 0.2];
const CLIPS = [0.9, 0.8, 0.7];

export interface QuantisedLinear {
  readonly k: number;
  readonly n: number;
  /** B_ℓᵀ: n×k. */
  readonly weight: Int8Array;
  /** Per column of A: its real value is integer·inputScale + inputMiddle. */
  readonly inputScale: Float64Array;
  readonly inputMiddle: Float64Array;
  /** Columns of A that the product leaves out, and their float weights, one for each column of C. */
  readonly massive: readonly { readonly column: number; readonly weights: Float64Array }[];
  /** Per column of C: its real value is integer·outputScale + bias. */
  readonly outputScale: Float64Array;
  readonly bias: Float64Array;
}

export interface Calibration {
  readonly linears: readonly QuantisedLinear[];
  readonly norms: readonly Spread[];
  /** Per linear: largest |y| of each column, and largest y. */
  readonly outputs: readonly Float64Array[];
  readonly largest: readonly Float64Array[];
  /** Largest |x| of a final hidden state. */
  readonly last: number;
}

/** Largest magnitude of each column. */
function columnPeaks(x: Float32Array, columns: number): Float64Array {
  const peaks = new Float64Array(columns);
  for (let at = 0; at < x.length; at += columns)
    for (let j = 0; j < columns; j++) peaks[j] = Math.max(peaks[j]!, Math.abs(x[at + j]!));
  return peaks;
}

const clamp = (x: number): number => Math.min(OPERAND_MAX, Math.max(-OPERAND_MAX, Math.round(x)));

/** Scale of each column of A: `exponent` of the way to giving every column its own range. */
function inputScales(
  peaks: Float64Array,
  weightPeaks: Float64Array,
  exponent: number,
  clip: number,
): Float64Array {
  const floor = 1e-3 * peaks.reduce((a, b) => Math.max(a, b), 1e-9);
  const raw = peaks.map(
    (p, j) => Math.max(p, floor) ** exponent / Math.max(weightPeaks[j]!, 1e-6) ** (1 - exponent),
  );
  const reach = raw.reduce((top, s, j) => Math.max(top, Math.max(peaks[j]!, floor) / s), 0);
  return raw.map((s) => (s * reach * clip) / OPERAND_MAX);
}

/** One row of weights as integers; of a few clippings the one with the least expected error. */
function quantiseRow(
  row: Float32Array,
  scales: Float64Array,
  energy: Float64Array,
  out: Int8Array,
): number {
  let peak = 1e-12;
  for (let j = 0; j < row.length; j++) peak = Math.max(peak, Math.abs(row[j]! * scales[j]!));
  let [best, least] = [peak / OPERAND_MAX, Infinity];
  for (const clip of [1, 0.9, 0.8]) {
    const step = (clip * peak) / OPERAND_MAX;
    let error = 0;
    for (let j = 0; j < row.length; j++) {
      const w = row[j]! * scales[j]!;
      error += (w - clamp(w / step) * step) ** 2 * energy[j]!;
    }
    if (error < least) [best, least] = [step, error];
  }
  for (let j = 0; j < row.length; j++) out[j] = clamp((row[j]! * scales[j]!) / best);
  return best;
}

/** Rows from which on the roundings of a linear's weights make up for each other; fewer tell too little of them. */
const GPTQ_ROWS_MIN = 4000;

/** Every ⌈count/most⌉-th index. */
const sampled = (count: number, most: number): number[] => {
  const step = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
};

function quantiseInput(x: Float32Array, scales: Float64Array): Int8Array {
  const k = scales.length;
  const out = new Int8Array(x.length);
  for (let at = 0; at < x.length; at += k)
    for (let j = 0; j < k; j++) out[at + j] = clamp(x[at + j]! / scales[j]!);
  return out;
}

/** Mean and variance of each column of A. */
function moments(a: Int8Array, k: number): { mean: Float64Array; variance: Float64Array } {
  const [sums, squares] = [new Float64Array(k), new Float64Array(k)];
  for (let at = 0; at < a.length; at += k)
    for (let j = 0; j < k; j++) {
      sums[j]! += a[at + j]!;
      squares[j]! += a[at + j]! ** 2;
    }
  const mean = sums.map((sum) => (sum * k) / a.length);
  return { mean, variance: squares.map((sum, j) => (sum * k) / a.length - mean[j]! ** 2) };
}

/** Of the error of weights rounded to nearest, what is left where roundings make up for each other. */
const GPTQ_LEFT = 0.7;

/**
 * Expected Σ(y − ŷ)² over sampled rows (already cut out) and columns: what A loses, and what the weights lose where
 * their roundings are independent.
 * @param left share of the second that counts
 */
function errorOf(
  l: FloatLinear,
  [x, y]: readonly [Float32Array, Float32Array],
  scales: Float64Array,
  left: number,
): number {
  const { k, n } = l;
  const a = quantiseInput(x, scales);
  const { variance } = moments(a, k);
  const rows = x.length / k;
  const integers = new Int8Array(k);
  let error = 0;
  for (const column of sampled(n, COLUMNS_COMPARED)) {
    const row = l.weight.subarray(column * k, (column + 1) * k);
    const step = quantiseRow(row, scales, variance, integers);
    const wide = Float64Array.from(row, (w, j) => w * scales[j]!);
    for (let j = 0; j < k; j++)
      error += left * rows * (wide[j]! - step * integers[j]!) ** 2 * variance[j]!;
    for (let i = 0; i < rows; i++) {
      let sum = y[i * n + column]! - l.bias[column]!;
      for (let j = 0; j < k; j++) sum -= a[i * k + j]! * wide[j]!;
      error += sum ** 2;
    }
  }
  return error;
}

function chooseScales(l: FloatLinear, x: Float32Array, y: Float32Array): Float64Array {
  const { k, n } = l;
  const rows = sampled(x.length / k, ROWS_COMPARED);
  const cut = (of: Float32Array, width: number): Float32Array => {
    const out = new Float32Array(rows.length * width);
    rows.forEach((r, i) => out.set(of.subarray(r * width, (r + 1) * width), i * width));
    return out;
  };
  const sample = [cut(x, k), cut(y, n)] as const;
  const left = x.length / k >= GPTQ_ROWS_MIN ? GPTQ_LEFT : 1;
  const peaks = columnPeaks(x, k);
  const weightPeaks = columnPeaks(l.weight, k);
  let best = { scales: peaks, exponent: 1, error: Infinity };
  const attempt = (exponent: number, clip: number): void => {
    const scales = inputScales(peaks, weightPeaks, exponent, clip);
    const error = errorOf(l, sample, scales, left);
    if (error < best.error) best = { scales, exponent, error };
  };
  for (const exponent of EXPONENTS) attempt(exponent, 1);
  for (const clip of CLIPS) attempt(best.exponent, clip);
  return best.scales;
}

/** Most columns that are left out of a product, and how far their reach is above the median one. */
const MASSIVE_COLUMNS_MAX = 4;
const MASSIVE_REACH = 8;

/** Columns that alone would widen every row's step: largest |x|·|w| far above the others'. */
function massiveColumns({ k, weight }: FloatLinear, x: Float32Array): number[] {
  const weightPeaks = columnPeaks(weight, k);
  const reach = columnPeaks(x, k).map((p, j) => p * weightPeaks[j]!);
  const median = reach.toSorted()[k >> 1]!;
  return Array.from(reach.keys())
    .filter((j) => reach[j]! > MASSIVE_REACH * median)
    .sort((a, b) => reach[b]! - reach[a]!)
    .slice(0, MASSIVE_COLUMNS_MAX);
}

/** Least and largest of each column. */
function columnEnds(x: Float32Array, columns: number): { lo: Float64Array; hi: Float64Array } {
  const [lo, hi] = [Infinity, -Infinity].map((v) => new Float64Array(columns).fill(v));
  for (let at = 0; at < x.length; at += columns)
    for (let j = 0; j < columns; j++) {
      lo![j] = Math.min(lo![j]!, x[at + j]!);
      hi![j] = Math.max(hi![j]!, x[at + j]!);
    }
  return { lo: lo!, hi: hi! };
}

/** What is left of a linear and its rows when massive columns are apart and the others counted from `middle`. */
function centred(
  whole: FloatLinear,
  [rowsIn, rowsOut]: readonly [Float32Array, Float32Array],
  massive: QuantisedLinear['massive'],
) {
  const { k, n } = whole;
  const l = { ...whole, weight: whole.weight.slice(), bias: Float32Array.from(whole.bias) };
  const [x, y] = [rowsIn.slice(), rowsOut.slice()];
  for (const { column, weights } of massive) {
    for (let c = 0; c < n; c++) l.weight[c * k + column] = 0;
    for (let i = 0; i < x.length / k; i++) {
      for (let c = 0; c < n; c++) y[i * n + c]! -= x[i * k + column]! * weights[c]!;
      x[i * k + column] = 0;
    }
  }
  const { lo, hi } = columnEnds(x, k);
  const middle = lo.map((v, j) => (v + hi[j]!) / 2);
  for (let at = 0; at < x.length; at += k) for (let j = 0; j < k; j++) x[at + j]! -= middle[j]!;
  for (let c = 0; c < n; c++)
    for (let j = 0; j < k; j++) l.bias[c]! += l.weight[c * k + j]! * middle[j]!;
  return { l, x, y, middle };
}

/**
 * Integers of one linear from its inputs (rows × k) and outputs (rows × n). Columns of A count from the middle of
 * their range. That helps only where no massive column is left in the product, which `apart` takes out.
 */
export async function quantiseLinear(
  whole: FloatLinear,
  rows: readonly [Float32Array, Float32Array],
  apart = false,
): Promise<QuantisedLinear> {
  const { k, n } = whole;
  const massive = (apart ? massiveColumns(whole, rows[0]) : []).map((column) => ({
    column,
    weights: Float64Array.from({ length: n }, (_, c) => whole.weight[c * k + column]!),
  }));
  const { l, x, y, middle } = centred(whole, rows, massive);
  const inputScale = chooseScales(l, x, y);
  const a = quantiseInput(x, inputScale);
  // Biases take the means.
  const { mean, variance } = moments(a, k);
  const weight = new Int8Array(n * k);
  const outputScale = new Float64Array(n);
  for (let c = 0; c < n; c++) {
    const row = weight.subarray(c * k, (c + 1) * k);
    outputScale[c] = quantiseRow(l.weight.subarray(c * k, (c + 1) * k), inputScale, variance, row);
  }
  if (x.length / k >= GPTQ_ROWS_MIN) {
    const steps = Float64Array.from(l.weight, (w, i) => {
      return (w * inputScale[i % k]!) / outputScale[Math.floor(i / k)]!;
    });
    weight.set(await roundedRows(a, steps, k));
  }
  const bias = new Float64Array(n);
  for (let c = 0; c < n; c++) {
    // What rounding moves the mean by goes into the bias.
    for (let j = 0; j < k; j++) bias[c]! -= mean[j]! * weight[c * k + j]! * outputScale[c]!;
    for (let i = c; i < y.length; i += n) bias[c]! += (y[i]! * n) / y.length;
  }
  return { k, n, weight, inputScale, inputMiddle: middle, massive, outputScale, bias };
}

/** Peak and energy of the rows before a norm. */
function spread(sums: Float32Array, width: number): Spread {
  let [peak, most] = [0, 0];
  for (let at = 0; at < sums.length; at += width) {
    const row = sums.subarray(at, at + width);
    const mean = row.reduce((s, v) => s + v, 0) / width;
    let energy = 0;
    for (const v of row) {
      peak = Math.max(peak, Math.abs(v), Math.abs(v - mean));
      energy += (v - mean) ** 2;
    }
    most = Math.max(most, energy);
  }
  return { peak, energy: most };
}

const largestOf = (x: Float32Array): number => x.reduce((top, v) => Math.max(top, Math.abs(v)), 0);

/** Runs the float encoder on token sequences without padding, and chooses all integers. */
export async function calibrate(
  bert: Bert,
  sequences: readonly Uint32Array[],
  onLinear: (done: number) => void = () => undefined,
): Promise<Calibration> {
  const linears: QuantisedLinear[] = [];
  const norms: Calibration['norms'][number][] = [];
  const [outputs, largest]: Float64Array[][] = [[], []];
  const last = await encodeFloat(bert, sequences, {
    async linear(index, x, y) {
      const l = bert.linears[index]!;
      linears.push(await quantiseLinear(l, [x, y], index % 4 === 3));
      outputs!.push(columnPeaks(y, l.n));
      largest!.push(columnEnds(y, l.n).hi);
      onLinear(linears.length);
    },
    norm: (_, sums) => norms.push(spread(sums, bert.hidden)),
  });
  return { linears, norms, outputs: outputs!, largest: largest!, last: largestOf(last) };
}

/** Integers that say nothing and reach all bounds: enough to ask what a package of these sizes may not. */
export function blankCalibration({ linears, norms }: Bert): Calibration {
  const flat = (count: number, value: number): Float64Array => new Float64Array(count).fill(value);
  return {
    linears: linears.map(({ k, n }) => ({
      k,
      n,
      // The same bytes of another size would be no other weights: one sign tells where a row ends.
      weight: new Int8Array(n * k).fill(1).fill(-1, k - 1, k),
      inputScale: flat(k, 0.01),
      inputMiddle: flat(k, 0),
      massive: [],
      outputScale: flat(n, 50 / k),
      bias: flat(n, 0),
    })),
    norms: norms.map(() => ({ peak: 1000, energy: 1000 ** 2 })),
    outputs: linears.map(({ n }) => flat(n, 1)),
    largest: linears.map(({ n }) => flat(n, 1)),
    last: 1,
  };
}
