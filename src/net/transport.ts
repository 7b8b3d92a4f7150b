/** What the rest of Pila sees of the network: peers, requests, gossip. It never decides validity. */
import type { AskerFrame, ProviderFrame } from '../core/ask-messages.ts';
import type { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../core/messages.ts';
import type { Fault } from '../core/faults.ts';
import type { Offer } from '../core/offer.ts';
import type { AskReceiver, AskStream, OnAsk } from './asking/ask-stream.ts';

/** Bytes of messages with peers. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
}
export const NO_TRAFFIC: Traffic = { sentBytes: 0, receivedBytes: 0 };

export type Link = 'websocket' | 'webrtc' | 'webrtc-direct' | 'relayed';
/** How a connection came about: with a seed of the configuration, dialled from here, or dialled by the peer. */
export type Origin = 'configured' | 'outbound' | 'inbound';
export interface PeerInfo {
  readonly id: string;
  readonly origin: Origin;
  readonly link: Link;
  readonly address: string;
  /** Penalty points so far; a peer is banned at 100. */
  readonly penalty: number;
}

/** A message with `accept` is relayed, with `ignore` dropped, with a fault dropped and charged to the sender. */
export type Verdict = 'accept' | 'ignore' | Fault;

export interface Handlers {
  /** Answers a peer's request; a returned fault is charged to the peer. */
  onRequest(peer: string, request: SyncRequest): Promise<SyncResponse | Fault>;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  onTx(peer: string, announce: TxAnnounce): Promise<Verdict>;
  onOffer(peer: string, offer: Offer): Promise<Verdict>;
  /** A peer opens a stream to ask; undefined where this node serves nobody. */
  readonly onAsk?: OnAsk;
  /** Called when a peer joined or left. */
  onPeers(peers: readonly PeerInfo[]): void;
}

export interface Transport {
  start(handlers: Handlers): Promise<void>;
  stop(): Promise<void>;
  /** Its own peer id, as text; undefined before it is started. */
  ownId(): string | undefined;
  /** In the order in which they connected. */
  peers(): readonly PeerInfo[];
  /** Bytes sent and received since the start. */
  traffic(): Traffic;
  /** Multiaddrs that others can dial. */
  addresses(): readonly string[];
  /** @throws AppError NET_TIMEOUT, NET_CLOSED, NET_NEWER (all that it tells is of newer rules), NET_MALFORMED (it is charged) */
  request(peer: string, request: SyncRequest, timeoutMs?: number): Promise<SyncResponse>;
  /**
   * Opens a stream to a provider (asking/ask.ts), which is dialled where there is no connection. `receiver` is made with
   * the stream, so that no frame is missed.
   * @throws AppError NET_UNREACHABLE, NET_CLOSED, NET_TIMEOUT, BUSY
   */
  ask(
    peer: string,
    receiver: (stream: AskStream<AskerFrame>) => AskReceiver<ProviderFrame>,
  ): Promise<AskStream<AskerFrame>>;
  announceBlock(announce: BlockAnnounce): Promise<void>;
  announceTx(announce: TxAnnounce): Promise<void>;
  /**
   * Tells the offer of a provider at this node (docs/protocol.md §9.1).
   * @returns number of peers that it was sent to
   */
  announceOffer(offer: Offer): Promise<number>;
  /** Charges a peer for a fault; at 100 it is disconnected and banned for a while. */
  charge(peer: string, fault: Fault): void;
}
