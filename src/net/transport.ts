/** What the rest of Pila sees of the network: peers, requests, gossip. It never decides validity. */
import type { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../core/messages.ts';
import type { Fault } from '../core/faults.ts';
import type { Traffic } from './traffic.ts';

export type Link = 'websocket' | 'webrtc' | 'webrtc-direct' | 'relayed';
export interface PeerInfo {
  readonly id: string;
  readonly link: Link;
  readonly address: string;
  /** Penalties so far; banned at 100. */
  readonly penalty: number;
}

/** `accept` is relayed, `ignore` is dropped, a fault is dropped and charged to the sender. */
export type Verdict = 'accept' | 'ignore' | Fault;

export interface Handlers {
  /** Answers a peer's request; a returned fault is charged to the peer. */
  onRequest(peer: string, request: SyncRequest): Promise<SyncResponse | Fault>;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  onTx(peer: string, announce: TxAnnounce): Promise<Verdict>;
  /** Someone joined or left. */
  onPeers(peers: readonly PeerInfo[]): void;
}

export interface Transport {
  start(handlers: Handlers): Promise<void>;
  stop(): Promise<void>;
  peers(): readonly PeerInfo[];
  /** Since the start. */
  traffic(): Traffic;
  /** Multiaddrs that others can dial. */
  addresses(): readonly string[];
  /** @throws AppError NET_TIMEOUT, NET_CLOSED, NET_MALFORMED (the peer is charged) */
  request(peer: string, request: SyncRequest, timeoutMs?: number): Promise<SyncResponse>;
  announceBlock(announce: BlockAnnounce): Promise<void>;
  announceTx(announce: TxAnnounce): Promise<void>;
  /** Charges a peer for a fault; at 100 it is disconnected and banned for a while. */
  charge(peer: string, fault: Fault): void;
}
