/** A model's pass and its step on one kernel, compared row by row. */
import { unitLinears } from '../../../src/core/manifest.ts';
import { restrictModel } from '../../../src/miner/executor/step/restrict.ts';
import { shareWeights } from '../../../src/miner/executor/step/share.ts';
import { createExecutor, type Executor } from '../../../src/miner/executor/executor.ts';
import type { PlacedWeights } from '../../../src/miner/cpu/kernel/kernel.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { Random } from '../../sim/random.ts';
import { openModel, poison, type Opened } from './segments.ts';

/** Operands of all linears and the answer: rows of all tokens of all sequences. */
export type Rows = readonly Int8Array[];

/** `steps`: sequences that a step has room for. */
export interface OpenedSteps extends Opened {
  readonly weights: readonly PlacedWeights[];
  readonly step: Executor;
  /** Pages of each sequence's caches. */
  readonly pages: readonly (readonly number[])[];
  /** The linears of each product of a step. */
  readonly products: readonly (readonly number[])[];
}

/** `pageTokens`: tokens of a page of caches. */
export async function openSteps(
  model: ModelPackage,
  steps: number,
  pageTokens: number,
): Promise<OpenedSteps> {
  const opened = await openModel(model);
  const { kernel, facts } = opened;
  const { manifest, tables } = model;
  const weights = manifest.linears.map((l, i) => kernel.placeWeights(l, model.weights[i]!));
  const restricted = restrictModel(manifest.shapes[0]!, facts, {
    sequences: steps,
    room: manifest.shapes[0]!.tokens,
  });
  const { products, ...shared } = shareWeights(restricted, manifest.linears);
  const { tokens } = manifest.shapes[0]!;
  const step = await createExecutor({ manifest, tables, ...shared, pageTokens }, kernel);
  // Out of order, so that none is where the one before it ends.
  const all = Array.from({ length: steps * Math.ceil(tokens / pageTokens) }, () =>
    kernel.reserve(step.pageBytes),
  ).reverse();
  const pages = Array.from({ length: steps }, (_, i) => all.filter((__, j) => j % steps === i));
  return { ...opened, weights, step, pages, products };
}

/** Runs all segments on `rows` rows of n sequences. @returns A of each linear, and the answer */
async function runAll(
  o: OpenedSteps,
  { executor, products }: { executor: Executor; products: OpenedSteps['products'] },
  n: number,
  rows: number,
): Promise<Rows> {
  const { kernel, weights } = o;
  const linears = unitLinears(o.model.manifest);
  const found: Int8Array[] = [];
  for (const [i, of] of products.entries()) {
    poison({ ...o, executor });
    executor.run(i, n);
    const first = linears[of[0]!]!;
    const size = { ...first, m: rows * of.length };
    const all = kernel.activations(size);
    const width = of.length * first.k;
    for (const j of of.keys()) found.push(all.filter((_, at) => isOf(at % width, first.k, j)));
    await kernel.multiply(size, weights[of[0]!]!, () => undefined);
  }
  executor.run(products.length, n);
  return [...found, executor.answer(n)];
}
/** Whether an entry of rows side by side is one of row j. */
const isOf = (at: number, k: number, j: number): boolean => Math.floor(at / k) === j;

/** Rows of a pass over n sequences. */
export function passRows(o: OpenedSteps, tokens: Uint32Array): Promise<Rows> {
  const rows = o.model.manifest.shapes[0]!.tokens;
  o.executor.begin(tokens);
  const products = o.weights.map((_, i) => [i]);
  const { executor } = o;
  return runAll(o, { executor, products }, tokens.length / rows, tokens.length);
}

/** Rows of one step: the token of each sequence, at its position. */
export function stepRows(
  o: OpenedSteps,
  tokens: readonly number[],
  positions: readonly number[],
): Promise<Rows> {
  o.step.begin(Uint32Array.from(tokens));
  o.step.place(positions, o.pages.slice(0, tokens.length));
  const { step: executor, products } = o;
  return runAll(o, { executor, products }, tokens.length, tokens.length);
}

export const randomTokens = ({ manifest }: ModelPackage, count: number, random: Random) =>
  Uint32Array.from({ length: count }, () => random.int(1, manifest.vocabulary - 1));

/** Entries in which two rows differ; `widths`: those of the linears, and of the answer. */
export function differing(
  [x, at]: readonly [Rows, number],
  [y, row]: readonly [Rows, number],
  widths: readonly number[],
): number {
  return widths.reduce((sum, width, i) => {
    const a = x[i]!.subarray(at * width, (at + 1) * width);
    const b = y[i]!.subarray(row * width, (row + 1) * width);
    return sum + a.filter((x, j) => x !== b[j]).length;
  }, 0);
}
