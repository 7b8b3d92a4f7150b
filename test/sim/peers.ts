/** Honest peers: clients as they run in browsers, and seeds with the whole chain. */
import { createFullChain, type FullChain } from '../../src/chain/full/full-chain.ts';
import type { Store } from '../../src/chain/store/store.ts';
import type { ChainStatus, Balance } from '../../src/client/api.ts';
import { createClient, type Client } from '../../src/client/client.ts';
import type { ChainNetwork } from '../../src/client/models/networks.ts';
import type { Platform } from '../../src/client/platform.ts';
import { createTemplateFeed, type TemplateFeed } from '../../src/client/mining/template-feed.ts';
import { encode } from '../../src/core/codec.ts';
import { isFault } from '../../src/core/faults.ts';
import { Header, SignedTx, type HeaderCore, type Tx } from '../../src/core/formats.ts';
import type { ChainPoint } from '../../src/core/header/header.ts';
import type { Block } from '../../src/core/messages.ts';
import { CHANNEL_LIFETIME_MIN } from '../../src/core/params.ts';
import { signTx, spentBy, txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createLog } from '../../src/lib/log.ts';
import type { Handlers } from '../../src/net/transport.ts';
import { createFullSync, POLL_MS, type FullSync } from '../../src/node/seed/full-sync.ts';
import { createHandlers } from '../../src/node/seed/serve-peers.ts';
import { close, MODEL, SIGNER, type Person } from '../chain/make-blocks.ts';
import type { Clock } from './clock.ts';
import { SimTransport, type Network } from './network.ts';
import type { Random } from './random.ts';
import type { Disk } from './store.ts';
import { minerWorker, PoissonMiner, prove, verifyWork } from './work.ts';

/** Of a transaction, those that the client does not propose. */
interface Fields {
  readonly type: 'transfer' | 'channel';
  readonly [field: string]: unknown;
}

/** The environment that all peers of a simulation share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly net: Network;
  readonly chain: ChainNetwork;
  readonly genesis: ChainPoint;
  /** `executed`: whether the peer knows the state after the head. */
  readonly onHead: (peer: Peer, idHex: string, executed: boolean) => void;
  readonly onBalance: (peer: Peer, balance: Balance) => void;
  readonly onProblem: (peer: Peer, code: string, message: string) => void;
}

export interface PeerOptions {
  readonly id: string;
  readonly key: Person;
  readonly random: Random;
  /** ms by which the peer's clock is ahead. */
  readonly skewMs: number;
  /** Expected tries per ms. */
  readonly power: number;
  readonly newDisk: () => Disk;
}

export interface Peer {
  readonly id: string;
  readonly key: Person;
  readonly skewMs: number;
  readonly running: boolean;
  start(): Promise<void>;
  crash(): Promise<void>;
  /** Hex id of its head. */
  headHex(): Promise<string>;
  setMining(on: boolean): Promise<void>;
}

abstract class BasePeer {
  readonly id: string;
  readonly key: Person;
  readonly skewMs: number;
  protected readonly random: Random;
  protected readonly power: number;
  protected readonly around: Surroundings;
  protected mining = true;
  protected transport: SimTransport | undefined;

  constructor(around: Surroundings, options: PeerOptions) {
    this.around = around;
    this.id = options.id;
    this.key = options.key;
    this.skewMs = options.skewMs;
    this.random = options.random;
    this.power = options.power;
  }

  nowMs = (): number => Math.floor(this.around.clock.nowMs + this.skewMs);

  protected newTransport(): SimTransport {
    this.transport = new SimTransport(this.around.net, this.id, this.nowMs);
    return this.transport;
  }
}

export class LightPeer extends BasePeer implements Peer {
  readonly #disks: Readonly<Record<'chain' | 'outbox', Disk>>;
  #client: Client | undefined;
  /** Transactions that the peer sent, by hex id. */
  readonly sent = new Map<string, SignedTx>();

