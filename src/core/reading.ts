/**
 * The meaning of a row of an answer (docs/protocol.md §5.1, §5.2): scores of labels, or an embedding. Only a model
 * that has the label `none` promises a probability: softmax of its int8 logits in eighths.
 */
import { ANSWER_TOKEN_BYTES } from './manifest.ts';

export const NONE = 'none';
/** Logit units of one nat. */
const UNIT = 8;
/** Below this probability the answer is "can't tell": it is as likely wrong as right. */
export const CONFIDENCE_MIN = 0.5;

export interface Reading {
  /** Label of the largest entry, the first of equals: the model's best guess even when it is unsure. */
  readonly best: string;
  /** Probability of `best`; undefined for a model that promises no probability. */
  readonly confidence: number | undefined;
  /** `best`, or undefined for "can't tell": the label `none`, or a confidence under CONFIDENCE_MIN. */
  readonly label: string | undefined;
}

/** Probability of every entry of a row of logits. */
export function probabilities(row: ArrayLike<number>): number[] {
  const values = Array.from(row);
  const top = Math.max(...values);
  const weights = values.map((v) => Math.exp((v - top) / UNIT));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}

export function readRow(row: ArrayLike<number>, labels: readonly string[]): Reading {
  const values = Array.from(row);
  const at = values.indexOf(Math.max(...values));
  const best = labels[at] ?? String(at);
  if (!labels.includes(NONE)) return { best, confidence: undefined, label: best };
  const confidence = probabilities(values)[at]!;
  const isSure = best !== NONE && confidence >= CONFIDENCE_MIN;
  return { best, confidence, label: isSure ? best : undefined };
}

/** A direction: the vector values·scale has length 1. */
export interface Embedding {
  readonly values: Int8Array;
  readonly scale: number;
}

/** The rows of an answer whose sequences hold a part of the input; the rows after them mean nothing. */
export function usedRows(
  answer: Uint8Array,
  input: Uint8Array,
  of: { readonly sequenceBytes: number; readonly answerSize: number },
): Int8Array[] {
  const used = Math.max(1, Math.ceil(input.length / of.sequenceBytes));
  return Array.from({ length: used }, (_, i) =>
    Int8Array.from(answer.subarray(i * of.answerSize, (i + 1) * of.answerSize)),
  );
}

export const readEmbedding = (row: Int8Array): Embedding => ({
  values: row,
  // A row of zeros has no direction.
  scale: 1 / (Math.hypot(...row) || 1),
});

/** Cosine similarity of two embeddings, −1 to 1: how alike two texts are to the model. */
export const cosine = (a: Embedding, b: Embedding): number =>
  a.scale * b.scale * a.values.reduce((sum, v, i) => sum + v * b.values[i]!, 0);

/** Tokens of a generator's answer as it is delivered. */
export function bytesFromTokens(tokens: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(tokens.length * ANSWER_TOKEN_BYTES));
  for (let i = 0; i < tokens.length; i++) view.setUint32(i * ANSWER_TOKEN_BYTES, tokens[i]!, true);
  return new Uint8Array(view.buffer);
}

/** @param answer whole tokens: what is left over is not read */
export function tokensFromBytes(answer: Uint8Array): Uint32Array {
  const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
  return Uint32Array.from({ length: Math.floor(answer.length / ANSWER_TOKEN_BYTES) }, (_, i) =>
    view.getUint32(i * ANSWER_TOKEN_BYTES, true),
  );
}
