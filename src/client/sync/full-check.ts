/**
 * The full check, where the model is loaded: of a block that is told before it is taken in; of every
 * other one, which came because it was asked for, once it is executed and before anything builds on it.
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

export type CheckFully = ((block: Block) => Promise<Fault | undefined>) | undefined;

export function createFullCheck(chain: LightChain, checkFully: CheckFully) {
  /** Ids in hex, of those too that could not be checked: without the model they are believed. */
  const checked = new BoundedMap<string, true>(CHECKED_MAX);

  /** A request's input is known where the state before the block was executed here and opens it. */
  function isUnitKnown(header: Header): boolean {
    if (!hasJob(header)) return true;
    const tree = chain.state.isExecuted(header.prevHash)
      ? chain.state.after(header.prevHash)
      : undefined;
    return tree !== undefined && verifyJob(tree, header)?.fault !== 'state.witness';
  }

  async function check(block: Block): Promise<Fault | undefined> {
    const { header } = block;
    if (!checkFully || !isUnitKnown(header)) return undefined;
    const wrong = await checkFully(block);
    const id = blockId(header);
    if (!wrong) checked.set(toHex(id), true);
    else if (blames(wrong) === 'block') await chain.headers.refuse(id, header.height);
    return wrong;
  }

  /** False when a block up to this one is forged: it has left the chain then. */
  async function checkUpTo({ header: head }: ChainPoint): Promise<boolean> {
    if (!checkFully) return true;
    const below: Header[] = [];
    let at: Header | undefined = head;
    while (at?.height && below.length < REPLAYED_MAX && !checked.has(toHex(blockId(at)))) {
      below.push(at);
      at = await chain.headers.at(at.height - 1);
    }
    for (const header of below.reverse()) {
      const id = blockId(header);
      const [body, proof] = [await chain.blocks.body(id), await chain.proofs.of(id)];
      if (body && proof && (await check({ header, body, proof }))) return false;
      checked.set(toHex(id), true);
    }
    return true;
  }

  return { check, checkUpTo };
}
