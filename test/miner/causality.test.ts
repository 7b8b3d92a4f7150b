/** A language model is refused unless no row of an operand or of the answer can depend on a later token. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../models/graph.ts';
import { checkModel, provenManifest } from '../../src/miner/checker/checker.ts';
import { DECODER_SMALL, decoderPackage } from '../models/decoder.ts';
import { firstSegment, modelOf, ROWS, TOKENS, WIDTH } from './small-model.ts';

type Piece = (g: Graph, x: string) => string;

const refusalOf = (piece: Piece) =>
  checkModel(
    modelOf(
      firstSegment((g, x) => g.clip(piece(g, x), -63, 63)),
      { kind: 'generator' },
    ),
  );

const places = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => from + i);

/** How what attention must not see is hidden. */
interface Attention {
  /** Places of keys `from` to `to`, less than the rows' where they are seen. */
  readonly keys?: (from: number, to: number) => number[];
  readonly comparison?: 'Greater' | 'GreaterOrEqual' | 'Less' | 'LessOrEqual';
  /** By which the comparison is multiplied; of a constant mask likewise. */
  readonly mask?: number;
  readonly isConstant?: boolean;
  readonly isTurned?: boolean;
  /** Entries of the table of weights. */
  readonly table?: number[];
  readonly blocks?: number[];
  /** Blocks among which the largest score is looked for. */
  readonly bestOf?: number[];
}

/** Attention of 16 columns over x [2, 8, 128]: scores are less than 2^17 apart. */
const attention =
  (how: Attention = {}): Piece =>
  (g, x) => {
    const { keys = (from, to) => places(to - from, from), comparison = 'Greater' } = how;
    const { mask = -(2 ** 20), table = [127, 64, 20, 3, 0], blocks = [0], bestOf } = how;
    const [q, k] = [g.slice(x, 2, 0, 16), g.slice(x, 2, 16, 32)];
    const all = blocks.map((from, i) => ({ from, to: blocks[i + 1] ?? TOKENS }));
    const rows = g.floats('rows', [1, TOKENS, 1], places(TOKENS));
    const hiding = (from: number, to: number): string => {
      const columns = keys(from, to);
      if (how.isConstant) {
        const entries = places(TOKENS).flatMap((row) => columns.map((c) => (c > row ? mask : 0)));
        return g.floats(`mask_${from}`, [1, TOKENS, to - from], entries);
      }
      const dims = how.isTurned ? [1, to - from, 1] : [1, 1, to - from];
      const own = g.floats(`keys_${from}`, dims, columns);
      const other = how.isTurned ? g.reshape(rows, [1, 1, TOKENS]) : rows;
      const isFirst = comparison.startsWith('Greater');
      return g.mul(
        g.toFloat(g.op(comparison, isFirst ? [own, other] : [other, own])),
        g.number(mask),
      );
    };
    const masked = all.map(({ from, to }) => {
      const scores = g.matmul(q, g.transpose(g.slice(k, 1, from, to), [0, 2, 1]));
      return g.add(scores, hiding(from, to));
    });
    const best = (bestOf ?? places(all.length))
      .map((i) => g.max(masked[i]!, 2))
      .reduce((a, b) => g.op('Max', [a, b]));
    const exps = g.floats('exp', [table.length], table);
    return all
      .map(({ from, to }, i) => {
        const steps = g.shift(g.sub(best, masked[i]!), 14);
        const below = g.clip(steps, 0, table.length - 1);
        const weights = g.lookup(exps, below, [2, TOKENS, to - from]);
        return g.shift(g.matmul(weights, g.slice(x, 1, from, to)), 10);
      })
      .reduce((a, b) => g.add(a, b));
  };

