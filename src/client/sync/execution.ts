/**
 * Executing the chain up to its head, on what is known of the state here or on witnesses of peers. From
 * then on the root of the state after the head is known, and no header is believed for it.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { blames } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import type { Follower } from './follow.ts';

/** Blocks executed one by one to reach a head; one farther away is believed for the work below it. */
const CATCH_UP_MAX = 64;

interface Parts {
  readonly chain: LightChain;
  readonly ask: Follower['ask'];
  readonly bodyOf: Follower['bodyOf'];
  /** This peer has the block. */
  readonly noteHead: (peer: string, header: Header) => void;
}

/** @returns what executes up to a head and tells whether the root of the state after it is known */
export function createExecution({ chain, ask, bodyOf, noteHead }: Parts) {
  /** A block that fails by its own doing leaves the chain, and a block below it is the head. */
  async function execute(header: Header): Promise<boolean> {
    const body = await bodyOf(header);
    if (!body) return false;
    const own = await chain.blocks.execute({ header, body }, undefined);
    if (!own) return true;
    // Not enough of the state is here, or not the right one.
    return blames(own) === 'sender' ? await onWitness({ header, body }) : false;
  }

  async function onWitness(block: { header: Header; body: Body }): Promise<boolean> {
    const id = blockId(block.header);
    const done = await ask({ type: 'witness', block: id }, async ({ proof }, peer) => {
      const refused = await chain.blocks.execute(block, proof);
      if (!refused) noteHead(peer, block.header);
      // A block that cannot be executed is not the fault of who proves it.
      return refused && blames(refused) === 'sender' ? refused : { executed: !refused };
    });
    return done?.executed === true;
  }

  /**
   * From the newest block that was executed here upward: one that is jumped over would be believed for
   * the root that its child's header tells.
   */
  return async ({ header, id }: ChainPoint): Promise<boolean> => {
    const below = chain.state.newestExecuted()?.height ?? -Infinity;
    const near = header.height - below <= CATCH_UP_MAX;
    for (let height = near ? below + 1 : header.height; height < header.height; height++) {
      const between = await chain.headers.at(height);
      if (!between || !(await execute(between))) return false;
    }
    return (await execute(header)) && chain.state.rootAfter(id) !== undefined;
  };
}
