/** Blocks found by this miner, and what those earned that are in the chain: another block may win, or its branch. */
import { blockId } from '../core/header/header.ts';
import type { Body, Header } from '../core/formats.ts';
import { subsidyAt } from '../core/state.ts';
import { equal } from '../lib/bytes.ts';

/** Blocks above a found one after which it is not looked at again. */
const SETTLED_BLOCKS = 100;
/** Most found blocks that are looked at; the oldest counts as it last stood. */
const OPEN_MAX = 1000;

interface Found {
  readonly header: Header;
  /** nV of its coinbase. */
  readonly pays: bigint;
  isKept: boolean;
}

export interface Mined {
  readonly found: number;
  /** Of those, in the chain. */
  readonly kept: number;
  /** nV of these. */
  readonly earned: bigint;
}

export class MinedBlocks {
  #found = 0;
  #settled = { kept: 0, earned: 0n };
  #open: readonly Found[] = [];

  add({ header, body }: { readonly header: Header; readonly body: Body }): void {
    const fees = body.transactions.reduce((sum, { tx }) => sum + tx.fee, 0n);
    this.#found++;
    this.#open = [...this.#open, { header, pays: subsidyAt(header.height) + fees, isKept: false }];
    // Also where nobody ever counts them.
    this.#settle((_, at) => at < this.#open.length - OPEN_MAX);
  }

  /** @param headerAt the header of the chain at a height */
  async count(
    headHeight: number,
    headerAt: (height: number) => Promise<Header | undefined>,
  ): Promise<Mined> {
    const looked = new Set(this.#open);
    for (const each of looked) {
      const there = await headerAt(each.header.height);
      each.isKept = there !== undefined && equal(blockId(there), blockId(each.header));
    }
    const isDeep = ({ header }: Found): boolean => header.height + SETTLED_BLOCKS <= headHeight;
    this.#settle((found) => looked.has(found) && isDeep(found));
    return { found: this.#found, ...sumOf(this.#settled, this.#open) };
  }

  /** These are not looked at again. */
  #settle(isSettled: (found: Found, at: number) => boolean): void {
    this.#settled = sumOf(this.#settled, this.#open.filter(isSettled));
    this.#open = this.#open.filter((found, at) => !isSettled(found, at));
  }
}

const sumOf = (
  { kept, earned }: Omit<Mined, 'found'>,
  more: readonly Found[],
): Omit<Mined, 'found'> => {
  const inChain = more.filter(({ isKept }) => isKept);
  return {
    kept: kept + inChain.length,
    earned: inChain.reduce((sum, { pays }) => sum + pays, earned),
  };
};
