/** The whole WebGPU backend in Node, and the miner on it: passes in flight, slices, lost devices. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { genesisPoint, templateCore } from '../../src/core/header.ts';
import { createParams } from '../../src/core/params.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { Backend, PassInput } from '../../src/miner/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu.ts';
import { Miner } from '../../src/miner/miner.ts';
import { createWebgpuBackend } from '../../src/miner/webgpu.ts';
import { DOT_KINDS } from '../../src/miner/wgsl/gemm.ts';
import { openGpu } from '../gpu.ts';
import { randomBytes } from '../oracle/random.ts';
import { loadModel } from './small-model.ts';

const opened = await openGpu();
if (!opened) console.warn('webgpu: skipped, no WebGPU adapter in this Node');
const model = await loadModel('tiny');
const cpu = await createCpuBackend(model);
afterAll(() => cpu.close());
const MOST = (1n << 256n) - 1n;

const unit = (seed: string, part = 400n): PassInput => {
  const sigma0 = randomBytes(seed, 32);
  const limits = model.manifest.linears.map(() => MOST / part);
  return { tokens: tokensOf(sigma0, model.manifest), sigma0, limits, job: true };
};
const newDevice = async (): Promise<GPUDevice> =>
  (await opened!.gpu.requestAdapter())!.requestDevice();

describe.skipIf(!opened)('the WebGPU backend', { timeout: 400_000 }, () => {
  // Compiling takes a software device seconds: a device for each kernel.
  it.each(DOT_KINDS)('gives the bytes of the CPU in the smallest slices: %s', async (dot) => {
    const device = await newDevice();
    const backend = await createWebgpuBackend(model, { device, dot, dispatchWork: 1 });
    for (const input of [unit('one'), { ...unit('plain'), sigma0: undefined, limits: [] }])
      expect(await backend.pass(input)).toEqual(await cpu.pass(input));

    // Passes in flight stay apart, also when one of them is stopped.
    const inputs = Array.from({ length: 5 }, (_, i) => ({ ...unit(`flight ${i}`), capture: 2 }));
    const order: number[] = [];
    const passes = inputs.map((input, i) => backend.pass(input).finally(() => void order.push(i)));
    const stop = new AbortController();
    const stopped = backend.pass({ ...unit('stopped'), signal: stop.signal });
    const after = backend.pass(inputs[0]!);
    stop.abort();
    for (const [i, pass] of passes.entries())
      expect(await pass).toEqual(await cpu.pass(inputs[i]!));
    expect(order).toEqual([0, 1, 2, 3, 4]);
    await expect(stopped).rejects.toMatchObject({ code: 'PASS_ABORTED' });
    expect(await after).toEqual(await passes[0]);
    expect(backend.memoryBytes()).toBeGreaterThan(0);

    // A lost device ends every pass, and all that come later.
    const lost = ['a', 'b', 'c'].map((seed) => backend.pass(unit(seed)));
    device.destroy();
    lost.push(backend.pass(unit('d')));
    for (const pass of await Promise.allSettled(lost))
      expect(pass).toMatchObject({ status: 'rejected', reason: { code: 'DEVICE_LOST' } });
    await expect(backend.pass(unit('e'))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await backend.close();
  });

  it('is opened again after each loss, and goes on', async () => {
    const zero = new Uint8Array(32);
    const params = createParams('e2e', [toHex(model.id)]);
    const core = templateCore(params, genesisPoint(params, 1000), {
      ...{ timeMs: 2000, miner: zero, bodyRoot: zero, stateRoot: zero },
      modelId: model.id,
    });
    const devices: GPUDevice[] = [];
    let wins = 0;
    const miner: Miner = new Miner({
      modelNamed: () => model,
      modelOf: () => model,
      createCpu: createCpuBackend,
      async createWebgpu(given): Promise<Backend> {
        devices.push(await newDevice());
        return createWebgpuBackend(given, { device: devices.at(-1)!, dot: 'f32' });
      },
      nowMs: () => performance.now(),
      randomNonce: () => 1n,
      onStatus: () => undefined,
      onBlock: () => wins++,
      onAnswered: () => undefined,
    });
    const wait = { timeout: 200_000, interval: 5 };
    miner.work({ core: { ...core, bits: 0x03000001 }, jobInput: undefined });
    await miner.start('tiny', 'webgpu');
    for (let loss = 1; loss <= 3; loss++) {
      const { units } = miner.status;
      await vi.waitUntil(() => miner.status.units > units + 3, wait);
      expect(miner.status).toMatchObject({ state: 'running', backend: 'webgpu' });
      expect(devices).toHaveLength(loss);
      if (loss === 3) break;
      devices.at(-1)!.destroy();
      await vi.waitUntil(() => miner.status.rejected['gpu: DEVICE_LOST'] === loss, wait);
    }
    expect(miner.status.rejected).toEqual({ 'gpu: DEVICE_LOST': 2 });
    expect(wins).toBe(0);
    miner.pause();
  });
});
