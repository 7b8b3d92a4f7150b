/**
 * Transactions of blocks that left the chain. Whoever sent them may have told them once, and a pool that
 * saw them in a block has them no more: they wait again, or no block would take them.
 */
import type { LightStore } from '../../chain/light/light-store.ts';
import type { SignedTx } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';

/** Newest blocks that are remembered. */
const LEFT_MAX = 64;

export interface Reverted {
  /** Lowest first. */
  left(points: readonly ChainPoint[]): void;
  /** What those blocks held, once. What the new branch has too is refused for its nonce. */
  take(): Promise<SignedTx[]>;
}

export function createReverted(light: LightStore): Reverted {
  let blocks: readonly ChainPoint[] = [];
  return {
    left: (points) => void (blocks = [...blocks, ...points].slice(-LEFT_MAX)),
    async take() {
      const taken = blocks;
      blocks = [];
      const bodies = await Promise.all(taken.map(({ id }) => light.chain?.blocks.body(id)));
      return bodies.flatMap((body) => body ?? []);
    },
  };
}
