/** The package's entry for Node: a peer in this process, with a thread for models. */
import { createClient } from '../client/client.ts';
import { tryDecode } from '../core/codec.ts';
import { Header } from '../core/formats.ts';
import { blockId } from '../core/header/header.ts';
import { fromHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { ClientConfig } from '../client/api.ts';
import type { Pila, PilaOptions } from '../package/pila-api.ts';
import { requireAmount, requireOptions, requireThreads } from '../package/given.ts';
import { configOf, pilaOf } from '../package/pila.ts';
import { plainKey, type PlainKey } from '../wallet/plain-key.ts';
import { createNodePlatform } from './client-platform.ts';
import { openServingKeys, type ServingKeys } from './serving-file.ts';

export * from '../package/names.ts';

export interface NodePilaOptions extends PilaOptions {
  /**
   * Pays, and is paid: 32 bytes, or 64 hex digits, from a place that others cannot read. Needs `data`, and a network
   * whose configuration names its genesis.
   */
  readonly key?: Uint8Array | string;
  /**
   * Folder of chain, models and keys of channels, for one program at a time. Without it all is in memory. Lose it not
   * while channels are open: only their keys can spend what they hold, until it comes back at their end.
   */
  readonly data?: string;
  /** nV that all open channels together may hold; what was said last stays. Default: 10 VLT. */
  readonly channelsLimit?: bigint;
  /** Cores that units on the processor may take, default 1. */
  readonly threads?: number;
}

/**
 * Starts a peer. It keeps the process running until `stop`.
 * @throws ARGUMENT_REFUSED, SEED_SILENT, CONFIG_MALFORMED, KEY_MALFORMED, AMOUNT_RANGE, DATA_REFUSED, KEYS_CORRUPT, STORE_*
 */
export async function createPila(options: NodePilaOptions): Promise<Pila> {
  requireOptions(options);
  const { network, data, threads } = options;
  requireThreads(threads);
  if (options.channelsLimit !== undefined) requireAmount(options.channelsLimit, 'channelsLimit');
  const key = options.key === undefined ? undefined : plainKey(options.key);
  const config = await configOf(options);
  const purse = key && (await purseOf(key, config, data));
  if (options.channelsLimit !== undefined) await purse?.setChannelsLimit(options.channelsLimit);
  const platform = createNodePlatform({
    network: config.network,
    signers: purse,
    ...(typeof network === 'string' && { seedUrl: network }),
    ...(data !== undefined && { data }),
    ...(threads !== undefined && { threads }),
  });
  const client = await createClient(platform, config);
  const { api, on } = client;
  const stop = async (): Promise<void> => {
    await client.stop();
    await platform.close();
  };
  return pilaOf({ config, key, purse, peer: { api, on, stop } });
}

async function purseOf(
  key: PlainKey,
  { network, genesis }: ClientConfig,
  data: string | undefined,
): Promise<ServingKeys> {
  if (data === undefined) throw new AppError('DATA_REFUSED', 'with a key, name a folder as `data`');
  const header = tryDecode(Header, fromHex(genesis ?? '') ?? new Uint8Array());
  if (!header) throw new AppError('CONFIG_MALFORMED', 'with a key, the genesis must be known');
  return openServingKeys({
    folder: data,
    network,
    genesisId: blockId(header),
    payees: [key.address],
    now: Date.now,
  });
}
