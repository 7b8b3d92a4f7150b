/**
 * What gossip costs in a large network: a thousand browsers and a seed, with the product's own policy of records
 * and gossipsub's mesh by the product's degrees. Browsers come and go, meet through the seed, and tell their
 * records; a block goes round each minute, and offers if all of them are providers, by the product's book.
 * Messages are sizes only: nothing is signed or checked.
 */
import { createOfferBook } from '../../src/client/channels/offer-book.ts';
import type { Offer } from '../../src/core/offer.ts';
import { GOSSIP_RATE } from '../../src/net/gossip.ts';
import { CONNECTIONS_MAX, GOSSIP_FACTOR, GOSSIP_MESH } from '../../src/net/host.ts';
import { DEGREE } from '../../src/net/mesh.ts';
import { RateLimiter } from '../../src/net/rate.ts';
import { RecordPolicy } from '../../src/net/records/record-policy.ts';
import { startTelling } from '../../src/net/records/record-teller.ts';
import { Clock, installTime } from './clock.ts';
import { createRandom, type Random } from './random.ts';

/** Bytes of a record with four relays, and of a block of lingua: measured on the wire. */
const RECORD_BYTES = 518;
const BLOCK_BYTES = 17_321;
/** Of an offer of four models with its frame. */
const OFFER_BYTES = 400;
/** Bytes of an id in IHAVE or IWANT, and of such a message besides. */
const ID_BYTES = 22;
const CONTROL_BYTES = 40;
const BLOCK_MS = 60_000;
/** gossipsub's: ms between heartbeats, those for which an id is offered, and the fewest who are offered it. */
const HEARTBEAT_MS = 1000;
const OFFERED_HEARTBEATS = 3;
const LAZY_MIN = 6;
/** Mean ms that a browser stays. */
const SESSION_MS = 30 * 60_000;
const SEED = 0;
const START_MS = 1_790_000_000_000;

export interface RecordsOptions {
  readonly peers: number;
  readonly minutes: number;
  readonly seed: number;
  readonly newPolicy?: () => RecordPolicy;
  /** Whether every browser is a provider, too. */
  readonly offers?: boolean;
}

/** Of one minute; bytes are what an online browser received. */
export interface Minute {
  readonly recordBytesPerSecond: number;
  readonly blockBytesPerSecond: number;
  readonly offerBytesPerSecond: number;
  /** Mean number of offers that a browser knows. */
  readonly offersKnown: number;
  /** Of all but one in twenty, and of the browser that received the most: one that many dialled. */
  readonly mostBytesPerSecond: number;
  readonly worstBytesPerSecond: number;
  readonly toldPerSecond: number;
  readonly seedSentBytesPerSecond: number;
  /** Mean number of neighbours. */
  readonly neighbours: number;
  /** Browsers without a neighbour half a minute after they came. */
  readonly alone: number;
}

type Kind = 'record' | 'block' | 'offer';
const BYTES: Readonly<Record<Kind, number>> = {
  record: RECORD_BYTES,
  block: BLOCK_BYTES,
  offer: OFFER_BYTES,
};
const nothing = (): Record<Kind, number> => ({ record: 0, block: 0, offer: 0 });
interface Message {
  readonly kind: Kind;
  readonly bytes: number;
  readonly author: number;
  readonly madeMs: number;
  readonly seen: Set<number>;
}

class Peer {
  readonly id: number;
  readonly name: string;
  readonly links = new Set<Peer>();
  readonly mesh = new Set<Peer>();
  readonly policy: RecordPolicy;
  readonly rate = new RateLimiter(GOSSIP_RATE);
  readonly book = createOfferBook();
  /** The serving key. */
  readonly key = new Uint8Array(32);
  readonly gone = new AbortController();
  /** Accepted in the newest heartbeats, the newest first. */
  offered: Message[][] = [[]];
  tellSoon: (() => void) | undefined;
  received = nothing();
  sentBytes = 0;
  readonly cameMs: number;

