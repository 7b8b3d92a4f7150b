/**
 * How a block gets into this chain, announced by a peer or found here. Checks go from cheap to costly; a block
 * that passes all of them is stored, and the new head is settled in the background.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import { blockId, isFarBehind } from '../../core/header/header.ts';
import type { Block, BlockAnnounce } from '../../core/messages.ts';
import { Rules } from '../../core/rules.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { AppError } from '../../lib/errors.ts';
import type { Verdict } from '../../net/transport.ts';
import { BlockDeduper } from './block-deduper.ts';
import type { ChainReader } from './chain-reader.ts';
import type { FullCheck } from './full-check.ts';
import type { PeerQueue } from './peer-queue.ts';
import type { HeadSettler } from './settle-head.ts';

export interface BlockIntakeDeps {
  readonly chain: LightChain;
  readonly reader: ChainReader;
  readonly fullCheck: FullCheck;
  readonly settler: HeadSettler;
  /** Peers to catch up with. */
  readonly peerQueue: PeerQueue;
}

export class BlockIntake {
  readonly #deps: BlockIntakeDeps;
  readonly #deduper: BlockDeduper;

  constructor(deps: BlockIntakeDeps) {
    this.#deps = deps;
    this.#deduper = new BlockDeduper(deps.chain);
  }

  /** A block that a peer announced. @returns a fault of the peer, or whether gossip passes it on */
  async onAnnounced(peer: string, { block }: BlockAnnounce): Promise<Verdict> {
    const { chain, reader, peerQueue } = this.#deps;
    if (isFarBehind(block.header, chain.headers.head().header)) return 'ignore';

    try {
      const verdict = await this.#judge(block);
      if (!isFault(verdict)) reader.heads.noteBlock(peer, block.header);
      else if (verdict.fault === 'header.parent-unknown') {
        // The peer is ahead: it is asked for the blocks in between.
        peerQueue.addTold(peer);
        return 'ignore';
      }
      return verdict;
    } catch (e) {
      // A full queue or store is no fault of the peer.
      if (AppError.from(e).code === 'INTERNAL') throw e;
      return 'ignore';
    }
  }

  /** Takes in a block that was found here. */
  async adopt(block: Block): Promise<Fault | undefined> {
    const refused = await this.#import(block);
    this.#deps.settler.start();
    return refused;
  }

  /** The header first: what a block on an unknown parent costs must not grow with its body. */
  async #judge(block: Block): Promise<Verdict> {
    const judging = await this.#deduper.enter(block);
    if (!judging) return 'ignore';

    try {
      const wrongHeader = await this.#deps.chain.headers.judge(block.header);
      const wrong = wrongHeader ?? verifyBody(Rules.all, block);
      const refused = wrong ?? (await this.#import(block));
      if (refused) return refused;
      this.#deps.settler.start();
      return 'accept';
    } finally {
      judging.done();
    }
  }

  /** Header, full check where the model is loaded, proof: in this order, because a head needs all three. */
  async #import(block: Block): Promise<Fault | undefined> {
    const { chain, reader, fullCheck } = this.#deps;
    const headers = await chain.headers.import([block.header]);
    if (isFault(headers)) return headers;

    const wrong = await fullCheck.check(block);
    if (wrong) return wrong;

    const id = blockId(block.header);
    reader.bodies.noteReceived(id, block.body);
    return chain.proofs.import(id, block.proof, block.body);
  }
}
