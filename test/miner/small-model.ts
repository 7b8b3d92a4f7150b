/** A model of two linears around a piece of graph that a test gives: to be refused, or proven. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { draftOf } from '../../models/finish.ts';
import { Graph } from '../../models/graph.ts';
import { modelId } from '../../src/core/manifest.ts';
import { provenManifest } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import { loadPackage } from '../../src/miner/package/package.ts';

export const SEQUENCES = 2;
export const TOKENS = 8;
export const WIDTH = 128;
export const ROWS = SEQUENCES * TOKENS;

export const readModelFile =
  (name: string) =>
  async (file: string): Promise<Uint8Array> =>
    Uint8Array.from(await readFile(join(import.meta.dirname, '../../models', name, file)));
export const loadModel = (name: string): Promise<ModelPackage> => loadPackage(readModelFile(name));

/** Whole numbers −63..63 that differ from entry to entry. */
export const entries = (count: number): number[] =>
  Array.from({ length: count }, (_, i) => ((i * 7919) % 127) - 63);

/**
 * tokens → x [2, 8, 128] in −63..63 → `piece` → a1. `piece` gives what becomes a1 (16×128 values).
 * Its nodes' names begin with `piece.`; `tokens` is there too.
 */
export function firstSegment(
  piece: (g: Graph, x: string) => string,
  sequences = SEQUENCES,
): OnnxGraph {
  const g = new Graph().scope('embed');
  const tokens = g.input('tokens', [sequences, ROWS / sequences], 'int32');
  const x = g.gather(g.floats('table', [257, WIDTH], entries(257 * WIDTH)), tokens);
  const y = piece(g.scope('piece'), x);
  g.output('a1', [ROWS, WIDTH], g.scope('end').reshape(y, [ROWS, WIDTH]));
  return g.graph();
}

/** c1 [16, 16] → a2 [16, 128], its first column in every place. */
function middleSegment(): OnnxGraph {
  const g = new Graph().scope('middle');
  const c = g.clip(g.input('c1', [ROWS, 16]), -63, 63);
  const wide = g.gather(c, g.ints('first', Array<number>(WIDTH).fill(0)), 1);
  g.output('a2', [ROWS, WIDTH], wide);
  return g.graph();
}

/** c2 [16, 16] → `piece` → answer [2, 16]. */
export function lastSegment(
  piece: (g: Graph, c: string) => string = (g, c) => g.clip(c, -127, 127),
  sequences = SEQUENCES,
): OnnxGraph {
  const g = new Graph().scope('piece');
  const y = piece(g, g.input('c2', [ROWS, 16]));
  const rows = g.scope('end').reshape(y, [sequences, (ROWS / sequences) * 16]);
  g.output('answer', [sequences, 16], g.slice(rows, 1, 0, 16));
  return g.graph();
}

/** c2 [16, 16] → answer [16, 16]: a row for each token. */
export function lastOfGenerator(): OnnxGraph {
  const g = new Graph().scope('piece');
  g.output('answer', [ROWS, 16], g.clip(g.input('c2', [ROWS, 16]), -127, 127));
  return g.graph();
}

export interface ModelOptions {
  readonly kind?: 'encoder' | 'generator';
  readonly last?: OnnxGraph;
  readonly middle?: OnnxGraph;
  /** Of linear 2. */
  readonly weights?: Int8Array;
  readonly sequences?: number;
  /** Sequences of further shapes, of as many rows. */
  readonly others?: readonly number[];
}

/** Operands are declared to be −63..63, carries as they are proven; known answers are left out. */
export function modelOf(first: OnnxGraph, options: ModelOptions = {}): ModelPackage {
  const { kind = 'encoder', sequences = SEQUENCES } = options;
  const lastOf = (count?: number): OnnxGraph =>
    kind === 'generator' ? lastOfGenerator() : lastSegment(undefined, count);
  const { last = lastOf(), middle = middleSegment(), others = [] } = options;
  const own = Int8Array.from(entries(16 * WIDTH));
  const weights = [own, options.weights ?? own];
  const draft = draftOf({
    name: 'small',
    kind,
    vocabulary: 257,
    packing: 'bytes',
    answerSize: 16,
    labels: [],
    sequences,
    tokens: ROWS / sequences,
    linears: weights.map((weight) => ({ k: WIDTH, n: 16, r: 16, weight })),
    tables: [],
    graphs: [first, middle, last],
    otherShapes: others.map((count) => ({
      sequences: count,
      tokens: ROWS / count,
      graphs: [firstSegment((_, x) => x, count), middle, lastOf(count)],
    })),
    licence: '',
    attribution: '',
  });
  const linears = draft.manifest.linears.map((l) => ({ ...l, low: -63, high: 63 }));
  const proven = provenManifest(draft);
  const shapes = 'rule' in proven ? draft.manifest.shapes : proven.shapes;
  const manifest = { ...draft.manifest, linears, shapes };
  return { ...draft, id: modelId(manifest), manifest };
}

export const modelWith = (piece: (g: Graph, x: string) => string): ModelPackage =>
  modelOf(firstSegment(piece));