  constructor(around: Surroundings, options: PeerOptions) {
    super(around, options);
    this.#disks = { chain: options.newDisk(), outbox: options.newDisk() };
  }

  get running(): boolean {
    return this.#client !== undefined;
  }

  get api() {
    return this.#client?.api;
  }

  async start(): Promise<void> {
    const { clock, chain, genesis } = this.around;
    const platform: Platform = {
      openStore: async (name) => this.#disks[name].open(),
      createTransport: async () => this.newTransport(),
      createMiner: async () => minerWorker(clock, this.random, this.power) as never,
      faucet: undefined,
      nowMs: this.nowMs,
      steadyMs: this.nowMs,
      random: this.random.next,
    };
    const config = {
      network: chain.params.network,
      bootstrap: [],
      genesis: toHex(encode(Header, genesis.header)),
    };
    const client = await createClient(platform, config, chain);
    this.#client = client;
    client.on((event) => {
      if (client !== this.#client) return;
      if (event.type === 'chain') this.#note(event.status);
      if (event.type === 'balance') this.around.onBalance(this, event.balance);
      if (event.type === 'problem') this.around.onProblem(this, event.code, event.message);
    });
    await client.api.payTo(this.key.address);
    if (this.mining && this.power) await client.api.startMining({ model: chain.names[0]! });
  }

  #note(status: ChainStatus): void {
    this.around.onHead(this, toHex(status.headId), status.holdsState);
  }

  async crash(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    for (const disk of Object.values(this.#disks)) await disk.crash(this.random);
    this.transport?.crash();
    // This ends the client's timers; its stores are closed, so it can do nothing more.
    void client?.stop().catch(() => undefined);
  }

  async headHex(): Promise<string> {
    return toHex((await this.#client!.api.status()).chain.headId);
  }

  async setMining(on: boolean): Promise<void> {
    this.mining = on;
    const api = this.#client?.api;
    if (!api || !this.power) return;
    await (on ? api.startMining({ model: this.around.chain.names[0]! }) : api.pauseMining());
  }

  pay(to: Uint8Array, amount: bigint): Promise<Uint8Array | undefined> {
    return this.#send({ type: 'transfer', to, amount, memo: new Uint8Array(0) });
  }

  /** Opens a channel, for vouchers of the one signer that all channels here have. */
  prepay({ xonly, address }: Person, limit: bigint): Promise<Uint8Array | undefined> {
    const ends = { provider: xonly, payee: address, signer: SIGNER.xonly };
    return this.#send({ type: 'channel', ...ends, limit, lifetime: CHANNEL_LIFETIME_MIN });
  }

  /** The client proposes the other fields. @returns the id; undefined: there is not enough to spend */
  async #send(fields: Fields): Promise<Uint8Array | undefined> {
    const api = this.#client?.api;
    if (!api) return undefined;
    const { genesisId } = (await api.status()).chain;
    const { chainId, nonce, expiry, fees, spendable } = await api.prepare(
      this.key.address,
      undefined,
      fields.type,
    );
    const common = { chainId, from: this.key.xonly, nonce, expiry, fee: fees.normal };
    const tx = { ...common, ...fields } as Tx;
    if (spendable < spentBy(tx)) return undefined;
    const signed = signTx(genesisId, tx, this.key.secret);
    await api.submit(encode(SignedTx, signed));
    this.sent.set(toHex(txId(genesisId, tx)), signed);
    return txId(genesisId, tx);
  }
}

/** A seed: the full chain behind the node's handlers, and a miner as the node has one. */
export class FullPeer extends BasePeer implements Peer {
  readonly #disk: Disk;
  protected chain: FullChain | undefined;
  #feed: TemplateFeed | undefined;
  #miner: PoissonMiner | undefined;
  #polling: { readonly stop: () => void } | undefined;
  #sequence = 0;

  constructor(around: Surroundings, options: PeerOptions) {
    super(around, options);
    this.#disk = options.newDisk();
  }

  get running(): boolean {
    return this.chain !== undefined;
  }

  /** The rules that this peer keeps. */
  protected get params() {
    return this.around.chain.params;
  }

  async start(): Promise<void> {
    const { genesis, clock } = this.around;
    const chain = await this.#open(this.#disk.open());
    this.chain = chain;
    const transport = this.newTransport();
    const log = createLog(() => undefined, 'error');
    let sync: FullSync | undefined;
    const fullSync = (): FullSync =>
      (sync ??= createFullSync(chain, transport, log, undefined, this.nowMs));
    chain.subscribe((event) => {
      if (event.type !== 'head' || chain !== this.chain) return;
      this.around.onHead(this, toHex(event.point.id), true);
    });
    const handlers: Handlers = {
      ...createHandlers(chain, fullSync, log),
      onOffer: async () => 'accept',
      onPeers: (peers) => fullSync().meet(peers),
    };
    await transport.start(this.behave(handlers));
    this.#polling = clock.every(POLL_MS, () => fullSync().poll());
    if (toHex((await chain.header(0))!.prevHash) !== toHex(genesis.header.prevHash))
      throw new Error('another genesis');
    this.#miner = new PoissonMiner(clock, this.random, this.power, (won) => this.#won(won));
    this.#feed = createTemplateFeed(
      () => chain.template({ miner: this.key.address, modelId: MODEL, nowMs: this.nowMs() }),
      (template) => this.#miner!.work(template),
      this.params.blockTimeMs / 2,
    );
    chain.subscribe(({ type }) =>
      type === 'tx' ? this.#feed?.refreshSoon() : this.#feed?.refresh(),
    );
    this.#feed.refresh();
    this.#miner.run(this.mining);
  }

  #open(store: Store): Promise<FullChain> {
    const { chain, genesis } = this.around;
    return createFullChain({
      store,
      params: this.params,
      models: chain.models,
      now: this.nowMs,
      genesisTimeMs: async () => genesis.header.time,
      verifyProof: verifyWork,
    });
  }

  /** The handlers as other peers see them; liars change them. */
  protected behave(handlers: Handlers): Handlers {
    return handlers;
  }

  #won(core: HeaderCore): void {
    const found = this.#feed?.complete(prove({ ...core, nonce: BigInt(++this.#sequence) }));
    if (found) void this.found(found).catch(() => undefined);
  }

