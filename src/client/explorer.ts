/** Blocks, transactions and supply, each checked here before it is shown; and a report for bugs. */
import type { LightChain } from '../chain/light-chain.ts';
import { AppError } from '../lib/errors.ts';
import type { ChainApi, ChainStatus } from './api.ts';
import type { Follower } from './follow.ts';
import type { LightPool } from './light-pool.ts';
import type { Network } from './models.ts';
import type { Outbox } from './outbox.ts';

export type Explorer = Pick<ChainApi, 'block' | 'transaction' | 'supply' | 'diagnostics'>;

export interface ExplorerParts {
  readonly network: Network;
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly pool: LightPool;
  readonly follower: Follower;
  readonly status: () => ChainStatus;
}

export function createExplorer(_parts: ExplorerParts): Explorer {
  const later = async (): Promise<never> => {
    throw new AppError('NOT_BUILT', 'in work');
  };
  return { block: later, transaction: later, supply: later, diagnostics: later };
}
