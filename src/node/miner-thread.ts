/** Starts the miner's worker thread. */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { connect, type Client, type Port } from '../lib/rpc.ts';
import type { MinerApi, MinerEvents } from '../miner/miner-api.ts';

export interface MinerThread {
  readonly miner: Client<MinerApi, MinerEvents>;
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
  models: readonly string[],
  modelFolder: string,
  onFailure: (reason: string) => void,
  forceFallback = false,
): Promise<MinerThread> {
  const worker = new Worker(new URL('./miner-worker.ts', import.meta.url));
  worker.on('error', (e) => onFailure(e instanceof Error ? e.message : String(e)));
  const miner = connect<MinerApi, MinerEvents>(portOf(worker), {
    failed: (die) => worker.on('error', (e) => die(String(e))),
  });
  await miner.configure({
    modelBase: modelFolder,
    ortBase: undefined,
    models,
    forceFallback,
  });
  return { miner, stop: async () => void (await worker.terminate()) };
}

export const MODEL_FOLDER = fileURLToPath(new URL('../../models', import.meta.url));
