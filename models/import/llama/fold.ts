/**
 * The same decoder with its norms' gains in the weights, its residual stream turned by R and each head's values by H:
 * no gain is left but that of the last norm, which is a product Rᵀ·diag(gain)·R of its own, since the head's rows are
 * the embedding's.
 */
import type { FloatLayer, FloatModel } from './float.ts';
import type { Arithmetic } from './kernel/arithmetic.ts';
import type { Rows } from './read/llama.ts';
import { headRotation, streamRotation } from './rotation.ts';

function transposed(x: Float32Array, width: number): Float32Array<ArrayBuffer> {
  const rows = x.length / width;
  const out = new Float32Array(x.length);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < width; j++) out[j * rows + i] = x[i * width + j]!;
  return out;
}

/** Columns times `gain`. */
const scaled = (x: Float32Array, gain: Float32Array | undefined): Float32Array =>
  gain ? x.map((v, at) => v * gain[at % gain.length]!) : x;

/** @throws AppError MODEL_REFUSED: a width without a Hadamard matrix */
export function foldedModel(arithmetic: Arithmetic, model: FloatModel): FloatModel {
  const { hidden, heads, keyHeads, headWidth } = model.config;
  const stream = streamRotation(hidden);
  const head = headRotation(headWidth);
  /** Rows of `hidden` columns: x·R. */
  const turnRows = (x: Float32Array) => arithmetic.multiply(x, stream, hidden);
  /** Of a matrix whose outputs are the stream: Rᵀ·W, W hidden × width. */
  const turnOutputs = (w: Float32Array, width: number) =>
    transposed(turnRows(transposed(w, width)), hidden);
  /** Columns of heads: W·H, for each head. */
  const turnHeads = (w: Float32Array) => arithmetic.multiply(w, head, headWidth);
  const turnedRows = ({ rows, columns, read }: Rows): Rows => ({
    rows,
    columns,
    read: (from, to) => turnRows(read(from, to)),
  });

  const queriesAndKeys = (heads + keyHeads) * headWidth;
  const values = keyHeads * headWidth;
  /** The rows of v are turned, those of q and k are not; `width` columns. */
  const turnValues = (w: Float32Array, width: number): Float32Array => {
    const out = w.slice();
    const v = w.subarray(queriesAndKeys * width);
    out.set(transposed(turnHeads(transposed(v, width)), values), queriesAndKeys * width);
    return out;
  };

  const embedding = turnedRows(model.embedding);
  const { gain } = model;
  const diagonal = new Float32Array(hidden * hidden);
  gain?.forEach((g, i) => (diagonal[i * hidden + i] = g));
  return {
    config: model.config,
    embedding,
    layer(index): FloatLayer {
      const l = model.layer(index);
      return {
        qkv: turnRows(scaled(turnValues(l.qkv, hidden), l.attentionGain)),
        qkvBias: l.qkvBias && turnValues(l.qkvBias, 1),
        headGain: l.headGain,
        o: turnOutputs(turnHeads(l.o), heads * headWidth),
        gateUp: turnRows(scaled(l.gateUp, l.ffnGain)),
        down: turnOutputs(l.down, model.config.ffn),
      };
    },
    last: gain && turnOutputs(turnRows(diagonal), hidden),
    head: model.head === model.embedding ? embedding : turnedRows(model.head),
  };
}
