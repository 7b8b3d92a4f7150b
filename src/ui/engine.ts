/**
 * What the screens talk to: one peer and one vault, in workers that start at the first call of one
 * of their methods. Until a person acts nothing runs, nothing connects.
 */
import type { ClientApi, ClientConfig, ClientEvent } from '../client/api.ts';
import { NETWORK_NAMES } from '../core/params.ts';
import { AppError } from '../lib/errors.ts';
import { trueCause } from './cause.ts';
import type { VaultApi, VaultStatus } from '../wallet/vault/vault-api.ts';

/** `config.json`, beside the app: served by the node that serves the app. */
export interface PageConfig extends ClientConfig {
  readonly prefix: string;
  /** Bytes that the first start downloads: model and runtime. */
  readonly downloadBytes?: number;
  /** Of the protocol that the node speaks: a page kept for offline may be older. */
  readonly version?: number;
  /** ms that this device's clock is ahead of the server's; undefined where the answer has no time. */
  readonly clockAheadMs?: number;
}

/** Passphrases at the moment in which one is chosen. */
export interface Passphrases {
  /** Six random words. */
  suggest(): Promise<string>;
  /** @throws PASSPHRASE_WEAK */
  requireStrong(passphrase: string): Promise<void>;
}

export interface Engine {
  readonly client: ClientApi;
  readonly vault: VaultApi;
  readonly passphrases: Passphrases;
  /** Calls the listener at every event of the client; the result stops it. */
  on(listener: (event: ClientEvent) => void): () => void;
  /** Hears the vault's status after every change and auto-lock; the result stops it. */
  onVault(listener: (status: VaultStatus) => void): () => void;
}

/** @throws CONFIG_MISSING, CONFIG_MALFORMED */
export async function loadConfig(address = './config.json'): Promise<PageConfig> {
  const response = await fetch(address, { cache: 'no-cache' }).catch((cause: unknown) => {
    throw new AppError('CONFIG_MISSING', `no ${address}`, { cause });
  });
  if (!response.ok) throw new AppError('CONFIG_MISSING', `${address}: ${response.status}`);
  const config: unknown = await response.json().catch(() => undefined);
  if (!isConfig(config)) throw new AppError('CONFIG_MALFORMED', address);
  const serverMs = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(serverMs) ? config : { ...config, clockAheadMs: Date.now() - serverMs };
}

/** What the client will check itself (genesis, addresses) is left to it. */
export const isConfig = (x: unknown): x is PageConfig => {
  const c = x as Partial<PageConfig> | null | undefined;
  return (
    NETWORK_NAMES.some((name) => name === c?.network) &&
    typeof c?.prefix === 'string' &&
    Array.isArray(c.bootstrap) &&
    c.bootstrap.every((address) => typeof address === 'string')
  );
};

/** One part with its events, as its loader gives it. */
export interface Part<Api, Event> {
  readonly api: Api;
  on(listener: (event: Event) => void): unknown;
}

type Calls = Record<string, (...args: unknown[]) => unknown>;

/** Loads at the first call; a failed load is tried again by the next one. */
function lazyPart<Api, Event>(load: () => Promise<Part<Api, Event>>) {
  const listeners = new Set<(event: Event) => void>();
  let loading: Promise<Part<Api, Event>> | undefined;
  const start = async (): Promise<Part<Api, Event>> => {
    const part = await load();
    part.on((event) => listeners.forEach((listener) => listener(event)));
    return part;
  };
  const call = async (name: string, args: unknown[]): Promise<unknown> => {
    loading ??= start();
    const mine = loading;
    mine.catch(() => {
      if (loading === mine) loading = undefined;
    });
    try {
      return await ((await mine).api as Calls)[name]!(...args);
    } catch (error) {
      throw trueCause(error);
    }
  };
  const get = (_: unknown, name: string | symbol) =>
    typeof name === 'symbol' || name === 'then'
      ? undefined
      : (...args: unknown[]) => call(name, args);
  const on = (listener: (event: Event) => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { api: new Proxy({}, { get }) as Api, on };
}

/** @param loadClient is given the vault, which starts at the first call of it, by whomever */
export function lazyEngine(
  loadClient: (vault: VaultApi) => Promise<Part<ClientApi, ClientEvent>>,
  loadVault: () => Promise<Part<VaultApi, VaultStatus>>,
  passphrases: Passphrases,
): Engine {
  const vault = lazyPart(loadVault);
  const client = lazyPart(() => loadClient(vault.api));
  return { client: client.api, vault: vault.api, passphrases, on: client.on, onVault: vault.on };
}
