/** The page's side of remote-transport.ts: a real transport that the page runs for a worker. Loads libp2p. */
import { connect, expose, type Port } from '../lib/rpc.ts';
import { createTransport } from './create-transport.ts';
import type {
  HandlersApi,
  RemoteOptions,
  TransportApi,
  TransportEvents,
  TransportState,
} from './remote-transport.ts';
import type { Transport } from './transport.ts';

/** Serves one transport, made at the worker's `start`; the returned function stops it. */
export function servePageTransport(
  port: Port,
  create = (options: RemoteOptions): Transport => createTransport({ ...options, role: 'browser' }),
): () => void {
  const handlers = connect<HandlersApi>(port);
  let transport: Transport | undefined;
  let sent = '';

  /** Sends the state only if it has changed: a request was charged, or a peer came or went. */
  const sendState = (from: Transport): void => {
    const state: TransportState = { peers: from.peers(), addresses: from.addresses() };
    const text = JSON.stringify(state);
    if (text === sent) return;
    sent = text;
    emit('state', state);
  };
  const use = async <T>(run: (started: Transport) => T | Promise<T>): Promise<T> => {
    const started = transport!;
    try {
      return await run(started);
    } finally {
      emit('traffic', started.traffic());
      sendState(started);
    }
  };

  const { emit } = expose<TransportApi, TransportEvents>(
    {
      async start(options) {
        transport ??= create(options);
        await use((made) =>
          made.start({
            onRequest: (peer, request) => handlers.onRequest(peer, request),
            onBlock: (peer, announce) => handlers.onBlock(peer, announce),
            onTx: (peer, announce) => handlers.onTx(peer, announce),
            onPeers: () => sendState(made),
          }),
        );
      },
      stop: () => use((t) => t.stop()),
      request: (peer, request, timeoutMs) => use((t) => t.request(peer, request, timeoutMs)),
      announceBlock: (announce) => use((t) => t.announceBlock(announce)),
      announceTx: (announce) => use((t) => t.announceTx(announce)),
      charge: (peer, fault) => use((t) => t.charge(peer, fault)),
    },
    port,
  );
  return () => void transport?.stop().catch(() => undefined);
}
