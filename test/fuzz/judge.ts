/**
 * One segment before the court: what the checker admits must keep every claim on extreme inputs,
 * survive a floor that misses by one, and give the same numbers on ONNX Runtime.
 */
import { analyseModel, provenManifest, type Refusal } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import type { Random } from '../sim/random.ts';
import { Inexact, exactGraph, falseClaim, type ExactTensors, type Skew } from './exact.ts';
import { climb, inputsOf, type Claims, type Inputs } from './inputs.ts';
import { runTask, toBase64, type Outputs, type Task } from './session.ts';

/** An admitted segment with inputs, and the outputs that every device must give for each. */
export interface Case {
  readonly task: Task;
  readonly expected: readonly Outputs[];
}
export interface Verdict {
  readonly refusal?: Refusal;
  readonly case?: Case;
  /** What is not as it must be. */
  readonly faults: readonly string[];
  /** Largest magnitude that a value reached. */
  readonly reached: number;
}
export interface Trial {
  readonly kinds: readonly string[];
  readonly climbs: number;
}
const CLIMB_STEPS = 24;

const exactInputs = (inputs: Inputs, claims: Claims): ExactTensors =>
  new Map(
    [...inputs].map(([name, data]) => [
      name,
      { dims: claims.get(name)!.dims, num: Array.from(data, BigInt) },
    ]),
  );

const outputsOf = (g: OnnxGraph, tensors: ExactTensors): Outputs =>
  Object.fromEntries(g.outputs.map(({ name }) => [name, tensors.get(name)!.num.map(Number)]));

/** Where outputs differ, as a sentence; −0 and 0 are the same whole number. */
export function difference(got: Outputs, want: Outputs): string | undefined {
  for (const [name, values] of Object.entries(want)) {
    const other = got[name];
    if (other?.length !== values.length) return `${name}: ${other?.length} values`;
    for (let i = 0; i < values.length; i++)
      if (other[i] !== values[i]) return `${name}[${i}] is ${other[i]}, not ${values[i]}`;
  }
  return undefined;
}

const reachOf = (tensors: ExactTensors): number => {
  let most = 0n;
  for (const { num } of tensors.values())
    for (const x of num) if (x > most || -x > most) most = x < 0n ? -x : x;
  return Number(most);
};

/** Faults of one input set in whole numbers alone, and the outputs. */
function exactRun(g: OnnxGraph, claims: Claims, inputs: Inputs, r: Random) {
  const known = exactInputs(inputs, claims);
  const tensors = exactGraph(g, known);
  const faults = [falseClaim(tensors, claims)];
  const expected = outputsOf(g, tensors);
  // Only where there is a quotient or root does a floor that misses change anything.
  if (g.nodes.some((n) => n.op === 'Div' || n.op === 'Sqrt')) {
    const skew: Skew = r.pick([() => 1n, () => -1n, () => BigInt(r.int(-1, 1))]);
    const skewed = exactGraph(g, known, skew);
    faults.push(falseClaim(skewed, claims));
    const found = difference(outputsOf(g, skewed), expected);
    if (found) faults.push(`a floor that misses changes ${found}`);
  }
  return { expected, faults: faults.filter((f) => f !== undefined), reached: reachOf(tensors) };
}

const asNumbers = (inputs: Inputs): Record<string, number[]> =>
  Object.fromEntries([...inputs].map(([name, data]) => [name, Array.from(data)]));

/** Whole numbers first, then ONNX Runtime's wasm. */
// eslint-disable-next-line @typescript-eslint/max-params -- one step of the caller, with all that it holds
async function tryInputs(
  g: OnnxGraph,
  bytes: Uint8Array,
  claims: Claims,
  all: Inputs[],
  r: Random,
) {
  const faults: string[] = [];
  const [expected, runs]: [Outputs[], Record<string, number[]>[]] = [[], []];
  let reached = 0;
  for (const inputs of all) {
    const run = exactRun(g, claims, inputs, r);
    faults.push(...run.faults);
    expected.push(run.expected);
    runs.push(asNumbers(inputs));
    reached = Math.max(reached, run.reached);
  }
  const task = { segment: toBase64(bytes), runs };
  const got = await runTask(task, { provider: 'wasm' });
  for (const [i, outputs] of got.entries()) {
    const found = difference(outputs, expected[i]!);
    if (found) faults.push(`wasm: ${found}`);
  }
  return { case: { task, expected }, faults, reached };
}

const sentenceOf = (e: unknown): string => {
  if (e instanceof Inexact) return e.message;
  if (!(e instanceof Error)) throw e;
  return `${e.message} ${e.cause instanceof Error ? e.cause.message : ''}`;
};

export async function judge(
  model: ModelPackage,
  segment: number,
  trial: Trial,
  r: Random,
): Promise<Verdict> {
  // Bounds are those of this very model: a change that widens them is no reason to refuse it.
  const manifest = provenManifest(model);
  if ('rule' in manifest) return { refusal: manifest, faults: [], reached: 0 };
  const analysis = analyseModel({ ...model, manifest });
  if ('rule' in analysis) return { refusal: analysis, faults: [], reached: 0 };
  const bytes = model.segments[segment]!;
  const claims = analysis.segments[segment]!;
  const graph = parseOnnx(bytes);
  if (typeof graph === 'string') return { faults: [`admitted, but ${graph}`], reached: 0 };
  try {
    const climbed = Array.from({ length: trial.climbs }, () =>
      climb(graph, claims, CLIMB_STEPS, r),
    );
    const inputs = [...climbed, ...trial.kinds.map((kind) => inputsOf(graph, claims, kind, r))];
    return await tryInputs(graph, bytes, claims, inputs, r);
  } catch (e) {
    return { faults: [`admitted, but ${sentenceOf(e)}`], reached: 0 };
  }
}
