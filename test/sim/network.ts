/**
 * The network of a simulation, behind the product's own Transport: messages go through the real codecs, arrive
 * late, twice, out of order or never; links break when a partition lasts, and come back after it. Each peer
 * judges a gossip message before it relays it, as gossipsub's validators do.
 */
import { encode, tryDecode, type Codec } from '../../src/core/codec.ts';
import { fault, isFault, penaltyOf, type Fault } from '../../src/core/faults.ts';
import { plainHash } from '../../src/core/hash.ts';
import {
  BlockAnnounce,
  GOSSIP_BYTES_MAX,
  SyncRequest,
  SyncResponse,
  TxAnnounce,
  type Block,
} from '../../src/core/messages.ts';
import { Offer } from '../../src/core/offer.ts';
import { BoundedMap } from '../../src/lib/bounded.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { Penalties } from '../../src/net/penalties.ts';
import { RateLimiter } from '../../src/net/rate.ts';
import {
  type Handlers,
  NO_TRAFFIC,
  type PeerInfo,
  type Traffic,
  type Transport,
  type Verdict,
} from '../../src/net/transport.ts';
import type { Clock } from './clock.ts';
import type { Random } from './random.ts';

/** ms: as net/sync.ts waits. */
const REQUEST_MS = 10_000;
/** As net/gossip.ts limits: dropped above the first, charged above the second. */
const GOSSIP_RATE = { perSecond: 50, burst: 200 };
const FLOOD_RATE = { perSecond: 250, burst: 1000 };
/** Announcements remembered, so that each is handled once. */
const SEEN_MAX = 20_000;
/** ms between two checks by a peer of which of its links are down. */
const REDIAL_MS = 5_000;
/** Times that a lost announcement is offered again, as gossipsub's heartbeats do. */
const OFFERS = 4;

type Topic = 'blocks' | 'txs' | 'offers';
interface Announced {
  readonly topic: Topic;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** How messages are disturbed at present. */
export interface Weather {
  /** Part of the messages that are lost, 0 to 1. */
  loss: number;
  /** Mean ms added to a link's own delay. */
  jitterMs: number;
}

export interface NetworkHooks {
  readonly isHonest: (id: string) => boolean;
  /** Called when the finder of a block announces it. */
  readonly onBlock: (finder: string, block: Block) => void;
  readonly onCharge: (by: string, peer: string, f: Fault, banned: boolean) => void;
}

/** Seeds have names of their own; everybody else is met through a relay and shows no address. */
const originOf = (id: string): Pick<PeerInfo, 'origin' | 'address'> =>
  id.startsWith('seed')
    ? { origin: 'configured', address: `/dns4/${id}.example/tcp/443/wss` }
    : { origin: 'outbound', address: `/p2p/relay/p2p-circuit/webrtc/p2p/${id}` };

export class Network {
  readonly clock: Clock;
  readonly random: Random;
  readonly hooks: NetworkHooks;
  readonly weather: Weather = { loss: 0, jitterMs: 50 };
  readonly #online = new Map<string, SimTransport>();
  readonly #links = new Map<string, { readonly delayMs: number }>();
  readonly #neighbours = new Map<string, string[]>();
  /** The side of a partition that each peer is on; all are on side 0 without a partition. */
  readonly #sides = new Map<string, number>();
  /** Factor on the penalty points that honest peers charge: a mutation. */
  severity = 1;
  /** Whether broken links are dialled again; false is a mutation. */
  redials = true;
  messages = 0;

  constructor(clock: Clock, random: Random, hooks: NetworkHooks) {
    this.clock = clock;
    this.random = random;
    this.hooks = hooks;
  }