describe('a language model is proven', () => {
  const cases: [string, Piece][] = [
    ['of tokens by themselves', (_, x) => x],
    ['of attention with a mask by comparison', attention()],
    ['of the other comparisons', attention({ comparison: 'Less' })],
    [
      'of places that are not later than the one before',
      attention({ comparison: 'LessOrEqual', keys: (from, to) => places(to - from, from - 1) }),
    ],
    ['of a mask that is written out', attention({ isConstant: true })],
    ['of blocks of keys', attention({ blocks: [0, 3, 6] })],
    [
      'of the token before',
      (g, x) => g.op('Concat', [g.slice(x, 1, 0, 1), g.slice(x, 1, 0, TOKENS - 1)], { axis: 1 }),
    ],
    [
      'of a running sum in other axes',
      (g, x) => g.reshape(g.sum(g.reshape(x, [2, TOKENS, 2, 64]), 2), [2, TOKENS, 64]),
    ],
  ];
  it.each(cases)('causal: %s', (_, piece) => {
    const wide: Piece = (g, x) => {
      const made = piece(g, x);
      return g.op('Concat', [made, x], { axis: 2 });
    };
    const cut: Piece = (g, x) => g.slice(wide(g, x), 2, 0, WIDTH);
    expect(refusalOf(cut)).toBeUndefined();
  });

  it('of decoders, in every shape', () => {
    const otherShapes = [
      { sequences: 1, tokens: 64 },
      { sequences: 16, tokens: 1 },
    ];
    const size = { ...DECODER_SMALL, otherShapes, blockKeys: 24 };
    expect(checkModel(decoderPackage(size))).toBeUndefined();
  });
});

