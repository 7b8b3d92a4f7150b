/**
 * What one step may take: whoever is told that a step is false fetches its state, runs it alone and says so
 * (docs/protocol.md §5.8). Step ℓ multiplies A of linear ℓ−1 and runs segment ℓ−1; step 1 starts from tokens.
 */
import { carriesAt, carryBytes, KIND, STATE_BYTES_MAX } from '../../core/manifest.ts';
import type { Manifest, Shape } from '../../core/manifest.ts';
import { CHUNK_BYTES } from '../../core/pow/blake3.ts';
import type { OnnxGraph } from '../package/onnx.ts';
import { demand, sizeOf, type Value } from './value.ts';

/** Bytes of a segment's file. */
export const SEGMENT_BYTES_MAX = 4 * 2 ** 20;
/** Multiply-accumulates of a step, those of its segment's products among them. */
export const STEP_MACS_MAX = 4e9;
/** Entries that a segment's operators write. */
export const STEP_ENTRIES_MAX = 2 ** 30;
/** Bytes that a step holds at once. */
export const STEP_MEMORY_MAX = 128 * 2 ** 20;
/** Bytes of an entry while a segment runs. */
const ENTRY_BYTES = 4;
const HASH_BYTES = 32;
/**
 * Shapes of a language model after its first are never mined and no step of theirs is judged: longer contexts take
 * more, and this bounds what a package asks of whoever runs it.
 */
const SERVED_TIMES = 4;

export interface Step {
  readonly manifest: Manifest;
  readonly shape: Shape;
  /** Segment ℓ−1 of step ℓ. */
  readonly segment: number;
  readonly graph: OnnxGraph;
  readonly values: ReadonlyMap<string, Value>;
}

/** What a step takes. */
export interface StepCost {
  readonly state: number;
  readonly macs: number;
  readonly entries: number;
  readonly memory: number;
}

/** Chunks of the tables with the rows of twice m tokens, those of the known answer among them, and their paths. */
function openedBytes(m: Manifest, rows: number): number {
  return m.tables.reduce((sum, { width, wide, size }) => {
    const chunks = Math.ceil(size / CHUNK_BYTES);
    const runs = Math.min(chunks, 2 * rows);
    const opened = Math.min(chunks, runs * (Math.ceil((width * wide) / CHUNK_BYTES) + 1));
    // A run of chunks has a path on each side, and the top of the tree is shared by all.
    const path = 2 * (Math.ceil(Math.log2(chunks / runs)) + 1);
    return sum + opened * CHUNK_BYTES + runs * path * HASH_BYTES;
  }, 0);
}

/** Bytes of a state: A, and the carries that the segment reads; of the others their hashes. */
function stateBytes({ manifest: m, shape, segment, graph }: Step): number {
  const rows = shape.sequences * shape.tokens;
  if (segment === 0) return openedBytes(m, rows);
  const read = new Set(graph.inputs.map((v) => v.name));
  return carriesAt(shape, segment).reduce(
    (sum, c) => sum + (read.has(c.name) ? shape.sequences * c.size * carryBytes(c) : HASH_BYTES),
    rows * m.linears[segment - 1]!.k,
  );
}

/** The most bytes of tensors at once, when each is dropped after its last reader. */
function tensorBytes({ graph }: Step, size: (name: string) => number): number {
  const lastReader = new Map<string, number>();
  for (const [i, node] of graph.nodes.entries())
    for (const name of node.inputs) lastReader.set(name, i);
  for (const { name } of [...graph.outputs, ...graph.constants]) lastReader.set(name, Infinity);
  let held = 0;
  for (const { name } of [...graph.inputs, ...graph.constants]) held += size(name);
  let most = held;
  for (const [i, node] of graph.nodes.entries()) {
    for (const name of node.outputs) held += size(name);
    most = Math.max(most, held);
    for (const name of new Set([...node.inputs, ...node.outputs]))
      if ((lastReader.get(name) ?? i) === i) held -= size(name);
  }
  return most * ENTRY_BYTES;
}

export function costOf(step: Step): StepCost {
  const { manifest, shape, segment, graph, values } = step;
  const entriesOf = (name: string): number => sizeOf(values.get(name)!.dims);
  const l = manifest.linears[segment - 1];
  const rows = shape.sequences * shape.tokens;
  let macs = l ? rows * l.k * l.n : 0;
  let entries = 0;
  for (const node of graph.nodes) {
    const written = entriesOf(node.outputs[0]!);
    entries += written;
    if (node.op === 'MatMul') macs += written * values.get(node.inputs[0]!)!.dims.at(-1)!;
  }
  const product = l ? l.k * l.n + rows * l.k : 0;
  const memory = product + tensorBytes(step, entriesOf);
  return { state: stateBytes(step), macs, entries, memory };
}

/** Refuses a step that takes more than a judge has. */
export function demandStep(step: Step): void {
  const { state, macs, entries, memory } = costOf(step);
  const { manifest: m, shape, segment } = step;
  const name = `step ${segment + 1}`;
  const isServed = m.kind === KIND.generator && shape !== m.shapes[0];
  const within = (found: number, judged: number, what: string): void => {
    const most = isServed ? SERVED_TIMES * judged : judged;
    demand(found <= most, 'limit', `${name} ${what}: ${found}, over ${most}`, found);
  };
  within(state, STATE_BYTES_MAX, 'starts from too many bytes');
  within(macs, STEP_MACS_MAX, 'multiplies too much');
  within(entries, STEP_ENTRIES_MAX, 'writes too many entries');
  within(memory, STEP_MEMORY_MAX, 'holds too many bytes');
}
