/**
 * Graphs that the checker admits and whose operands are gathered, turned or left over: places from which a plan could
 * take other numbers, or addresses outside its memory. All who compute a graph must give the same.
 */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../models/graph.ts';
import { K, N, firstSegment, lastSegment, packageOf, type Carry } from '../../fuzz/generate.ts';
import { judge } from '../../fuzz/judge.ts';
import { numbersIn, sizeOf } from '../../fuzz/steps.ts';
import { createRandom } from '../../sim/random.ts';

const [B, S, WIDTH, V] = [2, 8, 4, 9];
const ROWS = B * S;

interface Output {
  readonly name: string;
  readonly dims: number[];
}

/** Judges a segment that reads `k` [B, S, 4], whole numbers 0..2, and hands on what `build` gives. */
async function expectSame(build: (g: Graph) => readonly Output[]): Promise<void> {
  const r = createRandom(1, 'gathered');
  const entries = numbersIn(r, V * WIDTH, 0, 2);
  const k: Carry = { name: 'k', dims: [B, S, WIDTH], lo: 0, hi: 2, table: entries };
  const g = new Graph().scope('tried');
  g.input('c1', [ROWS, N]);
  g.input('k', [...k.dims]);
  const made = build(g);
  const column = g.slice('c1', 1, 0, 1);
  const wide = g.add(column, g.floats('zeros', [K], new Float32Array(K)));
  g.output('a2', [ROWS, K], g.clipLast(wide, -63, 63));
  const carries = made.map(({ name, dims }, i) => {
    g.output(`out_${i}`, dims, name);
    return { name: `out_${i}`, dims, lo: 0, hi: 0 };
  });
  const graphs = [firstSegment([B, S], V, [k]), g.graph(), lastSegment(ROWS, B, carries)];
  const weights = [new Int8Array(K * N).fill(1), new Int8Array(K * N).fill(-1)];
  const model = packageOf(graphs, weights, { sequences: B, tokens: S, vocabulary: V });
  const kinds = ['ends', 'random', 'random'] as const;
  const verdict = await judge({ model, segment: 1 }, { kinds, climbs: 0 }, r);
  expect(verdict.refusal).toBeUndefined();
  expect(verdict.faults).toEqual([]);
  expect(verdict.by.map(({ left }) => left)).toEqual(verdict.by.map(() => undefined));
}

/** A constant of whole numbers. */
function table(g: Graph, name: string, dims: number[], [low, high] = [-9, 9]): string {
  return g.floats(name, dims, numbersIn(createRandom(2, name), sizeOf(dims), low, high));
}
const firstColumn = (g: Graph): string => g.toInt(g.slice('k', 2, 0, 1));

describe('who computes an admitted graph gives the same for', () => {
  it('a product of rows that are picked from a constant', () =>
    expectSame((g) => {
      const rows = g.reshape(g.gather(table(g, 't', [3, 5]), firstColumn(g)), [B, S, 5]);
      return [
        { name: g.matmul(rows, table(g, 'w', [5, 7])), dims: [B, S, 7] },
        { name: g.matmul(g.transpose('k', [0, 2, 1]), rows), dims: [B, WIDTH, 5] },
      ];
    }));

  it('rows that are picked by numbers that are picked from a constant', () =>
    expectSame((g) => {
      const places = g.gather(table(g, 't', [3, 2], [0, 4]), firstColumn(g));
      const dims = [B, S, 1, 2, 3];
      return [{ name: g.gather(table(g, 'u', [5, 3]), g.toInt(places)), dims }];
    }));

  it('rows that are picked by turned numbers', () =>
    expectSame((g) => {
      const places = g.toInt(g.transpose('k', [0, 2, 1]));
      return [{ name: g.gather(table(g, 't', [3, 5]), places), dims: [B, WIDTH, S, 5] }];
    }));

  it('masked weights that are read once for each column of another constant', () =>
    expectSame((g) => {
      const later = Array.from({ length: S * S }, (_, i) => (i % S > Math.floor(i / S) ? -99 : 0));
      const scores = g.matmul('k', g.transpose('k', [0, 2, 1]));
      const masked = g.add(scores, g.floats('mask', [1, S, S], later));
      const below = g.reshape(g.sub(g.max(masked, 2), masked), [B, S, S, 1]);
      const wide = g.add(below, g.floats('none', [1, 1, 1, S], new Float32Array(S)));
      const entries = Array.from({ length: 30 }, (_, i) => (i < 29 ? 60 - i : 0));
      const dims = [B, S, S, S];
      const weights = g.lookup(g.floats('t', [30], entries), g.atMost(wide, 29), dims);
      return [{ name: g.matmul(weights, table(g, 'w', [S, 3])), dims: [B, S, S, 3] }];
    }));

  it('masked scores that also pick rows', () =>
    expectSame((g) => {
      const later = Array.from({ length: S * S }, (_, i) => (i % S > Math.floor(i / S) ? -99 : 0));
      const scores = g.matmul('k', g.transpose('k', [0, 2, 1]));
      const masked = g.add(scores, g.floats('mask', [1, S, S], later));
      const below = g.atMost(g.sub(g.max(masked, 2), masked), 29);
      const entries = Array.from({ length: 30 }, (_, i) => (i < 29 ? 60 - i : 0));
      const weights = g.lookup(g.floats('t', [30], entries), below, [B, S, S]);
      const picked = g.gather(table(g, 'u', [17, 3]), g.toInt(scores));
      return [
        { name: g.matmul(weights, 'k'), dims: [B, S, WIDTH] },
        { name: picked, dims: [B, S, S, 3] },
      ];
    }));

  it('turned numbers that are left to the interpreter', () =>
    expectSame((g) => {
      const x = g.transpose(g.reshape('k', [B, 2, 2, 2, 2, 2]), [0, 5, 2, 4, 1, 3]);
      const sums = g.op('ReduceSum', [x, g.shape([2, 4])], { keepdims: 0 });
      return [{ name: sums, dims: [B, 2, 2, 2] }];
    }));
});
