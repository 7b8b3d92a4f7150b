/** Serves a Miner over a port: the same worker body in a browser and in Node. */
import { AppError } from '../lib/errors.ts';
import { expose, type Port } from '../lib/rpc.ts';
import type { ModelPackage, Backend } from './backend.ts';
import { createCpuBackend } from './cpu.ts';
import type { MinerApi, MinerConfig, MinerEvents } from './miner-api.ts';
import { Miner } from './miner.ts';
import { loadPackage } from './package.ts';

export interface WorkerPlatform {
  /** One file of a model package; `path` is `<model>/<file>` under the config's modelBase. */
  read(modelBase: string, path: string): Promise<Uint8Array>;
  configure(config: MinerConfig): void;
  createWebgpu:
    ((model: ModelPackage, options: { forceFallback: boolean }) => Promise<Backend>) | undefined;
}

export function serveMiner(port: Port, platform: WorkerPlatform): void {
  let config: MinerConfig | undefined;
  const configured = (): MinerConfig => {
    if (!config) throw new AppError('NOT_CONFIGURED', 'configure comes first');
    return config;
  };
  const webgpu = platform.createWebgpu;
  const miner = new Miner({
    loadModel: (name) =>
      loadPackage((file) => platform.read(configured().modelBase, `${name}/${file}`)),
    createCpu: createCpuBackend,
    createWebgpu:
      webgpu && ((model) => webgpu(model, { forceFallback: configured().forceFallback })),
    nowMs: () => performance.now(),
    randomNonce: () => crypto.getRandomValues(new BigUint64Array(1))[0]!,
    onStatus: (status) => emit('status', status),
    onBlock: (block) => emit('block', block),
    onAnswered: (job) => emit('answered', job),
  });
  const api: MinerApi = {
    configure(given) {
      config = given;
      platform.configure(given);
    },
    start: (model, backend) => miner.start(model, backend),
    work: (template) => miner.work(template),
    throttle: (duty) => miner.throttle(duty),
    pause: () => miner.pause(),
    finish: () => miner.finish(),
    check: (header, proof, jobInput, off) =>
      miner.check(header, proof, jobInput, off ?? [], configured().models),
    execute: (modelId, input) => miner.execute(modelId, input, configured().models),
  };
  const { emit } = expose<MinerApi, MinerEvents>(api, port);
}
