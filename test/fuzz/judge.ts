/**
 * One segment before the court: what the checker admits must keep every claim on extreme inputs,
 * survive a floor that misses by one, and give the same numbers whoever computes it.
 */
import {
  analyseModel,
  isRefusal,
  provenManifest,
  type Refusal,
} from '../../src/miner/checker/checker.ts';
import { parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import type { Random } from '../sim/random.ts';
import { Inexact, exactGraph, falseClaim, type ExactTensors, type Skew } from './exact.ts';
import type { Subject } from './formed.ts';
import { executorCpu } from './executor.ts';
import { climb, inputsOf, type Claims, type Inputs } from './inputs.ts';
import { interpreter, plain, wasm, withRows, type Oracle, type Tried } from './oracles.ts';
import type { Outputs } from './session.ts';

/** An admitted segment with inputs, and the outputs that every device must give for each. */
export interface Case {
  readonly tried: Tried;
  readonly expected: readonly Outputs[];
}
export interface Verdict {
  readonly refusal?: Refusal;
  readonly case?: Case;
  /** What is not as it must be. */
  readonly faults: readonly string[];
  /** Largest magnitude that a value reached. */
  readonly reached: number;
  readonly by: readonly Judged[];
}
/** What one oracle had to do with it. */
export interface Judged {
  readonly name: string;
  /** Input sets that were compared. */
  readonly runs: number;
  /** Why none was. */
  readonly left: string | undefined;
  readonly differs: boolean;
}
export interface Trial {
  readonly kinds: readonly string[];
  readonly climbs: number;
  /** Besides exact arithmetic; all who run in Node without a device where it is left out. */
  readonly oracles?: readonly Oracle[];
}
const ORACLES = [interpreter, plain, executorCpu, wasm];
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

/** Outputs in exact arithmetic, and what is false there. */
function tryExactly(tried: Tried, r: Random) {
  const { graph, claims } = tried;
  const runs = tried.inputs.map((inputs) => exactRun(graph, claims, inputs, r));
  return {
    expected: runs.map((run) => run.expected),
    faults: runs.flatMap((run) => run.faults),
    reached: Math.max(0, ...runs.map((run) => run.reached)),
  };
}

/** What is expected of the first sequences. */
function partOf({ model }: Tried, want: Outputs, sequences: number | undefined): Outputs {
  const all = model.manifest.shapes[0]!.sequences;
  if (sequences === undefined || sequences === all) return want;
  const first = (values: ArrayLike<number>): ArrayLike<number> =>
    Array.from(values).slice(0, (values.length / all) * sequences);
  return Object.fromEntries(Object.entries(want).map(([name, values]) => [name, first(values)]));
}

/** What one oracle gives otherwise. */
export async function compare(
  oracle: Oracle,
  { tried, expected }: Case,
): Promise<{ judged: Judged; faults: string[] }> {
  const { name } = oracle;
  try {
    const found = await oracle.run(tried);
    if (typeof found === 'string')
      return { judged: { name, runs: 0, left: found, differs: false }, faults: [] };
    const faults = found.flatMap(({ outputs, sequences }, i) => {
      const want = partOf(tried, expected[i]!, sequences);
      return difference(outputs, want) ?? [];
    });
    const judged = { name, runs: found.length, left: undefined, differs: faults.length > 0 };
    return { judged, faults: faults.map((fault) => `${name}: ${fault}`) };
  } catch (e) {
    const faults = [`${name} does not run: ${sentenceOf(e)}`];
    return { judged: { name, runs: 1, left: undefined, differs: true }, faults };
  }
}

const sentenceOf = (e: unknown): string => {
  if (e instanceof Inexact) return e.message;
  if (!(e instanceof Error)) throw e;
  return `${e.message} ${e.cause instanceof Error ? e.cause.message : ''}`;
};

export async function judge(
  { model: given, segment }: Pick<Subject, 'model' | 'segment'>,
  trial: Trial,
  r: Random,
): Promise<Verdict> {
  const refused = (refusal: Refusal): Verdict => ({ refusal, faults: [], reached: 0, by: [] });
  // Bounds are those of this very model: a change that widens them is no reason to refuse it.
  const manifest = provenManifest(given);
  if (isRefusal(manifest)) return refused(manifest);
  const model = { ...given, manifest };
  const analysis = analyseModel(model);
  if (isRefusal(analysis)) return refused(analysis);
  const claims = analysis.shapes[0]![segment]!.values;
  const graph = parseOnnx(model.segments[segment]!);
  const none = { reached: 0, by: [] };
  if (typeof graph === 'string') return { ...none, faults: [`admitted, but ${graph}`] };
  try {
    const climbed = Array.from({ length: trial.climbs }, () =>
      climb(graph, claims, CLIMB_STEPS, r),
    );
    const drawn = [...climbed, ...trial.kinds.map((kind) => inputsOf(graph, claims, kind, r))];
    const inputs = drawn.map((each) => withRows(model, each));
    const tried: Tried = { model, analysis, segment, graph, claims, inputs };
    const { expected, faults, reached } = tryExactly(tried, r);
    const by: Judged[] = [];
    for (const oracle of trial.oracles ?? ORACLES) {
      const { judged, faults: found } = await compare(oracle, { tried, expected });
      by.push(judged);
      faults.push(...found);
    }
    return { case: { tried, expected }, faults, reached, by };
  } catch (e) {
    return { ...none, faults: [`admitted, but ${sentenceOf(e)}`] };
  }
}
