/** Node's miner worker thread: the CPU backend. */
import { parentPort } from 'node:worker_threads';
import type { Port } from '../lib/rpc.ts';
import { serveMiner } from '../miner/serve.ts';

serveMiner(parentPort as unknown as Port, {
  configure: () => undefined,
  createWebgpu: undefined,
});
