/** Work for the network on this device: units that may win blocks, and answers for pay. */
import type { ClientApi, ClientEvent, MiningOptions, Provided } from '../client/api.ts';
import { AppError } from '../lib/errors.ts';
import type { MinerStatus } from '../miner/engine/miner-api.ts';
import { requireShare } from './given.ts';
import { createInbox } from './inbox.ts';

export interface MineOptions extends MiningOptions {
  /** Address whose account is paid; default: that of the key. */
  readonly payTo?: string;
  /** Share of the time that the work may take, over 0 to 1. Default: 1. */
  readonly share?: number;
  /** Answers questions of others for pay too, where there is a key. */
  readonly answers?: boolean | Pick<Provided, 'price' | 'tokenPrice'>;
}

/** The newest status of the work, to one reader. Leaving the loop stops the work. */
export interface Mining extends AsyncIterable<MinerStatus> {
  /** Another share of the time, 0 to 1; 0 holds the work. @throws what starting failed with */
  throttle(share: number): Promise<void>;
  /** Ends the work, after the unit in progress, and the iteration. */
  stop(): Promise<void>;
}

export interface WorkDeps {
  readonly api: ClientApi;
  on(listener: (event: ClientEvent) => void): () => void;
  /** Aborted when the peer is stopped, and the work with it. */
  readonly over: AbortSignal;
}

/** @param payee address that blocks, and closes of channels, pay */
export function startWork(
  { api, on, over }: WorkDeps,
  payee: Uint8Array,
  { share = 1, answers = false, payTo: _, ...options }: MineOptions,
): Mining {
  requireShare(share);
  // A reader that is slow sees the newest.
  const statuses = createInbox<MinerStatus>(1);
  const off = on((event) => {
    if (event.type !== 'miner') return;
    statuses.push(event.status);
    const { state, problem } = event.status;
    if (state === 'failed') statuses.end(new AppError(problem ?? 'INTERNAL', 'the work failed'));
  });
  const gone = Promise.withResolvers<void>();
  const end = (): void => {
    statuses.end();
    gone.resolve();
  };
  over.addEventListener('abort', end);
  const start = async (): Promise<void> => {
    await api.payTo(payee);
    await api.throttleMining(share);
    await api.startMining(options);
    if (answers) await api.provide({ payee, ...(answers === true ? {} : answers) });
  };
  const starting = start();
  starting.catch((error: unknown) => statuses.end(AppError.from(error)));
  // A start that waits for a model is not ended by the peer's end.
  const started = Promise.race([starting, gone.promise]);

  async function stop(): Promise<void> {
    off();
    statuses.end();
    await started.catch(() => undefined);
    over.removeEventListener('abort', end);
    if (over.aborted) return;
    if (answers) await api.provide(undefined);
    await api.finishMining();
  }

  async function* read(): AsyncGenerator<MinerStatus, void> {
    try {
      for (let status = await statuses.next(); status; status = await statuses.next()) yield status;
    } finally {
      await stop();
    }
  }

  return {
    [Symbol.asyncIterator]: read,
    async throttle(duty) {
      requireShare(duty);
      await started;
      await api.throttleMining(duty);
    },
    stop,
  };
}
