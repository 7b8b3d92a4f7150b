/** Serves a Miner over a port: the same worker body in a browser and in Node. */
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { expose, type Port } from '../../lib/rpc.ts';
import type { ModelPackage, Backend } from './backend.ts';
import type { Analysis } from '../checker/checker.ts';
import { createCpuBackend } from '../cpu/cpu.ts';
import { lanesFor, withLanes, type LaneWorker } from '../cpu/lanes.ts';
import type { MinerApi, MinerConfig, MinerEvents } from './miner-api.ts';
import { Miner } from './miner.ts';
import { packageOf } from '../package/package.ts';

export interface WebgpuChoice {
  readonly forceFallback: boolean;
  /** All segments on ONNX Runtime. */
  readonly runtime: boolean;
  readonly analysis: Analysis;
}

export interface WorkerPlatform {
  configure(config: MinerConfig): void;
  createWebgpu: ((model: ModelPackage, options: WebgpuChoice) => Promise<Backend>) | undefined;
  /** Starts another worker, which runs `serveLane`. */
  startLane(): LaneWorker;
}

export function serveMiner(port: Port, platform: WorkerPlatform): void {
  let config: MinerConfig | undefined;
  const configured = (): MinerConfig => {
    if (!config) throw new AppError('NOT_CONFIGURED', 'configure comes first');
    return config;
  };
  const webgpu = platform.createWebgpu;
  const models = new Map<string, ModelPackage>();
  const miner = new Miner({
    modelNamed: (name) => models.get(name),
    modelOf: (id) => [...models.values()].find((model) => equal(model.id, id)),
    createCpu: (model, analysis) =>
      createCpuBackend(model, { analysis, runtimeOnly: configured().forceRuntime ?? false }),
    onLoaded(model) {
      const { name } = model.manifest;
      const known = models.get(name);
      if (known && equal(known.id, model.id)) models.set(name, model);
    },
    createWebgpu:
      webgpu &&
      ((model, analysis) => {
        const { forceFallback, forceRuntime: runtime = false } = configured();
        return webgpu(model, { forceFallback, runtime, analysis });
      }),
    spread: ({ model, analysis, cpu }, parts) =>
      withLanes(cpu, lanesFor(model, cpu, configured().threads), platform.startLane, {
        ...parts,
        model,
        analysis,
        runtimeOnly: configured().forceRuntime ?? false,
      }),
    nowMs: () => performance.now(),
    randomNonce: () => crypto.getRandomValues(new BigUint64Array(1))[0]!,
    onStatus: (status) => emit('status', status),
    onBlock: (block) => emit('block', block),
  });
  const api: MinerApi = {
    configure(given) {
      config = given;
      platform.configure(given);
    },
    async provide(manifest, files) {
      // The client has checked them when it read them from the device.
      const model = packageOf(manifest, files);
      // Bounded: these are only models that the client knows, each under its own name.
      const same = models.get(manifest.name);
      if (same && !equal(same.id, model.id))
        throw new AppError('MODEL_REFUSED', `another model is named ${manifest.name}`);
      if (!same) models.set(manifest.name, model);
    },
    async release(modelId) {
      const own = [...models].find(([, { id }]) => equal(id, modelId));
      if (!own) return;
      await miner.release(own[0]);
      models.delete(own[0]);
    },
    start: (model, backend) => miner.start(model, backend),
    work: (template) => miner.work(template),
    throttle: (duty) => miner.throttle(duty),
    pause: () => miner.pause(),
    finish: () => miner.finish(),
    check: (claim, proof) => miner.check(claim, proof),
    execute: (modelId, input) => miner.execute(modelId, input),
    load: (modelId) => miner.load(modelId),
    answer: (id, job) => miner.answer(id, job),
    generate: (id, job) => miner.generate(id, job),
    nextToken: (id) => miner.nextToken(id),
    verifyAnswer: (claim) => miner.verifyAnswer(claim),
    dropAnswer: (id) => miner.dropAnswer(id),
  };
  const { emit } = expose<MinerApi, MinerEvents>(api, port);
}
