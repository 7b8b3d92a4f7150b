/** Branches of a light client as values: which lanes hold them, where two part, what one proves. */
import type { ChainPoint } from '../core/header.ts';
import { PROOFS_KEPT } from '../core/params.ts';
import { toHex } from '../lib/bytes.ts';
import type { Segment } from './light-records.ts';

/** Newest points of a path kept in memory: the proofs that can matter, and some forks. */
export const PATH_WINDOW = 512;

/** A chain from genesis to `tip`. */
export interface Path {
  readonly segments: readonly Segment[];
  readonly tip: ChainPoint;
  /** Points by height, the newest of the path. */
  readonly recent: ReadonlyMap<number, ChainPoint>;
}

export const laneAt = (segments: readonly Segment[], height: number): number =>
  segments.findLast((s) => s.from <= height)!.lane;

/** Height of the last block that both have, one path up to `heightA`, the other up to `heightB`. */
export function commonHeight(
  a: readonly Segment[],
  heightA: number,
  b: readonly Segment[],
  heightB: number,
): number {
  const last = Math.min(heightA, heightB);
  for (let i = 0; ; i++) {
    const [x, y] = [a[i], b[i]];
    if (x?.lane === y?.lane && x?.from === y?.from) {
      if (!x) return last;
      continue;
    }
    // They part where the first of the two leaves the lane that both were in.
    return Math.min(last, Math.min(x?.from ?? Infinity, y?.from ?? Infinity) - 1);
  }
}

/** Segments of the chain up to that height. */
export const cutSegments = (segments: readonly Segment[], height: number): Segment[] =>
  segments.filter((s) => s.from <= height);

export function extendedPath(path: Path, segments: readonly Segment[], points: ChainPoint[]): Path {
  const tip = points.at(-1)!;
  const lowest = tip.header.height - PATH_WINDOW;
  const all = [...path.recent.values(), ...points];
  const kept = all.filter(({ header }) => header.height > lowest);
  const recent = new Map(kept.map((point) => [point.header.height, point]));
  return { segments, tip, recent };
}

/** The path up to that height, if its point there is in memory. */
export function cutPath(path: Path, height: number): Path | undefined {
  const tip = path.recent.get(height);
  if (!tip) return undefined;
  const recent = new Map([...path.recent].filter(([h]) => h <= height));
  return { segments: cutSegments(path.segments, height), tip, recent };
}

/** Blocks above `fork` whose proofs decide about height `top`: the newest 100 at most. */
const lowestNeeded = (fork: number, top: number): number => Math.max(fork, top - PROOFS_KEPT) + 1;

/**
 * The highest point of a path that its proofs reach: those of its blocks above the fork, at most
 * the last 100 of them, were checked. undefined: none above the fork.
 */
export function provenTip(
  path: Path,
  fork: number,
  isChecked: (idHex: string) => boolean,
): ChainPoint | undefined {
  const tip = path.tip.header.height;
  // checkedFrom: lowest height of the unbroken run of checked blocks that ends at `height`.
  let checkedFrom = Infinity;
  let best: ChainPoint | undefined;
  for (let height = Math.max(fork, tip - PATH_WINDOW) + 1; height <= tip; height++) {
    const point = path.recent.get(height);
    if (!point || !isChecked(toHex(point.id))) {
      checkedFrom = Infinity;
      continue;
    }
    checkedFrom = Math.min(checkedFrom, height);
    if (checkedFrom <= lowestNeeded(fork, height)) best = point;
  }
  return best;
}

/** Blocks whose proofs would make the path's tip provable, newest first. */
export function unproven(
  path: Path,
  fork: number,
  isChecked: (idHex: string) => boolean,
): ChainPoint[] {
  const tip = path.tip.header.height;
  const wanted: ChainPoint[] = [];
  for (let height = tip; height >= lowestNeeded(fork, tip); height--) {
    const point = path.recent.get(height);
    if (point && !isChecked(toHex(point.id))) wanted.push(point);
  }
  return wanted;
}
