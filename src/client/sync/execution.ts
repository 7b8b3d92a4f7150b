/**
 * Executes the chain up to its head, on the part of the state that is held here or on witnesses from peers.
 * Afterwards the state's root after the head is computed here, and no header need be believed for it.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blames } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import type { ChainReader } from './chain-reader.ts';

/** Most blocks executed one by one to reach a head; a head farther away is believed for the work on its chain. */
const CATCH_UP_MAX = 64;

export class Execution {
  readonly #chain: LightChain;
  readonly #reader: ChainReader;

  constructor(chain: LightChain, reader: ChainReader) {
    this.#chain = chain;
    this.#reader = reader;
  }

  /**
   * Executes from the newest executed block upwards: for a block that is skipped, its child's header
   * would be believed. @returns whether the state's root after this block is known
   */
  async upTo({ header, id }: ChainPoint): Promise<boolean> {
    const below = this.#chain.state.newestExecuted()?.height ?? -Infinity;
    const isNear = header.height - below <= CATCH_UP_MAX;
    const first = isNear ? below + 1 : header.height;

    for (let height = first; height < header.height; height++) {
      const between = await this.#chain.headers.at(height);
      if (!between || !(await this.#execute(between))) return false;
    }
    return (await this.#execute(header)) && this.#chain.state.rootAfter(id) !== undefined;
  }

  /** A block that fails by its own fault leaves the chain, and a block below it becomes the head. */
  async #execute(header: Header): Promise<boolean> {
    const body = await this.#reader.bodies.of(header);
    if (!body) return false;
    const refused = await this.#chain.blocks.execute({ header, body }, undefined);
    if (!refused) return true;
    // Too little of the state is held here, or it is not the right state: a witness is needed.
    return blames(refused) === 'sender' ? await this.#onWitness({ header, body }) : false;
  }

  async #onWitness(block: { header: Header; body: Body }): Promise<boolean> {
    const { ask, heads } = this.#reader;
    const request = { type: 'witness', block: blockId(block.header) } as const;
    const done = await ask(request, async ({ proof }, peer) => {
      const refused = await this.#chain.blocks.execute(block, proof);
      if (!refused) heads.noteBlock(peer, block.header);
      // A block that fails is not the fault of the peer that sent its witness.
      return refused && blames(refused) === 'sender' ? refused : { isExecuted: !refused };
    });
    return done?.isExecuted === true;
  }
}