describe('a language model is refused', () => {
  const cases: [string, string, Piece][] = [
    ['a sum over tokens', 'ReduceSum', (g, x) => g.add(x, g.sum(g.clip(x, 0, 1), 1))],
    ['the largest of all tokens', 'ReduceMax', (g, x) => g.sub(x, g.max(x, 1))],
    [
      'the next token',
      'Reshape',
      (g, x) => g.op('Concat', [g.slice(x, 1, 1, TOKENS), g.slice(x, 1, 0, 1)], { axis: 1 }),
    ],
    [
      'tokens in another order',
      'Reshape',
      (g, x) => g.gather(x, g.ints('order', places(TOKENS).toReversed()), 1),
    ],
    ['tokens among the columns', 'Reshape', (g, x) => g.reshape(g.transpose(g.slice(x, 2, 0, 8), [0, 2, 1]), [2, 8, 8])], // prettier-ignore
    ['attention without a mask', 'ReduceMax', attention({ mask: 0 })],
    [
      'a mask that is not deeper than scores are apart',
      'ReduceMax',
      attention({ mask: -(2 ** 16) }),
    ],
    ['a mask that lifts what it hides', 'ReduceMax', attention({ mask: 2 ** 20 })],
    ['a mask that hides too little for the table', 'MatMul', attention({ mask: -(2 ** 17) })],
    ['a mask that hides what was before', 'ReduceMax', attention({ isTurned: true })],
    [
      'a mask one token late',
      'Reshape',
      attention({ keys: (from, to) => places(to - from, from - 1) }),
    ],
    [
      'a constant mask one token late',
      'Reshape',
      attention({ isConstant: true, keys: (from, to) => places(to - from, from - 1) }),
    ],
    ['places that do not rise', 'ReduceMax', attention({ keys: () => [0, 1, 2, 3, 4, 5, 7, 6] })],
    ['a table that does not end in 0', 'MatMul', attention({ table: [127, 64, 3, 0, 1] })],
    [
      'the largest of blocks that some rows do not see',
      'ReduceMax',
      attention({ blocks: [0, 4], bestOf: [1] }),
    ],
    [
      'the largest of blocks of which one row serves several',
      'ReduceMax',
      (g, x) => {
        const heads = (from: number, count: number): string =>
          g.reshape(g.slice(x, 2, from, from + 16 * count), [2, TOKENS, count, 16]);
        const keys = g.reshape(g.slice(x, 2, 48, 64), [2, 1, TOKENS, 16]);
        const turned = g.transpose(keys, [0, 1, 3, 2]);
        const scores = (count: number, seen: number): string => {
          const mask = places(count * TOKENS).map((at) => (at < seen ? 0 : -(2 ** 20)));
          const own = g.floats(`mask_${count}`, [1, 1, count, TOKENS], mask);
          return g.add(g.matmul(heads(count === 1 ? 0 : 16, count), turned), own);
        };
        const [one, two] = [scores(1, 0), scores(2, 1)];
        const best = g.op('Max', [g.max(one, 3), g.max(two, 3)]);
        const below = g.clip(g.shift(g.sub(best, two), 14), 0, 4);
        const exps = g.floats('exp', [5], [127, 64, 20, 3, 0]);
        const weights = g.lookup(exps, below, [2, TOKENS, 2, TOKENS]);
        return g.reshape(g.shift(g.matmul(weights, keys), 10), [2, TOKENS, 32]);
      },
    ],
    [
      'a mask on one of two blocks',
      'Reshape',
      attention({ blocks: [0, 4], keys: (from, to) => places(to - from, from ? 0 : from) }),
    ],
  ];
  it.each(cases)('whose rows see later tokens by %s', (_, op, piece) => {
    const wide: Piece = (g, x) => g.op('Concat', [piece(g, x), x], { axis: 2 });
    const refusal = refusalOf((g, x) => g.slice(wide(g, x), 2, 0, WIDTH));
    expect(refusal?.rule).toBe('causal');
    expect(refusal?.node).toMatch(new RegExp(`^seg-0/(piece|end)\\.${op}_\\d+$`));
    expect(refusal?.sentence).toContain('depend on token');
  });

  it('whose places of tokens are no constant of the file', () => {
    const refusal = refusalOf((g, x) => {
      const last = g.floats('last', [TOKENS], Array<number>(TOKENS).fill(TOKENS - 1));
      return g.gather(x, g.toInt(last), 1);
    });
    expect(refusal).toMatchObject({ rule: 'attribute' });
  });

  it('that takes long to look at', () => {
    const lookups =
      (count: number): Piece =>
      (g, x) => {
        const table = g.floats('long', [2 ** 19], new Float32Array(2 ** 19));
        attention()(g, x);
        const below = g.graph().nodes.find(({ op }) => op === 'Floor')!.outputs[0]!;
        const places = g.clip(below, 0, 2 ** 19 - 1);
        for (let i = 0; i < count; i++) g.lookup(table, places, [2, TOKENS, TOKENS]);
        return x;
      };
    expect(refusalOf(lookups(500))).toBeUndefined();
    expect(refusalOf(lookups(512))).toMatchObject({ rule: 'work' });
  });

  it('names the node that mixes tokens', () => {
    const piece: Piece = (g, x) => g.add(x, g.sum(g.clip(x, 0, 1), 1));
    expect(refusalOf(piece)?.node).toMatch(/^seg-0\/piece\.ReduceSum_\d+$/);
    expect(refusalOf(attention({ mask: 0 }))?.node).toMatch(/^seg-0\/piece\.\w+_\d+$/);
  });

  it('whose rows see later tokens by a carry, whatever another segment calls by its name', () => {
    const first = firstSegment((g, x) => {
      const few = g.clip(x, 0, 1);
      g.output('mixed', [2, TOKENS, WIDTH], g.add(few, g.sum(few, 1)));
      return x;
    });
    const last = new Graph().scope('last');
    const carry = last.reshape(last.input('mixed', [2, TOKENS, WIDTH]), [ROWS, WIDTH]);
    const sum = last.add(last.input('c2', [ROWS, 16]), last.slice(carry, 1, 0, 16));
    last.output('answer', [ROWS, 16], last.clip(sum, -127, 127));
    const own = new Graph().scope('middle');
    const c = own.clip(own.input('c1', [ROWS, 16]), -63, 63);
    const columns = own.ints('first', Array<number>(WIDTH).fill(0));
    const wide = own.gather(c, columns, 1);
    own.output('a2', [ROWS, WIDTH], own.clip(wide, -63, 63));
    const graph = own.graph();
    const rename = (name: string): string => (name === wide ? 'mixed' : name);
    const nodes = graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    }));
    const middle = { ...graph, nodes };
    const model = modelOf(first, { kind: 'generator', middle, last: last.graph() });
    expect(provenManifest(model)).toMatchObject({
      rule: 'causal',
      node: expect.stringMatching(/^seg-2/),
    });
  });

  it('only of kind generator', () => {
    const model = modelOf(
      firstSegment((g, x) => g.clip(g.add(x, g.sum(g.clip(x, 0, 1), 1)), -63, 63)),
    );
    expect(checkModel(model)).toBeUndefined();
  });
});
