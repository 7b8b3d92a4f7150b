/**
 * The network as one client sees it: peers that tell it what an attack wants told, and answer from a source. It is a
 * Transport like libp2p's, without a network in between, so that a verdict comes back as the client gave it.
 */
import { penaltyOf, type Fault } from '../../../src/core/faults.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import type { Block, SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { BAN_AT } from '../../../src/net/penalties.ts';
import {
  type Handlers,
  NO_TRAFFIC,
  type PeerInfo,
  type Transport,
  type Verdict,
} from '../../../src/net/transport.ts';

const closed = (why: string): AppError => new AppError('NET_CLOSED', why);

export type AnswerOf = (peer: string, request: SyncRequest) => Promise<SyncResponse>;

export class Wire implements Transport {
  readonly #answer: AnswerOf;
  readonly #peers = new Set<string>();
  readonly #points = new Map<string, number>();
  #handlers: Handlers | undefined;
  #sequence = 0;

  constructor(answer: AnswerOf) {
    this.#answer = answer;
  }

  /** A peer that connects, unless it is here. */
  join(peer: string): void {
    if (this.#peers.has(peer)) return;
    this.#peers.add(peer);
    this.#handlers?.onPeers(this.peers());
  }

  /** It disconnects, and nothing of it is asked any more. */
  leave(peer: string): void {
    if (this.#peers.delete(peer)) this.#handlers?.onPeers(this.peers());
  }

  async tell(peer: string, block: Block): Promise<Verdict> {
    this.join(peer);
    const verdict = await this.#heard().onBlock(peer, { block, sequence: ++this.#sequence });
    return this.#charged(peer, verdict);
  }

  async tellTx(peer: string, tx: SignedTx): Promise<Verdict> {
    this.join(peer);
    const verdict = await this.#heard().onTx(peer, { tx, sequence: ++this.#sequence });
    return this.#charged(peer, verdict);
  }

  points(peer: string): number {
    return this.#points.get(peer) ?? 0;
  }

  #heard(): Handlers {
    if (!this.#handlers) throw closed('not started');
    return this.#handlers;
  }

  #charged(peer: string, verdict: Verdict): Verdict {
    if (typeof verdict === 'object') this.charge(peer, verdict);
    return verdict;
  }

  async start(handlers: Handlers): Promise<void> {
    this.#handlers = handlers;
    handlers.onPeers(this.peers());
  }

  async stop(): Promise<void> {
    this.#handlers = undefined;
  }

  ownId = (): string => 'judge';
  addresses = (): readonly string[] => [];
  traffic = () => NO_TRAFFIC;

  peers(): PeerInfo[] {
    return [...this.#peers].map((id) => ({
      id,
      origin: id === 'honest' ? 'configured' : 'inbound',
      link: 'websocket',
      address: `/dns4/${id}.example/tcp/1/ws`,
      penalty: this.points(id),
    }));
  }

  async request(peer: string, request: SyncRequest): Promise<SyncResponse> {
    if (!this.#peers.has(peer)) throw closed(peer);
    return await this.#answer(peer, request);
  }

  async ask(): Promise<never> {
    throw closed('nobody answers questions here');
  }

  async announceBlock(): Promise<void> {}
  async announceTx(): Promise<void> {}
  announceOffer = async (): Promise<number> => 0;

  charge(peer: string, fault: Fault): void {
    const points = this.points(peer) + penaltyOf(fault);
    this.#points.set(peer, points);
    if (points >= BAN_AT) this.leave(peer);
  }
}
