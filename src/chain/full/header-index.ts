/**
 * Chain points of the newest blocks, main chain and branches, in memory: what a new header's rules
 * need. Its bound is the window that its user prunes to.
 */
import type { ChainPoint } from '../../core/header/header.ts';
import { assert } from '../../lib/errors.ts';
import { equal, toHex } from '../../lib/bytes.ts';

export class HeaderIndex {
  /** By id in hex. */
  readonly #points = new Map<string, ChainPoint>();
  /** By height, then by id in hex. */
  readonly #heights = new Map<number, Map<string, ChainPoint>>();
  /** Of the main chain, by height. */
  readonly #main = new Map<number, ChainPoint>();
  /** How many points build on one, by id in hex, whether or not that one is here. */
  readonly #children = new Map<string, number>();
  /** Points that no other point builds on, by id in hex. */
  readonly #tips = new Map<string, ChainPoint>();
  #lowest = Infinity;

  get size(): number {
    return this.#points.size;
  }

  get(id: Uint8Array): ChainPoint | undefined {
    return this.#points.get(toHex(id));
  }

  all(): ChainPoint[] {
    return [...this.#points.values()];
  }

  /** Every point of that height. */
  at(height: number): ChainPoint[] {
    return [...(this.#heights.get(height)?.values() ?? [])];
  }

  /** Main chain's point of that height, if it is in the window. */
  mainAt(height: number): ChainPoint | undefined {
    return this.#main.get(height);
  }

  isMain(point: ChainPoint): boolean {
    const there = this.#main.get(point.header.height);
    return there !== undefined && equal(there.id, point.id);
  }

  add(point: ChainPoint): void {
    const hex = toHex(point.id);
    const { height } = point.header;
    if (this.#points.has(hex)) return;
    this.#points.set(hex, point);
    const parent = toHex(point.header.prevHash);
    this.#children.set(parent, (this.#children.get(parent) ?? 0) + 1);
    this.#tips.delete(parent);
    if (!this.#children.has(hex)) this.#tips.set(hex, point);
    const there = this.#heights.get(height);
    if (there) there.set(hex, point);
    else this.#heights.set(height, new Map([[hex, point]]));
    this.#lowest = Math.min(this.#lowest, height);
  }

  remove(point: ChainPoint): void {
    const hex = toHex(point.id);
    const { height } = point.header;
    if (this.isMain(point)) this.#main.delete(height);
    this.#points.delete(hex);
    this.#tips.delete(hex);
    this.#leave(toHex(point.header.prevHash));
    this.#heights.get(height)?.delete(hex);
    if (!this.#heights.get(height)?.size) this.#heights.delete(height);
  }

  /** One point fewer builds on this one. */
  #leave(parent: string): void {
    const others = (this.#children.get(parent) ?? 1) - 1;
    if (others) return void this.#children.set(parent, others);
    this.#children.delete(parent);
    const point = this.#points.get(parent);
    if (point) this.#tips.set(parent, point);
  }

  /** Makes `adopted` (lowest first, its parent is on the main chain) the end of the main chain. */
  setMain(adopted: readonly ChainPoint[]): void {
    for (const point of adopted) this.#main.set(point.header.height, point);
    const above = (adopted.at(-1)?.header.height ?? Infinity) + 1;
    for (let height = above; this.#main.has(height); height++) this.#main.delete(height);
  }

  /** Points from the main chain's (excluded) to `tip` (included), lowest first. */
  branchTo(tip: ChainPoint): ChainPoint[] {
    const branch: ChainPoint[] = [];
    for (let at = tip; !this.isMain(at);) {
      branch.push(at);
      const parent = this.get(at.header.prevHash);
      assert(parent, 'a branch of the index starts at the main chain');
      at = parent;
    }
    return branch.reverse();
  }

  /** Points that no other point builds on. */
  tips(): MapIterator<ChainPoint> {
    return this.#tips.values();
  }

  /** Points at or below that height, lowest first. */
  below(height: number): ChainPoint[] {
    const found: ChainPoint[] = [];
    for (; this.#lowest <= height && this.#heights.size; this.#lowest++)
      found.push(...this.at(this.#lowest));
    // The caller removes what it is given; what it keeps is found again.
    if (found.length) this.#lowest = found[0]!.header.height;
    return found;
  }
}
