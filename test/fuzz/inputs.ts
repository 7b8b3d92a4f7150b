/** Inputs for a segment out of what is claimed of them: the ends of the intervals, and a climb to extremes. */
import type { Value } from '../../src/miner/checker/checker.ts';
import type { OnnxGraph } from '../../src/miner/package/onnx.ts';
import { interpretGraph, tensorFrom } from '../oracle/interpret-onnx.ts';
import type { Random } from '../sim/random.ts';

/** By name; whole numbers below 2^24 in magnitude, row-major. */
export type Inputs = ReadonlyMap<string, Float64Array>;
export type Claims = ReadonlyMap<string, Value>;

const entries = (v: Value, f: (i: number) => number): Float64Array =>
  Float64Array.from({ length: v.dims.reduce((p, d) => p * d, 1) }, (_, i) => f(i));

type Fill = (v: Value, r: Random) => (i: number) => number;
const FILLS: Readonly<Record<string, Fill>> = {
  lows:
    ({ lo }) =>
    () =>
      lo,
  highs:
    ({ hi }) =>
    () =>
      hi,
  alternating:
    ({ lo, hi }) =>
    (i) =>
      i % 2 ? lo : hi,
  random:
    ({ lo, hi }, r) =>
    () =>
      r.int(lo, hi),
  ends:
    ({ lo, hi }, r) =>
    () =>
      r.pick([lo, hi]),
  /** Near zero, where floors of negative numbers and quotients turn. */
  small:
    ({ lo, hi }, r) =>
    () =>
      Math.min(Math.max(r.int(-2, 2), lo), hi),
  lonely: ({ lo, hi }, r) => {
    const at = r.int(0, 15);
    return (i) => (i === at ? hi : lo);
  },
  /** Each input all lows or all highs. */
  mixed: (v, r) => {
    const end = r.pick([v.lo, v.hi]);
    return () => end;
  },
};
export const KINDS = Object.keys(FILLS);

export const inputsOf = (g: OnnxGraph, claims: Claims, kind: string, r: Random): Inputs =>
  new Map(
    g.inputs.map(({ name }) => {
      const v = claims.get(name)!;
      return [name, entries(v, FILLS[kind]!(v, r))];
    }),
  );

/**
 * Inputs that bring a value as near to an end of its interval as a cheap search can: what lies
 * outside is a false claim, and what lies at 2^24 tries every kernel's sums there.
 */
export function climb(g: OnnxGraph, claims: Claims, steps: number, r: Random): Inputs {
  const floats = g.nodes.map((n) => n.outputs[0]!).filter((n) => claims.get(n)!.hi > 1);
  const goal = floats.length ? r.pick(floats) : g.outputs[0]!.name;
  const sign = r.pick([1, -1]);
  const height = (inputs: Inputs): number => {
    const tensors = new Map(
      [...inputs].map(([name, data]) => [name, tensorFrom(claims.get(name)!.dims, data)]),
    );
    return interpretGraph(g, tensors)
      .get(goal)!
      .data.reduce((most, x) => Math.max(most, sign * x), -Infinity);
  };
  let best = inputsOf(g, claims, r.pick(KINDS), r);
  let top = height(best);
  for (let i = 0; i < steps; i++) {
    const tried = new Map(best);
    const name = r.pick(g.inputs).name;
    const { lo, hi } = claims.get(name)!;
    const data = tried.get(name)!.slice();
    const from = r.int(0, data.length - 1);
    const to = from + r.pick([1, 4, data.length]);
    data.fill(r.pick([lo, hi, r.int(lo, hi)]), from, to);
    const found = height(tried.set(name, data));
    if (found >= top) [best, top] = [tried, found];
  }
  return best;
}
