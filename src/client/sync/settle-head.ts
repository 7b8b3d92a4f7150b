/**
 * Settles the chain's head: executes it, so that the state's root after it is known, and checks its
 * units where the model is loaded; then runs what follows from a new head.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Body } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import type { Emitter } from '../../lib/events.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Backfill } from './backfill.ts';
import type { BlockBodies } from './block-bodies.ts';
import type { Execution } from './execution.ts';
import type { FullCheck } from './full-check.ts';

/** Most tries to get a witness: peers may have received the head only just now. */
const WITNESS_TRIES = 12;
const WITNESS_WAIT_MS = 150;

/** What follows from a new head, in order. */
export interface HeadReactions {
  /** `body`: the head's body, if it was received with the block. */
  run(head: ChainPoint, body: Body | undefined): Promise<void>;
}

export interface HeadSettlerDeps {
  readonly chain: LightChain;
  readonly bodies: BlockBodies;
  readonly execution: Execution;
  readonly fullCheck: FullCheck;
  readonly reactions: HeadReactions;
  readonly backfill: Backfill;
  readonly events: Emitter<PeerEvents>;
}

export class HeadSettler {
  readonly #deps: HeadSettlerDeps;
  #settling: Promise<void> | undefined;

  constructor(deps: HeadSettlerDeps) {
    this.#deps = deps;
  }

  /** All callers share one run, which ends when the head of that moment is settled or given up. */
  settle(): Promise<void> {
    this.#settling ??= this.#run().finally(() => {
      this.#settling = undefined;
      this.#deps.events.emit('statusChanged');
    });
    return this.#settling;
  }

  /** For callers that do not wait. A failure is tried again at the next head or poll. */
  start(): void {
    void this.settle().catch(() => undefined);
  }

  /** As `start`, once the run in progress has ended: what it has found may no longer be all. */
  startAgain(): void {
    void this.#settling?.catch(() => undefined).then(() => this.start());
    this.start();
  }

  async #run(): Promise<void> {
    const { chain, bodies, reactions, backfill } = this.#deps;
    for (let tries = 0; tries < WITNESS_TRIES; tries++) {
      const head = chain.headers.head();
      if (!(await this.#isSettled(head))) {
        await new Promise((r) => setTimeout(r, WITNESS_WAIT_MS * (tries + 1)));
        continue;
      }

      await reactions.run(head, bodies.received(head.header));
      backfill.start();
      if (chain.headers.head() === head) return;
      // Another head came meanwhile: it gets as many tries.
      tries = 0;
    }
  }

  /** Whether the head is executed and no unit up to it is forged. A block that fails has left the chain. */
  async #isSettled(head: ChainPoint): Promise<boolean> {
    const { chain, execution, fullCheck } = this.#deps;
    const isExecuted = chain.state.rootAfter(head.id) || (await execution.upTo(head));
    return Boolean(isExecuted) && (await fullCheck.checkUpTo(head));
  }
}
