/** Fetches proofs of work and their bodies from peers: from one first, then from whoever else has them. */
import type { LightChain, WantedProof } from '../../chain/light/light-chain.ts';
import { Patience } from '../../chain/shared/patience.ts';
import { BLOCKS_MAX, type BlockParts } from '../../core/messages.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Transport } from '../../net/transport.ts';
import type { BlockBodies } from './block-bodies.ts';

/** What is still to be fetched, in order. */
export type Wanted = () => readonly WantedProof[] | Promise<readonly WantedProof[]>;

export interface ProofFetcherDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly bodies: BlockBodies;
  /** Called after each answer. */
  readonly onProgress: () => void;
  /** ms since 1970. */
  readonly nowMs: () => number;
}

export class ProofFetcher {
  readonly #deps: ProofFetcherDeps;
  /** Ids in hex of blocks that some peer is being asked for: peers go on side by side where one is slow. */
  readonly #asked = new Set<string>();

  constructor(deps: ProofFetcherDeps) {
    this.#deps = deps;
  }

  /**
   * Asks a peer until it has none of those that are wanted.
   * @returns those that it was asked for and did not give
   * @throws the transport's errors, NET_CLOSED also for a peer that is too busy to answer, NET_TIMEOUT for one that
   * gives so little at a time that the patience with it ends
   */
  async from(peer: string, wanted: Wanted): Promise<WantedProof[]> {
    const lacking = new Map<string, WantedProof>();
    let patience: Patience | undefined;
    for (;;) {
      const open = (await wanted()).filter(({ id }) => !lacking.has(toHex(id)));
      // What another peer is being asked for is asked for twice only where nothing else is left.
      const free = open.filter(({ id }) => !this.#asked.has(toHex(id)));
      const blocks = (free.length ? free : open).slice(0, BLOCKS_MAX);
      if (!blocks.length) break;

      patience ??= new Patience(open.length, this.#deps.nowMs);
      if (patience.isOver) throw new AppError('NET_TIMEOUT', 'it gives too little at a time');
      const ids = blocks.map(({ id }) => id);
      const got = await this.#ask(peer, ids, patience);
      this.#deps.onProgress();
      for (const block of passedOver(blocks, got)) lacking.set(toHex(block.id), block);
      if (!got.size) break;
    }
    return [...lacking.values()];
  }

  /** Asks the peers one after the other, as long as something is wanted. One that fails is passed over. */
  async fromOthers(peers: readonly string[], wanted: Wanted): Promise<void> {
    for (const peer of peers) {
      if (!(await wanted()).length) return;
      await this.from(peer, wanted).catch(() => undefined);
    }
  }

  /** @returns ids in hex of those that came and passed */
  async #ask(peer: string, ids: readonly Uint8Array[], patience: Patience): Promise<Set<string>> {
    const hexes = ids.map(toHex);
    for (const hex of hexes) this.#asked.add(hex);
    try {
      const { transport } = this.#deps;
      const answer = await patience.wait(() =>
        transport.request(peer, { type: 'blocks', ids: [...ids] }),
      );
      // It says nothing of what it has, and is asked again later.
      if (answer.type === 'unavailable') throw new AppError('NET_CLOSED', answer.reason);
      const blocks = answer.type === 'blocks' ? answer.blocks : [];
      return await this.#import(
        peer,
        blocks.filter(({ id }) => hexes.includes(toHex(id))),
      );
    } finally {
      for (const hex of hexes) this.#asked.delete(hex);
    }
  }

  async #import(peer: string, blocks: readonly BlockParts[]): Promise<Set<string>> {
    const { chain, transport, bodies } = this.#deps;
    const got = new Set<string>();
    for (const { id, body, proof } of blocks) {
      if (!proof) continue;
      const refused = await chain.proofs.import(id, proof, body);
      // Its branch was dropped meanwhile: the peer is not to blame.
      if (refused?.fault === 'sync.unplaced') continue;
      if (refused) {
        transport.charge(peer, refused);
        return new Set();
      }
      bodies.noteReceived(id, body);
      got.add(toHex(id));
    }
    return got;
  }
}

/**
 * The blocks that an answer does not have. It is in the order of the question and ends at a megabyte, so that those
 * behind its last one are asked for again.
 */
function passedOver(blocks: readonly WantedProof[], got: ReadonlySet<string>): WantedProof[] {
  const isHere = ({ id }: WantedProof): boolean => got.has(toHex(id));
  const answered = got.size ? blocks.slice(0, blocks.findLastIndex(isHere)) : blocks;
  return answered.filter((block) => !isHere(block));
}
