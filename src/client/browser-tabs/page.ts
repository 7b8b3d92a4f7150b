/**
 * The page's side of the client: one engine for all tabs. The tab that leads starts the client worker
 * and lends it peer connections, or where data channels cannot cross (Firefox), a transport that
 * runs here.
 */
import { AppError } from '../../lib/errors.ts';
import { holdLock } from '../../lib/locks.ts';
import { connect, transfer, workerFailure } from '../../lib/rpc.ts';
import { refuseTransport } from '../../net/remote-transport.ts';
import { canBridgeRtc, serveRtc } from '../../net/rtc-page.ts';
import type { ClientApi, ClientConfig, ClientEvent } from '../api.ts';
import type { UnattendedApi } from '../../wallet/vault/vault-api.ts';
import type { TabEngine } from './tab-engine.ts';
import { serveSigners } from './signers-port.ts';
import { createTabs } from './tabs.ts';
import type { Lent, WorkerApi, WorkerEvents } from './worker-api.ts';

export interface PageClient {
  readonly client: ClientApi;
  /** The client’s events. @returns what removes the listener */
  on(listener: (event: ClientEvent) => void): () => void;
  /** Ends the engine if this tab leads, and lets another one lead. */
  leave(): void;
}

/** Version of the messages between tabs: tabs of another version have a channel of their own. */
const TABS_VERSION = 5;

/**
 * @param signers of this page's vault, which the tab that leads lends to its worker; absent: no channels
 * @throws AppError BROWSER_OLD; its calls also with what starting the engine fails with
 */
export async function createPageClient(
  config: ClientConfig,
  signers?: UnattendedApi,
): Promise<PageClient> {
  if (!navigator.locks || typeof BroadcastChannel === 'undefined')
    throw new AppError('BROWSER_OLD', 'no Web Locks or no BroadcastChannel here');
  const place = `pila ${config.network} ${TABS_VERSION}`;
  const tabs = createTabs({
    tab: crypto.randomUUID(),
    openChannel: () => new BroadcastChannel(place),
    lock: (name, signal) => holdLock(`${place} ${name}`, signal),
    startEngine: () => startEngine(config, signers),
  });
  addEventListener('pagehide', () => tabs.leave());
  addEventListener('pageshow', ({ persisted }) => persisted && tabs.rejoin());
  return tabs;
}

/** Starts the client worker. Rejects with the error of `init`. */
async function startEngine(
  config: ClientConfig,
  signers: UnattendedApi | undefined,
): Promise<TabEngine> {
  const worker = new Worker(new URL('../client.worker.ts', import.meta.url), {
    type: 'module',
    name: 'client',
  });
  const { lent, takeBack } = lend(config);
  const signing = signers && lendSigners(signers);
  let die: (reason: string) => void = () => undefined;
  const died = Promise.withResolvers<AppError>();
  const client = connect<WorkerApi, WorkerEvents>(worker, {
    failed(fail) {
      die = fail;
      workerFailure(worker)((reason) => {
        fail(reason);
        died.resolve(new AppError('WORKER_DIED', reason));
      });
    },
  });
  const stop = (): void => {
    worker.terminate();
    takeBack();
    signing?.stop();
    die('this tab leads no longer');
  };
  try {
    await client.init(config, lent, signing?.port);
  } catch (e) {
    stop();
    throw e;
  }
  return { client, on: (listener) => client.on('event', listener), died: died.promise, stop };
}

/** Lends the worker peer connections; none where the browser has no WebRTC: the worker then uses only WebSockets. */
function lend(config: ClientConfig): { lent: Lent | undefined; takeBack: () => void } {
  if (typeof RTCPeerConnection === 'undefined')
    return { lent: undefined, takeBack: () => undefined };
  const { port1, port2 } = new MessageChannel();
  const kind = config.transport !== 'page' && canBridgeRtc() ? 'rtc' : 'transport';
  const lent = transfer<Lent>({ kind, port: port2 }, [port2]);
  if (kind === 'rtc') return { lent, takeBack: serveRtc(port1) };
  // Messages of the worker wait in the port until this module is loaded.
  const served = import('../../net/page-transport.ts').then(
    (m) => m.servePageTransport(port1),
    () => refuseTransport(port1), // Offline and not cached yet: the client runs without peers.
  );
  return { lent, takeBack: () => void served.then((stop) => stop?.()) };
}

function lendSigners(signers: UnattendedApi): { port: MessagePort; stop: () => void } {
  const { port1, port2 } = new MessageChannel();
  return { port: transfer(port2, [port2]), stop: serveSigners(signers, port1) };
}
