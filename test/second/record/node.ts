/** A full node that judges the blocks of a recorded chain, and writes down what it says of each. */
import { createFullChain, type FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { encode } from '../../../src/core/codec.ts';
import { isFault } from '../../../src/core/faults.ts';
import { Body, Header, Proof } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { modelId } from '../../../src/core/manifest.ts';
import type { Block } from '../../../src/core/messages.ts';
import type { Params } from '../../../src/core/params.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { RecordMiner } from './miner.ts';

/** One block as README.md has it. */
export interface Told {
  readonly header: string;
  readonly body: string;
  readonly proof: string;
  readonly clock: number;
  readonly replay?: true;
  readonly verdict: string;
  readonly at?: string;
  readonly head: string;
}

export interface Hearing {
  readonly block: Block;
  /** ms since 1970; the block's time if left out. */
  readonly clock?: number;
  readonly replay?: boolean;
}

export class RecordNode {
  readonly #chain: FullChain;
  readonly #clock: { ms: number };
  readonly #replays: Set<string>;

  private constructor(chain: FullChain, clock: { ms: number }, replays: Set<string>) {
    this.#chain = chain;
    this.#clock = clock;
    this.#replays = replays;
  }

  static async create(params: Params, miner: RecordMiner): Promise<RecordNode> {
    const clock = { ms: params.genesis.timeMs };
    const replays = new Set<string>();
    const { manifest } = miner.model;
    const chain = await createFullChain({
      store: createMemoryStore(),
      params,
      models: new Map([[toHex(modelId(manifest)), manifest]]),
      now: () => clock.ms,
      genesisTimeMs: async () => params.genesis.timeMs,
      checkProof: async (claim, proof) =>
        replays.has(toHex(blockId(claim.header))) ? miner.check(claim, proof) : undefined,
    });
    return new RecordNode(chain, clock, replays);
  }

  get headId(): Uint8Array {
    return this.#chain.head().id;
  }

  async hear({ block, clock = block.header.time, replay = false }: Hearing): Promise<Told> {
    const id = toHex(blockId(block.header));
    this.#clock.ms = clock;
    if (replay) this.#replays.add(id);
    const knownBefore = toHex(this.headId);
    const heard = await this.#chain.importBlock(block);
    const told = {
      header: toHex(encode(Header, block.header)),
      body: toHex(encode(Body, block.body)),
      proof: toHex(encode(Proof, block.proof)),
      clock,
      ...(replay && { replay: true as const }),
    };
    return { ...told, ...this.#verdict(heard, block, knownBefore), head: toHex(this.headId) };
  }

  #verdict(
    heard: Awaited<ReturnType<FullChain['importBlock']>>,
    { header }: Block,
    before: string,
  ) {
    if (isFault(heard)) {
      const cause = heard.context.cause as string | undefined;
      // A branch whose lower block was found false just now, when it was to become the head.
      const below = heard.fault === 'header.known-invalid' && heard.context.id === undefined;
      return below && cause !== undefined
        ? { verdict: cause, at: toHex(header.prevHash) }
        : { verdict: heard.fault };
    }
    if (heard.status === 'orphan') return { verdict: 'header.parent-unknown' };
    if (heard.status === 'early') return { verdict: 'header.time-future' };
    return { verdict: toHex(this.headId) === before ? 'side' : 'head' };
  }
}
