/**
 * A toy with one file of 17 MB, for the tests of fetching: a table of 257 rows of which a unit uses the
 * first 1024 numbers, and one linear. Its manifest is admitted on `e2e`; its files are made when a test
 * wants them (`node models/build.ts broad`), and are the same every time.
 */
import { kappa64Of, OVERHEAD } from './overhead.ts';
import { Graph } from './graph.ts';
import { VOCABULARY } from './encoder.ts';
import type { OnnxGraph } from '../src/miner/package/onnx.ts';

/** A unit is as much work as one of tiny. */
const [SEQUENCES, TOKENS, WIDTH, COLUMNS, ANSWER] = [2, 16, 1024, 192, 16];
const ROWS = SEQUENCES * TOKENS;
const TABLE = 16_384;

/** Whole numbers −63..63 that differ from entry to entry. */
const entries = (count: number): Int8Array =>
  Int8Array.from({ length: count }, (_, i) => ((i * 7919) % 127) - 63);

function embed(): OnnxGraph {
  const g = new Graph().scope('embed');
  const tokens = g.input('tokens', [SEQUENCES, TOKENS], 'int32');
  const table = g.floats('table', [VOCABULARY, TABLE], entries(VOCABULARY * TABLE));
  const used = g.slice(g.gather(table, tokens), 2, 0, WIDTH);
  g.output('a1', [ROWS, WIDTH], g.reshape(used, [ROWS, WIDTH]));
  return g.graph();
}

function answer(): OnnxGraph {
  const g = new Graph().scope('answer');
  const c = g.input('c1', [ROWS, COLUMNS]);
  // |c| ≤ 63·63·1024 < 127·2^15.
  const rows = g.reshape(g.shift(c, 15), [SEQUENCES, TOKENS * COLUMNS]);
  g.output('answer', [SEQUENCES, ANSWER], g.slice(rows, 1, 0, ANSWER));
  return g.graph();
}

export const broad = () => ({
  name: 'broad',
  sequences: SEQUENCES,
  tokens: TOKENS,
  labels: [] as string[],
  head: { n: ANSWER },
  linears: [{ k: WIDTH, n: COLUMNS, weight: entries(WIDTH * COLUMNS) }],
  graphs: [embed(), answer()],
  // As tiny's: nobody mines with it for its credit.
  kappa64: kappa64Of(OVERHEAD.tiny),
});
