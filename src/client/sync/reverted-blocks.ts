/**
 * Transactions of blocks that left the chain. Their senders may be offline, and pools dropped them when they
 * were in a block: they are added to the pool again, or no block would hold them again.
 */
import type { LightHeadEvent } from '../../chain/light/head.ts';
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { SignedTx } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';

/** The newest blocks that are remembered. */
const BLOCKS_MAX = 64;

interface ChainBodies {
  readonly blocks: Pick<LightChain['blocks'], 'body'>;
}

export class RevertedBlocks {
  readonly #chain: ChainBodies;
  #points: readonly ChainPoint[] = [];

  constructor(chain: ChainBodies) {
    this.#chain = chain;
  }

  /** Of false blocks nothing: they may hold what nobody was ever told. What was told waits at seeds, our own is kept. */
  add({ left, falseFrom = Infinity }: Pick<LightHeadEvent, 'left' | 'falseFrom'>): void {
    const honest = left.filter(({ header }) => header.height < falseFrom);
    this.#points = [...this.#points, ...honest].slice(-BLOCKS_MAX);
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
