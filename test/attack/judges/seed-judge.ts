/**
 * A seed as a judge: a real process, told over libp2p by hosts of our own. Its verdicts are read in its log, since it
 * tells nobody else; that it has taken a block, by its RPC.
 */
import { multiaddr } from '@multiformats/multiaddr';
import type { Seed } from '../../../e2e/support/seed.ts';
import { encode } from '../../../src/core/codec.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { FAULTS, type FaultCode } from '../../../src/core/faults.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { BlockAnnounce, TxAnnounce, type Block } from '../../../src/core/messages.ts';
import { PROTOCOL_VERSION } from '../../../src/core/params.ts';
import { txBytes, txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { blockTopic, txTopic } from '../../../src/net/gossip.ts';
import { createHost } from '../../../src/net/host.ts';
import { createSync } from '../../../src/net/sync.ts';
import { HONEST, type Heard, type Judge } from './judge.ts';
import type { AnswerOf } from './wire.ts';

/** ms in which a seed has judged one message. */
const VERDICT_MS = 60_000;
/** ms after which a block that has no verdict yet is followed by one that is sure to be refused. */
const DROPPED_MS = 1_500;
/** ms in which a seed has heard a transaction, and judged it. */
const HEARD_MS = 250;
const LOOK_MS = 10;

export const sleep = (ms: number): Promise<void> => new Promise((r) => setTimeout(r, ms));

/** Polls until there is a value. */
export async function until<T>(
  what: string,
  get: () => T | undefined | Promise<T | undefined>,
  ms = VERDICT_MS,
): Promise<T> {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(LOOK_MS)) {
    const value = await get();
    if (value !== undefined) return value;
  }
  throw new Error(`never happened: ${what}`);
}

export async function fetchConfig(seed: Seed): Promise<{ bootstrap: string[]; genesis: string }> {
  return await (await fetch(`http://127.0.0.1:${seed.port}/config.json`)).json();
}

const fieldOf = (line: string, name: string): string | undefined =>
  new RegExp(` ${name}="?([^ "]+)`).exec(line)?.[1];

/** A peer of our own, over libp2p. */
interface Host {
  readonly id: string;
  publish(topic: string, data: Uint8Array): Promise<unknown>;
  isConnected(): boolean;
  stop(): Promise<void>;
}

export interface SeedJudgeOptions {
  readonly seed: Seed;
  readonly chainId: number;
  readonly genesisId: Uint8Array;
  readonly answer: AnswerOf;
  /** A block on the head that breaks the rule MARK. */
  readonly marker: (told: Block) => Promise<Block>;
}

/** What a marker is refused for. */
export const MARK = 'header.version';

export class SeedJudge implements Judge {
  readonly name = 'seed';
  readonly seed: Seed;
  readonly #chainId: number;
  readonly #idOf: (tx: SignedTx) => Uint8Array;
  readonly #bootstrap: string;
  readonly #answer: AnswerOf;
  readonly #marker: (told: Block) => Promise<Block>;
  readonly #hosts = new Map<string, Promise<Host>>();
  #sequence = 0;

  private constructor(options: SeedJudgeOptions, bootstrap: string) {
    this.seed = options.seed;
    this.#chainId = options.chainId;
    this.#idOf = ({ tx }) => txId(options.genesisId, tx);
    this.#bootstrap = bootstrap;
    this.#answer = options.answer;
    this.#marker = options.marker;
  }

  static async open(options: SeedJudgeOptions): Promise<SeedJudge> {
    const { bootstrap } = await fetchConfig(options.seed);
    return new SeedJudge(options, bootstrap[0]!);
  }

