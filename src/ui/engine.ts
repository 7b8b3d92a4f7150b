/**
 * What the screens talk to: one peer and one vault, in workers that start at the first call of one
 * of their methods. Until a person acts nothing runs, nothing connects.
 */
import type { ClientApi, ClientEvent } from '../client/api.ts';
import type { NetworkName } from '../core/params.ts';
import { AppError } from '../lib/errors.ts';
import type { VaultApi } from '../wallet/vault-api.ts';

/** `config.json`, beside the app: served by the node that serves the app. */
export interface PageConfig {
  readonly network: NetworkName;
  readonly prefix: string;
  /** Multiaddrs of the first peers. */
  readonly bootstrap: readonly string[];
  /** Bytes that the first start downloads: model and runtime. */
  readonly downloadBytes?: number;
}

export interface Engine {
  readonly client: ClientApi;
  readonly vault: VaultApi;
  /** Hears what the client tells; the result stops it. */
  on(hear: (event: ClientEvent) => void): () => void;
}

/** @throws CONFIG_MISSING, CONFIG_MALFORMED */
export async function loadConfig(address = './config.json'): Promise<PageConfig> {
  const response = await fetch(address, { cache: 'no-cache' }).catch((cause: unknown) => {
    throw new AppError('CONFIG_MISSING', `no ${address}`, { cause });
  });
  if (!response.ok) throw new AppError('CONFIG_MISSING', `${address}: ${response.status}`);
  const config: unknown = await response.json().catch(() => undefined);
  if (!isConfig(config)) throw new AppError('CONFIG_MALFORMED', address);
  return config;
}

export const isConfig = (x: unknown): x is PageConfig => {
  const c = x as Partial<PageConfig> | null | undefined;
  return (
    typeof c?.network === 'string' &&
    typeof c.prefix === 'string' &&
    Array.isArray(c.bootstrap) &&
    c.bootstrap.every((address) => typeof address === 'string')
  );
};

/** An engine whose parts are loaded at the first call. A failed load is tried again by the next. */
export function lazyEngine(load: () => Promise<Engine>): Engine {
  const hearers = new Set<(event: ClientEvent) => void>();
  let loading: Promise<Engine> | undefined;
  const loaded = (): Promise<Engine> => {
    loading ??= load().then(
      (engine) => {
        engine.on((event) => hearers.forEach((hear) => hear(event)));
        return engine;
      },
      (error: unknown) => {
        loading = undefined;
        throw error;
      },
    );
    return loading;
  };
  type Calls = Record<string, (...args: unknown[]) => unknown>;
  const part = (name: 'client' | 'vault'): Calls =>
    new Proxy({} as Calls, {
      get: (_, method) =>
        typeof method === 'symbol' || method === 'then'
          ? undefined
          : async (...args: unknown[]) =>
              ((await loaded())[name] as unknown as Calls)[method]!(...args),
    });
  return {
    client: part('client') as unknown as ClientApi,
    vault: part('vault') as unknown as VaultApi,
    on(hear) {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
  };
}
