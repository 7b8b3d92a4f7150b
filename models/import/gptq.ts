/**
 * Weights as integers, each rounding made up for by the weights that are still to be rounded (GPTQ, arXiv 2210.17323).
 * Sums over activations are whole numbers and everything else is float64 in a fixed order, so that the same rows give
 * the same integers on every machine.
 */
import { OPERAND_MAX } from '../../src/core/manifest.ts';
import { product } from './reference.ts';

/** Rows whose Σa·b stays below 2^24, so that float32 is exact in any order. */
const ROWS_MAX = 4096;
/** Share of the mean variance that is added to every column's: what few rows leave open stays near its nearest integer. */
const DAMPING = 0.01;

/** Σ a_i·a_j of all pairs of columns: k×k. */
async function sumsOfProducts(a: Int8Array, k: number): Promise<Float64Array> {
  const sums = new Float64Array(k * k);
  for (let from = 0; from < a.length; from += ROWS_MAX * k) {
    const part = a.subarray(from, from + ROWS_MAX * k);
    const rows = part.length / k;
    const columns = new Float32Array(part.length);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < k; j++) columns[j * rows + i] = part[i * k + j]!;
    const zeros = new Float32Array(k);
    const found = await product(columns, { weight: columns, bias: zeros, k: rows, n: k });
    for (let i = 0; i < sums.length; i++) sums[i]! += found[i]!;
  }
  return sums;
}

/** Covariance of the columns, damped: biases take the means. */
async function covariance(a: Int8Array, k: number): Promise<Float64Array> {
  const rows = a.length / k;
  const mean = new Float64Array(k);
  for (let at = 0; at < a.length; at += k) for (let j = 0; j < k; j++) mean[j]! += a[at + j]!;
  for (let j = 0; j < k; j++) mean[j]! /= rows;
  const found = await sumsOfProducts(a, k);
  let total = 0;
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < k; j++) found[i * k + j] = found[i * k + j]! / rows - mean[i]! * mean[j]!;
    total += found[i * k + i]!;
  }
  for (let i = 0; i < k; i++) found[i * k + i]! += (DAMPING * total) / k + 1e-9;
  return found;
}

/** U, upper, with UᵀU = H⁻¹: the inverse of R, upper, with R·Rᵀ = H. H is overwritten. */
function inverseRoot(h: Float64Array, k: number): Float64Array {
  // From the last column to the first, R over the upper half of H.
  for (let j = k - 1; j >= 0; j--) {
    for (let i = j; i >= 0; i--) {
      let sum = h[i * k + j]!;
      for (let t = j + 1; t < k; t++) sum -= h[i * k + t]! * h[j * k + t]!;
      h[i * k + j] = i === j ? Math.sqrt(sum) : sum / h[j * k + j]!;
    }
  }
  const u = new Float64Array(k * k);
  for (let i = k - 1; i >= 0; i--) {
    const own = 1 / h[i * k + i]!;
    const row = u.subarray(i * k, (i + 1) * k);
    for (let t = i + 1; t < k; t++) {
      const factor = h[i * k + t]! * own;
      for (let j = t; j < k; j++) row[j]! -= factor * u[t * k + j]!;
    }
    row[i] = own;
  }
  return u;
}

/**
 * @param a rows × k, the integers that the weights are multiplied with
 * @param rows n × k, weights in steps of their row
 * @returns n × k
 */
export async function roundedRows(a: Int8Array, rows: Float64Array, k: number): Promise<Int8Array> {
  const u = inverseRoot(await covariance(a, k), k);
  const out = new Int8Array(rows.length);
  const row = new Float64Array(k);
  for (let at = 0; at < rows.length; at += k) {
    row.set(rows.subarray(at, at + k));
    for (let j = 0; j < k; j++) {
      const q = Math.max(-OPERAND_MAX, Math.min(OPERAND_MAX, Math.round(row[j]!)));
      out[at + j] = q;
      const error = (row[j]! - q) / u[j * k + j]!;
      for (let i = j + 1; i < k; i++) row[i]! -= error * u[j * k + i]!;
    }
  }
  return out;
}
