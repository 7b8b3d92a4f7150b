/**
 * Becoming a peer that needs no other: in the background, one question at a time, the whole state is
 * fetched, so that new blocks are executed without anybody's witness.
 */
import type { LightChain } from '../chain/light-chain.ts';
import { fault } from '../core/faults.ts';
import { firstStub } from '../core/tree-parts.ts';
import { compare } from '../lib/bytes.ts';
import type { Follower } from './follow.ts';

/** Questions of one run; the next head or look around goes on. */
const STEPS_MAX = 256;

export interface Holding {
  /** Fetches what is missing, as far as peers have it; once at a time. */
  run(): void;
}

export function createHolding(
  chain: LightChain,
  ask: Follower['ask'],
  onChange: () => void,
): Holding {
  let running = false;

  /** @returns whether a peer had more of the state */
  async function fetchPart({ block, from }: { block: Uint8Array; from: Uint8Array }) {
    return await ask({ type: 'state', block, from }, async ({ proof }) => {
      // The head moved far on while the answer came.
      if (!chain.rootAfter(block)) return true;
      const refused = await chain.learnState(block, proof);
      const tree = chain.stateAfter(block);
      if (refused || !tree || !chain.wantedState()) return refused ?? true;
      const next = firstStub(tree);
      const isMore = next === undefined || compare(next, from) > 0;
      return isMore || fault('state.proof', { problem: 'opens nothing that was asked for' });
    });
  }

  async function fetchAll(): Promise<void> {
    for (let step = 0; step < STEPS_MAX; step++) {
      const wanted = chain.wantedState();
      if (!wanted || !(await fetchPart(wanted))) return;
    }
  }

  return {
    run() {
      if (running || !chain.genesis()) return;
      running = true;
      // What fails is tried again at the next run.
      void fetchAll()
        .catch(() => undefined)
        .finally(() => {
          running = false;
          onChange();
        });
    },
  };
}
