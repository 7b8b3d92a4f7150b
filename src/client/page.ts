/** The page's side of the client: starts the client worker and lends it peer connections. */
import { connect, transfer, workerFailure } from '../lib/rpc.ts';
import { canBridgeRtc, serveRtc } from '../net/rtc-page.ts';
import type { ClientApi, ClientConfig, ClientEvent } from './api.ts';
import type { WorkerApi, WorkerEvents } from './worker-api.ts';

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
    await client.init(config, lendRtc());
  } catch (e) {
    worker.terminate();
    throw e;
  }
  return { client, on: (hear) => client.on('event', hear) };
}

function lendRtc(): MessagePort | undefined {
  if (!canBridgeRtc()) return undefined;
  const { port1, port2 } = new MessageChannel();
  serveRtc(port1);
  return transfer(port2, [port2]);
}
