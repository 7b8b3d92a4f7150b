/** Segments of a package on the CPU's executor, each alone on inputs of a test's choice, in poisoned memory. */
import { unitLinears } from '../../../src/core/manifest.ts';
import { analyseModel } from '../../../src/miner/checker/checker.ts';
import type { SegmentFacts } from '../../../src/miner/checker/admission.ts';
import { createKernel, type Kernel } from '../../../src/miner/cpu/kernel/kernel.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { createExecutor, type Executor } from '../../../src/miner/executor/executor.ts';
import { carryBytes } from '../../../src/core/manifest.ts';
import type { Random } from '../../sim/random.ts';

export type Entries = Readonly<Record<string, readonly number[]>>;
export interface Opened {
  readonly model: ModelPackage;
  readonly facts: readonly SegmentFacts[];
  readonly kernel: Kernel;
  readonly executor: Executor;
}

export async function openModel(model: ModelPackage): Promise<Opened> {
  const analysis = analyseModel(model);
  if ('rule' in analysis) throw new Error(analysis.sentence);
  const facts = analysis.shapes[0]!;
  const { manifest, tables } = model;
  const kernel = await createKernel(unitLinears(manifest));
  const shape = manifest.shapes[0]!;
  const executor = await createExecutor({ manifest, shape, facts, tables }, kernel);
  return { model, facts, kernel, executor };
}

/** How inputs are drawn from their proven intervals. */
export type Draw = 'low' | 'high' | 'ends' | 'random' | 'small';
const SMALL = 16;

/** Inputs of a segment inside their intervals; rows of tables are those of the tokens. */
export function drawInputs(o: Opened, segment: number, draw: Draw, random: Random): Entries {
  const { manifest, tables } = o.model;
  const entries: Record<string, number[]> = {};
  const { graph, values } = o.facts[segment]!;
  for (const { name, dims } of graph.inputs) {
    const { lo, hi } = values.get(name)!;
    const one = (): number => {
      if (draw === 'low') return lo;
      if (draw === 'high') return hi;
      if (draw === 'ends') return random.int(0, 1) ? lo : hi;
      if (draw === 'small') return Math.max(lo, Math.min(hi, random.int(-SMALL, SMALL)));
      return random.int(lo, hi);
    };
    const size = dims.reduce((p, d) => p * d, 1);
    const table = segment === 0 && /^e(\d+)$/.exec(name);
    if (!table) {
      entries[name] = Array.from({ length: size }, one);
      continue;
    }
    const { width, wide } = manifest.tables[Number(table[1])]!;
    const bytes = tables[Number(table[1])]!.slice().buffer;
    const rows = wide === 1 ? new Int8Array(bytes) : new Int16Array(bytes);
    entries[name] = entries.tokens!.flatMap((t) => [...rows.subarray(t * width, (t + 1) * width)]);
  }
  return entries;
}

const POISON = 0x7a5a3c11;
/** Fills everything that the executor reserved but does not need to keep: nothing may depend on it. */
export function poison(o: Opened): void {
  for (const { at, bytes } of o.executor.volatile)
    new Int32Array(o.kernel.memory.buffer, at, bytes >> 2).fill(POISON);
}

/** Outputs of a segment of n sequences. */
export function runSegment(
  o: Opened,
  segment: number,
  inputs: Entries,
  sequences: number,
): Entries {
  const { manifest } = o.model;
  const shape = manifest.shapes[0]!;
  const { executor, kernel } = o;
  const part = (values: readonly number[]): readonly number[] =>
    values.slice(0, (values.length / shape.sequences) * sequences);
  poison(o);
  const { buffer } = kernel.memory;
  const product = manifest.linears[segment - 1];
  const operand = manifest.linears[segment];
  const rows = shape.sequences * shape.tokens;
  // What was there before, also behind the sequences that run.
  if (product) new Int32Array(buffer, kernel.place('c'), rows * product.n).fill(POISON);
  if (operand) new Int8Array(buffer, kernel.place('a'), rows * operand.k).fill(0x55);
  const carryOf = (name: string) => {
    const carry = shape.carries.find((c) => c.name === name)!;
    const { at, bytes } = executor.carry(name);
    return carryBytes(carry) === 2
      ? new Int16Array(buffer, at, bytes / 2)
      : new Int32Array(buffer, at, bytes / 4);
  };
  for (const { name } of shape.carries) carryOf(name).fill(0x5a5a);
  for (const [name, values] of Object.entries(inputs)) {
    if (name === 'tokens') executor.begin(Uint32Array.from(part(values)));
    else if (/^c\d+$/.test(name))
      new Int32Array(buffer, kernel.place('c'), values.length).set(part(values));
    else if (!/^e\d+$/.test(name)) carryOf(name).set(part(values));
  }
  executor.run(segment, sequences);
  const outputs: Record<string, number[]> = {};
  for (const { name } of o.facts[segment]!.graph.outputs) {
    if (name === 'answer') outputs[name] = [...executor.answer(sequences)];
    else if (name === `a${segment + 1}`)
      outputs[name] = [
        ...new Int8Array(
          buffer,
          kernel.place('a'),
          (rows * operand!.k * sequences) / shape.sequences,
        ),
      ];
    else {
      const all = carryOf(name);
      outputs[name] = [...all.subarray(0, (all.length / shape.sequences) * sequences)];
    }
  }
  return outputs;
}
