/**
 * The client: one running peer behind the client API. It opens the stores, joins the network, and makes a
 * peer as soon as the chain's genesis is known: from its configuration, its store, or else from peers.
 */
import { openLightStore, type LightStore } from '../chain/light/light-store.ts';
import type { Store } from '../chain/store/store.ts';
import { tryDecode } from '../core/codec.ts';
import { isFault } from '../core/faults.ts';
import { Header } from '../core/formats.ts';
import { versionKnown } from '../core/header/tables.ts';
import type { Block } from '../core/messages.ts';
import { equal, fromHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { Emitter } from '../lib/events.ts';
import type { ClientApi, ClientConfig, ClientEvent } from './api.ts';
import { createDiagnostics } from './explorer/diagnostics.ts';
import { createAnswerer } from './mining/answerer.ts';
import { MinerWorker } from './mining/miner-worker.ts';
import { WorkIntent } from './mining/work-intent.ts';
import { createAskApi } from './models/ask-api.ts';
import { generateHere } from './models/generate-here.ts';
import { createModelService } from './models/model-service.ts';
import { networkOf, type ChainNetwork } from './models/networks.ts';
import { newcomerApi } from './newcomer-api.ts';
import { Newcomer } from './newcomer.ts';
import type { PeerEvents } from './peer-events.ts';
import { openPeer, type Peer } from './peer.ts';
import type { Platform } from './platform.ts';
import type { ClientBase } from './stage.ts';
import { watchStores } from '../chain/store/store-watch.ts';
import { Outbox } from './wallet/outbox.ts';

export interface Client {
  readonly api: ClientApi;
  /** @returns what removes the listener */
  on(listener: (event: ClientEvent) => void): () => void;
  /** Calls the listener with each block found here. @returns what removes the listener */
  onFound(listener: (block: Block) => void): () => void;
  /** Waits, at most `msMax`, until a peer has the last block found here, which would be lost with this client. */
  shareFound(msMax: number): Promise<void>;
  stop(): Promise<void>;
}

/** ms between two polls of the peers' status. */
const POLL_MS = 15_000;
/** ms until a block found here that no peer has is announced again. */
const ANNOUNCE_AGAIN_MS = 3_000;
/** ms in which changes of the status are collected into one event. */
const GATHER_MS = 100;

/** `network`: the packaged one of that name, or another for a simulation. */
export async function createClient(
  platform: Platform,
  config: ClientConfig,
  network: ChainNetwork = networkOf(config.network),
): Promise<Client> {
  const base = await openBase(platform, network, config);
  const { chain } = base.light;
  const client = new RunningClient(base, chain && (await openPeer(base, chain)));
  await client.start();
  // Functions without `this`, so that programs may write `const { api, on } = client`.
  return {
    api: client.api,
    on: (listener) => client.on(listener),
    onFound: (listener) => base.events.on('blockFound', listener),
    shareFound: (msMax) => client.shareFound(msMax),
    stop: () => client.stop(),
  };
}

/** The chain's store, with a chain where the configuration or the store knows the genesis. */
async function openLight(
  store: Store,
  platform: Platform,
  { network, config }: { network: ChainNetwork; config: ClientConfig },
): Promise<LightStore> {
  const light = await openLightStore({
    store,
    params: network.params,
    models: network.models,
    now: platform.nowMs,
    verifyProof: network.verifyProof,
  });
  if (config.genesis === undefined) return light;

  const bytes = fromHex(config.genesis);
  const genesis = bytes && tryDecode(Header, bytes);
  if (!genesis) throw new AppError('CONFIG_MALFORMED', 'genesis is no header');
  if (isFault(await light.begin(genesis)))
    throw new AppError('CONFIG_MALFORMED', 'genesis is of another network');
  return light;
}

async function openBase(
  platform: Platform,
  network: ChainNetwork,
  config: ClientConfig,
): Promise<ClientBase> {
  const events = new Emitter<PeerEvents>();
  const watched = watchStores((failing) => events.emit('storeFailing', failing));
  const open = async (name: 'chain' | 'outbox'): Promise<Store> =>
    watched(await platform.openStore(name));
  const light = await openLight(await open('chain'), platform, { network, config });
  const store = await open('outbox');
  const outbox = await Outbox.open(store);

  const transport = await platform.createTransport({
    chainId: network.params.chainId,
    version: versionKnown(network.params),
    bootstrap: config.bootstrap,
  });
  const modelService = await createModelService({ platform, config, network, transport, events });
  const worker = new MinerWorker({ platform, supply: modelService.supply, events });
  const answerer = createAnswerer(worker);
  const { texts } = modelService;
  const generating = generateHere({
    texts,
    answerer,
    language: (id) => modelService.language(id),
    randomId: () => Math.floor(platform.random() * Number.MAX_SAFE_INTEGER),
  });
  const asking = createAskApi({
    network,
    texts,
    worker,
    isWhole: async (id) =>
      (await modelService.stored()).some((one) => one.state === 'stored' && equal(one.id, id)),
    served: () => modelService.wholeServed(),
    generating,
  });

  const nowMs = () => platform.nowMs();
  const intent = await WorkIntent.open({ store, worker, events, nowMs });

  return {
    platform,
    network,
    light,
    store,
    outbox,
    transport,
    modelService,
    worker,
    intent,
    answerer,
    asking,
    events,
  };
}

class RunningClient {
  readonly api: ClientApi;
  readonly #base: ClientBase;
  /** A newcomer until the genesis is known, then a peer. */
  #stage: Newcomer | Peer;
  #timers: readonly ReturnType<typeof setInterval>[] = [];
  /** A change of the status is reported soon; further changes until then are reported with it. */
  #isReportDue = false;
  #isStopped = false;

  constructor(base: ClientBase, peer: Peer | undefined) {
    this.#base = base;
    const newcomer = new Newcomer(base);
    this.#stage = peer ?? newcomer;

    const diagnostics = createDiagnostics({
      outbox: base.outbox,
      worker: base.worker,
      status: () => this.#stage.status(),
      events: base.events,
      nowMs: () => base.platform.nowMs(),
    });
    const api = peer?.api ?? newcomerApi(base, newcomer, this.#joinLater(newcomer));
    this.api = { ...api, ...base.intent.over(api), diagnostics: () => diagnostics.report() };
    base.events.on('statusChanged', () => this.#reportStatus());
  }

  on(listener: (event: ClientEvent) => void): () => void {
    return this.#base.events.on('report', listener);
  }

  async start(): Promise<void> {
    await this.#base.transport.start({
      onRequest: (peer, request) => this.#stage.handlers.onRequest(peer, request),
      onBlock: (peer, announce) => this.#stage.handlers.onBlock(peer, announce),
      onTx: (peer, announce) => this.#stage.handlers.onTx(peer, announce),
      onOffer: (peer, offer) => this.#stage.handlers.onOffer(peer, offer),
      // A newcomer knows no channel: the stream ends.
      onAsk: async (stream, open) => this.#stage.handlers.onAsk?.(stream, open),
      onPeers: (peers) => this.#stage.handlers.onPeers(peers),
    });
    this.#timers = [
      setInterval(() => this.#stage.poll(), POLL_MS),
      setInterval(() => this.#stage.announceFoundAgain(), ANNOUNCE_AGAIN_MS),
    ];
    const { wiped } = this.#base.light;
    // Once whoever starts this client can listen.
    if (wiped) setTimeout(() => this.#tell(wiped));
  }

  async shareFound(msMax: number): Promise<void> {
    await this.#stage.shareFound(msMax);
  }

  async stop(): Promise<void> {
    const { modelService, transport, light, store } = this.#base;
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    this.#base.intent.end();
    this.#stage.stop();
    modelService.close();
    await transport.stop();
    await light.close();
    await store.close();
  }

  /** The peer, once the newcomer has learnt the genesis. */
  async #joinLater(newcomer: Newcomer): Promise<Peer> {
    const peer = await openPeer(this.#base, await newcomer.chain);
    if (this.#isStopped) {
      peer.stop();
      throw new AppError('STORE_CLOSED', 'this client was stopped');
    }
    this.#stage = peer;
    peer.handlers.onPeers(this.#base.transport.peers());
    return peer;
  }

  #tell({ code, message }: AppError): void {
    this.#base.events.emit('report', { type: 'problem', code, message });
  }

  #reportStatus(): void {
    if (this.#isReportDue) return;
    this.#isReportDue = true;
    setTimeout(() => {
      this.#isReportDue = false;
      this.#base.events.emit('report', { type: 'chain', status: this.#stage.status() });
    }, GATHER_MS);
  }
}
