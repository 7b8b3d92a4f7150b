/** The step of a decoder gives the rows that its pass gives, and what needs another row is refused. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../models/graph.ts';
import type { SegmentFacts } from '../../../src/miner/checker/admission.ts';
import { analyseModel, type Analysis } from '../../../src/miner/checker/checker.ts';
import { runOperator } from '../../../src/miner/checker/operators.ts';
import { constantValue, exact } from '../../../src/miner/checker/value.ts';
import { restrictModel } from '../../../src/miner/executor/step/restrict.ts';
import { shareWeights } from '../../../src/miner/executor/step/share.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { createRandom } from '../../sim/random.ts';
import { differing, openSteps, passRows, randomTokens, stepRows } from './steps.ts';

const SIZE = { ...DECODER_SMALL, layers: 2 };
/** Tokens of a page, which neither divide a text nor fill a block of keys. */
const PAGE = 7;
const MODEL = decoderPackage(SIZE);
const WIDTHS = [...MODEL.manifest.linears.map(({ k }) => k), MODEL.manifest.answerSize];

/** Counts what differs between a pass and the steps of three sequences, of which each begins some steps later. */
async function compared(positionOf: (token: number) => number): Promise<number> {
  const together = 3;
  const o = await openSteps(MODEL, together, PAGE);
  const { sequences, tokens: length } = o.model.manifest.shapes[0]!;
  const tokens = randomTokens(MODEL, together * length, createRandom(5, 'step'));
  const passes = [];
  for (let b = 0; b < together; b += sequences)
    passes.push(await passRows(o, tokens.subarray(b * length, (b + sequences) * length)));
  let wrong = 0;
  for (let turn = 0; turn < length + 2 * together; turn++) {
    const live = Array.from({ length: together }, (_, b) => ({ b, at: turn - 3 * b })).filter(
      ({ at }) => at >= 0 && at < length,
    );
    // A sequence keeps its place among the others as long as it lives, with caches of its own.
    const pages = live.map(({ b }) => o.pages[b]!);
    const rows = await stepRows(
      { ...o, pages },
      live.map(({ b, at }) => tokens[b * length + at]!),
      live.map(({ at }) => positionOf(at)),
    );
    for (const [i, { b, at }] of live.entries()) {
      const pass = passes[Math.floor(b / sequences)]!;
      wrong += differing([rows, i], [pass, (b % sequences) * length + at], WIDTHS);
    }
  }
  return wrong;
}

describe('the step of a decoder', () => {
  it('gives each linear and the answer the row of the pass, at every position, at several depths at once', async () => {
    expect(await compared((at) => at)).toBe(0);
  });

  it('gives other rows at a position that is off by one', async () => {
    expect(await compared((at) => Math.max(0, at - 1))).toBeGreaterThan(0);
  });
});

describe('linears of the same weights', () => {
  const { manifest } = MODEL;
  const facts = analyseModel(MODEL) as Analysis;
  const size = { sequences: 3, room: SIZE.tokens };
  const step = restrictModel(manifest.shapes[0]!, facts.shapes[0]!, size);
  const LIMBS = [[0], [1], [2], [3, 4], [5], [6], [7], [8, 9], [10]];

  it('are one product where the second operand does not wait for the first product', () => {
    expect(shareWeights(step, manifest.linears).products).toEqual(LIMBS);
  });

  it('are two where it does', () => {
    const same = manifest.linears.map(() => manifest.linears[0]!);
    expect(shareWeights(step, same).products).toEqual(LIMBS);
  });

  it('hand on what somebody behind them reads, and nothing else', () => {
    const { shape, facts: segments } = shareWeights(step, manifest.linears);
    const names = new Set(shape.carries.map(({ name }) => name));
    const carried = (values: readonly { readonly name: string }[]): string[] =>
      values.flatMap(({ name }) => (names.has(name) ? [name] : []));
    const given = segments.flatMap(({ graph }) => carried(graph.outputs));
    expect(new Set(given)).toEqual(new Set(segments.flatMap(({ graph }) => carried(graph.inputs))));
    expect(given.length).toBeLessThan(names.size);
    for (const [at, { graph }] of segments.entries())
      for (const { name, made, last } of shape.carries) {
        if (graph.outputs.some((o) => o.name === name)) expect(made).toBe(at);
        if (graph.inputs.some((i) => i.name === name)) expect(last).toBeGreaterThanOrEqual(at);
      }
  });
});

const [B, S, N] = [2, 8, 64];

/** What the checker says of a segment's graph that reads c1 [B·S, N]. */
function factsOf(graph: ReturnType<Graph['graph']>): SegmentFacts {
  const values = new Map(graph.constants.map((c) => [c.name, constantValue(c)]));
  for (const { name, dims } of graph.inputs) values.set(name, exact(dims, [-63, 63], true));
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => values.get(i)!);
    values.set(node.outputs[0]!, runOperator(node, inputs, B));
  }
  return { graph, values };
}

