/**
 * Blocks found here: stored, announced, imported into the own chain, and announced again until a peer has them.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blockId } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { Announcer } from '../announcer.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Follower } from '../sync/follow.ts';
import type { PeerHeads } from '../sync/peer-heads.ts';
import type { Outbox } from '../wallet/outbox.ts';

/** ms between two polls for whether a peer has the block, by a client that is about to end. */
const SHARE_POLL_MS = 200;

export interface FoundBlocksDeps {
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly announcer: Announcer;
  readonly heads: PeerHeads;
  readonly follower: Pick<Follower, 'adopt' | 'poll'>;
  /** ms since 1970. */
  readonly nowMs: () => number;
  readonly events: Emitter<PeerEvents>;
}

export class FoundBlocks {
  readonly #deps: FoundBlocksDeps;

  constructor(deps: FoundBlocksDeps) {
    this.#deps = deps;
  }

  /** Announces a block and imports it into the chain; `blockAdopted` is emitted whether or not it was accepted. */
  async add(block: Block): Promise<void> {
    try {
      await this.#announceAndAdopt(block);
    } finally {
      this.#deps.events.emit('blockAdopted');
    }
  }

  async #announceAndAdopt(block: Block): Promise<void> {
    const { follower, events } = this.#deps;
    // The block is announced first, for speed; if no peer is reached now, it still becomes this chain's head.
    await this.#announce(block).catch((e: unknown) => {
      const { code, message } = AppError.from(e);
      events.emit('report', { type: 'problem', code, message });
    });
    const refused = await follower.adopt(block);
    if (!refused) return;
    events.emit('report', { type: 'problem', code: 'BLOCK_REFUSED', message: refused.fault });
  }

  /**
   * A block found while the last peer was leaving, or before gossip was set up, is known to nobody. It is
   * announced again until a peer has it, after a restart too.
   */
  async announceAgain(): Promise<void> {
    const { chain, outbox, announcer, heads } = this.#deps;
    const { found } = outbox;
    const head = chain.headers.head();
    if (!found || !announcer.hasPeers || !equal(head.id, blockId(found.header))) return;
    if (heads.countAt(head.id)) return;
    await this.#announce(found).catch(() => undefined);
  }

  /** Waits until a peer has the last block found here, which would be lost with this client. */
  async share(msMax: number): Promise<void> {
    const { follower, nowMs } = this.#deps;
    const endMs = nowMs() + msMax;
    while (this.#isUnshared() && nowMs() < endMs) {
      follower.poll();
      await new Promise((resolve) => setTimeout(resolve, SHARE_POLL_MS));
    }
  }

  #isUnshared(): boolean {
    const { chain, outbox, heads } = this.#deps;
    const { found } = outbox;
    if (!found) return false;
    const head = chain.headers.head();
    if (equal(head.id, blockId(found.header))) return heads.countAt(head.id) === 0;
    // A block with more work than the head is still being checked; with less, another block has won.
    return found.header.totalWork > head.header.totalWork;
  }

  async #announce(block: Block): Promise<void> {
    const { outbox, announcer } = this.#deps;
    const kept = block === outbox.found ? undefined : outbox.keepFound(block);
    await announcer.announceBlock(block).finally(() => kept);
  }
}
