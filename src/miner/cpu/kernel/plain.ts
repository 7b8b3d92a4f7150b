/**
 * The plain product C = A·B from placed weights, in one of two ways that give the same bits: with relaxed SIMD where the
 * engine has it and its values were probed, else on int16. Which is quicker is measured on the first products.
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

const WAYS = ['relaxed', 'wide'] as const;
/** By relaxed dots, or widened to int16. */
export type Way = (typeof WAYS)[number];

/** Bounds of what takes noise, and of what is only served. */
export const INT7_MAX = 63;
const INT8_MAX = 127;
/** Calls of each way that are timed, after as many that let the engine compile well. */
const TRIALS = 12;
/** MACs of a call below which a clock of 0.1 ms says little. */
const TRIAL_MACS_MIN = 4e6;

/** Times of the two ways in this process: engine and machine are the same for all kernels. */
const trials = { relaxed: { calls: 0, ms: 0, macs: 0 }, wide: { calls: 0, ms: 0, macs: 0 } };

const rateOf = (way: Way): number => trials[way].macs / trials[way].ms;

/** The way of the next call: in turn while they are measured, then the quicker. */
function quicker(): Way {
  const left = WAYS.toSorted((x, y) => trials[x].calls - trials[y].calls)[0]!;
  if (trials[left].calls < 2 * TRIALS) return left;
  return rateOf('wide') > rateOf('relaxed') ? 'wide' : 'relaxed';
}

function count(way: Way, macs: number, ms: number): void {
  const trial = trials[way];
  if (macs < TRIAL_MACS_MIN || trial.calls >= 2 * TRIALS) return;
  if (++trial.calls <= TRIALS) return;
  trial.ms += ms;
  trial.macs += macs;
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

  /** Begins the product of the A that is loaded. `way`: the quicker one where none is given. */
  begin(l: PlainLinear, weights: PlacedWeights, way?: Way): PlainProduct {
    const relaxed = this.#relaxedFor(l);
    const chosen = relaxed ? (way ?? quicker()) : 'wide';
    const columns = chosen === 'relaxed' ? relaxed!(weights) : this.#wide(l, weights);
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

  /** By the bounds of A: assembly/relaxed says which sums stay exact. */
  #relaxedFor(l: PlainLinear) {
    const relaxed = this.#relaxed;
    const { m, k, n, low = -INT7_MAX, high = INT7_MAX } = l;
    const most = Math.max(-low, high);
    if (!relaxed || most > INT8_MAX) return undefined;
    const { a, left, c, rowSums } = this.#at;
    if (most <= INT7_MAX)
      return ({ at, sums }: PlacedWeights): PlainProduct['columns'] => {
        relaxed.raise(a, m * k, left);
        return (from, until) => void relaxed.gemmPairs(left, at, sums, c, m, n, k, from, until);
      };
    return ({ at }: PlacedWeights): PlainProduct['columns'] => {
      relaxed.rowSums(a, m, k, rowSums);
      return (from, until) => void relaxed.gemmSingles(a, at, rowSums, c, m, n, k, from, until);
    };
  }
}
