/** Node's miner worker thread: the backends. */
import { parentPort } from 'node:worker_threads';
import type { Port } from '../lib/rpc.ts';
import { serveMiner } from '../miner/serve.ts';
import { openDawn } from './dawn.ts';

serveMiner(parentPort as unknown as Port, {
  configure: () => undefined,
  async createWebgpu(model, options) {
    await openDawn();
    const { createWebgpuBackend } = await import('../miner/webgpu.ts');
    return createWebgpuBackend(model, options);
  },
});
