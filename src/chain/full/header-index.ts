/**
 * Chain points of the newest blocks, main chain and branches, in memory: what a new header's rules
 * need. Its bound is the window that its user prunes to.
 */
import type { ChainPoint } from '../../core/header/header.ts';
import { assert } from '../../lib/errors.ts';
import { toHex } from '../../lib/bytes.ts';

export interface HeaderIndex {
  get(id: Uint8Array): ChainPoint | undefined;
  add(point: ChainPoint): void;
  remove(point: ChainPoint): void;
  /** Every point of that height. */
  at(height: number): ChainPoint[];
  /** Main chain's point of that height, if it is in the window. */
  mainAt(height: number): ChainPoint | undefined;
  isMain(point: ChainPoint): boolean;
  /** Makes `adopted` (lowest first, its parent is on the main chain) the end of the main chain. */
  setMain(adopted: readonly ChainPoint[]): void;
  /** Points from the main chain's (excluded) to `tip` (included), lowest first. */
  branchTo(tip: ChainPoint): ChainPoint[];
  /** Points at or below that height, lowest first. */
  below(height: number): ChainPoint[];
  readonly size: number;
}

export function createHeaderIndex(): HeaderIndex {
  const points = new Map<string, ChainPoint>();
  const heights = new Map<number, Map<string, ChainPoint>>();
  const main = new Map<number, ChainPoint>();
  let lowest = Infinity;
  const get = (id: Uint8Array) => points.get(toHex(id));
  const isMain = (point: ChainPoint) => {
    const there = main.get(point.header.height);
    return there !== undefined && toHex(there.id) === toHex(point.id);
  };

  return {
    get,
    isMain,
    add(point) {
      const hex = toHex(point.id);
      const { height } = point.header;
      points.set(hex, point);
      if (!heights.has(height)) heights.set(height, new Map());
      heights.get(height)!.set(hex, point);
      lowest = Math.min(lowest, height);
    },
    remove(point) {
      const hex = toHex(point.id);
      const { height } = point.header;
      if (isMain(point)) main.delete(height);
      points.delete(hex);
      heights.get(height)?.delete(hex);
      if (!heights.get(height)?.size) heights.delete(height);
    },
    at: (height) => [...(heights.get(height)?.values() ?? [])],
    mainAt: (height) => main.get(height),
    setMain(adopted) {
      for (const point of adopted) main.set(point.header.height, point);
      for (let h = (adopted.at(-1)?.header.height ?? Infinity) + 1; main.has(h); h++)
        main.delete(h);
    },
    branchTo(tip) {
      const branch: ChainPoint[] = [];
      for (let at = tip; !isMain(at);) {
        branch.push(at);
        const parent = get(at.header.prevHash);
        assert(parent, 'a branch of the index starts at the main chain');
        at = parent;
      }
      return branch.reverse();
    },
    below(height) {
      const found: ChainPoint[] = [];
      for (; lowest <= height && heights.size; lowest++)
        found.push(...(heights.get(lowest)?.values() ?? []));
      // The caller removes what it is given; what it keeps is found again.
      if (found.length) lowest = found[0]!.header.height;
      return found;
    },
    get size() {
      return points.size;
    },
  };
}
