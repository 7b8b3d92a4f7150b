/** Blocks found by this miner, and how many of them are in the chain: another block may win, or its branch. */
import { blockId } from '../../core/header/header.ts';
import type { Header } from '../../core/formats.ts';
import { equal } from '../../lib/bytes.ts';

/** Blocks above a found one after which it is not looked at again. */
const SETTLED_BLOCKS = 100;
/** Most found blocks that are looked at; the oldest counts as it last stood. */
const OPEN_MAX = 1000;

interface Found {
  readonly header: Header;
  kept: boolean;
}

export class FoundCount {
  #found = 0;
  #settledKept = 0;
  #open: readonly Found[] = [];

  add(header: Header): void {
    this.#found++;
    this.#open = [...this.#open, { header, kept: false }];
  }

  /** @param headerAt the header of the chain at a height */
  async count(
    headHeight: number,
    headerAt: (height: number) => Promise<Header | undefined>,
  ): Promise<{ found: number; kept: number }> {
    const looked = this.#open;
    for (const each of looked) {
      const there = await headerAt(each.header.height);
      each.kept = there !== undefined && equal(blockId(there), blockId(each.header));
    }
    const kept = this.#settledKept + looked.filter((each) => each.kept).length;
    this.#settle(headHeight, looked.length);
    return { found: this.#found, kept };
  }

  /** Takes out what was looked at and is deep in the chain, or too much. */
  #settle(headHeight: number, looked: number): void {
    const isSettled = ({ header }: Found, at: number): boolean =>
      at < looked &&
      (header.height + SETTLED_BLOCKS <= headHeight || at < this.#open.length - OPEN_MAX);
    this.#settledKept += this.#open.filter((each, at) => isSettled(each, at) && each.kept).length;
    this.#open = this.#open.filter((each, at) => !isSettled(each, at));
  }
}
