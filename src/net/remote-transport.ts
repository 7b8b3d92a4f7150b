/**
 * A transport in another thread, over a port whose other end has `servePageTransport`: where data channels
 * cannot be moved to a worker, libp2p runs on the page, and the worker uses this transport in its place.
 */
import type { AskerFrame, ProviderFrame } from '../core/ask-messages.ts';
import type { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../core/messages.ts';
import type { Fault } from '../core/faults.ts';
import type { Offer } from '../core/offer.ts';
import { AppError } from '../lib/errors.ts';
import { connect, expose, transfer, type Port } from '../lib/rpc.ts';
import type { AskReceiver, AskStream } from './asking/ask-stream.ts';
import { useStream } from './asking/port-stream.ts';
import {
  type Handlers,
  NO_TRAFFIC,
  type PeerInfo,
  type Traffic,
  type Transport,
  type Verdict,
} from './transport.ts';

/** What the page needs in order to make its transport. */
export interface RemoteOptions {
  readonly chainId: number;
  readonly version?: number;
  readonly bootstrap: readonly string[];
}

/** Worker to page. */
export type TransportApi = {
  /** `serves`: whether there is a handler of streams that ask. */
  start(options: RemoteOptions, serves: boolean): Promise<void>;
  stop(): Promise<void>;
  request(peer: string, request: SyncRequest, timeoutMs?: number): Promise<SyncResponse>;
  /** Opens a stream, to be used over `port` (asking/port-stream.ts). */
  ask(peer: string, port: MessagePort): Promise<void>;
  announceBlock(announce: BlockAnnounce): Promise<void>;
  announceTx(announce: TxAnnounce): Promise<void>;
  announceOffer(offer: Offer): Promise<number>;
  charge(peer: string, fault: Fault): Promise<void>;
};
/** Page to worker: peers and addresses, sent before the answer to a call that changed them. */
export interface TransportState {
  readonly id: string | undefined;
  readonly peers: readonly PeerInfo[];
  readonly addresses: readonly string[];
}
export type TransportEvents = { state: TransportState; traffic: Traffic };
/** Page to worker: the handlers that judge and answer. */
export type HandlersApi = {
  onRequest(peer: string, request: SyncRequest): Promise<SyncResponse | Fault>;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  onTx(peer: string, announce: TxAnnounce): Promise<Verdict>;
  onOffer(peer: string, offer: Offer): Promise<Verdict>;
  /** A peer's stream, to be used over the port. */
  onAsk(port: MessagePort): void;
};

/** `id`, `peers` and `addresses` are those that the page sent last. Start the transport once. */
export function createRemoteTransport(
  port: Port,
  { chainId, version, bootstrap }: RemoteOptions,
): Transport {
  const page = connect<TransportApi, TransportEvents>(port);
  let state: TransportState = { id: undefined, peers: [], addresses: [] };
  let traffic = NO_TRAFFIC;
  let isRunning = false;
  /** Until the page has started its transport, calls fail as a real one's do: they would wait for libp2p to load. */
  const running = (): typeof page => {
    if (!isRunning) throw new AppError('NET_CLOSED', 'the transport is not running');
    return page;
  };
  return {
    async start(handlers: Handlers) {
      const { onRequest, onBlock, onTx, onOffer } = handlers;
      page.on('state', (sent) => {
        state = sent;
        isRunning = true;
        handlers.onPeers(sent.peers);
      });
      page.on('traffic', (sent) => (traffic = sent));
      const onAsk = (asked: MessagePort): void =>
        useStream<ProviderFrame, AskerFrame>(asked, (stream, open) =>
          handlers.onAsk!(stream, open!),
        );
      expose<HandlersApi>({ onRequest, onBlock, onTx, onOffer, onAsk }, port);
      // Not awaited: the page may still be loading libp2p, or be offline, and the chain works without a network.
      // These alone: what else a caller gives may be nothing that goes through a port.
      const options = { chainId, bootstrap, ...(version !== undefined && { version }) };
      void page.start(options, handlers.onAsk !== undefined).catch(() => undefined);
    },
    async stop() {
      await page.stop();
      isRunning = false;
    },
    ownId: () => state.id,
    peers: () => state.peers,
    addresses: () => state.addresses,
    traffic: () => traffic,
    async request(peer, request, timeoutMs) {
      return await running().request(peer, request, timeoutMs);
    },
    async ask(peer, receiverOf) {
      const asked = running();
      const { port1, port2 } = new MessageChannel();
      const opened = Promise.withResolvers<AskStream<AskerFrame>>();
      const open = (stream: AskStream<AskerFrame>): AskReceiver<ProviderFrame> => {
        const receiver = receiverOf(stream);
        opened.resolve(stream);
        return receiver;
      };
      useStream<AskerFrame, ProviderFrame>(port1, open);
      try {
        await asked.ask(peer, transfer(port2, [port2]));
        return await opened.promise;
      } catch (e) {
        port1.close();
        throw e;
      }
    },
    async announceBlock(announce) {
      await running().announceBlock(announce);
    },
    async announceTx(announce) {
      await running().announceTx(announce);
    },
    async announceOffer(offer) {
      return running().announceOffer(offer);
    },
    charge: (peer, fault) => void page.charge(peer, fault).catch(() => undefined),
  };
}

/** In place of `servePageTransport` where libp2p could not be loaded: every call fails, none waits. */
export function refuseTransport(port: Port): void {
  const refuse = (): Promise<never> =>
    Promise.reject(new AppError('NET_CLOSED', 'the page could not load its transport'));
  expose<TransportApi>(
    {
      start: refuse,
      stop: async () => undefined,
      request: refuse,
      ask: refuse,
      announceBlock: refuse,
      announceTx: refuse,
      announceOffer: refuse,
      charge: refuse,
    },
    port,
  );
}
