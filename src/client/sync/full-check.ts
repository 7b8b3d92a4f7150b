/**
 * The full check, where the model is loaded. An announced block is checked before it is imported. A block that
 * this client requested is checked once it is executed, before anything builds on it.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blames, type Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { hasJob } from '../../core/pow/seed.ts';
import { verifyJob } from '../../core/state.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';

/** Blocks below a new head that are replayed: each costs a unit, and the miner waits. */
const REPLAYED_MAX = 16;
const CHECKED_MAX = 1024;

/** Runs a block's unit again. */
export interface BlockReplay {
  /** @returns the block's fault, or undefined; undefined also while the block's model is not loaded */
  replay(block: Block): Promise<Fault | undefined>;
}

export class FullCheck {
  readonly #chain: LightChain;
  readonly #miner: BlockReplay;
  /** Ids in hex, also of blocks that could not be checked: without the model they are believed. */
  readonly #checked = new BoundedMap<string, true>(CHECKED_MAX);

  constructor(chain: LightChain, miner: BlockReplay) {
    this.#chain = chain;
    this.#miner = miner;
  }

  /** Checks a block. It leaves the chain if its fault blames the block itself. */
  async check(block: Block): Promise<Fault | undefined> {
    const { header } = block;
    if (!this.#isInputKnown(header)) return undefined;

    const wrong = await this.#miner.replay(block);
    const id = blockId(header);
    if (!wrong) this.#checked.set(toHex(id), true);
    else if (blames(wrong) === 'block') await this.#chain.headers.refuse(id, header.height);
    return wrong;
  }

  /** Checks the blocks up to a new head. @returns false when one is forged and has left the chain */
  async checkUpTo(head: ChainPoint): Promise<boolean> {
    const { blocks, proofs } = this.#chain;
    for (const header of await this.#uncheckedUpTo(head)) {
      const id = blockId(header);
      const [body, proof] = [await blocks.body(id), await proofs.of(id)];
      if (body && proof && (await this.check({ header, body, proof }))) return false;
      this.#checked.set(toHex(id), true);
    }
    return true;
  }

  /** The newest blocks that were not checked yet, lowest first. */
  async #uncheckedUpTo({ header: head }: ChainPoint): Promise<Header[]> {
    const unchecked: Header[] = [];
    let at: Header | undefined = head;
    while (
      at?.height &&
      unchecked.length < REPLAYED_MAX &&
      !this.#checked.has(toHex(blockId(at)))
    ) {
      unchecked.push(at);
      at = await this.#chain.headers.at(at.height - 1);
    }
    return unchecked.reverse();
  }

  /** A request's input is known where the state before the block was executed here and opens it. */
  #isInputKnown(header: Header): boolean {
    if (!hasJob(header)) return true;
    const { state } = this.#chain;
    const tree = state.isExecuted(header.prevHash) ? state.after(header.prevHash) : undefined;
    return tree !== undefined && verifyJob(tree, header)?.fault !== 'state.witness';
  }
}
