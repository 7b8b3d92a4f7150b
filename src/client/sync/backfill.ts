/**
 * Fetches in the background what makes a peer independent of others: the whole state, so that new blocks are
 * executed without a witness, and the newest blocks, so that newcomers can be served. It sends one request at
 * a time.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { fault } from '../../core/faults.ts';
import { BLOCKS_MAX } from '../../core/messages.ts';
import { firstStub } from '../../core/tree/tree-parts.ts';
import { equal } from '../../lib/bytes.ts';
import type { Emitter } from '../../lib/events.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Ask } from './ask-peers.ts';

/** Most requests of one run; the next head or poll starts the next run. */
const STEPS_MAX = 512;
/** Runs until peers are asked again for blocks that none of them had. */
const PAUSE_RUNS = 16;

export class Backfill {
  readonly #chain: LightChain;
  readonly #ask: Ask;
  readonly #events: Emitter<PeerEvents>;
  #isRunning = false;
  /** Runs left in which old blocks are not asked for. */
  #pause = 0;

  constructor(chain: LightChain, ask: Ask, events: Emitter<PeerEvents>) {
    this.#chain = chain;
    this.#ask = ask;
    this.#events = events;
  }

  /** Starts a run unless one is running. A failed step is tried again in the next run. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run()
      .catch(() => undefined)
      .finally(() => {
        this.#isRunning = false;
        this.#events.emit('statusChanged');
      });
  }

  async #run(): Promise<void> {
    if (this.#pause > 0) this.#pause--;
    for (let steps = 0; steps < STEPS_MAX && (await this.#step()); steps++);
  }

  /**
   * The state comes first: by executing the blocks since it was whole, else by fetching parts of it. Then come
   * old blocks, for other peers. @returns whether there was progress, so that another step is worthwhile
   */
  async #step(): Promise<boolean | undefined> {
    const { blocks, state } = this.#chain;
    if (await blocks.executeKept()) return true;
    if (!state.isWhole) {
      if (await this.#fetchBlocks(await blocks.toExecute(BLOCKS_MAX))) return true;
      const part = state.wanted();
      if (part) return await this.#fetchPart(part);
    }

    if (this.#pause > 0) return false;
    const missing = await blocks.toKeep(BLOCKS_MAX);
    const got = await this.#fetchBlocks(missing);
    if (missing.length && !got) this.#pause = PAUSE_RUNS;
    return got;
  }

  /** @returns whether a peer had more of the state */
  async #fetchPart({ block, from }: { block: Uint8Array; from: Uint8Array }) {
    const { state } = this.#chain;
    return await this.#ask({ type: 'state', block, from }, async ({ proof }) => {
      // The head has moved far ahead since the request was sent.
      if (!state.rootAfter(block)) return true;
      const refused = await state.learn(block, proof);
      const tree = state.after(block);
      if (refused || !tree || !state.wanted()) return refused ?? true;
      // A lower gap is not the peer's: what was here before this part was let go while it came.
      const next = firstStub(tree);
      const isOpen = next === undefined || !equal(next, from);
      return isOpen || fault('state.proof', { problem: 'opens nothing that was asked for' });
    });
  }

  /** @returns whether a peer had some of them */
  async #fetchBlocks(wanted: readonly WantedProof[]): Promise<boolean | undefined> {
    if (!wanted.length) return false;
    const ids = wanted.map(({ id }) => id);
    return await this.#ask({ type: 'blocks', ids }, async ({ blocks }) => {
      let got: true | undefined;
      for (const { id, proof, body } of blocks) {
        if (!proof || !ids.some((one) => equal(one, id))) continue;
        const refused = await this.#chain.proofs.import(id, proof, body);
        if (refused?.fault === 'sync.unplaced') continue;
        if (refused) return refused;
        got = true;
      }
      return got;
    });
  }
}
