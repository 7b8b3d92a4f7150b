/** The executor of WebGPU as an oracle, in Node's device: its buffers are poisoned before each run. */
import { unitShape } from '../../src/core/manifest.ts';
import { planOf } from '../../src/miner/executor/plan-of.ts';
import { BYTES, type Plan } from '../../src/miner/executor/types.ts';
import {
  compilePlan,
  planProblem,
  type CompiledPlan,
} from '../../src/miner/webgpu/executor/compiled.ts';
import type { Place } from '../../src/miner/webgpu/executor/layout.ts';
import {
  createKernels,
  free,
  readBuffers,
  storage,
  submit,
  writePadded,
  type Kernels,
} from '../../src/miner/webgpu/kernels.ts';
import { openGpu } from '../gpu.ts';
import { buffersOf } from '../oracle/plain-plan.ts';
import { roleOf, type Oracle, type Run, type Tried } from './oracles.ts';
import type { Outputs } from './session.ts';

/** As float32 13,500,416; as integers far from any result. */
const POISON = 0x4b;
/** Words past C and A, which nobody may take for numbers of theirs. */
const BEHIND = 64;
const ARRAYS = { i8: Int8Array, i16: Int16Array, i32: Int32Array, f32: Float32Array } as const;

/** Undefined where Node finds no device. */
export async function gpuOracle(): Promise<Oracle | undefined> {
  const opened = await openGpu();
  if (!opened) return undefined;
  const kernels = await createKernels(opened.device, 'f32', () => 2 ** 24);
  return {
    name: 'executor on WebGPU',
    run: (tried) => runAll(kernels, tried),
    close: () => Promise.resolve(opened.device.destroy()),
  };
}

async function runAll(kernels: Kernels, tried: Tried): Promise<readonly Run[] | string> {
  const whole = planOf(tried.model, tried.analysis)!;
  const { steps, report } = whole.segments[tried.segment]!;
  if (!steps) return report.join('; ');
  // The other segments do not run, and one of them may have no plan.
  const nothing = { steps: [], report: [] };
  const segments = whole.segments.map((own, s) => (s === tried.segment ? own : nothing));
  const plan: Plan = { ...whole, segments };
  const problem = planProblem(kernels.device, plan);
  if (problem) return problem;

  const { device } = kernels;
  const [k, n] = [0, -1].map((at) => tried.model.manifest.linears[tried.segment + at]);
  const rows = rowsOf(tried);
  const product = storage(device, 4 * (rows * (n?.n ?? 0) + BEHIND));
  const operand = storage(device, rows * (k?.k ?? 0) + 4 * BEHIND);
  const { tables } = tried.model;
  const compiled = await compilePlan(kernels, { plan, product, operand, tables });
  const trial: GpuTrial = { device, tried, plan, compiled, product, operand };
  try {
    const runs: Run[] = [];
    for (const inputs of tried.inputs) runs.push({ outputs: await runOne(trial, inputs) });
    return runs;
  } finally {
    compiled.close();
    for (const buffer of [product, operand]) free(device, buffer);
  }
}

const rowsOf = ({ model }: Tried): number => {
  const { sequences, tokens } = unitShape(model.manifest);
  return sequences * tokens;
};

interface GpuTrial {
  readonly device: GPUDevice;
  readonly tried: Tried;
  readonly plan: Plan;
  readonly compiled: CompiledPlan;
  readonly product: GPUBuffer;
  readonly operand: GPUBuffer;
}

const bufferOf = ({ compiled, product, operand }: GpuTrial, { space }: Place): GPUBuffer =>
  space === 'product' ? product : space === 'operand' ? operand : compiled.arena;

/** Indices of the plan's buffers of an input or output of the segment. */
function placesOf({ plan, tried }: GpuTrial, name: string): number[] {
  const used = new Set((plan.segments[tried.segment]!.steps ?? []).flatMap(buffersOf));
  return [...used].filter((i) => roleOf(name)(plan.buffers[i]!.role));
}

async function runOne(trial: GpuTrial, inputs: Tried['inputs'][number]): Promise<Outputs> {
  const { device, tried, compiled, product, operand } = trial;
  const { places } = compiled.layout;
  for (const buffer of [compiled.arena, product, operand])
    device.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(POISON));
  for (const [name, data] of inputs)
    // Rows of tables are found by the tokens.
    for (const i of /^e\d+$/.test(name) ? [] : placesOf(trial, name)) {
      const place = places[i]!;
      const values = ARRAYS[place.storage].from(data);
      writePadded(device, bufferOf(trial, place), BYTES[place.storage] * place.base, values);
    }
  submit(device, compiled.segments[tried.segment]!);
  const outputs = tried.graph.outputs.map(async ({ name, dims }) => {
    const [i] = placesOf(trial, name);
    const settles = compiled.layout.settles[tried.segment]!;
    const place = settles.find(({ buffer }) => buffer === i)?.to ?? places[i!]!;
    const count = dims.reduce((all, d) => all * d, 1);
    const bytes = Math.ceil((BYTES[place.storage] * count) / 4) * 4;
    const offset = BYTES[place.storage] * place.base;
    const [read] = await readBuffers(device, [{ buffer: bufferOf(trial, place), offset, bytes }]);
    return [name, new ARRAYS[place.storage](read!).subarray(0, count)] as const;
  });
  return Object.fromEntries(await Promise.all(outputs));
}
