/**
 * A transport in another thread, over a port whose other end has `servePageTransport`: where data channels
 * cannot be moved to a worker, libp2p runs on the page, and the worker uses this transport in its place.
 */
import type { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../core/messages.ts';
import type { Fault } from '../core/faults.ts';
import { connect, expose, type Port } from '../lib/rpc.ts';
import { NO_TRAFFIC, type Traffic } from './traffic.ts';
import type { Handlers, PeerInfo, Transport, Verdict } from './transport.ts';

/** What the page needs in order to make its transport. */
export interface RemoteOptions {
  readonly chainId: number;
  readonly bootstrap: readonly string[];
}

/** Worker to page. */
export type TransportApi = {
  start(options: RemoteOptions): Promise<void>;
  stop(): Promise<void>;
  request(peer: string, request: SyncRequest, timeoutMs?: number): Promise<SyncResponse>;
  announceBlock(announce: BlockAnnounce): Promise<void>;
  announceTx(announce: TxAnnounce): Promise<void>;
  charge(peer: string, fault: Fault): Promise<void>;
};
/** Page to worker: peers and addresses, sent before the answer to a call that changed them. */
export interface TransportState {
  readonly peers: readonly PeerInfo[];
  readonly addresses: readonly string[];
}
export type TransportEvents = { state: TransportState; traffic: Traffic };
/** Page to worker: the handlers that judge and answer. */
export type HandlersApi = {
  onRequest(peer: string, request: SyncRequest): Promise<SyncResponse | Fault>;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  onTx(peer: string, announce: TxAnnounce): Promise<Verdict>;
};

/** `peers` and `addresses` are those that the page sent last. Start the transport once. */
export function createRemoteTransport(
  port: Port,
  { chainId, bootstrap }: RemoteOptions,
): Transport {
  const page = connect<TransportApi, TransportEvents>(port);
  let state: TransportState = { peers: [], addresses: [] };
  let traffic = NO_TRAFFIC;
  return {
    async start(handlers: Handlers) {
      const { onRequest, onBlock, onTx } = handlers;
      page.on('state', (sent) => {
        state = sent;
        handlers.onPeers(sent.peers);
      });
      page.on('traffic', (sent) => (traffic = sent));
      expose<HandlersApi>({ onRequest, onBlock, onTx }, port);
      // Not awaited: the page may still be loading libp2p, or be offline, and the chain works without a network.
      void page.start({ chainId, bootstrap });
    },
    stop: () => page.stop(),
    peers: () => state.peers,
    addresses: () => state.addresses,
    traffic: () => traffic,
    request: (peer, request, timeoutMs) => page.request(peer, request, timeoutMs),
    announceBlock: (announce) => page.announceBlock(announce),
    announceTx: (announce) => page.announceTx(announce),
    charge: (peer, fault) => void page.charge(peer, fault).catch(() => undefined),
  };
}
