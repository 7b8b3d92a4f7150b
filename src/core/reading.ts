/**
 * What a row of a labelled answer says (docs/protocol.md §5.1). Only a model that has the label
 * `none` promises a probability: softmax of its int8 logits in eighths.
 */
export const NONE = 'none';
/** Logit units of one nat. */
const UNIT = 8;
/** Below it the answer is "can't tell": as likely wrong as right. */
export const CONFIDENCE_MIN = 0.5;

export interface Reading {
  /** Of the largest entry, the first of equals: what the model would say if it had to. */
  readonly best: string;
  /** Probability of `best`; undefined where the model promises none. */
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
  const told = best !== NONE && confidence >= CONFIDENCE_MIN;
  return { best, confidence, label: told ? best : undefined };
}
