/**
 * How a block gets into this chain, announced by a peer or found here. Checks go from cheap to costly; a block
 * that passes all of them is stored, and the new head is settled in the background.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { EarlyBlocks } from '../../chain/shared/early-blocks.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import { blockId, msUntilTimely } from '../../core/header/header.ts';
import type { Block, BlockAnnounce } from '../../core/messages.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { AppError } from '../../lib/errors.ts';
import type { Transport, Verdict } from '../../net/transport.ts';
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
  readonly transport: Pick<Transport, 'announceBlock' | 'charge'>;
  /** ms since 1970. */
  readonly nowMs: () => number;
}

export class BlockIntake {
  readonly #deps: BlockIntakeDeps;
  readonly #deduper: BlockDeduper;
  readonly #early: EarlyBlocks;

  constructor(deps: BlockIntakeDeps) {
    const { transport } = deps;
    this.#deps = deps;
    this.#deduper = new BlockDeduper(deps.chain);
    this.#early = new EarlyBlocks(
      async (peer, block) => {
        const verdict = await this.#judge(peer, block);
        if (isFault(verdict)) transport.charge(peer, verdict);
        return verdict === 'accept';
      },
      // Whoever held it back says the same, byte by byte, and gossip passes on the first.
      (block) => transport.announceBlock({ block, sequence: 0 }),
    );
  }

  /** A block that a peer announced. @returns a fault of the peer, or whether gossip passes it on */
  async onAnnounced(peer: string, { block }: BlockAnnounce): Promise<Verdict> {
    const { chain, reader, peerQueue } = this.#deps;
    if (chain.headers.isFarBehind(block.header)) return 'ignore';

    try {
      const verdict = await this.#judge(peer, block);
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
  async #judge(peer: string, block: Block): Promise<Verdict> {
    const judging = await this.#deduper.enter(block);
    if (!judging) return 'ignore';

    const { chain, nowMs, fullCheck } = this.#deps;
    const { header } = block;
    try {
      const waitMs = msUntilTimely(chain.params, header, nowMs());
      const wrongHeader = await chain.headers.judge(header, waitMs ? header.time : undefined);
      const wrong = wrongHeader ?? fullCheck.light(block) ?? verifyBody(chain.params.rules, block);
      if (wrong) return wrong;
      if (waitMs) {
        this.#early.hold(peer, block, waitMs);
        return 'ignore';
      }
      const refused = await this.#import(block, peer);
      if (refused) return refused;
      this.#deps.settler.start();
      return 'accept';
    } finally {
      judging.done();
    }
  }

  /** State root, full check where the model is loaded, proof: in this order, because a head needs all three. */
  async #import(block: Block, giver?: string): Promise<Fault | undefined> {
    const { chain, reader, fullCheck } = this.#deps;
    const headers = await chain.headers.import([block.header]);
    if (isFault(headers)) return headers;

    const id = blockId(block.header);
    // One that stays beside the head has its turn with what makes its branch the head.
    const wrong = chain.headers.claimsHead(id) ? await fullCheck.check(block, giver) : undefined;
    if (wrong) return wrong;

    reader.bodies.noteReceived(id, block.body);
    return chain.proofs.import(id, block.proof, block.body);
  }
}
