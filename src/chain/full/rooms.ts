/**
 * How much room there is for branches beside the main chain. No block is refused for want of it: the branch that ends
 * with the least work makes room for the block that comes, one block after the other.
 */
import type { ChainPoint } from '../../core/header/header.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { HeaderIndex } from './header-index.ts';

/** Blocks beside the main chain, and their bodies and proofs together. Each has passed the light check. */
export const SIDE_BLOCKS_MAX = 100_000;
export const SIDE_BYTES_MAX = 64 * 2 ** 20;

export class SideBlocks {
  /** Bytes of body and proof, by id in hex. */
  readonly #bytes = new Map<string, number>();
  #total = 0;

  get size(): number {
    return this.#bytes.size;
  }

  get bytes(): number {
    return this.#total;
  }

  add({ id }: ChainPoint, bytes: number): void {
    this.delete({ id });
    this.#bytes.set(toHex(id), bytes);
    this.#total += bytes;
  }

  delete({ id }: Pick<ChainPoint, 'id'>): void {
    const hex = toHex(id);
    this.#total -= this.#bytes.get(hex) ?? 0;
    this.#bytes.delete(hex);
  }

  get #isOver(): boolean {
    return this.size > SIDE_BLOCKS_MAX || this.#total > SIDE_BYTES_MAX;
  }

  /** Takes out of both what must go, so that there is room again; never `kept`, which has just come. */
  makeRoom(index: HeaderIndex, kept: ChainPoint): ChainPoint[] {
    const gone: ChainPoint[] = [];
    while (this.#isOver) {
      const least = leastTip(index, kept);
      if (!least) break;
      index.remove(least);
      this.delete(least);
      gone.push(least);
    }
    return gone;
  }
}

function leastTip(index: HeaderIndex, kept: ChainPoint): ChainPoint | undefined {
  let least: ChainPoint | undefined;
  for (const tip of index.tips()) {
    if (index.isMain(tip) || equal(tip.id, kept.id)) continue;
    if (!least || tip.header.totalWork < least.header.totalWork) least = tip;
  }
  return least;
}
