/**
 * Attention of one layer: axes are sequences, key heads, queries of a key head, tokens, columns, and none is ever
 * merged with the tokens'. Keys are summed up in blocks, so that a text has the same bits among more or fewer keys.
 */
import { Graph } from '../graph.ts';
import type { DecoderShape, DecoderSize, LayerConstants } from './description.ts';
import { doublings, OPERAND_MAX, QUERY_MAX } from './forms.ts';

/** Entries of cos and sin: 11 bits. */
export const TURN_BITS = 11;
/** Queries and keys before they are turned, in eighths of a step; a pair may be longer than its entries may be. */
const FINE_BITS = 3;
export const QUERY_FINE = 2 ** FINE_BITS;
const FINE_MAX = 2 * QUERY_FINE * QUERY_MAX;
/** Most bits of a score that are less than 1/64 nat. */
export const SCORE_BITS_MAX = 8;
/**
 * Scores of what is not seen lie lower by it. Two scores of 64 columns differ by 2·64·255² = 2^23 − 65,408 at most;
 * what is left is more than the table's last place is away, and all that is subtracted stays below 2^24.
 */
const MASK = -(2 ** 23 + 2 ** 15);
/** Steps of 1/64 nat below a row's largest score; weights are 0 from 355 on. */
const EXPS = 356;
const WEIGHT_MAX = 127;
/** The first token's weight counts from 6 nats above the others' largest, to 2^15. */
const FIRST_ABOVE = 384;
const FIRST_MAX = 2 ** 15;
/** A block's sum loses 4 bits. */
const SUM_BITS = 4;
/** A row's weights together, as which they divide: 14 bits. */
const TOTAL_MAX = 2 ** 14;
/** Sums of a row whose weights are as many: |Σw·v| ≤ 127·Σw, and what the blocks' rounding adds. */
const SUM_MAX = (OPERAND_MAX * TOTAL_MAX) / 2 ** SUM_BITS + 16;
const GAIN_MAX = 64;

export interface AttentionInput {
  readonly g: Graph;
  /** Columns of q, k and v after their scaling, [B·S, (heads + 2·keyHeads)·e]. */
  readonly wide: string;
  readonly size: DecoderSize;
  readonly shape: DecoderShape;
  readonly layer: LayerConstants;
  /** Keys that are summed at once. */
  readonly block: number;
  /** Tokens of the package's longest shape. */
  readonly tokensMax: number;
}

const weight = (at: number): number => Math.round(WEIGHT_MAX * Math.exp(-at / 64));

/** x·cos + x̃·sin of [B, G, g, S, e]: pairs lie in halves. */
function turned(g: Graph, x: string, [cos, sin]: readonly [string, string], e: number): string {
  const second = g.sub(g.number(0), g.slice(x, 4, e / 2, e));
  const swapped = g.op('Concat', [second, g.slice(x, 4, 0, e / 2)], { axis: 4 });
  const sum = g.add(g.mul(x, cos), g.mul(swapped, sin));
  const bits = TURN_BITS + FINE_BITS;
  const rounded = g.shift(g.add(sum, g.number(2 ** (bits - 1))), bits);
  return g.clip(rounded, -QUERY_MAX, QUERY_MAX);
}