  async tell(peer: string, block: Block): Promise<Heard> {
    const { id, publish } = await this.#host(peer);
    const before = this.#refusals(id).length;
    const data = encode(BlockAnnounce, { block, sequence: ++this.#sequence });
    await publish(blockTopic(this.#chainId), data);
    // Whoever is honest waits for the head, and asks no verdict.
    if (peer === HONEST) return { verdict: 'accept', points: 0 };
    const hex = toHex(blockId(block.header));
    const isLate = Date.now() + DROPPED_MS;
    let isMarked = false;
    return await until('a verdict on the block', async () => {
      const refusal = this.#refusals(id)[before];
      const verdict = refusal && (fieldOf(refusal, 'fault') as FaultCode);
      if (await this.#has(hex)) return { verdict: 'accept', points: 0 };
      // Blocks are judged one after the other: this one was dropped without a word.
      if (isMarked && verdict === MARK) return { verdict: 'ignore', points: 0 };
      if (verdict) return { verdict, points: await this.#pointsFor(id, verdict) };
      if (Date.now() > isLate && !isMarked) {
        isMarked = true;
        const marked = { block: await this.#marker(block), sequence: ++this.#sequence };
        await publish(blockTopic(this.#chainId), encode(BlockAnnounce, marked));
      }
      return undefined;
    });
  }

  /** Points for one fault; a seed writes the charge right behind the verdict. */
  async #pointsFor(id: string, verdict: FaultCode): Promise<number> {
    const find = () =>
      this.#charges(id).findLast((line) => fieldOf(line, 'fault')?.startsWith(verdict));
    for (let looks = 0; looks < 10 && !find(); looks++) await sleep(LOOK_MS);
    const line = find();
    return line ? Number(fieldOf(line, 'points')) : 0;
  }

  async tellTx(peer: string, tx: SignedTx): Promise<Heard> {
    const { publish } = await this.#host(peer);
    const charged = await this.points(peer);
    await publish(txTopic(this.#chainId), encode(TxAnnounce, { tx, sequence: ++this.#sequence }));
    const isCharged = async () => (await this.points(peer)) > charged || undefined;
    const isKnown = async () => (await this.#knowsTx(this.#idOf(tx))) || undefined;
    const end = Date.now() + HEARD_MS;
    while (Date.now() < end && !(await isKnown()) && !(await isCharged())) await sleep(LOOK_MS);
    if (await isKnown()) return { verdict: 'accept', points: 0 };
    // Its own RPC says the rule, and charges nobody.
    const verdict = await this.seed.rpc('submitTransaction', toHex(txBytes(tx))).then(
      () => 'accept' as const,
      (e: Error) => e.message.split(' ')[0] as FaultCode,
    );
    if (verdict !== 'accept' && FAULTS[verdict].penalty)
      await until('the charge for the transaction', isCharged);
    return { verdict, points: (await this.points(peer)) - charged };
  }

  async head(): Promise<string> {
    return (await this.seed.rpc('status')).head;
  }

  /** Of its log, since it disconnects who has 100. */
  async points(peer: string): Promise<number> {
    const host = await this.#hosts.get(peer);
    if (!host) return 0;
    const each = this.#charges(host.id).map((line) => Number(fieldOf(line, 'points')));
    return each.reduce((sum, points) => sum + points, 0);
  }

  #charges(id: string): string[] {
    return this.seed.log.filter((l) => l.includes('peer.charged') && l.includes(id));
  }

  async meet(peer: string): Promise<void> {
    await this.#host(peer);
  }

  async leave(peer: string): Promise<void> {
    const host = this.#hosts.get(peer);
    this.#hosts.delete(peer);
    await (await host)?.stop();
  }

  words(): string[] {
    return this.seed.log.slice(-20);
  }

  async stop(): Promise<void> {
    for (const host of this.#hosts.values()) await (await host).stop();
  }

  #refusals(id: string): string[] {
    return this.seed.log.filter((l) => l.includes('block.refused') && l.includes(id));
  }

  #has(id: string): Promise<boolean> {
    return this.seed.rpc('getBlock', id).then(
      () => true,
      () => false,
    );
  }

  #knowsTx(id: Uint8Array): Promise<boolean> {
    return this.seed.rpc('getTransaction', toHex(id)).then(
      ({ position }) => position === null,
      () => false,
    );
  }

  /** The peer's host. While units are forged this process may be silent for so long that the seed hangs up. */
  async #host(peer: string): Promise<Host> {
    const known = await this.#hosts.get(peer);
    if (known && (known.isConnected() || peer !== HONEST)) return known;
    await known?.stop();
    const opened = this.#connect(peer);
    this.#hosts.set(peer, opened);
    return opened;
  }

  /** A host that announces what it likes, and answers from the attack's source. */
  async #connect(peer: string): Promise<Host> {
    const topics = [blockTopic(this.#chainId), txTopic(this.#chainId)];
    const gater = { denyDialMultiaddr: () => false };
    const host = await createHost({ role: 'node', topics, gater, log: silentLog });
    await host.start();
    const nothing = async () => 'ignore' as const;
    await createSync({
      host,
      chainId: this.#chainId,
      handlers: {
        onRequest: async (_, request) => this.#answer(peer, request),
        onBlock: nothing,
        onTx: nothing,
        onOffer: nothing,
        onPeers: () => undefined,
      },
      version: PROTOCOL_VERSION,
      charge: () => undefined,
      log: silentLog,
    });
    await host.dial(multiaddr(this.#bootstrap));
    const { pubsub } = host.services;
    const isConnected = (): boolean => host.getConnections().length > 0;
    // A seed asks at once, and hangs up on a liar, at times before it has said what it subscribes to: both have met.
    const hears = (): boolean => topics.every((t) => pubsub.getSubscribers(t).length > 0);
    await until('the seed subscribed', () => hears() || !isConnected() || undefined);
    // That came in; what is published before there is a way out is dropped without a word.
    const { streamsOutbound } = pubsub as unknown as { streamsOutbound: Map<string, unknown> };
    const isHeard = (): boolean => streamsOutbound.size > 0;
    await until('there is a way to the seed', () => isHeard() || !isConnected() || undefined);
    return {
      id: host.peerId.toString(),
      publish: (topic, data) => pubsub.publish(topic, data),
      isConnected,
      stop: async () => void (await host.stop()),
    };
  }
}
