/** The Platform for Node: programs run the same client as a browser. See docs/api.md. */
import { join } from 'node:path';
import { createLevelStore } from '../chain/store/level-store.ts';
import { createMemoryStore } from '../chain/store/memory-store.ts';
import { askFaucet } from '../client/wallet/ask-faucet.ts';
import type { Platform } from '../client/platform.ts';
import { networkOf } from '../client/models/networks.ts';
import { createMemoryParts } from '../miner/package/part-store.ts';
import type { NetworkName } from '../core/params.ts';
import { createTransport } from '../net/create-transport.ts';
import type { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { UnattendedApi } from '../wallet/vault/vault-api.ts';
import { makeFolder } from './data-folder.ts';
import { createFileParts } from './file-parts.ts';
import { startMinerThread, type MinerThread } from './contributor/miner-thread.ts';
import { startTokens } from './start-tokens.ts';
import { createPackagedParts, MODEL_FOLDER } from './packaged-parts.ts';
import type { ServedFolder } from './served/served-folders.ts';

export interface NodePlatformOptions {
  readonly network: NetworkName;
  /** Folder of the databases; when absent they are in memory. */
  readonly data?: string;
  /** URL of the seed's page, for its faucet. */
  readonly seedUrl?: string;
  /** Keys that sign with nobody there (serving-file.ts): without them nothing is prepaid or answered for pay. */
  readonly signers?: UnattendedApi | undefined;
  /** Where what happens with nobody there is written. */
  readonly log?: Log;
  readonly onFailure?: (reason: string) => void;
  /** Mine also on a software adapter: tests only. */
  readonly forceFallback?: boolean;
  /** Packages of served models on this computer. */
  readonly served?: readonly ServedFolder[];
  /** Cores that units on the CPU may take, default 1. */
  readonly threads?: number;
}

export interface NodePlatform extends Platform {
  /** Ends the miner thread, if one was started. */
  close(): Promise<void>;
}

export function createNodePlatform(options: NodePlatformOptions): NodePlatform {
  const { network, data, seedUrl } = options;
  let thread: MinerThread | undefined;
  return {
    async openStore(name) {
      if (data === undefined) return createMemoryStore();
      await makeFolder(data);
      const onLost = (e: AppError): void => options.onFailure?.(e.message);
      return createLevelStore(join(data, name), { onLost });
    },
    createTransport: async (given) => createTransport({ ...given, role: 'node' }),
    async createMiner() {
      const failed = options.onFailure ?? (() => undefined);
      // The client gives packages to the thread.
      thread ??= await startMinerThread(undefined, failed, options);
      return thread.miner;
    },
    startTokens,
    packages: {
      openStore: () =>
        createPackagedParts(
          networkOf(network).models,
          data === undefined ? createMemoryParts() : createFileParts(join(data, 'models')),
          MODEL_FOLDER,
          options.served,
        ),
      origin: seedUrl === undefined ? undefined : new URL('models/', seedUrl).href,
    },
    faucet:
      seedUrl === undefined
        ? undefined
        : (address) => askFaucet(new URL('faucet', seedUrl).href, address),
    signers: options.signers,
    log: options.log,
    nowMs: () => Date.now(),
    steadyMs: () => performance.now(),
    random: () => Math.random(),
    close: async () => void (await thread?.stop()),
  };
}
