/**
 * The encoder in float32, as PyTorch computes it: what the exact package is measured against, and
 * where calibration sees its numbers. Products run in ONNX Runtime, the rest is plain loops.
 */
import * as ort from 'onnxruntime-web/webgpu';
import { encodeOnnx } from '../../src/miner/package/onnx.ts';
import type { Bert, FloatLinear, FloatNorm } from './bert.ts';

/** Hears what flows through; indices are those of Bert's linears and norms. */
export interface Observer {
  linear?(index: number, x: Float32Array, y: Float32Array): void | Promise<void>;
  /** Before the norm, rows × hidden. */
  norm?(index: number, sums: Float32Array): void;
}

/** Rows of a product come in multiples of it. */
const ROWS = 128;

const sessions = new Map<string, Promise<ort.InferenceSession>>();

/** A session of y = x·Wᵀ + b for m rows. */
function productSession(m: number, k: number, n: number): Promise<ort.InferenceSession> {
  const key = `${m} ${k} ${n}`;
  const value = (name: string, dims: number[]) => ({ name, type: 'float32' as const, dims });
  const made =
    sessions.get(key) ??
    ort.InferenceSession.create(
      encodeOnnx({
        nodes: [
          {
            name: 'y',
            op: 'Gemm',
            inputs: ['x', 'w', 'b'],
            outputs: ['y'],
            attributes: { transB: 1 },
          },
        ],
        constants: [],
        inputs: [value('x', [m, k]), value('w', [n, k]), value('b', [n])],
        outputs: [value('y', [m, n])],
      }),
      { executionProviders: ['wasm'] },
    );
  sessions.set(key, made);
  return made;
}

/** x·Wᵀ + b */
export async function product(
  x: Float32Array,
  { weight, bias, k, n }: FloatLinear,
): Promise<Float32Array> {
  const m = x.length / k;
  // Zero rows up to a multiple, so that few sessions serve products of any number of rows.
  const padded = ROWS * Math.ceil(m / ROWS);
  const rows = m === padded ? x : new Float32Array(padded * k);
  if (rows !== x) rows.set(x);
  const session = await productSession(padded, k, n);
  const { y } = await session.run({
    x: new ort.Tensor('float32', rows, [padded, k]),
    w: new ort.Tensor('float32', weight, [n, k]),
    b: new ort.Tensor('float32', bias, [n]),
  });
  return (y!.data as Float32Array).subarray(0, m * n);
}

function normalise(x: Float32Array, { gain, bias }: FloatNorm, epsilon: number): Float32Array {
  const width = gain.length;
  const out = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += width) {
    let [mean, variance] = [0, 0];
    for (let j = 0; j < width; j++) mean += x[at + j]! / width;
    for (let j = 0; j < width; j++) variance += (x[at + j]! - mean) ** 2 / width;
    const scale = 1 / Math.sqrt(variance + epsilon);
    for (let j = 0; j < width; j++) out[at + j] = (x[at + j]! - mean) * scale * gain[j]! + bias[j]!;
  }
  return out;
}

/** Φ by Abramowitz and Stegun 7.1.26: |error| < 1e-7. */
export function gelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp(-z * z);
  return x * (x < 0 ? tail : 1 - tail);
}

/** Context of one sequence: rows `from`..`to` of qkv, into `out`. */
function attend(
  { hidden, heads }: Bert,
  qkv: Float32Array,
  [from, to]: readonly [number, number],
  out: Float32Array,
): void {
  const width = hidden / heads;
  const scores = new Float64Array(to - from);
  const at = (row: number, part: number, head: number): number =>
    row * 3 * hidden + part * hidden + head * width;
  for (let head = 0; head < heads; head++)
    for (let i = from; i < to; i++) {
      for (let t = from; t < to; t++) {
        let sum = 0;
        const [q, k] = [at(i, 0, head), at(t, 1, head)];
        for (let j = 0; j < width; j++) sum += qkv[q + j]! * qkv[k + j]!;
        scores[t - from] = sum / Math.sqrt(width);
      }
      const top = scores.reduce((a, b) => Math.max(a, b));
      let total = 0;
      for (let t = 0; t < scores.length; t++) total += scores[t] = Math.exp(scores[t]! - top);
      for (let t = from; t < to; t++) {
        const share = scores[t - from]! / total;
        const v = at(t, 2, head);
        for (let j = 0; j < width; j++) out[i * hidden + head * width + j]! += share * qkv[v + j]!;
      }
    }
}

const sum = (a: Float32Array, b: Float32Array): Float32Array => a.map((x, i) => x + b[i]!);

/** Hidden states of token sequences without padding: all their rows, in order, × hidden. */
export async function encodeFloat(
  bert: Bert,
  sequences: readonly Uint32Array[],
  observer: Observer = {},
): Promise<Float32Array> {
  const { hidden, words, places, epsilon } = bert;
  const rows = sequences.reduce((total, s) => total + s.length, 0);
  const embedded = new Float32Array(rows * hidden);
  let row = 0;
  for (const ids of sequences)
    for (const [place, id] of ids.entries()) {
      for (let j = 0; j < hidden; j++)
        embedded[row * hidden + j] = words[id * hidden + j]! + places[place * hidden + j]!;
      row++;
    }
  const norm = (index: number, x: Float32Array): Float32Array => {
    observer.norm?.(index, x);
    return normalise(x, bert.norms[index]!, epsilon);
  };
  const linear = async (index: number, x: Float32Array): Promise<Float32Array> => {
    const y = await product(x, bert.linears[index]!);
    await observer.linear?.(index, x, y);
    return y;
  };
  let x = norm(0, embedded);
  for (let layer = 0; layer < bert.layers; layer++) {
    const qkv = await linear(4 * layer, x);
    const context = new Float32Array(rows * hidden);
    let from = 0;
    for (const { length } of sequences) attend(bert, qkv, [from, (from += length)], context);
    x = norm(2 * layer + 1, sum(x, await linear(4 * layer + 1, context)));
    const wide = (await linear(4 * layer + 2, x)).map(gelu);
    x = norm(2 * layer + 2, sum(x, await linear(4 * layer + 3, wide)));
  }
  return x;
}

/** One row per sequence: its mean or its first row. */
export function pool(bert: Bert, x: Float32Array, lengths: readonly number[]): Float32Array[] {
  let row = 0;
  return lengths.map((length) => {
    const out = new Float32Array(bert.hidden);
    const used = bert.pooling === 'cls' ? 1 : length;
    for (let i = 0; i < used * bert.hidden; i++)
      out[i % bert.hidden]! += x[row * bert.hidden + i]! / used;
    row += length;
    return out;
  });
}
