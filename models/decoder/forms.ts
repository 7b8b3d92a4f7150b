/** Exact forms of a decoder beyond graph.ts and those of the encoders; bounds are those of the checker. */
import { ROOT_MAX } from '../../src/miner/checker/patterns.ts';
import { Graph } from '../graph.ts';
import type { Norm } from './description.ts';

/** Residual stream: 21 bits with its sign. */
export const STREAM_MAX = 2 ** 20 - 1;
/** Operands of a served model. */
export const OPERAND_MAX = 127;
/** Queries and keys, of 9 bits: they meet in products within a segment alone. */
export const QUERY_MAX = 255;
const NORMED_MAX = 2047;
/** Squares lose 8 bits: those of 1024 columns sum up to 4094². */
const SQUARE_BITS = 8;

/** |x| of each row's largest entry, along the last axis (`axis`). */
const peakOf = (g: Graph, x: string, axis: number): string =>
  g.max(g.op('Max', [x, g.sub(g.number(0), x)]), axis);

/** How many of limit, 2·limit, 4·limit … (`steps` of them) a number [.., 1] reaches; `axis` is its last one. */
export function doublings(
  g: Graph,
  x: string,
  { limit, steps, axis }: { limit: number; steps: number; axis: number },
): string {
  const limits = Array.from({ length: steps }, (_, j) => limit * 2 ** j);
  const dims = [...new Array<number>(axis).fill(1), steps];
  const over = g.op('GreaterOrEqual', [x, g.floats(g.named('limits'), dims, limits)]);
  return g.sum(g.toFloat(over), axis);
}

/** Rows in as many bits as their largest entry leaves. */
export interface ShiftedRows {
  /** round(x·2^−(first + e)), |·| ≤ most */
  readonly rows: string;
  /** e [m, 1] */
  readonly shifts: string;
}

/** Brings each of m rows within ±`most`, by a power of two of its own on top of 2^−`first`. */
export function shiftedRows(
  g: Graph,
  x: string,
  { m, first, most, steps }: { m: number; first: number; most: number; steps: number },
): ShiftedRows {
  const limit = (most + 0.5) * 2 ** first;
  const shifts = doublings(g, peakOf(g, x, 1), { limit, steps, axis: 1 });
  const table = (name: string, of: (bits: number) => number): string => {
    const entries = Array.from({ length: steps + 1 }, (_, e) => of(first + e));
    return g.lookup(g.floats(g.named(name), [steps + 1], entries), shifts, [m, 1]);
  };
  const half = table('halves', (bits) => (bits ? 2 ** (bits - 1) : 0));
  const power = table('powers', (bits) => 2 ** -bits);
  const rows = g.op('Floor', [g.mul(g.add(x, half), power)]);
  return { rows: g.clip(rows, -most, most), shifts };
}

/** The operand after an RMSNorm of h [m, d], before its limits. */
export function normed(g: Graph, h: string, m: number, { gain, means }: Norm): string {
  const { rows: v } = shiftedRows(g, h, { m, first: 0, most: NORMED_MAX, steps: 10 });
  const squares = g.add(g.mul(v, v), g.number(2 ** (SQUARE_BITS - 1)));
  const sum = g.sum(g.shift(squares, SQUARE_BITS), 1);
  const root = g.squareRoot(g.clip(sum, 1, ROOT_MAX ** 2));
  const x = g.add(g.mul(v, g.number(gain)), root);
  const quotient = g.divide(x, g.mul(root, g.number(2)), gain * NORMED_MAX + ROOT_MAX);
  return g.sub(quotient, g.floats(g.named('means'), [means.length], means));
}

/** x − 2^bits·⌊x·2^−bits + ½⌋, and ⌊x·2^−bits + ½⌋: two limbs of x. */
export function limbsOf(g: Graph, x: string, bits: number): { high: string; low: string } {
  const high = g.shift(g.add(x, g.number(2 ** (bits - 1))), bits);
  return { high, low: g.sub(x, g.mul(high, g.number(2 ** bits))) };
}
