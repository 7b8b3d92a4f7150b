/** Asking for inference: models, quotes, and what became of a request: its receipt. */
import type { LightChain } from '../chain/light-chain.ts';
import { AppError } from '../lib/errors.ts';
import type { AskApi, Receipt } from './api.ts';
import type { Follower } from './follow.ts';
import type { LightPool } from './light-pool.ts';
import type { Network } from './models.ts';
import type { Outbox } from './outbox.ts';

export interface Asking {
  readonly api: AskApi;
}

export interface AskingParts {
  readonly network: Network;
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly pool: LightPool;
  readonly follower: Follower;
  /** Runs a model in the miner worker. */
  readonly execute: (modelId: Uint8Array, input: Uint8Array) => Promise<Uint8Array>;
  readonly onReceipt: (receipt: Receipt) => void;
}

export function createAsking({ execute }: AskingParts): Asking {
  const later = async (): Promise<never> => {
    throw new AppError('NOT_BUILT', 'in work');
  };
  return {
    api: { models: later, quote: later, receipt: later, requests: async () => [], execute },
  };
}