  constructor(id: number, life: number, policy: RecordPolicy, cameMs: number) {
    this.cameMs = cameMs;
    this.id = id;
    this.name = `${id}.${life}`;
    this.policy = policy;
    new DataView(this.key.buffer).setUint32(0, life);
  }

  get isSeed(): boolean {
    return this.id === SEED;
  }

  get neighbours(): number {
    return this.links.size - (this.isSeed ? 0 : 1);
  }
}

class RecordNetwork {
  readonly #options: RecordsOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #peers = new Map<number, Peer>();
  #told = 0;
  #lives = 0;

  constructor(options: RecordsOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    const { peers } = this.#options;
    this.#peers.set(SEED, this.#newPeer(SEED));
    // All within a minute: a page that was linked to.
    for (let id = 1; id <= peers; id++)
      this.#clock.after(this.#random.between(0, 60_000), () => this.#join(id));
    this.#clock.every(BLOCK_MS, () => this.#publish(this.#random.pick(this.#online()), 'block'));
  }

  minute(): Minute {
    const seed = this.#peers.get(SEED)!;
    for (const peer of [...this.#online(), seed]) peer.received = nothing();
    [this.#told, seed.sentBytes] = [0, 0];
    this.#clock.runAtOnce(this.#clock.nowMs + 60_000);

    // Who came within this minute received less: a mean over a little more than there is.
    const all = this.#online();
    const mean = (of: (peer: Peer) => number): number =>
      all.reduce((sum, peer) => sum + of(peer), 0) / Math.max(1, all.length);
    const isAlone = (peer: Peer): boolean =>
      !peer.neighbours && this.#clock.nowMs - peer.cameMs > 30_000;
    const received = all.map((peer) => peer.received.record / 60).sort((a, b) => a - b);
    return {
      recordBytesPerSecond: mean(({ received }) => received.record) / 60,
      blockBytesPerSecond: mean(({ received }) => received.block) / 60,
      offerBytesPerSecond: mean(({ received }) => received.offer) / 60,
      offersKnown: mean(({ book }) => book.offers(this.#clock.nowMs).length),
      mostBytesPerSecond: received[Math.floor(0.95 * received.length)] ?? 0,
      worstBytesPerSecond: received.at(-1) ?? 0,
      toldPerSecond: this.#told / 60,
      seedSentBytesPerSecond: seed.sentBytes / 60,
      neighbours: mean(({ neighbours }) => neighbours),
      alone: all.filter(isAlone).length,
    };
  }

  #online(): Peer[] {
    return [...this.#peers.values()].filter((peer) => !peer.isSeed);
  }

  #newPeer(id: number): Peer {
    const { newPolicy = () => new RecordPolicy() } = this.#options;
    const peer = new Peer(id, ++this.#lives, newPolicy(), this.#clock.nowMs);
    // Hearts do not beat together.
    this.#clock.after(this.#random.between(0, HEARTBEAT_MS), () => this.#heartbeat(peer));
    return peer;
  }

  #join(id: number): void {
    const peer = this.#newPeer(id);
    this.#peers.set(id, peer);
    this.#link(peer, this.#peers.get(SEED)!);
    const tell = (): boolean => {
      this.#publish(peer, 'record');
      return true;
    };
    peer.tellSoon = startTelling(peer.policy, tell, peer.gone.signal);
    peer.tellSoon();
    if (this.#options.offers) this.#tellOffers(peer);
    this.#clock.after(this.#random.wait(SESSION_MS), () => this.#leave(peer));
  }

  /** As a provider does: as often as its book says. */
  #tellOffers(peer: Peer): void {
    if (peer.gone.signal.aborted) return;
    this.#publish(peer, 'offer');
    const waitMs = peer.book.announceMs(this.#clock.nowMs);
    this.#clock.after(waitMs * this.#random.between(0.75, 1.25), () => this.#tellOffers(peer));
  }

  #leave(peer: Peer): void {
    peer.gone.abort();
    for (const other of peer.links) {
      other.links.delete(peer);
      other.mesh.delete(peer);
    }
    this.#peers.delete(peer.id);
    // The next one comes as long after as keeps the network at its size.
    this.#clock.after(this.#random.wait(1000), () => this.#join(peer.id));
  }

  #link(a: Peer, b: Peer): void {
    a.links.add(b);
    b.links.add(a);
  }

  #publish(peer: Peer, kind: Kind): void {
    if (kind === 'record') this.#told++;
    const message: Message = {
      kind,
      author: peer.id,
      seen: new Set([peer.id]),
      madeMs: this.#clock.nowMs,
      bytes: BYTES[kind],
    };
    // gossipsub floods what is its own.
    for (const other of peer.links) this.#send(peer, other, message);
    peer.offered[0]!.push(message);
  }

  #send(from: Peer, to: Peer, message: Message): void {
    from.sentBytes += message.bytes;
    this.#clock.after(this.#random.between(20, 200), () => this.#receive(from, to, message));
  }

  #receive(from: Peer, to: Peer, message: Message): void {
    if (to.gone.signal.aborted) return;
    to.received[message.kind] += message.bytes;
    if (message.seen.has(to.id)) return;
    message.seen.add(to.id);
    if (!this.#accepts(from, to, message)) return;
    to.offered[0]!.push(message);
    for (const other of to.mesh) if (other !== from) this.#send(to, other, message);
  }

  #accepts(from: Peer, to: Peer, { kind, author, madeMs }: Message): boolean {
    const nowMs = this.#clock.nowMs;
    if (kind === 'block') return to.rate.take(from.name, 1, nowMs);
    const teller = this.#peers.get(author);
    if (kind === 'offer') return !!teller && hears(to, from, teller, { madeMs, nowMs });
    if (!to.policy.mayCome(from.name, nowMs)) return false;
    const verdict = to.policy.judge(teller?.name ?? String(author), madeMs, nowMs);
    if (verdict !== 'drop' && teller && !to.isSeed) this.#meet(to, teller);
    return verdict === 'relay';
  }