  /** Makes these two peers keep a connection whenever they can. */
  link(a: string, b: string): void {
    if (a === b || this.#links.has(pair(a, b))) return;
    // Most links are short; some lead to the other end of the world, over a bad radio link.
    const { random } = this;
    const delayMs = random.chance(0.9) ? random.between(10, 200) : random.between(200, 2000);
    this.#links.set(pair(a, b), { delayMs });
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      this.#neighbours.set(one, [...(this.#neighbours.get(one) ?? []), other]);
  }

  neighbours(id: string): readonly string[] {
    return this.#neighbours.get(id) ?? [];
  }

  online(id: string): SimTransport | undefined {
    return this.#online.get(id);
  }

  split(sideOf: ReadonlyMap<string, number>): void {
    for (const [id, side] of sideOf) this.#sides.set(id, side);
  }

  heal(): void {
    this.#sides.clear();
  }

  isSplit(a: string, b: string): boolean {
    return (this.#sides.get(a) ?? 0) !== (this.#sides.get(b) ?? 0);
  }

  join(transport: SimTransport): void {
    this.#online.set(transport.id, transport);
  }

  leave(transport: SimTransport): void {
    if (this.#online.get(transport.id) === transport) this.#online.delete(transport.id);
  }

  /** @returns whether it will arrive */
  send(from: string, to: string, arrive: () => void): boolean {
    this.messages++;
    const link = this.#links.get(pair(from, to));
    if (!link || this.isSplit(from, to) || this.random.chance(this.weather.loss)) return false;
    const extra = this.random.wait(this.weather.jitterMs);
    this.clock.after(Math.min(5000, link.delayMs + extra), () => {
      if (!this.isSplit(from, to)) arrive();
    });
    return true;
  }
}

const pair = (a: string, b: string): string => (a < b ? `${a} ${b}` : `${b} ${a}`);

export class SimTransport implements Transport {
  readonly id: string;
  readonly #net: Network;
  readonly #nowMs: () => number;
  readonly #penalties = new Penalties();
  readonly #rate = new RateLimiter(GOSSIP_RATE);
  readonly #flood = new RateLimiter(FLOOD_RATE);
  readonly #connected = new Set<string>();
  readonly #seen = new BoundedMap<string, true>(SEEN_MAX);
  #handlers: Handlers | undefined;
  #redial: { readonly stop: () => void } | undefined;

  constructor(net: Network, id: string, nowMs: () => number) {
    this.id = id;
    this.#net = net;
    this.#nowMs = nowMs;
  }

  traffic(): Traffic {
    return NO_TRAFFIC;
  }

  async start(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
    this.#net.join(this);
    this.#dial();
    // Peers do not check at the same moment: each has a period of its own.
    const every = REDIAL_MS * this.#net.random.between(0.8, 1.2);
    this.#redial = this.#net.clock.every(every, () => this.#dial());
  }

  async stop(): Promise<void> {
    this.crash();
  }

  /** Goes offline without a message; the others notice at once, as with a closed socket. */
  crash(): void {
    this.#handlers = undefined;
    this.#redial?.stop();
    this.#net.leave(this);
    for (const peer of [...this.#connected]) this.disconnect(peer);
  }

  peers(): readonly PeerInfo[] {
    const now = this.#nowMs();
    return [...this.#connected].map((id) => ({
      id,
      ...originOf(id),
      link: 'webrtc',
      penalty: this.#penalties.points(id, now),
    }));
  }

  ownId(): string {
    return this.id;
  }

  addresses(): readonly string[] {
    return [`/sim/${this.id}`];
  }

  /** Breaks links that cross a partition, and restores those that can be restored. */
  #dial(): void {
    const { redials } = this.#net;
    for (const peer of this.#net.neighbours(this.id)) {
      const other = this.#net.online(peer);
      const split = this.#net.isSplit(this.id, peer);
      if (this.#connected.has(peer)) {
        // A silent link is given up after a while.
        if (split && this.#net.random.chance(0.3)) this.disconnect(peer);
      } else if (other && !split && redials && !this.bans(peer) && !other.bans(this.id)) {
        this.#connect(peer);
        other.#connect(this.id);
      }
    }
  }

  #connect(peer: string): void {
    this.#connected.add(peer);
    this.#handlers?.onPeers(this.peers());
  }

  disconnect(peer: string): void {
    if (!this.#connected.delete(peer)) return;
    this.#handlers?.onPeers(this.peers());
    this.#net.online(peer)?.disconnect(this.id);
  }

  bans(peer: string): boolean {
    return this.#penalties.isBanned(peer, this.#nowMs());
  }

  charge(peer: string, f: Fault): void {
    if (!this.#handlers) return;
    const points = penaltyOf(f) * this.#net.severity;
    const banned = this.#penalties.charge(peer, points, this.#nowMs());
    this.#net.hooks.onCharge(this.id, peer, f, banned);
    if (banned) this.disconnect(peer);
  }

  async request(peer: string, request: SyncRequest, timeoutMs = REQUEST_MS): Promise<SyncResponse> {
    if (!this.#connected.has(peer)) throw new AppError('NET_CLOSED', `not connected to ${peer}`);
    const bytes = encode(SyncRequest, request);
    const answer = await new Promise<Uint8Array | undefined>((resolve) => {
      this.#net.clock.after(timeoutMs, () => resolve(undefined));
      this.#net.send(this.id, peer, () => {
        void this.#net.online(peer)?.answer(this.id, bytes, (reply) => {
          this.#net.send(peer, this.id, () => resolve(reply));
        });
      });
    });
    if (!answer || !this.#handlers) throw new AppError('NET_TIMEOUT', `no answer from ${peer}`);
    const response = tryDecode(SyncResponse, answer);
    const wrong = !response
      ? fault('wire.malformed', { request: request.type })
      : response.type !== request.type && response.type !== 'unavailable'
        ? fault('wire.unasked', { asked: request.type, got: response.type })
        : undefined;
    if (!wrong) return response!;
    this.charge(peer, wrong);
    throw new AppError('NET_MALFORMED', `${peer}: ${wrong.fault}`);
  }

  async answer(peer: string, bytes: Uint8Array, reply: (bytes: Uint8Array) => void): Promise<void> {
    const request = tryDecode(SyncRequest, bytes);
    if (!request) return this.charge(peer, fault('wire.malformed', { protocol: 'sync' }));
    const response = await this.#handlers?.onRequest(peer, request);
    if (!response) return;
    if (isFault(response)) return this.charge(peer, response);
    reply(encode(SyncResponse, response));
  }

  /** Channels have a simulation of their own (test/channel-sim). */
  async ask(peer: string): Promise<never> {
    throw new AppError('NET_CLOSED', peer);
  }

  async announceBlock(announce: BlockAnnounce): Promise<void> {
    this.#net.hooks.onBlock(this.id, announce.block);
    this.#publish('blocks', encode(BlockAnnounce, announce));
  }

  async announceTx(announce: TxAnnounce): Promise<void> {
    this.#publish('txs', encode(TxAnnounce, announce));
  }

  async announceOffer(offer: Offer): Promise<number> {
    this.#publish('offers', encode(Offer, offer));
    return this.peers().length;
  }

  /** Publishes any bytes, for peers that do not keep to the formats. */
  publishBytes(topic: Topic, bytes: Uint8Array): void {
    this.#publish(topic, bytes);
  }

  #publish(topic: Topic, bytes: Uint8Array): void {
    if (!this.#handlers) throw new AppError('NET_CLOSED', 'the transport is stopped');
    if (bytes.length > GOSSIP_BYTES_MAX) throw new AppError('NET_TOO_LARGE', topic);
    const id = toHex(plainHash(bytes));
    this.#seen.set(id, true);
    this.#pass({ topic, id, bytes }, undefined);
  }

  #pass(message: Announced, from: string | undefined): void {
    for (const peer of this.#connected) if (peer !== from) this.#offer(peer, message, OFFERS);
  }

  #offer(peer: string, message: Announced, offers: number): void {
    const arrive = () => void this.#net.online(peer)?.receive(this.id, message);
    if (this.#net.send(this.id, peer, arrive) || offers <= 1) return;
    this.#net.clock.after(1000, () => {
      if (this.#handlers && this.#connected.has(peer)) this.#offer(peer, message, offers - 1);
    });
  }

  async receive(from: string, message: Announced): Promise<void> {
    if (!this.#handlers || !this.#connected.has(from)) return;
    if (this.#seen.has(message.id)) return;
    const verdict = await this.#judge(from, message);
    if (isFault(verdict)) this.charge(from, verdict);
    if (verdict === 'accept') this.#pass(message, from);
  }

  async #judge(from: string, { topic, id, bytes }: Announced): Promise<Verdict> {
    const now = this.#nowMs();
    if (!this.#flood.take(from, 1, now)) return fault('wire.rate', { what: 'gossip' });
    if (!this.#rate.take(from, 1, now)) return 'ignore';
    this.#seen.set(id, true);
    const { onBlock, onTx, onOffer } = this.#handlers!;
    if (topic === 'offers') return judged(Offer, bytes, (offer) => onOffer(from, offer));
    return topic === 'blocks'
      ? judged(BlockAnnounce, bytes, (announce) => onBlock(from, announce))
      : judged(TxAnnounce, bytes, (announce) => onTx(from, announce));
  }
}

/** By the bytes that a message's peers pass on; no value is ever written to, so one does for all peers. */
const decoded = new WeakMap<Uint8Array, unknown>();

async function judged<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  judge: (value: T) => Promise<Verdict>,
): Promise<Verdict> {
  if (!decoded.has(bytes)) decoded.set(bytes, tryDecode(codec, bytes));
  const value = decoded.get(bytes) as T | undefined;
  return value ? await judge(value) : fault('wire.malformed', { what: 'gossip' });
}
