/** Node's miner worker thread: the backends. With `lane` as its data: one of its lanes. */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import type { Port } from '../lib/rpc.ts';
import { serveLane, type LaneWorker } from '../miner/lanes.ts';
import { serveMiner } from '../miner/serve.ts';
import { openDawn } from './dawn.ts';
import { threadPort } from './thread-port.ts';

const LANE = 'lane';
const port = parentPort as unknown as Port;

function startLane(): LaneWorker {
  const worker = new Worker(new URL(import.meta.url), { workerData: LANE });
  const failed = (die: (reason: string) => void) => worker.on('error', (e) => die(String(e)));
  return { port: threadPort(worker), failed, end: () => void worker.terminate() };
}

if (workerData === LANE) serveLane(port);
else
  serveMiner(port, {
    configure: () => undefined,
    async createWebgpu(model, options) {
      await openDawn();
      const { createWebgpuBackend } = await import('../miner/webgpu.ts');
      return createWebgpuBackend(model, options);
    },
    startLane,
  });