  /** As mesh.ts: the smaller id dials at once, the other one a while later; all share the seed as their relay. */
  #meet(self: Peer, other: Peer): void {
    const wants = (): boolean =>
      self !== other &&
      !self.gone.signal.aborted &&
      !other.gone.signal.aborted &&
      self.neighbours < DEGREE &&
      !self.links.has(other) &&
      other.links.size < CONNECTIONS_MAX.browser;
    if (!wants()) return;
    const dial = (): void => {
      if (wants()) this.#link(self, other);
    };
    if (self.name < other.name) return void this.#clock.after(1000, dial);
    self.tellSoon?.();
    this.#clock.after(5000, dial);
  }

  #heartbeat(peer: Peer): void {
    if (peer.gone.signal.aborted) return;
    this.#keepMesh(peer);
    this.#offer(peer);
    peer.offered = [[], ...peer.offered].slice(0, OFFERED_HEARTBEATS);
    this.#clock.after(HEARTBEAT_MS, () => this.#heartbeat(peer));
  }

  #keepMesh(peer: Peer): void {
    const { D, Dlo, Dhi } = GOSSIP_MESH;
    const { mesh, links } = peer;
    const random = this.#random;
    if (mesh.size < Dlo) {
      const others = [...links].filter((other) => !mesh.has(other) && other.mesh.size < Dhi);
      for (const other of random.shuffle(others).slice(0, D - mesh.size)) {
        mesh.add(other);
        other.mesh.add(peer);
      }
    } else if (mesh.size > Dhi) {
      for (const other of random.shuffle([...mesh]).slice(D)) {
        mesh.delete(other);
        other.mesh.delete(peer);
      }
    }
  }

  /** Ids to some who are not in the mesh; they ask for what they have not seen. */
  #offer(peer: Peer): void {
    const messages = peer.offered.flat();
    if (!messages.length) return;
    const others = [...peer.links].filter((other) => !peer.mesh.has(other));
    const factor = GOSSIP_FACTOR[peer.isSeed ? 'seed' : 'browser'];
    const count = Math.max(LAZY_MIN, Math.ceil(factor * others.length));
    for (const other of this.#random.shuffle(others).slice(0, count)) {
      const bytes = CONTROL_BYTES + ID_BYTES * messages.length;
      peer.sentBytes += bytes;
      other.received.record += bytes;
      for (const message of messages)
        if (!message.seen.has(other.id)) this.#send(peer, other, message);
    }
  }
}

