/** Node's miner worker thread, which runs the backends. With `lane` as its data it is one lane of the miner. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Port } from '../../lib/rpc.ts';
import { serveLane } from '../../miner/cpu/lanes.ts';
import { serveMiner } from '../../miner/engine/serve.ts';
import { openDawn } from './dawn.ts';
import { LANE, startLane } from './lane-thread.ts';

const port = parentPort as unknown as Port;

if (workerData === LANE) serveLane(port);
else
  serveMiner(port, {
    configure: () => undefined,
    async createWebgpu(model, options) {
      await openDawn();
      const { createWebgpuBackend } = await import('../../miner/webgpu/webgpu.ts');
      return createWebgpuBackend(model, options);
    },
    startLane,
  });
