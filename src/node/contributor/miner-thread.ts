/** Starts the miner's worker thread, and gives it model packages when they are needed. */
import { Worker } from 'node:worker_threads';
import type { WholePackage } from '../../client/models/package-store.ts';
import { ModelSupply } from '../../client/models/model-supply.ts';
import { connect, type RpcClient } from '../../lib/rpc.ts';
import type { MinerApi, MinerConfig, MinerEvents } from '../../miner/engine/miner-api.ts';
import { threadFailure, threadPort } from './thread-port.ts';

type ThreadOptions = { readonly [K in 'forceFallback' | 'threads']?: MinerConfig[K] | undefined };

export interface MinerThread {
  readonly miner: RpcClient<MinerApi, MinerEvents>;
  /** Gives the thread that model's package, unless the thread has it. @throws AppError MODEL_MISSING and others */
  ensure(modelId: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

export async function startMinerThread(
  load: ((id: string) => Promise<WholePackage>) | undefined,
  onFailure: (reason: string) => void,
  { forceFallback = false, threads = 1 }: ThreadOptions = {},
): Promise<MinerThread> {
  const worker = new Worker(new URL('./miner-worker.ts', import.meta.url));
  worker.on('error', (e) => onFailure(e instanceof Error ? e.message : String(e)));
  const miner = connect<MinerApi, MinerEvents>(threadPort(worker), {
    failed: threadFailure(worker),
  });
  await miner.configure({ ortBase: undefined, forceFallback, threads });
  const supply = new ModelSupply(load);
  return {
    miner,
    ensure: (modelId) => supply.give(miner, modelId),
    stop: async () => void (await worker.terminate()),
  };
}