function hears(
  to: Peer,
  from: Peer,
  teller: Peer,
  { madeMs, nowMs }: { madeMs: number; nowMs: number },
): boolean {
  const offer = { offer: { provider: teller.key, time: madeMs } } as unknown as Offer;
  return to.book.hear(offer, from.name, nowMs, () => true) === 'kept';
}

/** Bytes a second of records that a browser may receive, whatever the size of the network. */
export const RECORD_BYTES_PER_SECOND = 3000;
/** And of offers, where all are providers. */
export const OFFER_BYTES_PER_SECOND = 5000;

/** Prints minutes of the network. @returns whether records cost no more than they may in any of them */
export function printRecords(options: RecordsOptions): boolean {
  const minutes = simulateRecords(options);
  const columns = [6, 12, 12, 12, 12, 12, 12, 10, 6];
  const row = (...cells: (string | number)[]): void =>
    console.log(
      cells
        .map((cell, i) => (typeof cell === 'number' ? cell.toFixed(i ? 1 : 0) : cell))
        .map((cell, i) => cell.padStart(columns[i]!))
        .join(' '),
    );
  console.log(`${options.peers} browsers and a seed; bytes that a browser receives in a second`);
  row(
    'minute',
    'records',
    '95 %',
    'most',
    'blocks',
    'told a s',
    'seed sends',
    'neighbours',
    'alone',
  );
  for (const [i, at] of minutes.entries()) {
    if (i > 4 && (i + 1) % 5) continue;
    const { recordBytesPerSecond, mostBytesPerSecond, worstBytesPerSecond } = at;
    const bytes = [recordBytesPerSecond, mostBytesPerSecond, worstBytesPerSecond] as const;
    const rest = [at.toldPerSecond, at.seedSentBytesPerSecond, at.neighbours, at.alone] as const;
    row(i + 1, ...bytes, at.blockBytesPerSecond, ...rest);
  }
  const most = Math.max(...minutes.map((at) => at.recordBytesPerSecond));
  const isLess = most <= RECORD_BYTES_PER_SECOND;
  console.log(
    `records: at most ${most.toFixed(0)} bytes a peer and second, ${isLess ? 'within' : 'OVER'} ` +
      `${RECORD_BYTES_PER_SECOND}`,
  );
  if (!options.offers) return isLess;
  const worst = Math.max(...minutes.map((at) => at.offerBytesPerSecond));
  console.log(
    `offers: at most ${worst.toFixed(0)} bytes a peer and second of ${OFFER_BYTES_PER_SECOND}; ` +
      `${minutes.at(-1)!.offersKnown.toFixed(0)} known to each at the end`,
  );
  return isLess && worst <= OFFER_BYTES_PER_SECOND;
}

/** Runs the network. @returns its minutes; this process has its own clock and random numbers again */
export function simulateRecords(options: RecordsOptions): Minute[] {
  const clock = new Clock(START_MS);
  const random = createRandom(options.seed, 'records');
  const putBack = installTime(clock, createRandom(options.seed, 'platform'));
  try {
    const network = new RecordNetwork(options, clock, random);
    network.start();
    return Array.from({ length: options.minutes }, () => network.minute());
  } finally {
    putBack();
  }
}
