/** A model of one linear around a piece of graph that a test gives: to be refused, or proven. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Graph } from '../../models/graph.ts';
import { plainHash } from '../../src/core/hash.ts';
import { modelId, type Manifest } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { encodeOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
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

/** c1 [16, 16] → `piece` → answer [2, 16]. */
export function lastSegment(
  piece: (g: Graph, c: string) => string = (g, c) => g.clip(c, -127, 127),
  sequences = SEQUENCES,
): OnnxGraph {
  const g = new Graph().scope('piece');
  const y = piece(g, g.input('c1', [ROWS, 16]));
  const rows = g.scope('end').reshape(y, [sequences, (ROWS / sequences) * 16]);
  g.output('answer', [sequences, 16], g.slice(rows, 1, 0, 16));
  return g.graph();
}

export function modelOf(
  first: OnnxGraph,
  last: OnnxGraph = lastSegment(),
  weights: Int8Array = Int8Array.from(entries(16 * WIDTH)),
): ModelPackage {
  const segments = [first, last].map(encodeOnnx);
  const manifest: Manifest = {
    version: 1,
    name: 'small',
    sequences: SEQUENCES,
    tokens: TOKENS,
    vocabulary: 257,
    packing: 'bytes',
    answerSize: 16,
    labels: [],
    segments: segments.map((s) => ({ hash: plainHash(s), size: s.length })),
    linears: [
      { m: ROWS, k: WIDTH, n: 16, r: 16, weights: plainHash(new Uint8Array(weights.buffer)) },
    ],
    kappa64: 32,
    knownAnswer: [new Uint8Array(32)],
    tokenizer: null,
  };
  return { id: modelId(manifest), manifest, segments, weights: [weights] };
}

export const modelWith = (piece: (g: Graph, x: string) => string): ModelPackage =>
  modelOf(firstSegment(piece));
