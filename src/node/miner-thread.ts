/** Starts the miner's worker thread, and gives it packages when they are needed. */
import { Worker } from 'node:worker_threads';
import type { WholePackage } from '../client/packages.ts';
import { ModelSupply } from '../client/model-supply.ts';
import { connect, type Client, type Port } from '../lib/rpc.ts';
import type { MinerApi, MinerEvents } from '../miner/miner-api.ts';

export interface MinerThread {
  readonly miner: Client<MinerApi, MinerEvents>;
  /** Gives it that model's package, unless it has it. @throws AppError MODEL_MISSING and others */
  ensure(modelId: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

/** A worker thread speaks through an event emitter; calls go over a MessagePort's interface. */
const portOf = (worker: Worker): Port => ({
  postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
  addEventListener(type, listener) {
    if (type === 'message') worker.on('message', (data) => listener({ data }));
    if (type === 'messageerror') worker.on('messageerror', listener);
    if (type === 'close') worker.on('exit', listener);
  },
});

export async function startMinerThread(
  load: ((id: string) => Promise<WholePackage>) | undefined,
  onFailure: (reason: string) => void,
  forceFallback = false,
): Promise<MinerThread> {
  const worker = new Worker(new URL('./miner-worker.ts', import.meta.url));
  worker.on('error', (e) => onFailure(e instanceof Error ? e.message : String(e)));
  const miner = connect<MinerApi, MinerEvents>(portOf(worker), {
    failed: (die) => worker.on('error', (e) => die(String(e))),
  });
  await miner.configure({ ortBase: undefined, forceFallback });
  const supply = new ModelSupply(load);
  return {
    miner,
    ensure: (modelId) => supply.give(miner, modelId),
    stop: async () => void (await worker.terminate()),
  };
}
