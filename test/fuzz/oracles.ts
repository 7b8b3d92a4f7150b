/** Who computes a segment: each must give what exact arithmetic gives. */
import type { Analysis } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { planOf } from '../../src/miner/executor/plan-of.ts';
import type { Plan, PlanBuffer } from '../../src/miner/executor/types.ts';
import { interpret, type Tensor } from '../../src/miner/interpreter.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import { PlainPlan } from '../oracle/plain-plan.ts';
import { GraphBrowser, type BrowserName } from './browser.ts';
import type { Claims, Inputs } from './inputs.ts';
import { runTask, toBase64, type Outputs, type Task } from './session.ts';

/** One admitted segment, and its inputs. */
export interface Tried {
  /** With the bounds that are proven. */
  readonly model: ModelPackage;
  readonly analysis: Analysis;
  readonly segment: number;
  readonly graph: OnnxGraph;
  readonly claims: Claims;
  readonly inputs: readonly Inputs[];
}
/** Outputs of a run over the first sequences, or over all of them. */
export interface Run {
  readonly outputs: Outputs;
  readonly sequences?: number;
}
export interface Oracle {
  readonly name: string;
  /** A run for each of the inputs; or why this segment is not its business, as a sentence. */
  run(tried: Tried): Promise<readonly Run[] | string>;
  close?(): Promise<void>;
}

const asNumbers = (inputs: Inputs): Record<string, number[]> =>
  Object.fromEntries([...inputs].map(([name, data]) => [name, Array.from(data)]));

export const taskOf = ({ model, segment, inputs }: Tried): Task => ({
  segment: toBase64(model.segments[segment]!),
  runs: inputs.map(asNumbers),
});

export const wasm: Oracle = {
  name: 'ONNX Runtime',
  async run(tried) {
    const all = await runTask(taskOf(tried), { provider: 'wasm' });
    return all.map((outputs) => ({ outputs }));
  },
};

export const interpreter: Oracle = {
  name: 'interpreter',
  run: ({ graph, inputs }) =>
    Promise.resolve(
      inputs.map((values) => {
        const tensors = graph.inputs.map(({ name, dims, type }): [string, Tensor] => {
          const data = values.get(name)!;
          const typed = type === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
          return [name, { dims, data: typed }];
        });
        const made = interpret(graph, new Map(tensors));
        return {
          outputs: Object.fromEntries(
            graph.outputs.map(({ name }) => [name, made.get(name)!.data]),
          ),
        };
      }),
    ),
};

/** ONNX Runtime on the WebGPU of a browser. */
export async function browserOracle(name: BrowserName): Promise<Oracle> {
  const browser = await GraphBrowser.open(name);
  return {
    name: `ONNX Runtime in ${name} (${browser.device})`,
    run: async (tried) => (await browser.run(taskOf(tried))).map((outputs) => ({ outputs })),
    close: () => browser.close(),
  };
}

type Role = PlanBuffer['role'];
/** Whether a buffer is that of a segment's input or output. */
export function roleOf(name: string): (role: Role) => boolean {
  if (name === 'tokens' || name === 'answer') return ({ kind }) => kind === name;
  if (/^c\d+$/.test(name)) return ({ kind }) => kind === 'product';
  if (/^a\d+$/.test(name)) return ({ kind }) => kind === 'operand';
  return (role) => role.kind === 'carry' && role.name === name;
}

/** The plan, evaluated strictly. */
export const plain: Oracle = {
  name: 'plan',
  run(tried) {
    const plan = planOf(tried.model, tried.analysis)!;
    const { steps, report } = plan.segments[tried.segment]!;
    if (!steps) return Promise.resolve(report.join('; '));
    return Promise.resolve(tried.inputs.map((_, i) => evaluate(tried, plan, i)));
  },
};

/** How many sequences run with the inputs of a number: all, then one, two and so on. */
export const sequencesOf = ({ model }: Pick<Tried, 'model'>, run: number): number => {
  const { sequences } = model.manifest.shapes[0]!;
  return 1 + ((sequences - 1 + run) % sequences);
};

/** The first sequences of an input: all that depends on them comes first. */
export const firstOf = ({ model }: Pick<Tried, 'model'>, data: Float64Array, count: number) =>
  data.subarray(0, (data.length / model.manifest.shapes[0]!.sequences) * count);

/** The entries of a table outside the graphs. */
export function tableOf({ manifest, tables }: ModelPackage, index: number): Int8Array | Int16Array {
  const bytes = tables[index]!.slice().buffer;
  return manifest.tables[index]!.wide === 1 ? new Int8Array(bytes) : new Int16Array(bytes);
}

/** The same with the rows of tables that the tokens ask for. */
export function withRows(model: ModelPackage, inputs: Inputs): Inputs {
  const tokens = inputs.get('tokens');
  if (!tokens) return inputs;
  const rows = model.manifest.tables.map(({ width }, i): [string, Float64Array] => {
    const table = tableOf(model, i);
    const entries = Array.from(tokens, (t) => [...table.subarray(t * width, (t + 1) * width)]);
    return [`e${i}`, Float64Array.from(entries.flat())];
  });
  return new Map([...inputs, ...rows.filter(([name]) => inputs.has(name))]);
}

function evaluate(tried: Tried, plan: Plan, at: number): Run {
  const { model, segment, graph } = tried;
  const run = new PlainPlan(plan);
  const sequences = sequencesOf(tried, at);
  for (const [name, data] of tried.inputs[at]!)
    // Rows of tables are found by the tokens.
    if (!/^e\d+$/.test(name))
      for (const b of run.used(segment, roleOf(name))) b.set(firstOf(tried, data, sequences));
  for (const i of model.manifest.tables.keys())
    for (const b of run.used(segment, (r) => r.kind === 'table' && r.index === i))
      b.set(tableOf(model, i));
  run.run(segment, sequences);
  const outputs = graph.outputs.map(({ name }) => {
    const found = run.used(segment, roleOf(name))[0]!;
    return [name, firstOf(tried, found, sequences)];
  });
  return { outputs: Object.fromEntries(outputs) as Outputs, sequences };
}
