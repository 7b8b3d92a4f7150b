/** A lane of the CPU miner in a worker thread. */
import { Worker } from 'node:worker_threads';
import type { LaneWorker } from '../../miner/cpu/lanes.ts';
import { threadFailure, threadPort } from './thread-port.ts';

/** `workerData` of a thread of miner-worker.ts that serves a lane. */
export const LANE = 'lane';

export function startLane(): LaneWorker {
  const worker = new Worker(new URL('./miner-worker.ts', import.meta.url), { workerData: LANE });
  const end = (): void => void worker.terminate();
  return { port: threadPort(worker), failed: threadFailure(worker), end };
}
