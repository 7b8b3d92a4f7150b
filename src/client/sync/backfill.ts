/**
 * Becoming a peer that needs no other: in the background, one question at a time, the whole state is
 * fetched and the newest blocks are, so that new ones are executed without anybody's witness and
 * newcomers can be served.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { fault } from '../../core/faults.ts';
import { BLOCKS_MAX } from '../../core/messages.ts';
import { firstStub } from '../../core/tree/tree-parts.ts';
import { compare, equal } from '../../lib/bytes.ts';
import type { Follower } from './follow.ts';

/** Questions of one run; the next head or look around goes on. */
const STEPS_MAX = 512;
/** Runs until peers are asked again for what none of them had. */
const PAUSE_RUNS = 16;

export interface Backfill {
  /** Fetches what is missing, as far as peers have it; once at a time. */
  run(): void;
}

export function createBackfill(
  chain: LightChain,
  ask: Follower['ask'],
  onChange: () => void,
): Backfill {
  let running = false;
  let pause = 0;

  /** @returns whether a peer had more of the state */
  async function fetchPart({ block, from }: { block: Uint8Array; from: Uint8Array }) {
    return await ask({ type: 'state', block, from }, async ({ proof }) => {
      // The head moved far on while the answer came.
      if (!chain.state.rootAfter(block)) return true;
      const refused = await chain.state.learn(block, proof);
      const tree = chain.state.after(block);
      if (refused || !tree || !chain.state.wanted()) return refused ?? true;
      const next = firstStub(tree);
      const isMore = next === undefined || compare(next, from) > 0;
      return isMore || fault('state.proof', { problem: 'opens nothing that was asked for' });
    });
  }

  /** @returns whether a peer had some of them */
  async function fetchBlocks(wanted: readonly WantedProof[]): Promise<boolean | undefined> {
    if (!wanted.length) return false;
    const ids = wanted.map(({ id }) => id);
    return await ask({ type: 'blocks', ids }, async ({ blocks }) => {
      let got: true | undefined;
      for (const { id, proof, body } of blocks) {
        if (!proof || !ids.some((one) => equal(one, id))) continue;
        const refused = await chain.proofs.import(id, proof, body);
        // Reorganised away meanwhile: nobody's fault.
        if (refused?.fault === 'wire.unasked') continue;
        if (refused) return refused;
        got = true;
      }
      return got;
    });
  }

  /** The state first, from the blocks since it was whole or else in parts; then old blocks for others. */
  async function step(): Promise<boolean | undefined> {
    if (await chain.blocks.executeKept()) return true;
    if (!chain.state.isWhole) {
      if (await fetchBlocks(await chain.blocks.toExecute(BLOCKS_MAX))) return true;
      const part = chain.state.wanted();
      if (part) return await fetchPart(part);
    }
    if (pause > 0) return false;
    const missing = await chain.blocks.toKeep(BLOCKS_MAX);
    const got = await fetchBlocks(missing);
    if (missing.length && !got) pause = PAUSE_RUNS;
    return got;
  }

  async function fetchAll(): Promise<void> {
    if (pause > 0) pause--;
    for (let steps = 0; steps < STEPS_MAX && (await step()); steps++);
  }

  return {
    run() {
      if (running) return;
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
