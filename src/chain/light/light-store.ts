/**
 * The store of a light client: it says whether a genesis is known, and learns one. With a genesis there
 * is a chain (light-chain.ts); without one there is nothing to read.
 */
import { encode } from '../../core/codec.ts';
import { fault, type Fault } from '../../core/faults.ts';
import { Header } from '../../core/formats.ts';
import { genesisPoint } from '../../core/header/header.ts';
import type { Models } from '../../core/manifest.ts';
import { futureMsMax, type NetworkRules } from '../../core/params.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { equal } from '../../lib/bytes.ts';
import type { AppError } from '../../lib/errors.ts';
import { createListeners } from '../../lib/listeners.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import type { Store } from '../store/store.ts';
import { BLOCKS_KEPT } from './blocks.ts';
import { SEGMENTS_LEFT } from './compact.ts';
import { selectHead, type LightHeadEvent } from './head.ts';
import { createLightChain, type LightChain, type LightChainDeps } from './light-chain.ts';
import { beginLight, openLight, secretOf } from './open.ts';
import { STATE_LEAVES_MAX } from './memory/known-states.ts';
import type { LightDeps } from './memory/memory.ts';

/** Batches and proofs that wait for the one before them. */
const QUEUE_MAX = 512;

export interface LightStoreOptions {
  readonly store: Store;
  readonly params: NetworkRules;
  /** Manifests of the admitted models by id in hex. */
  readonly models: Models;
  /** ms since 1970. */
  readonly now: () => number;
  /** The light check, core's by default. */
  readonly verifyProof?: VerifyProof;
  /** Leaves of a state that is held as a whole. */
  readonly stateLeavesMax?: number;
  /** Newest blocks kept with body and proof. */
  readonly blocksKept?: number;
  /** Pieces in which branches may leave the chain on disk until a start joins them. */
  readonly segmentsLeft?: number;
}

export interface LightStore {
  /** Why the stored chain was wiped when it was opened: STORE_CORRUPT, or STORE_OLD. */
  readonly wiped: AppError | undefined;
  /** undefined while no genesis is known. */
  readonly chain: LightChain | undefined;
  /**
   * The chain from this genesis: the stored one, or a new one. A stored chain with another genesis is
   * wiped (`rebuilt`), and its LightChain must not be used any more.
   * @returns a fault if it is no genesis of this network
   */
  begin(genesis: Header): Promise<{ chain: LightChain; rebuilt: boolean } | Fault>;
  /** Every new head of the chain, also of one that begins later. */
  subscribe(listener: (event: LightHeadEvent) => void): () => void;
  close(): Promise<void>;
}

/** @throws AppError STORE_FOREIGN, and the store's */
export async function openLightStore(options: LightStoreOptions): Promise<LightStore> {
  const { store, params, models, now } = options;
  const deps: LightDeps = {
    store,
    params,
    models,
    secret: await secretOf(store),
    stateLeavesMax: options.stateLeavesMax ?? STATE_LEAVES_MAX,
    blocksKept: options.blocksKept ?? BLOCKS_KEPT,
    segmentsLeft: options.segmentsLeft ?? SEGMENTS_LEFT,
  };
  const heads = createListeners<LightHeadEvent>();
  const queue = new SerialQueue(QUEUE_MAX, 'CHAIN_BUSY');
  const chainDeps: LightChainDeps = {
    now,
    verifyProof: options.verifyProof ?? verifyLight,
    change: (make) =>
      queue.run(async () => {
        const { result, moved } = await make();
        if (moved) heads.emit(moved);
        return result;
      }),
  };

  const opened = await openLight(deps);
  // A kill may have come between the last proof and the head that it proved.
  if (opened.memory) await selectHead(opened.memory);
  let chain = opened.memory && createLightChain(opened.memory, chainDeps);

  async function begin(header: Header): Promise<{ chain: LightChain; rebuilt: boolean } | Fault> {
    const genesis = genesisPoint(params, header.time);
    if (!equal(encode(Header, genesis.header), encode(Header, header)))
      return fault('header.version', { problem: 'not a genesis of this network' });
    if (header.time > now() + futureMsMax(params)) return fault('header.time-future');
    if (chain && equal(chain.headers.genesis.id, genesis.id)) return { chain, rebuilt: false };

    const rebuilt = chain !== undefined;
    chain = createLightChain(await beginLight(deps, genesis), chainDeps);
    return { chain, rebuilt };
  }

  return {
    wiped: opened.wiped,
    get chain() {
      return chain;
    },
    begin: (header) => queue.run(() => begin(header)),
    subscribe: heads.subscribe,
    close: () => queue.run(() => store.close()),
  };
}
