/**
 * The page's side of the client: starts the client worker and lends it peer connections, or where
 * data channels cannot cross (Firefox), a transport that runs here.
 */
import { connect, transfer, workerFailure } from '../lib/rpc.ts';
import { canBridgeRtc, serveRtc } from '../net/rtc-page.ts';
import type { ClientApi, ClientConfig, ClientEvent } from './api.ts';
import type { Lent, WorkerApi, WorkerEvents } from './worker-api.ts';

export interface PageClient {
  readonly client: ClientApi;
  /** Hears what the client tells; the result stops it. */
  on(hear: (event: ClientEvent) => void): () => void;
}

/** Fails with what `init` failed with, a second tab's OTHER_TAB among it. */
export async function createPageClient(config: ClientConfig): Promise<PageClient> {
  const worker = new Worker(new URL('./client.worker.ts', import.meta.url), {
    type: 'module',
    name: 'client',
  });
  const client = connect<WorkerApi, WorkerEvents>(worker, { failed: workerFailure(worker) });
  try {
    await client.init(config, lend(config));
  } catch (e) {
    worker.terminate();
    throw e;
  }
  return { client, on: (hear) => client.on('event', hear) };
}

/** undefined where there is no WebRTC at all: the worker then has WebSockets only. */
function lend(config: ClientConfig): Lent | undefined {
  if (typeof RTCPeerConnection === 'undefined') return undefined;
  const { port1, port2 } = new MessageChannel();
  const kind = config.transport !== 'page' && canBridgeRtc() ? 'rtc' : 'transport';
  if (kind === 'rtc') serveRtc(port1);
  // What the worker says meanwhile waits in the port.
  else
    import('../net/page-transport.ts').then(
      (m) => m.servePageTransport(port1),
      () => undefined, // Offline and not cached yet: as a network without peers.
    );
  return transfer<Lent>({ kind, port: port2 }, [port2]);
}
