/** The browser's client worker: peers, light chain, IndexedDB; it starts the miner's worker. */
import { createIdbStore } from '../chain/store/idb-store.ts';
import { AppError } from '../lib/errors.ts';
import { holdLock } from '../lib/locks.ts';
import { connect, expose, workerFailure, type Port } from '../lib/rpc.ts';
import { createCacheParts } from '../miner/package/cache-parts.ts';
import type { MinerApi, MinerEvents } from '../miner/engine/miner-api.ts';
import { createOpfsParts } from '../miner/package/opfs-parts.ts';
import { createMemoryParts, type PartStore } from '../miner/package/part-store.ts';
import { createRemoteTransport } from '../net/remote-transport.ts';
import { installRtc } from '../net/rtc-worker.ts';
import { CLIENT_METHODS, type ClientApi, type ClientConfig } from './api.ts';
import { askFaucet } from './wallet/ask-faucet.ts';
import { createClient, type Client } from './client.ts';
import type { StartedTokens, TokenApi } from './models/token-thread.ts';
import type { Platform } from './platform.ts';
import { connectSigners } from './browser-tabs/signers-port.ts';
import type { Lent, WorkerApi, WorkerEvents } from './browser-tabs/worker-api.ts';

const ready = Promise.withResolvers<Client>();
// When `init` fails, the rejection of its call reports the failure.
ready.promise.catch(() => undefined);

/** On the server that the configuration names, or else in the app's folder. */
const serverUrl = ({ server = `${location.origin}/` }: ClientConfig, path: string): string =>
  new URL(path, server).href;

/** Cores that units take by default: with more, phones get hot and slow down. */
const THREADS_UNASKED = 4;
/** GiB of a device's memory for each core: a thread holds up to 0.3 GiB, and phones end tabs that take much. */
const GIB_A_THREAD = 2;
/** GiB of memory that are assumed where a browser does not report it. */
const GIB_ASSUMED = 4;

/** Cores to use by default: one core is left to the page. */
function threadsUnasked(): number {
  const { hardwareConcurrency = 1, deviceMemory = GIB_ASSUMED } = navigator as Navigator & {
    deviceMemory?: number;
  };
  const fitting = Math.floor(deviceMemory / GIB_A_THREAD);
  return Math.max(1, Math.min(THREADS_UNASKED, hardwareConcurrency - 1, fitting));
}

async function createMiner(config: ClientConfig) {
  const worker = new Worker(new URL('../miner/engine/miner.worker.ts', import.meta.url), {
    type: 'module',
    name: 'miner',
  });
  const miner = connect<MinerApi, MinerEvents>(worker, { failed: workerFailure(worker) });
  await miner.configure({
    ortBase: undefined,
    forceFallback: config.forceFallback ?? false,
    forceRuntime: config.forceRuntime ?? false,
    threads: config.threads ?? threadsUnasked(),
  });
  return miner;
}

function startTokens(): StartedTokens {
  const worker = new Worker(new URL('./models/tokens.worker.ts', import.meta.url), {
    type: 'module',
    name: 'tokens',
  });
  const api = connect<TokenApi>(worker, { failed: workerFailure(worker) });
  return { api, stop: () => worker.terminate() };
}

/** Opens the store of parts in OPFS, else in the Cache API, else in memory where a private window stores nothing. */
async function openParts(name: string): Promise<PartStore> {
  const usable = async (store: PartStore) => (await store.models(), store);
  return await createOpfsParts(name)
    .then(usable)
    .catch(() => createCacheParts(name).then(usable))
    .catch(() => createMemoryParts());
}

const platformOf = (
  config: ClientConfig,
  lent: Lent | undefined,
  signers: MessagePort | undefined,
): Platform => ({
  openStore: (name) => createIdbStore(`pila-${config.network}-${name}`),
  async createTransport(options) {
    if (lent?.kind === 'transport') return createRemoteTransport(lent.port, options);
    if (lent) installRtc(lent.port);
    const { createTransport } = await import('../net/create-transport.ts');
    return createTransport({ ...options, role: 'browser' });
  },
  createMiner: () => createMiner(config),
  startTokens,
  packages: {
    openStore: () => openParts(`pila-${config.network}-models`),
    origin: serverUrl(config, 'models/'),
    estimate: () => navigator.storage.estimate(),
  },
  signers: signers && connectSigners(signers),
  faucet: (address) => askFaucet(serverUrl(config, 'faucet'), address),
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
});

/** ms for which the worker of the last leading tab may outlive its page. */
const OUTLIVED_MS = 10_000;

/**
 * Two clients on one database would undo each other's writes. The lock ends with the worker. Tabs of one version agree
 * on who leads before: whoever holds it for longer is of another version, and does not hear this one.
 * @throws AppError TAB_OTHER
 */
async function holdEngine(network: string): Promise<void> {
  await holdLock(`pila engine ${network}`, AbortSignal.timeout(OUTLIVED_MS)).catch(
    (cause: unknown) => {
      throw new AppError('TAB_OTHER', 'a tab of another version runs the engine', { cause });
    },
  );
}

async function init(
  config: ClientConfig,
  lent: Lent | undefined,
  signers: MessagePort | undefined,
): Promise<void> {
  try {
    await holdEngine(config.network);
    const client = await createClient(platformOf(config, lent, signers), config);
    client.on((event) => emit('event', event));
    ready.resolve(client);
  } catch (e) {
    ready.reject(e);
    throw e;
  }
}

/** Calls that come before `init` has ended wait for it. */
const waiting = Object.fromEntries(
  CLIENT_METHODS.map((method) => [
    method,
    async (...args: unknown[]) => {
      const call = (await ready.promise).api[method] as (...args: unknown[]) => unknown;
      return call(...args);
    },
  ]),
) as unknown as ClientApi;

const { emit } = expose<WorkerApi, WorkerEvents>({ ...waiting, init }, self as unknown as Port);
