/** The two stages of a client, a newcomer without a genesis and a peer with a chain, and what both have. */
import type { LightStore } from '../chain/light/light-store.ts';
import type { Store } from '../chain/store/store.ts';
import type { Emitter } from '../lib/events.ts';
import type { Handlers, Transport } from '../net/transport.ts';
import type { AskApi, ChainStatus } from './api.ts';
import type { Answerer } from './mining/answerer.ts';
import type { MinerWorker } from './mining/miner-worker.ts';
import type { WorkIntent } from './mining/work-intent.ts';
import type { ModelService } from './models/model-service.ts';
import type { ChainNetwork } from './models/networks.ts';
import type { PeerEvents } from './peer-events.ts';
import type { Platform } from './platform.ts';
import type { Outbox } from './wallet/outbox.ts';

/** What a client has before it knows a genesis. */
export interface ClientBase {
  readonly platform: Platform;
  readonly network: ChainNetwork;
  readonly light: LightStore;
  /** Store that is kept when the chain is rebuilt. */
  readonly store: Store;
  readonly outbox: Outbox;
  readonly transport: Transport;
  readonly modelService: ModelService;
  readonly worker: MinerWorker;
  /** Whether it is to work, and from when. */
  readonly intent: WorkIntent;
  /** The only one of that worker. */
  readonly answerer: Answerer;
  /** Asking this device. */
  readonly asking: AskApi;
  readonly events: Emitter<PeerEvents>;
}

/** What runs behind the client, before and after its genesis is known. */
export interface Stage {
  /** Handlers for the transport. */
  readonly handlers: Handlers;
  status(): ChainStatus;
  /** Asks peers for news. */
  poll(): void;
  /** Announces a block found here again while no peer has it. */
  announceFoundAgain(): void;
  /** Waits, at most `msMax`, until a peer has the last block found here. */
  shareFound(msMax: number): Promise<void>;
  stop(): void;
}
