/**
 * Blocks whose time has not come, and that are right but for it. A clock that is a little ahead must not cost its block
 * its way through the network: each waits here until it may be judged, few of them and fewer of one peer. What finds no
 * place is dropped, at nobody's cost, and is found again by asking.
 */
import { blockId } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { toHex } from '../../lib/bytes.ts';

export const EARLY_MAX = 64;
export const EARLY_OF_PEER_MAX = 8;

/** Takes a block in whose time has come. Its result says whether others are to be told of it. */
export type TakeEarly = (peer: string, block: Block) => Promise<boolean>;

export class EarlyBlocks {
  readonly #take: TakeEarly;
  readonly #tell: (block: Block) => Promise<void>;
  /** Who told of each, by its id in hex. */
  readonly #waiting = new Map<string, string>();

  constructor(take: TakeEarly, tell: (block: Block) => Promise<void>) {
    this.#take = take;
    this.#tell = tell;
  }

  /** @param waitMs until its time has come @returns whether it waits now */
  hold(peer: string, block: Block, waitMs: number): boolean {
    const id = toHex(blockId(block.header));
    const ofPeer = [...this.#waiting.values()].filter((other) => other === peer).length;
    if (this.#waiting.has(id)) return true;
    if (this.#waiting.size >= EARLY_MAX || ofPeer >= EARLY_OF_PEER_MAX) return false;
    this.#waiting.set(id, peer);
    setTimeout(() => {
      this.#waiting.delete(id);
      void this.#release(peer, block);
    }, waitMs);
    return true;
  }

  /** A failure is that of a store or of a transport that has ended: the block is found again by asking. */
  async #release(peer: string, block: Block): Promise<void> {
    try {
      if (await this.#take(peer, block)) await this.#tell(block);
    } catch {
      return;
    }
  }
}