  /** Cashes a voucher in. @returns whether it waits for a block now */
  async cashIn(channel: Uint8Array, amount: bigint): Promise<boolean> {
    const tx = close(this.key, channel, amount);
    if (!this.chain || (await this.chain.addTx(tx))) return false;
    await this.transport?.announceTx({ tx, sequence: ++this.#sequence });
    return true;
  }

  /** Finds a block at once. */
  async mineNow(): Promise<void> {
    const { core, body } = this.chain!.template({
      miner: this.key.address,
      modelId: MODEL,
      nowMs: this.nowMs(),
    });
    await this.found({ ...prove(core), body });
  }

  protected async found(block: Block): Promise<void> {
    await this.take(block);
    await this.announceFound(block);
  }

  /** Imports a block into its own chain. */
  protected async take(block: Block): Promise<void> {
    this.around.net.hooks.onBlock(this.id, block);
    const result = await this.chain?.importBlock(block);
    if (isFault(result)) throw new AppError('BLOCK_REFUSED', result.fault);
  }

  protected async announceFound(block: Block): Promise<void> {
    await this.transport?.announceBlock({ block, sequence: ++this.#sequence });
  }

  async crash(): Promise<void> {
    this.#miner?.run(false);
    this.#polling?.stop();
    this.#feed?.stop();
    this.chain = this.#feed = undefined;
    await this.#disk.crash(this.random);
    this.transport?.crash();
  }

  async headHex(): Promise<string> {
    return toHex(this.chain!.head().id);
  }

  async setMining(on: boolean): Promise<void> {
    this.mining = on;
    this.#miner?.run(on);
  }
}
