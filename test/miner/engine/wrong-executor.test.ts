/** An executor that turns wrong after its test, in a real CPU backend under a miner. */
import { expect, test, vi } from 'vitest';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { tokensOf } from '../../../src/core/pow/seed.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { Miner } from '../../../src/miner/engine/miner.ts';
import type * as Executors from '../../../src/miner/executor/executor.ts';
import { loadModel } from '../small-model.ts';
import { workWith } from '../work.ts';

/** The segment of which one entry of A comes out wrong; undefined: none. */
const spoiled = vi.hoisted((): { segment: number | undefined } => ({ segment: undefined }));

vi.mock('../../../src/miner/executor/executor.ts', async (importOriginal) => {
  const { createExecutor } = await importOriginal<typeof Executors>();
  const wrong: typeof createExecutor = async (input, kernel) => {
    const executor = await createExecutor(input, kernel);
    const run = executor.run.bind(executor);
    executor.run = (segment, sequences) => {
      run(segment, sequences);
      if (segment === spoiled.segment)
        new Int8Array(kernel.memory.buffer, kernel.place('a'))[5]! ^= 1;
    };
    return executor;
  };
  return { createExecutor: wrong };
});

test('a wrong executor is found by its step, and ONNX Runtime goes on', async () => {
  const model: ModelPackage = await loadModel('tiny');
  const backends: Backend[] = [];
  const steps = model.manifest.linears.length + 1;
  /** Once the executor is wrong: a unit is judged, at the step that it spoils. */
  const draws = [0, 2.5 / steps];
  const miner: Miner = new Miner({
    modelNamed: () => model,
    modelOf: () => model,
    async createCpu(given, analysis) {
      backends.push(await createCpuBackend(given, { analysis }));
      return backends[0]!;
    },
    createWebgpu: undefined,
    nowMs: () => performance.now(),
    randomNonce: () => 1n,
    random: () => (spoiled.segment === undefined ? 1 : (draws.shift() ?? 1)),
    onStatus: () => undefined,
    onBlock: () => undefined,
  });
  miner.work(workWith(model, 0n));
  await miner.start('tiny', 'cpu');
  const wait = { timeout: 60_000, interval: 5 };
  await vi.waitUntil(() => miner.status.units > 0, wait);
  expect(backends[0]!.usesRuntime!()).toBe(false);
  spoiled.segment = 2;
  await vi.waitUntil(() => miner.status.inexact !== undefined, wait);
  expect(miner.status.inexact).toEqual({ backend: 'cpu', model: 'tiny', step: 3 });
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units + 1, wait);
  expect(miner.status).toMatchObject({ state: 'running', problem: undefined });
  expect(backends[0]!.usesRuntime!()).toBe(true);
  miner.pause();

  const input = { tokens: tokensOf(ZERO_HASH, model.manifest), sigma0: undefined, limits: [] };
  const { x } = await backends[0]!.pass(input);
  spoiled.segment = undefined;
  const right = await createCpuBackend(model);
  expect(x).toEqual((await right.pass(input)).x);
});
