/** Node's miner worker thread: the backends on packages read from a folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { AppError } from '../lib/errors.ts';
import type { Port } from '../lib/rpc.ts';
import { serveMiner } from '../miner/serve.ts';
import { openDawn } from './dawn.ts';

serveMiner(parentPort as unknown as Port, {
  read: async (modelBase, path) => {
    try {
      return new Uint8Array(await readFile(join(modelBase, path)));
    } catch (cause) {
      throw new AppError('MODEL_MISSING', `${path} cannot be read`, { cause });
    }
  },
  configure: () => undefined,
  async createWebgpu(model, options) {
    await openDawn();
    const { createWebgpuBackend } = await import('../miner/webgpu.ts');
    return createWebgpuBackend(model, options);
  },
});
