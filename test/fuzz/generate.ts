/**
 * Random models of two segments, made to sit at the checker's bounds: values and sums at 2^24,
 * quotients at 2^22, roots at 4094², indices at both ends of a table. A few steps aim one too far, so that a
 * bound that is off by one shows. All of a model follows from its seed and number.
 */
import { Graph } from '../../models/graph.ts';
import { plainHash } from '../../src/core/hash.ts';
import { modelId, type Manifest } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { encodeOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { LIMIT, STEPS, numbersIn, sizeOf, type Made, type Site } from './steps.ts';

const K = 128;
const N = 16;
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

interface Carry extends Made {
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
function firstSegment(unit: readonly number[], vocabulary: number, carries: readonly Carry[]) {
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

/** Everything that nothing reads, and some of the rest, is given out and so compared. */
function finish(site: Site, answer: Made, inputs: ReadonlySet<string>): number {
  const { g, r, sequences } = site;
  const row = Math.min(sizeOf(answer.dims) / sequences, 8);
  const flat = g.reshape(answer.name, [sequences, sizeOf(answer.dims) / sequences]);
  const read = new Set(g.graph().nodes.flatMap((n) => n.inputs));
  const small = g.clip(flat, -128, 127);
  g.output('answer', [sequences, row], g.slice(small, 1, 0, row));
  for (const [i, t] of site.pool.entries())
    if (!inputs.has(t.name) && (!read.has(t.name) || r.chance(0.3)))
      g.output(`out_${i}`, [...t.dims], t.name);
  return row;
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
  const answerSize = finish(site, pool.at(-1)!, new Set(inputs.map((t) => t.name)));
  return { graph: g.graph(), answerSize };
}

export function packageOf(
  segments: readonly OnnxGraph[],
  weights: Int8Array,
  shape: Pick<Manifest, 'sequences' | 'tokens' | 'vocabulary' | 'answerSize'>,
): ModelPackage {
  const files = segments.map(encodeOnnx);
  const hashed = plainHash(new Uint8Array(weights.buffer));
  const manifest: Manifest = {
    version: 1,
    name: 'fuzz',
    tokenizer: null,
    packing: 'u16',
    labels: [],
    ...shape,
    segments: files.map((s) => ({ hash: plainHash(s), size: s.length })),
    linears: [{ m: shape.sequences * shape.tokens, k: K, n: N, r: 16, weights: hashed }],
    kappa64: 32,
    knownAnswer: [new Uint8Array(32)],
  };
  return { id: modelId(manifest), manifest, segments: files, weights: [weights] };
}

/** Model `index` of a seed. Segment 1 is the one under test. */
export function generateModel(seed: number, index: number): ModelPackage {
  const r = createRandom(seed, `model ${index}`);
  const [sequences, tokens] = r.pick(UNITS);
  const vocabulary = r.pick([2, 3, 9]);
  const carries = Array.from({ length: r.int(1, 3) }, (_, i) =>
    carryOf(r, `k${i}`, [sequences, tokens], vocabulary),
  );
  const weight = r.pick([1, 8, 63]);
  const weights = Int8Array.from({ length: K * N }, (_, i) => (i % 3 ? weight : -weight));
  // Columns are alike but for the signs, so the largest |sum| is that of all weights.
  const reach = 63 * weight * K;
  const c: Made = { name: 'c1', dims: [sequences * tokens, N], lo: -reach, hi: reach };
  const first = firstSegment([sequences, tokens], vocabulary, carries);
  const { graph, answerSize } = secondSegment(r, [c, ...carries], sequences);
  return packageOf([first, graph], weights, { sequences, tokens, vocabulary, answerSize });
}
