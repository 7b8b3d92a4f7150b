/**
 * Prevents a block from being judged twice. Each announcement has a number, which makes it new to gossip, so anybody
 * could announce an old block again and again. While one copy is being judged, a second equal copy is dropped;
 * a copy with another proof waits for the first, which may be the bad one.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { encode } from '../../core/codec.ts';
import { blockId } from '../../core/header/header.ts';
import { Block } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';

export interface Judging {
  /** Must be called when the block is judged, whatever the verdict. */
  done(): void;
}

export class BlockDeduper {
  readonly #chain: LightChain;
  /** Blocks in judgement, by id in hex: as many as gossip hands over at once. */
  readonly #judging = new Map<string, { readonly block: Block; readonly over: Promise<void> }>();

  constructor(chain: LightChain) {
    this.#chain = chain;
  }

  /** The caller alone may judge this block now; undefined when it is known or a copy is being judged. */
  async enter(block: Block): Promise<Judging | undefined> {
    const id = blockId(block.header);
    const hex = toHex(id);
    for (let other = this.#judging.get(hex); other; other = this.#judging.get(hex)) {
      if (equal(encode(Block, other.block), encode(Block, block))) return undefined;
      await other.over;
    }

    const { promise: over, resolve } = Promise.withResolvers<void>();
    const done = (): void => {
      this.#judging.delete(hex);
      resolve();
    };
    this.#judging.set(hex, { block, over });
    try {
      if (!(await this.#isKnown(id))) return { done };
    } catch (e) {
      done();
      throw e;
    }
    done();
    return undefined;
  }

  /** Whether the block is stored with proof and body, so that a copy holds nothing new. */
  async #isKnown(id: Uint8Array): Promise<boolean> {
    const { proofs, blocks } = this.#chain;
    return (await proofs.of(id)) !== undefined && (await blocks.body(id)) !== undefined;
  }
}
