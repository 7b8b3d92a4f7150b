/** One running peer: light chain, peers, accounts, outbox and miner, joined behind the client API. */
import { answer, unavailable } from '../chain/shared/answer.ts';
import { sourceOf } from '../chain/light/light-chain.ts';
import { openLightStore, type LightStore } from '../chain/light/light-store.ts';
import { addressOf, formatAddress } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { isFault } from '../core/faults.ts';
import { Header, type Body, type SignedTx } from '../core/formats.ts';
import { blockId, headerWork, type ChainPoint } from '../core/header/header.ts';
import type { Block, BlockAnnounce, SyncRequest, SyncResponse } from '../core/messages.ts';
import { txId } from '../core/tx/tx.ts';
import { equal, fromHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { PeerInfo, Transport, Verdict } from '../net/transport.ts';
import { createAccounts, type Accounts } from './wallet/accounts.ts';
import { Asked } from './asking/asked.ts';
import { createAsking, type Asking } from './asking/asking.ts';
import { createExplorer, headersOf, type Explorer } from './explorer/explorer.ts';
import type { Balance, ChainStatus, ClientApi, ClientConfig, ClientEvent } from './api.ts';
import { createFollower, type Follower } from './sync/follow.ts';
import { createLightPool, createSampler, type LightPool } from './wallet/light-pool.ts';
import { createMining, type Mining } from './mining/mining.ts';
import { createSending, type Sending } from './wallet/sending.ts';
import { baseOf, createServing, handOut, type Serving } from './mining/serving.ts';
import { createStateReader } from './sync/state-reader.ts';
import { networkOf, type ChainNetwork } from './models/networks.ts';
import { createModelService, type ModelService } from './models/model-service.ts';
import { Outbox } from './wallet/outbox.ts';
import type { Platform } from './platform.ts';
import { createReverted, type Reverted } from './sync/reverted-blocks.ts';

export interface Client {
  readonly api: ClientApi;
  on(hear: (event: ClientEvent) => void): () => void;
  /** Waits until a peer has the last block found here, which would be lost with this client; `msMax` at most. */
  shareFound(msMax: number): Promise<void>;
  stop(): Promise<void>;
}

/** ms between two looks at what peers have. */
const POLL_MS = 15_000;
/** Heads at which an address that was asked for is tried. */
const PROVE_TRIES = 3;
/** ms until a block of our own that no peer can execute is told again. */
const RETELL_MS = 3_000;
/** ms between two looks at whether a peer has it, by a client that is about to end. */
const SHARE_LOOK_MS = 200;
/** ms in which changes of the status are gathered into one event. */
const GATHER_MS = 100;
/** Of telling what waits again at a new head. */
const RETELL_CHANCE = 1 / 8;
/** Addresses followed at once. */
const WATCHED_MAX = 16;

/** `network`: the packaged one of that name, or another for a simulation. */
export async function createClient(
  platform: Platform,
  config: ClientConfig,
  network: ChainNetwork = networkOf(config.network),
): Promise<Client> {
  const light = await openLight(platform, network, config);
  const store = await platform.openStore('outbox');
  const outbox = await Outbox.open(store);
  const asked = await Asked.open(store);
  const transport = await platform.createTransport({
    chainId: network.params.chainId,
    bootstrap: config.bootstrap,
  });
  const modelService = await createModelService(platform, config, network, transport);
  const peer = new Peer(platform, config, network, light, outbox, asked, transport, modelService);
  peer.accounts = createAccounts({
    ...{ light, transport, store },
    ...{ params: network.params, follower: peer.follower },
  });
  await peer.start();
  return {
    api: peer.api(),
    on: (hear) => peer.on(hear),
    shareFound: (msMax) => peer.shareFound(msMax),
    async stop() {
      peer.stop();
      await transport.stop();
      await light.close();
      await store.close();
    },
  };
}

async function openLight(platform: Platform, network: ChainNetwork, config: ClientConfig) {
  const { params, models } = network;
  const store = await platform.openStore('chain');
  const light = await openLightStore({
    ...{ store, params, models, now: platform.nowMs },
    ...(network.verifyProof && { verifyProof: network.verifyProof }),
  });
  const bytes = config.genesis === undefined ? undefined : fromHex(config.genesis);
  const genesis = bytes && tryDecode(Header, bytes);
  if (config.genesis !== undefined && !genesis)
    throw new AppError('CONFIG_MALFORMED', 'genesis is no header');
  const refused = genesis && (await light.begin(genesis));
  if (isFault(refused)) throw new AppError('CONFIG_MALFORMED', 'genesis is of another network');
  return light;
}

class Peer {
  readonly #platform: Platform;
  readonly #config: ClientConfig;
  readonly #network: ChainNetwork;
  readonly #light: LightStore;
  readonly #outbox: Outbox;
  readonly #transport: Transport;
  readonly #pool: LightPool;
  readonly #reverted: Reverted;
  readonly #sampler: (peers: readonly PeerInfo[]) => Promise<void>;
  readonly #mining: Mining;
  readonly #modelService: ModelService;
  readonly #serving: Serving;
  readonly #sending: Sending;
  readonly #asking: Asking;
  readonly #explorer: Explorer;
  readonly #listeners = new Set<(event: ClientEvent) => void>();
  readonly #timers: ReturnType<typeof setInterval>[] = [];
  readonly follower: Follower;
  /** Set once, right after construction: it needs the follower. */
  accounts!: Accounts;
  #watched: Uint8Array[] = [];
  #payout: Uint8Array | undefined;
  #sequence = 0;
  #gathering = false;

  constructor(
    platform: Platform,
    config: ClientConfig,
    network: ChainNetwork,
    light: LightStore,
    outbox: Outbox,
    asked: Asked,
    transport: Transport,
    modelService: ModelService,
  ) {
    this.#modelService = modelService;
    modelService.on((model) => this.#emit({ type: 'model', model }));
    this.#platform = platform;
    this.#config = config;
    this.#network = network;
    this.#light = light;
    this.#outbox = outbox;
    this.#transport = transport;
    this.#pool = createLightPool(network.params, network.models);
    this.#reverted = createReverted(light);
    this.#sampler = createSampler(transport, (tx) => void this.#onTx(tx));
    this.follower = createFollower({
      ...{ light, transport, random: () => platform.random() },
      trustFirstGenesis: config.genesis === undefined,
      checkFully: (block) => this.#mining.check(block),
      onChange: () => this.#changed(),
      onHead: (head, body) => this.#onHead(head, body),
    });
    const reader = createStateReader(light, this.follower.ask);
    this.#serving = createServing({
      base: () => baseOf(light),
      waiting: () => outbox.waiting(),
      send: handOut(
        (address) => this.#sending.prepare(address),
        (tx) => this.#emit({ type: 'unsigned', tx }),
      ),
      nowMs: () => platform.nowMs(),
      onProblem: () => undefined,
      onChange: () => void this.#mining.refresh(),
    });
    this.#mining = createMining({
      ...{
        platform,
        network,
        light,
        pool: this.#pool,
        follower: this.follower,
        reader,
        modelService,
      },
      payout: () => this.#payout,
      serving: this.#serving,
      announce: (block) => this.#announce(block),
      onStatus: (status) => this.#emit({ type: 'miner', status }),
      onProblem: (code, message) => this.#emit({ type: 'problem', code, message }),
    });
    this.#sending = createSending({
      ...{ params: network.params, light, transport, pool: this.#pool, outbox },
      accounts: () => this.accounts,
      onPool: () => {
        this.#asking.onPool();
        return this.#mining.refresh();
      },
      nextSequence: () => ++this.#sequence,
    });
    const shared = { network, light, outbox, pool: this.#pool, follower: this.follower };
    this.#asking = createAsking({
      ...{ ...shared, asked, texts: modelService.texts },
      execute: (modelId, input) => this.#mining.execute(modelId, input),
      onReceipt: (receipt) => this.#emit({ type: 'receipt', receipt }),
    });
    this.#explorer = createExplorer({
      ...shared,
      waiting: (idHex) => this.#pool.get(idHex),
      status: () => this.#status(),
      miner: () => this.#mining.status(),
      nowMs: platform.nowMs,
    });
  }

  on(hear: (event: ClientEvent) => void): () => void {
    this.#listeners.add(hear);
    return () => void this.#listeners.delete(hear);
  }

  #emit(event: ClientEvent): void {
    this.#explorer.hear(event);
    for (const hear of this.#listeners) hear(event);
  }

  async #announce(block: Block): Promise<void> {
    const kept = block === this.#outbox.found ? undefined : this.#outbox.keepFound(block);
    await this.#transport.announceBlock({ block, sequence: ++this.#sequence }).finally(() => kept);
  }

  /**
   * A block found while the last peer was dying, or before gossip had found its ways, is known to
   * nobody. Told again until somebody has it, after a reload too.
   */
  async #tellFound(): Promise<void> {
    const head = this.#light.chain?.headers.head();
    const { found } = this.#outbox;
    if (!found || !head || !this.#transport.peers().length) return;
    if (!equal(head.id, blockId(found.header)) || this.follower.agreeing()) return;
    await this.#announce(found).catch(() => undefined);
  }

  async shareFound(msMax: number): Promise<void> {
    const endMs = this.#platform.nowMs() + msMax;
    while (this.#holdsUnsharedBlock() && this.#platform.nowMs() < endMs) {
      this.follower.poll();
      await new Promise((resolve) => setTimeout(resolve, SHARE_LOOK_MS));
    }
  }

  #holdsUnsharedBlock(): boolean {
    const head = this.#light.chain?.headers.head();
    const { found } = this.#outbox;
    if (!found || !head) return false;
    if (equal(head.id, blockId(found.header))) return this.follower.agreeing() === 0;
    // With more work than the head it is still being checked; with less, another block has won.
    return found.header.totalWork > head.header.totalWork;
  }

  #changed(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      this.#emit({ type: 'chain', status: this.#status() });
    }, GATHER_MS);
  }

  async start(): Promise<void> {
    this.#light.subscribe((event) => {
      if (event.reverted) {
        this.#reverted.left(event.left);
        this.#emit({ type: 'reorganised', depth: event.reverted });
        // What is in the new branch too is found again by its nonce.
        void this.#outbox.reopen(event.point.header.height - event.adopted).catch(() => undefined);
      }
      this.#changed();
    });
    // A crash may have lost the chain's last blocks and kept what the outbox noted of them.
    if (this.#light.chain) await this.#outbox.reopen(this.#height());
    for (const tx of this.#outbox.waiting()) this.#pool.add(tx, this.#height());
    await this.#transport.start({
      onRequest: (_peer, request) => this.#answer(request),
      onBlock: (peer, announce: BlockAnnounce) => this.follower.onBlock(peer, announce),
      onTx: async (_peer, { tx }) => this.#onTx(tx),
      onPeers: (peers) => {
        this.follower.meet(peers);
        void this.#sending.tellWaiting();
        void this.#sampler(peers);
      },
    });
    this.#timers.push(setInterval(() => this.follower.poll(), POLL_MS));
    this.#timers.push(setInterval(() => void this.#tellFound(), RETELL_MS));
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#mining.stop();
    this.#modelService.close();
  }

  #height = (): number => this.#light.chain?.headers.head().header.height ?? 0;

  #onTx(tx: SignedTx): Verdict {
    const refused = this.#pool.add(tx, this.#height());
    if (refused) return refused === 'known' ? 'ignore' : refused;
    this.#asking.onPool();
    void this.#mining.refreshSoon();
    this.#changed();
    return 'accept';
  }

  async #answer(request: SyncRequest): Promise<SyncResponse> {
    if (request.type === 'model') return this.#modelService.answer(request);
    // A full queue or store is our trouble, and no reason to doubt who asks.
    const { chain } = this.#light;
    if (!chain) return unavailable('no genesis');
    return answer(sourceOf(chain), request, () => this.#pool.best(this.#height())).catch(() =>
      unavailable('busy'),
    );
  }

  /** A pool may have dropped what waits here, and messages come in any order: told now and then. */
  async #tellAgain(): Promise<void> {
    await this.#sending.takeAgain();
    if (this.#platform.random() < RETELL_CHANCE) await this.#sending.tellWaiting();
  }

  /** The state after a new head is known: what we own, what was confirmed, what to mine. */
  async #onHead(head: ChainPoint, body: Body | undefined): Promise<void> {
    const inBlock = (body ?? []).map(({ tx }) => ({ id: txId(tx), height: head.header.height }));
    const back = await this.#reverted.take();
    this.#pool.setHead(head.header, this.#light.chain?.state.after(head.id), back);
    await this.#outbox.follow(head.header.height, inBlock, []);
    await this.#tellAgain();
    this.#asking.onHead(head, body);
    await this.#mining.refresh();
    for (const address of this.#watched) await this.#prove(address);
    this.#changed();
  }

  async #prove(address: Uint8Array): Promise<void> {
    const balance = await this.accounts.prove(address);
    if (!balance) return;
    await this.#sending.reconcile(balance).catch(() => undefined);
    this.#emit({ type: 'balance', balance });
  }

  #status(): ChainStatus {
    const { params } = this.#network;
    const { chain } = this.#light;
    const head = chain?.headers.head();
    const header = head?.header;
    return {
      network: params.network,
      prefix: params.prefix,
      sync: this.follower.sync(),
      height: header?.height ?? 0,
      headId: head?.id ?? new Uint8Array(32),
      headTimeMs: header?.time ?? 0,
      genesisId: chain?.headers.genesis.id ?? new Uint8Array(32),
      totalWork: header?.totalWork ?? 0n,
      proofsChecked: chain?.proofs.checked ?? 0,
      difficulty: header ? headerWork(header) : 0n,
      peers: this.#transport.peers(),
      peersAgreeing: this.follower.agreeing(),
      mempool: this.#pool.size,
      holdsState: chain?.state.isWhole ?? false,
      traffic: this.#transport.traffic(),
    };
  }

  async #faucet(address: Uint8Array): Promise<void> {
    const { params } = this.#network;
    if (!params.faucet || !this.#platform.faucet)
      throw new AppError('FAUCET_OFF', 'this network has no faucet');
    await this.#platform.faucet(formatAddress(address, params.prefix));
  }

  async #watch(address: Uint8Array): Promise<void> {
    if (!this.#watched.some((a) => equal(a, address))) {
      if (this.#watched.length >= WATCHED_MAX)
        throw new AppError('WATCH_FULL', `${WATCHED_MAX} addresses are followed`);
      this.#watched.push(address);
    }
    void this.#prove(address).catch(() => undefined);
  }

  async #payTo(address: Uint8Array): Promise<void> {
    this.#payout = address;
    await this.#watch(address);
    void this.#mining.refresh();
  }

  /** Claims are paid from the payee's account: its nonce and balance must be known. */
  async #serve(publicKey: Uint8Array | undefined): Promise<void> {
    if (publicKey) await this.#watch(addressOf(publicKey));
    this.#serving.serve(publicKey);
  }

  /** Proves any address now. */
  async #account(address: Uint8Array): Promise<Balance> {
    let balance: Balance | undefined;
    // Heads that come while a peer answers make its answer useless: the next one is asked for again.
    for (let tries = 0; !balance && tries < PROVE_TRIES; tries++)
      balance = await this.accounts.prove(address);
    if (!balance) throw new AppError('NO_PEERS', 'no peer proves this address');
    return balance;
  }

  api(): ClientApi {
    const light = this.#light;
    return {
      ...this.#explorer.api,
      ...this.#asking.api,
      ...this.#modelService.api(() => this.#mining.status()),
      status: async () => ({ chain: this.#status(), miner: this.#mining.status() }),
      header: async (height) => light.chain?.headers.at(height),
      headers: (last, max) => headersOf(light.chain, last, max),
      watch: (address) => this.#watch(address),
      unwatch: async (address) =>
        void (this.#watched = this.#watched.filter((a) => !equal(a, address))),
      payTo: (address) => this.#payTo(address),
      balance: (address) => this.accounts.last(address),
      account: (address) => this.#account(address),
      history: (address, max, from) => this.accounts.history(address, max, from),
      submit: (bytes) => this.#sending.submit(bytes),
      pending: () => this.#sending.pending(),
      prepare: (address, replacing) => this.#sending.prepare(address, replacing),
      faucet: (address) => this.#faucet(address),
      startMining: (options) => this.#mining.start(options, this.#config),
      throttleMining: (duty) => this.#mining.throttle(duty),
      pauseMining: () => this.#mining.pause(),
      finishMining: () => this.#mining.finish(),
      serve: (publicKey) => this.#serve(publicKey),
    };
  }
}