/** What o multiplies, [B·S, heads·e], before its limits. */
export function attention(input: AttentionInput): string {
  const { g, wide, size, shape, layer, block, tokensMax } = input;
  const { sequences: B, tokens: S } = shape;
  const { heads, keyHeads: G, head: e } = size;
  const n = heads / G;
  const [queries, keys] = [heads * e, G * e];
  const part = (from: number, count: number, most: number): string => {
    const columns = g.clip(g.slice(wide, 1, from, from + count * G * e), -most, most);
    return g.transpose(g.reshape(columns, [B, S, G, count, e]), [0, 2, 3, 1, 4]);
  };
  const turn = ['cos', 'sin'].map((name) =>
    g.reshape(g.input(name, [B, S, e]), [B, 1, 1, S, e]),
  ) as [string, string];
  const q = turned(g.scope('query'), part(0, n, FINE_MAX), turn, e);
  const k = turned(g.scope('key'), part(queries, 1, FINE_MAX), turn, e);
  g.scope('value');
  const v = part(queries + keys, 1, OPERAND_MAX);

  g.scope('scores');
  const blocks = Array.from({ length: Math.ceil(S / block) }, (_, i) => {
    const [from, to] = [i * block, Math.min(S, (i + 1) * block)];
    const those = (x: string): string => (to - from < S ? g.slice(x, 3, from, to) : x);
    return { from, to, keys: those(k), values: those(v) };
  });
  const places = (name: string, dims: number[], from: number): string => {
    const count = dims.reduce((product, d) => product * d, 1);
    const numbers = Array.from({ length: count }, (_, i) => from + i);
    return g.floats(g.named(name), dims, numbers);
  };
  const rows = places('rows', [1, 1, 1, S, 1], 0);
  const masked = blocks.map(({ from, to, keys: those }) => {
    const scores = g.matmul(q, g.transpose(those, [0, 1, 2, 4, 3]));
    const later = g.op('Greater', [places(`keys_${from}`, [1, 1, 1, 1, to - from], from), rows]);
    return g.add(scores, g.mul(g.toFloat(later), g.number(MASK)));
  });
  const best = masked.map((x) => g.max(x, 4)).reduce((a, b) => g.op('Max', [a, b]));

  const perHead = (name: string, of: (j: number) => number): string => {
    const numbers = Array.from({ length: heads }, (_, h) => of(layer.scoreBits[h]!));
    return g.floats(name, [1, G, n, 1, 1], numbers);
  };
  const steps = perHead('steps', (j) => 2 ** -j);
  const halves = perHead('halves', (j) => 2 ** (j - 1));
  const below = (score: string): string =>
    g.op('Floor', [g.mul(g.add(g.sub(best, score), halves), steps)]);
  const exps = g.floats(
    'exp',
    [EXPS],
    Array.from({ length: EXPS }, (_, at) => weight(at)),
  );
  const weights = masked.map((x, i) =>
    g.lookup(exps, g.clip(below(x), 0, EXPS - 1), [
      ...[B, G, n, S],
      blocks[i]!.to - blocks[i]!.from,
    ]),
  );

  g.scope('first');
  const ofKeyHead = (name: string, values: ArrayLike<number>): string =>
    g.floats(name, [1, G, 1, 1, e], values);
  const own = g.sum(g.mul(q, ofKeyHead('first_key', layer.firstKey)), 4);
  const most = EXPS + FIRST_ABOVE;
  const firstWeights = Array.from({ length: most }, (_, at) =>
    Math.min(FIRST_MAX, weight(at - FIRST_ABOVE)),
  );
  const first = g.lookup(
    g.floats('first_exp', [most], firstWeights),
    g.clip(g.add(below(own), g.number(FIRST_ABOVE)), 0, most - 1),
    [B, G, n, S, 1],
  );

  g.scope('context');
  const firstTerm = g.mul(first, ofKeyHead('first_value', layer.firstValue));
  const rounded = (x: string): string => g.shift(g.add(x, g.number(2 ** (SUM_BITS - 1))), SUM_BITS);
  const sums = weights
    .map((w, i) => g.matmul(w, blocks[i]!.values))
    .map((x, i) => rounded(i ? x : g.add(x, firstTerm)))
    .reduce((a, b) => g.add(a, b));
  const totals = weights.map((w) => g.sum(w, 4)).reduce((a, b) => g.add(a, b));
  const total = g.add(totals, first);

  // Rows of large totals lose bits, so that a sum times its gain stays below 2^23: both limits change nothing.
  const totalMax = WEIGHT_MAX * tokensMax + FIRST_MAX;
  const doubled = Math.max(1, Math.ceil(Math.log2((totalMax + 1) / TOTAL_MAX)));
  const shifts = doublings(g, total, { limit: TOTAL_MAX, steps: doubled, axis: 4 });
  const powers = Array.from({ length: doubled + 1 }, (_, i) => 2 ** -i);
  const power = g.lookup(g.floats('powers', [doubled + 1], powers), shifts, [B, G, n, S, 1]);
  const shrunk = (x: string): string => g.op('Floor', [g.mul(x, power)]);
  const divisor = g.clip(shrunk(total), WEIGHT_MAX, TOTAL_MAX - 1);
  const dividend = g.mul(
    g.clip(shrunk(sums), -SUM_MAX, SUM_MAX),
    g.floats('gains', [1, G, n, 1, 1], layer.contextGains),
  );
  const context = g.divideRounded(dividend, divisor, SUM_MAX * GAIN_MAX, TOTAL_MAX);
  return g.reshape(g.transpose(context, [0, 3, 1, 2, 4]), [B * S, queries]);
}

/** An attention's graph needs these of segment 0, [B, S, e] each: cos and sin of positions 1 to S. */
export function turns(
  g: Graph,
  tokens: string,
  { sequences: B, tokens: S }: DecoderShape,
  frequencies: ArrayLike<number>,
): void {
  const e = 2 * frequencies.length;
  const table = (f: (angle: number) => number): Float32Array =>
    Float32Array.from({ length: S * e }, (_, i) => {
      const angle = (1 + Math.floor(i / e)) * frequencies[i % (e / 2)]!;
      return Math.round(2 ** TURN_BITS * f(angle));
    });
  // They do not depend on tokens, but belong to sequences: as carries no attention has a table of its own.
  const nothing = g.mul(g.reshape(g.toFloat(tokens), [B, S, 1]), g.number(0));
  for (const [name, f] of [
    ['cos', Math.cos],
    ['sin', Math.sin],
  ] as const)
    g.output(name, [B, S, e], g.add(g.floats(g.named(name), [1, S, e], table(f)), nothing));
}
