/**
 * The plain product C = A·B from placed weights, in one of three ways that give the same bits: with relaxed SIMD where the
 * engine has it and its values were probed, else on int16. Which is quickest is measured on the first products.
 */
import type { LinearSize } from '../../../core/manifest.ts';
import type { Layout } from './layout.ts';
import type { Exports, Relaxed } from './modules.ts';

/** Weights in the kernel's memory, in the order in which products read them (assembly/weights.ts). */
export interface PlacedWeights {
  readonly at: number;
  /** 63·Σ of each column of B, int32. */
  readonly sums: number;
}

/** Bounds of A are ±63 where none are given. */
export type PlainLinear = LinearSize & { readonly low?: number; readonly high?: number };

/** By relaxed dots of four products or of two, or widened to int16. */
export const WAYS = ['quads', 'pairs', 'wide'] as const;
export type Way = (typeof WAYS)[number];

/** Bounds of what takes noise, and of what is only served. */
export const INT7_MAX = 63;
const INT8_MAX = 127;
/** Calls of each way that are timed, after as many that let the engine compile well. */
const TRIALS = 12;
/** MACs of a call below which a clock of 0.1 ms says little. */
const TRIAL_MACS_MIN = 4e6;

/** Of each way in this process, ms for a MAC of each call: engine and machine are the same for all kernels. */
const trials: Readonly<Record<Way, number[]>> = { quads: [], pairs: [], wide: [] };

/** The median, once the engine has compiled well: another program on the core makes some calls much longer. */
function costOf(way: Way): number {
  const sorted = trials[way].slice(TRIALS).toSorted((x, y) => x - y);
  return sorted[sorted.length >> 1]!;
}

/** Once all are measured. */
let quickest: Way | undefined;

/** The way of the next call: in turn while they are measured, then the quickest. */
function wayOfNext(): Way {
  if (quickest) return quickest;
  const next = WAYS.toSorted((x, y) => trials[x].length - trials[y].length)[0]!;
  if (trials[next].length < 2 * TRIALS) return next;
  return (quickest = WAYS.toSorted((x, y) => costOf(x) - costOf(y))[0]!);
}

function count(way: Way, macs: number, ms: number): void {
  const costs = trials[way];
  if (macs >= TRIAL_MACS_MIN && costs.length < 2 * TRIALS) costs.push(ms / macs);
}

/** A product of one linear: A is prepared, columns of C are made from first to last. */
export interface PlainProduct {
  /** `until` − `from` columns of C, multiples of 8. */
  columns(from: number, until: number): void;
}

/** Products of one kernel. */
export class Plain {
  readonly #wasm: Exports;
  readonly #relaxed: Relaxed | undefined;
  readonly #at: Layout;

  constructor(wasm: Exports, relaxed: Relaxed | undefined, at: Layout) {
    this.#wasm = wasm;
    this.#relaxed = relaxed;
    this.#at = at;
  }

  /** Begins the product of the A that is loaded. `way`: the quickest one where none is given. */
  begin(l: PlainLinear, weights: PlacedWeights, way?: Way): PlainProduct {
    const relaxed = this.#relaxedFor(l);
    const chosen = relaxed ? (way ?? wayOfNext()) : 'wide';
    const columns =
      relaxed && chosen !== 'wide'
        ? this.#dots(relaxed, chosen, l, weights)
        : this.#wide(l, weights);
    return {
      columns: (from, until) => {
        const start = performance.now();
        columns(from, until);
        if (relaxed) count(chosen, l.m * l.k * (until - from), performance.now() - start);
      },
    };
  }

  #wide({ m, k, n }: LinearSize, { at }: PlacedWeights): PlainProduct['columns'] {
    const { a, left, c } = this.#at;
    this.#wasm.widen(a, m * k, left);
    return (from, until) => void this.#wasm.gemmWide(left, at, c, m, n, k, from, until);
  }

  /** Undefined where A may leave int8. */
  #relaxedFor(l: PlainLinear): Relaxed | undefined {
    return reachOf(l) > INT8_MAX ? undefined : this.#relaxed;
  }

  /** By the bounds of A: assembly/relaxed says which sums stay exact. */
  #dots(
    relaxed: Relaxed,
    way: Exclude<Way, 'wide'>,
    l: PlainLinear,
    { at, sums }: PlacedWeights,
  ): PlainProduct['columns'] {
    const { m, k, n } = l;
    const { a, left, c, rowSums } = this.#at;
    if (way === 'pairs' && reachOf(l) <= INT7_MAX) {
      relaxed.raise(a, m * k, left);
      return (from, until) => void relaxed.gemmPairs(left, at, sums, c, m, n, k, from, until);
    }
    relaxed.rowSums(a, m, k, rowSums);
    const gemm = way === 'quads' ? relaxed.gemmQuads : relaxed.gemmSingles;
    return (from, until) => void gemm(a, at, rowSums, c, m, n, k, from, until);
  }
}

const reachOf = ({ low = -INT7_MAX, high = INT7_MAX }: PlainLinear): number => Math.max(-low, high);
