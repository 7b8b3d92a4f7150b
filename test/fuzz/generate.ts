/**
 * Random models whose second segment is made to sit at the checker's bounds: values and sums at 2^24,
 * quotients at 2^22, roots at 4094², indices at both ends of a table. A few steps aim one too far, so that a
 * bound that is off by one shows. All of a model follows from its seed and number.
 */
import { draftOf } from '../../models/finish.ts';
import { Graph } from '../../models/graph.ts';
import { modelId } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { LIMIT, STEPS, numbersIn, sizeOf, type Made, type Site } from './steps.ts';

export const K = 128;
/** Columns of the second product, and entries of an answer. */
export const N = 16;
/** Sequences × tokens of a unit, rows a multiple of 16. */
const UNITS = [
  [1, 16],
  [2, 8],
  [4, 4],
  [16, 1],
  [2, 16],
  [3, 16],
] as const;
const STEPS_MAX = 12;

export interface Carry extends Made {
  readonly table: readonly number[];
}

function carryOf(r: Random, name: string, unit: readonly number[], vocabulary: number): Carry {
  const width = r.pick([[], [1], [3], [5], [8], [16], [2, 3], [4, 2], [2, 2, 2]]);
  const reach = r.pick([1, 7, 63, 127, 127, 255, 4094, 2 ** 15, 2 ** 20, LIMIT - 1]);
  const lo = r.pick([-reach, -reach, 0, 1, -1, reach]);
  const table = numbersIn(r, vocabulary * sizeOf(width), Math.min(lo, reach), reach);
  const [least, most] = [Math.min(...table), Math.max(...table)];
  return { name, dims: [...unit, ...width], lo: least, hi: most, table };
}

/** tokens → every carry by a table of its own, and a1. */
export function firstSegment(
  unit: readonly number[],
  vocabulary: number,
  carries: readonly Carry[],
) {
  const g = new Graph().scope('first');
  const tokens = g.input('tokens', [...unit], 'int32');
  for (const { name, dims, table } of carries) {
    const shape = [vocabulary, ...dims.slice(2)];
    const value = g.gather(g.floats(g.named(`table_${name}`), shape, table), tokens);
    g.output(name, [...dims], value);
  }
  const sign = Array.from({ length: vocabulary }, (_, i) => (i % 2 ? 63 : -63));
  const column = g.gather(g.floats(g.named('sign'), [vocabulary, 1], sign), tokens);
  const rows = sizeOf(unit);
  const wide = g.add(column, g.floats(g.named('zeros'), [K], new Float32Array(K)));
  g.output('a1', [rows, K], g.reshape(wide, [rows, K]));
  return g.graph();
}

/**
 * Everything that nothing reads, and some of the rest, is handed on and so compared. @returns the names of what is
 * handed on, and their dimensions
 */
function finish(site: Site, answer: Made, inputs: ReadonlySet<string>): Made[] {
  const { g, r, sequences } = site;
  const length = sizeOf(answer.dims) / sequences;
  const small = g.clip(g.reshape(answer.name, [sequences, length]), -63, 63);
  const rows = site.pool[0]!.dims[0]!;
  const places = Array.from({ length: (rows / sequences) * K }, (_, i) => i % length);
  const wide = g.gather(small, g.ints(g.named('places'), places), 1);
  const read = new Set(g.graph().nodes.flatMap((n) => n.inputs));
  g.output('a2', [rows, K], g.reshape(wide, [rows, K]));
  const carries: Made[] = [];
  for (const [i, t] of site.pool.entries())
    if (!inputs.has(t.name) && (!read.has(t.name) || r.chance(0.3))) {
      g.output(`out_${i}`, [...t.dims], t.name);
      carries.push({ ...t, name: `out_${i}` });
    }
  return carries;
}

function secondSegment(r: Random, inputs: readonly Made[], sequences: number) {
  const g = new Graph().scope('fuzz');
  for (const { name, dims } of inputs) g.input(name, [...dims]);
  const pool = [...inputs];
  const site = { g, r, pool, sequences };
  const count = r.int(2, STEPS_MAX);
  for (let i = 0; i < count; i++) {
    // The newest tensor as a rule: bounds grow along a chain.
    const x = r.chance(0.6) ? pool.at(-1)! : r.pick(pool);
    const made = r.pick(STEPS)(site, x);
    if (made && made.name !== x.name) pool.push(made);
  }
  const carries = finish(site, pool.at(-1)!, new Set(inputs.map((t) => t.name)));
  return { graph: g.graph(), carries };
}

/** c2 → answer; it reads what the segment under test hands on, so that all of it is in the table of carries. */
export function lastSegment(rows: number, sequences: number, carries: readonly Made[]): OnnxGraph {
  const g = new Graph().scope('last');
  const c = g.input('c2', [rows, N]);
  for (const { name, dims } of carries) g.input(name, [...dims]);
  const flat = g.reshape(c, [sequences, (rows / sequences) * N]);
  g.output('answer', [sequences, N], g.slice(g.clip(flat, -127, 127), 1, 0, N));
  return g.graph();
}

export interface ShapeOf {
  readonly sequences: number;
  readonly tokens: number;
  readonly vocabulary: number;
}

/** @param weights of linears 1 and 2. Bounds are left open. */
export function packageOf(
  graphs: readonly OnnxGraph[],
  weights: readonly Int8Array[],
  shape: ShapeOf,
): ModelPackage {
  const draft = draftOf({
    ...shape,
    name: 'fuzz',
    kind: 'encoder',
    packing: 'u16',
    answerSize: N,
    labels: [],
    linears: weights.map((weight) => ({ k: K, n: weight.length / K, r: 16, weight })),
    tables: [],
    graphs,
    licence: '',
    attribution: '',
  });
  return { ...draft, id: modelId(draft.manifest) };
}

/** Model `index` of a seed. Segment 1 is the one under test. */
export function generateModel(seed: number, index: number): ModelPackage {
  const r = createRandom(seed, `model ${index}`);
  const [sequences, tokens] = r.pick(UNITS);
  const vocabulary = r.pick([3, 4, 9]);
  const carries = Array.from({ length: r.int(1, 3) }, (_, i) =>
    carryOf(r, `k${i}`, [sequences, tokens], vocabulary),
  );
  const weight = r.pick([1, 8, 63]);
  const weights = Int8Array.from({ length: K * N }, (_, i) => (i % 3 ? weight : -weight));
  // Columns are alike but for the signs, so the largest |sum| is that of all weights.
  const reach = 63 * weight * K;
  const c: Made = { name: 'c1', dims: [sequences * tokens, N], lo: -reach, hi: reach };
  const first = firstSegment([sequences, tokens], vocabulary, carries);
  const second = secondSegment(r, [c, ...carries], sequences);
  const last = lastSegment(sequences * tokens, sequences, second.carries);
  const ones = new Int8Array(K * N).fill(1);
  const shape = { sequences, tokens, vocabulary };
  return packageOf([first, second.graph, last], [weights, ones], shape);
}
