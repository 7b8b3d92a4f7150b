/**
 * Random models out of real forms (forms.ts), and small decoders. All of a model follows from its seed and number.
 */
import { Graph } from '../../models/graph.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { decoderPackage } from '../models/decoder.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { EDGES } from './edges.ts';
import { FORMS, OPENINGS, type Form, type FormSite } from './forms.ts';
import {
  K,
  N,
  firstSegment,
  generateModel,
  lastSegment,
  packageOf,
  type Carry,
} from './generate.ts';
import { numbersIn, sizeOf, type Made } from './steps.ts';

/** A segment that is tried. */
export interface Subject {
  readonly model: ModelPackage;
  readonly segment: number;
  readonly kind: 'random' | 'forms' | 'decoder' | 'edges';
}

/** Sequences × tokens: every length to 17, rows a multiple of 16. */
const UNITS = [
  ...[1, 3, 5, 7, 9, 11, 13, 15, 17].map((tokens) => [16, tokens] as const),
  ...[2, 6, 10, 14].map((tokens) => [8, tokens] as const),
  ...([
    [4, 4],
    [4, 8],
    [4, 12],
    [2, 8],
    [2, 16],
    [3, 16],
    [1, 16],
    [1, 32],
    [1, 48],
  ] as const),
] as const;
/** Entries of a row times rows, about: exact arithmetic takes a microsecond for each and node. */
const ENTRIES_MAX = 1600;
const FORMS_MAX = 5;

function formedModel(r: Random, opening: Form): ModelPackage {
  const [sequences, tokens] = r.pick(UNITS);
  const rows = sequences * tokens;
  const vocabulary = r.pick([3, 4, 9]);
  const widths = [16, 32, 48, 80, 144].filter((n) => n === 16 || n * rows <= 2 * ENTRIES_MAX);
  const n = r.pick(widths);
  const weight = r.pick([1, 8, 63]);
  const weights = Int8Array.from({ length: K * n }, (_, i) => (i % 3 ? weight : -weight));
  const reach = 63 * weight * K;
  const c: Made = { name: 'c1', dims: [rows, n], lo: -reach, hi: reach };

  const width = r.int(1, Math.max(1, Math.min(70, Math.floor(ENTRIES_MAX / rows))));
  const used = r.chance(0.5);
  const unit = [sequences, tokens];
  const carries: Carry[] = [carryOf(r, 'stream', [...unit, width], vocabulary)];
  if (used) carries.push({ name: 'used', dims: unit, lo: 0, hi: 1, table: flags(vocabulary) });

  const g = new Graph().scope('input');
  g.input('c1', [rows, n]);
  for (const { name, dims } of carries) g.input(name, [...dims]);
  const stream = { ...carries[0]!, name: g.reshape('stream', [rows, width]), dims: [rows, width] };
  const pool: Made[] = [c, stream];
  const aside: Made[] = [];
  const site: FormSite = {
    g,
    r,
    pool,
    sequences,
    tokens,
    rows,
    aside,
    used: used ? 'used' : undefined,
  };
  // A product's columns are most of what there is: an odd number of them, as a rule.
  const from = r.int(0, n >> 1);
  const to = Math.min(
    n,
    from + Math.max(1, r.chance(0.5) ? width : Math.floor(ENTRIES_MAX / rows)),
  );
  let x: Made = { ...c, name: g.slice('c1', 1, from, to), dims: [rows, to - from] };
  if (r.chance(0.3)) x = c;
  const count = r.int(1, FORMS_MAX);
  for (let i = 0; i < count; i++) {
    g.scope(`form${i}`);
    const start = r.chance(0.75) ? x : r.pick(pool);
    const made = (i ? r.pick(FORMS) : opening)(site, start);
    if (made && made.name !== start.name) pool.push((x = made));
  }
  const second = finish(site, x);
  const first = firstSegment(unit, vocabulary, carries);
  const last = lastSegment(rows, sequences, second);
  const ones = new Int8Array(K * N).fill(1);
  const shape = { sequences, tokens, vocabulary };
  return packageOf([first, g.graph(), last], [weights, ones], shape);
}

function carryOf(r: Random, name: string, dims: readonly number[], vocabulary: number): Carry {
  const reach = r.pick([1, 127, 8191, 2 ** 15 - 1, 2 ** 15, 2 ** 17 - 1, 2 ** 20, 2 ** 24 - 1]);
  const table = numbersIn(r, vocabulary * sizeOf(dims.slice(2)), -reach, reach);
  return { name, dims, lo: Math.min(...table), hi: Math.max(...table), table };
}
const flags = (count: number): number[] => Array.from({ length: count }, (_, i) => (i ? 1 : 0));

/** Hands on what nothing reads and some of the rest, and gives A out of x. @returns what is handed on */
function finish({ g, r, pool, aside, rows }: FormSite, x: Made): Made[] {
  g.scope('end');
  const at = r.int(0, x.dims[1]! - 1);
  const column = g.clip(g.slice(x.name, 1, at, at + 1), -127, 127);
  const wide = g.add(column, g.floats(g.named('row'), [K], numbersIn(r, K, -20, 20)));
  g.output('a2', [rows, K], g.clipLast(wide, -63, 63));
  const read = new Set(g.graph().nodes.flatMap((n) => n.inputs));
  const given = new Set(g.graph().inputs.map((v) => v.name));
  const handed: Made[] = [];
  for (const [i, t] of [...pool, ...aside].entries())
    if (!given.has(t.name) && (!read.has(t.name) || t === x || r.chance(0.2))) {
      const name = `out_${i}`;
      g.output(name, [...t.dims], t.name);
      handed.push({ ...t, name });
    }
  return handed;
}

function decoderSubject(r: Random): Subject {
  const [sequences, tokens] = r.pick([
    [1, 16],
    [2, 8],
    [16, 1],
    [16, 3],
    [8, 2],
    [1, 32],
    [2, 24],
  ]);
  const [heads, keyHeads, head] = r.pick([
    [4, 2, 32],
    [2, 1, 64],
    [8, 2, 16],
    [6, 3, 32],
    [3, 1, 64],
    [16, 16, 8],
  ]);
  const size = { sequences: sequences, tokens: tokens, heads: heads, keyHeads: keyHeads };
  const [hidden, ffn] = [r.pick([128, 192]), r.pick([128, 192])];
  const blockKeys = r.pick([512, 512, 6, 8, 16]);
  const wide = { hidden, head, ffn, vocabulary: 40, blockKeys };
  const model = decoderPackage({ ...size, layers: 1, ...wide });
  return { model, segment: r.int(0, 6), kind: 'decoder' };
}

/** Model `index` of a seed: a third are random steps, the others are what models are made of. */
export function subjectOf(seed: number, index: number): Subject {
  const r = createRandom(seed, `formed ${index}`);
  const kind = r.next();
  if (kind < 0.3) return { model: generateModel(seed, index), segment: 1, kind: 'random' };
  if (kind > 0.96) return decoderSubject(r);
  const opening = OPENINGS[index % OPENINGS.length]!;
  return { model: formedModel(r, opening), segment: 1, kind: 'forms' };
}

/** Model `index` of a seed that begins at the bounds of an executor's shortcuts. */
export function edgeSubjectOf(seed: number, index: number): Subject {
  const r = createRandom(seed, `edge ${index}`);
  return { model: formedModel(r, EDGES[index % EDGES.length]!), segment: 1, kind: 'edges' };
}