/** Restricts a segment that is `build` of c1. */
function restrict(build: (g: Graph, x: string) => string): void {
  const g = new Graph().scope('row');
  const made = build(g, g.input('c1', [B * S, N]));
  g.output('a2', [B * S, N], g.clipLast(made, -63, 63));
  restrictModel({ sequences: B, tokens: S, carries: [] }, [factsOf(g.graph())], {
    sequences: 2,
    room: S,
  });
}

/** Attention of one head, whose mask at query i and key j is `mask`(j − i). */
const attention =
  (mask: (ahead: number) => number) =>
  (g: Graph, x: string): string => {
    const rows = g.reshape(x, [B, 1, S, N]);
    const scores = g.matmul(rows, g.transpose(rows, [0, 1, 3, 2]));
    const entries = Array.from({ length: S * S }, (_, at) => mask((at % S) - Math.floor(at / S)));
    const masked = g.add(scores, g.floats('mask', [1, 1, S, S], entries));
    const below = g.clip(g.sub(g.max(masked, 3), masked), 0, 63);
    const table = g.floats(
      'table',
      [64],
      Array.from({ length: 64 }, (_, i) => 63 - i),
    );
    const context = g.matmul(g.lookup(table, below, [B, 1, S, S]), rows);
    return g.shift(g.reshape(context, [B * S, N]), 12);
  };

describe('a row that needs another row is refused with the node’s name', () => {
  const refusal = (build: (g: Graph, x: string) => string): string => {
    try {
      restrict(build);
    } catch (e) {
      return (e as Error).message;
    }
    return 'restricted';
  };

  it('attention through a mask is none, and through none it is', () => {
    const masked = (ahead: number): number => (ahead > 0 ? -(2 ** 22) : 0);
    expect(refusal(attention(masked))).toBe('restricted');
    expect(refusal(attention(() => 0))).toContain('seg-0/row.MatMul_2: no mask');
  });
  it('a mask that shows the next token', () => {
    expect(refusal(attention((ahead) => (ahead > 1 ? -(2 ** 22) : 0)))).toContain('no mask');
  });
  it('a mask that is not deep enough to hide a score', () => {
    expect(refusal(attention((ahead) => (ahead > 0 ? -(2 ** 10) : 0)))).toContain('no mask');
  });
  it('the token before', () => {
    const before = (g: Graph, x: string): string => {
      const rows = g.reshape(x, [B, S, N]);
      const moved = g.op('Concat', [g.slice(rows, 1, 0, 1), g.slice(rows, 1, 0, S - 1)], {
        axis: 1,
      });
      return g.reshape(moved, [B * S, N]);
    };
    expect(refusal(before)).toContain('seg-0/row.Concat_3: joins tokens');
  });
  it('a sum or maximum over tokens', () => {
    const most = (g: Graph, x: string): string =>
      g.add(
        x,
        g.reshape(g.add(g.reshape(x, [B, S, N]), g.max(g.reshape(x, [B, S, N]), 1)), [B * S, N]),
      );
    expect(refusal(most)).toContain('ReduceMax');
  });
  it('tokens as the columns of a product, or in its depth', () => {
    const mixed = (g: Graph, x: string): string => {
      const turned = g.transpose(g.reshape(x, [B, S, N]), [0, 2, 1]);
      const all = g.matmul(turned, g.reshape(x, [B, S, N]));
      return g.reshape(g.slice(all, 1, 0, S), [B * S, N]);
    };
    expect(refusal(mixed)).toContain('sums over tokens');
  });
  it('tokens that change places with columns', () => {
    const turned = (g: Graph, x: string): string =>
      g.add(x, g.reshape(g.transpose(g.reshape(x, [B, S, N]), [0, 2, 1]), [B * S, N]));
    expect(refusal(turned)).toContain('seg-0/row.Add_3: tokens meet');
  });
  it('tokens against tokens of another axis', () => {
    const both = (g: Graph, x: string): string => {
      const square = g.slice(g.reshape(x, [B, S, N]), 2, 0, S);
      const sum = g.add(square, g.transpose(square, [0, 2, 1]));
      return g.add(x, g.reshape(g.sum(sum, 2), [B * S, 1]));
    };
    expect(refusal(both)).toContain('tokens meet');
  });
  it('the last token alone', () => {
    const last = (g: Graph, x: string): string =>
      g.add(g.slice(g.reshape(x, [B, S, N]), 1, S - 1, S), g.number(1));
    expect(refusal(last)).toContain('seg-0/row.Add_2: works on some tokens');
  });
});
