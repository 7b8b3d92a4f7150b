/** The page's side of remote-transport.ts: a real transport that the page runs for a worker. Loads libp2p. */
import type { AskerFrame, ProviderFrame } from '../core/ask-messages.ts';
import { AppError } from '../lib/errors.ts';
import { connect, expose, transfer, type Port, type RpcClient } from '../lib/rpc.ts';
import type { AskReceiver, AskStream, OnAsk } from './asking/ask-stream.ts';
import { lendStream, type LentStream } from './asking/port-stream.ts';
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
  let workerGone = (): void => undefined;
  const handlers = connect<HandlersApi>(port, {
    failed: (die) => (workerGone = () => die('the worker is gone')),
  });
  const lending = createLending(handlers);
  let transport: Transport | undefined;
  let sent = '';

  /** Sends the state only if it has changed: a request was charged, or a peer came or went. */
  const sendState = (from: Transport): void => {
    const state: TransportState = {
      id: from.ownId(),
      peers: from.peers(),
      addresses: from.addresses(),
    };
    const text = JSON.stringify(state);
    if (text === sent) return;
    sent = text;
    emit('state', state);
  };
  const use = async <T>(run: (started: Transport) => T | Promise<T>): Promise<T> => {
    if (!transport) throw new AppError('NET_CLOSED', 'the transport is not running');
    const started = transport;
    try {
      return await run(started);
    } finally {
      emit('traffic', started.traffic());
      sendState(started);
    }
  };

  const { emit } = expose<TransportApi, TransportEvents>(
    {
      async start(options, serves) {
        transport ??= create(options);
        await use((made) =>
          made.start({
            onRequest: (peer, request) => handlers.onRequest(peer, request),
            onBlock: (peer, announce) => handlers.onBlock(peer, announce),
            onTx: (peer, announce) => handlers.onTx(peer, announce),
            onOffer: (peer, offer) => handlers.onOffer(peer, offer),
            ...(serves && { onAsk: lending.onAsk }),
            onPeers: () => sendState(made),
          }),
        );
      },
      stop: async () => {
        if (transport) await use((t) => t.stop());
      },
      request: (peer, request, timeoutMs) => use((t) => t.request(peer, request, timeoutMs)),
      ask: (peer, asked) => use((t) => lending.ask(t, peer, asked)),
      announceBlock: (announce) => use((t) => t.announceBlock(announce)),
      announceTx: (announce) => use((t) => t.announceTx(announce)),
      announceOffer: (offer) => use((t) => t.announceOffer(offer)),
      charge: (peer, fault) => use((t) => t.charge(peer, fault)),
    },
    port,
  );
  return () => {
    workerGone();
    lending.end();
    void transport?.stop().catch(() => undefined);
  };
}

/** The streams that the worker uses. */
function createLending(handlers: RpcClient<HandlersApi>) {
  const lent = new Set<{ fail(): void }>();

  function keep<In>(stream: LentStream<In>): AskReceiver<In> {
    lent.add(stream);
    return {
      onFrame: stream.receiver.onFrame,
      isHeld: stream.receiver.isHeld,
      onGone() {
        lent.delete(stream);
        stream.receiver.onGone();
      },
    };
  }

  const onAsk: OnAsk = async (stream, open) => {
    const { port1, port2 } = new MessageChannel();
    const lending = lendStream<ProviderFrame, AskerFrame>(stream, port1, open);
    const receiver = keep(lending);
    try {
      await handlers.onAsk(transfer(port2, [port2]));
      if (await lending.isTaken) return receiver;
      // What the worker has said goes out before.
      await stream.close();
      receiver.onGone();
      return undefined;
    } catch (e) {
      receiver.onGone();
      throw e;
    }
  };

  async function ask(transport: Transport, peer: string, port: MessagePort): Promise<void> {
    let isTaken: Promise<boolean> | undefined;
    const receiverOf = (stream: AskStream<AskerFrame>): AskReceiver<ProviderFrame> => {
      const lending = lendStream<AskerFrame, ProviderFrame>(stream, port);
      isTaken = lending.isTaken;
      return keep(lending);
    };
    await transport.ask(peer, receiverOf);
    await isTaken;
  }

  return {
    onAsk,
    ask,
    /** The worker is gone. */
    end: () => lent.forEach((stream) => stream.fail()),
  };
}
