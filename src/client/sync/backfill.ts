/**
 * Fetches in the background what a peer needs to depend on nobody: the whole state, so that new blocks
 * are executed without a witness, and the newest blocks, so that newcomers can be served. It asks one
 * question at a time.
 */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { fault } from '../../core/faults.ts';
import { BLOCKS_MAX } from '../../core/messages.ts';
import { firstStub } from '../../core/tree/tree-parts.ts';
import { compare, equal } from '../../lib/bytes.ts';
import type { Emitter } from '../../lib/events.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Ask } from './ask-peers.ts';

/** Questions of one run; the next head or poll goes on. */
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

  /** Starts a run unless one is running. What fails is tried again in the next run. */
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
   * The state first: by executing the blocks since it was whole, else in parts. Then old blocks for
   * others. @returns whether something was gained, so that another step is worthwhile
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
      // The head moved far on while the answer came.
      if (!state.rootAfter(block)) return true;
      const refused = await state.learn(block, proof);
      const tree = state.after(block);
      if (refused || !tree || !state.wanted()) return refused ?? true;
      const next = firstStub(tree);
      const isMore = next === undefined || compare(next, from) > 0;
      return isMore || fault('state.proof', { problem: 'opens nothing that was asked for' });
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
        // The block was reorganised away meanwhile: nobody's fault.
        if (refused?.fault === 'wire.unasked') continue;
        if (refused) return refused;
        got = true;
      }
      return got;
    });
  }
}
