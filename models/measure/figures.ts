/** How near exact vectors are to the float ones, and what a search with them finds. Pure; a seed draws resamples. */
import { createRandom } from '../../test/sim/random.ts';

export interface Distribution {
  readonly count: number;
  readonly median: number;
  /** One in a hundred is below. */
  readonly p1: number;
  readonly min: number;
}

/** @param values at least one */
export function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  return {
    count: length,
    median: (sorted[(length - 1) >> 1]! + sorted[length >> 1]!) / 2,
    p1: sorted[Math.floor(length / 100)]!,
    min: sorted[0]!,
  };
}

/** The vector at length 1; one of length 0 stays. */
export function unit(vector: ArrayLike<number>): Float64Array {
  const out = Float64Array.from(vector);
  const length = Math.hypot(...out);
  return length ? out.map((x) => x / length) : out;
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

/** Query i belongs to document i. */
export interface Searched {
  readonly queries: readonly Float64Array[];
  readonly documents: readonly Float64Array[];
}

interface Found {
  /** 1 for the first. */
  readonly rank: number;
  /** The ten nearest documents, the nearest first. */
  readonly nearest: readonly number[];
}

const NEAREST = 10;

function search({ queries, documents }: Searched): Found[] {
  return queries.map((query, own) => {
    const scores = documents.map((document) => dot(query, document));
    const places = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
    const better = scores.filter((score) => score > scores[own]!).length;
    return { rank: better + 1, nearest: places.slice(0, NEAREST) };
  });
}

/** Float first, exact second. */
export type Both = readonly [float: number, exact: number];

export interface Retrieved {
  readonly queries: number;
  readonly documents: number;
  readonly mrr: Both;
  readonly recall1: Both;
  readonly recall10: Both;
  /** Of exact's MRR@10 to float's, less 1, and the ends of its 95 % interval over resampled queries. */
  readonly difference: number;
  readonly interval: readonly [low: number, high: number];
  /** Part of the ten nearest that both have. */
  readonly overlap: number;
  /** Part of the queries for which both find the same first. */
  readonly sameFirst: number;
}

const RESAMPLES = 2000;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, x) => sum + x, 0) / values.length;

/** @param seed draws the queries of each resample */
export function compareSearch(float: Searched, exact: Searched, seed: number): Retrieved {
  const found = [search(float), search(exact)] as const;
  const both = (of: (f: Found) => number): Both => [mean(found[0].map(of)), mean(found[1].map(of))];
  const reciprocal = ({ rank }: Found): number => (rank <= NEAREST ? 1 / rank : 0);
  const [a, b] = [found[0].map(reciprocal), found[1].map(reciprocal)];
  const random = createRandom(seed, 'resamples');
  const differences = Array.from({ length: RESAMPLES }, () => {
    let [x, y] = [0, 0];
    for (let i = 0; i < a.length; i++) {
      const at = random.int(0, a.length - 1);
      x += a[at]!;
      y += b[at]!;
    }
    return y / x - 1;
  }).sort((x, y) => x - y);
  const shared = found[0].map(({ nearest }, i) => {
    const others = new Set(found[1][i]!.nearest);
    return nearest.filter((place) => others.has(place)).length / nearest.length;
  });
  const mrr = both(reciprocal);
  return {
    queries: float.queries.length,
    documents: float.documents.length,
    mrr,
    recall1: both(({ rank }) => Number(rank === 1)),
    recall10: both(({ rank }) => Number(rank <= NEAREST)),
    difference: mrr[1] / mrr[0] - 1,
    interval: [differences[RESAMPLES * 0.025]!, differences[RESAMPLES * 0.975 - 1]!],
    overlap: mean(shared),
    sameFirst: mean(
      found[0].map(({ nearest }, i) => Number(nearest[0] === found[1][i]!.nearest[0])),
    ),
  };
}
