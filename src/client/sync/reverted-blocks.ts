/**
 * Transactions of blocks that left the chain. Their senders may be offline, and pools dropped them when they
 * were in a block: they are added to the pool again, or no block would hold them again.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { SignedTx } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';

/** The newest blocks that are remembered. */
const BLOCKS_MAX = 64;

export class RevertedBlocks {
  readonly #chain: LightChain;
  #points: readonly ChainPoint[] = [];

  constructor(chain: LightChain) {
    this.#chain = chain;
  }

  /** Blocks that left the chain, lowest first. */
  add(points: readonly ChainPoint[]): void {
    this.#points = [...this.#points, ...points].slice(-BLOCKS_MAX);
  }

  /**
   * Transactions of the blocks added since the last call. The pool refuses, by their nonce, those that are also
   * in the new branch.
   */
  async takeTransactions(): Promise<SignedTx[]> {
    const points = this.#points;
    this.#points = [];
    const bodies = await Promise.all(points.map(({ id }) => this.#chain.blocks.body(id)));
    return bodies.flatMap((body) => body?.transactions ?? []);
  }
}
