/** A model's pass and its step on one kernel, compared row by row. */
import { unitLinears } from '../../../src/core/manifest.ts';
import { restrictModel } from '../../../src/miner/executor/step/restrict.ts';
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
  readonly areas: readonly number[];
}

export async function openSteps(model: ModelPackage, steps: number): Promise<OpenedSteps> {
  const opened = await openModel(model);
  const { kernel, facts } = opened;
  const { manifest, tables } = model;
  const weights = manifest.linears.map((l, i) => kernel.placeWeights(l, model.weights[i]!));
  const restricted = restrictModel(manifest.shapes[0]!, facts, {
    sequences: steps,
    room: manifest.shapes[0]!.tokens,
  });
  const step = await createExecutor({ manifest, tables, ...restricted }, kernel);
  const areas = Array.from({ length: steps }, () => kernel.reserve(step.cacheBytes));
  return { ...opened, weights, step, areas };
}

/** Runs all segments on n·rows rows. @returns A of each linear, and the answer */
async function runAll(o: OpenedSteps, executor: Executor, n: number, rows: number): Promise<Rows> {
  const { kernel, weights } = o;
  const found: Int8Array[] = [];
  for (const [i, l] of unitLinears(o.model.manifest).entries()) {
    poison({ ...o, executor });
    executor.run(i, n);
    const size = { ...l, m: n * rows };
    found.push(kernel.activations(size));
    await kernel.multiply(size, weights[i]!, () => undefined);
  }
  executor.run(weights.length, n);
  return [...found, executor.answer(n)];
}

/** Rows of a pass over n sequences. */
export function passRows(o: OpenedSteps, tokens: Uint32Array): Promise<Rows> {
  const rows = o.model.manifest.shapes[0]!.tokens;
  o.executor.begin(tokens);
  return runAll(o, o.executor, tokens.length / rows, rows);
}

/** Rows of one step: the token of each sequence, at its position. */
export function stepRows(
  o: OpenedSteps,
  tokens: readonly number[],
  positions: readonly number[],
): Promise<Rows> {
  o.step.begin(Uint32Array.from(tokens));
  o.step.place(positions, o.areas.slice(0, tokens.length));
  return runAll(o, o.step, tokens.length, 1);
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
