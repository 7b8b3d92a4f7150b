/** The whole WebGPU backend in Node, and the miner on it: passes in flight, slices, losses, memory. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import { unitShape } from '../../src/core/manifest.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import type {
  Backend,
  CreateBackend,
  PassInput,
  PassResult,
} from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { Miner } from '../../src/miner/engine/miner.ts';
import { createWebgpuBackend } from '../../src/miner/webgpu/webgpu.ts';
import { DOT_KINDS, type DotKind } from '../../src/miner/webgpu/wgsl/gemm.ts';
import { keepPipelines, openGpu } from '../gpu.ts';
import { packInput } from '../oracle/pack-input.ts';
import { randomBytes } from '../oracle/random.ts';
import { loadModel } from './small-model.ts';
import { workWith } from './work.ts';

const opened = await openGpu();
if (!opened) console.warn('webgpu: skipped, no WebGPU adapter in this Node');
const model = await loadModel('tiny');
const cpu = await createCpuBackend(model);
afterAll(() => cpu.close());
const MOST = (1n << 256n) - 1n;

const unit = (seed: string, part = 400n): PassInput => {
  const sigma0 = randomBytes(seed, 32);
  const limits = model.manifest.linears.map(() => MOST / part);
  return { tokens: tokensOf(sigma0, model.manifest), sigma0, limits };
};

/**
 * A device that is out of memory at allocation number `refused.at`, its own or ONNX Runtime's: it asks
 * for the largest buffer there may be, which a software device has no memory for, or, mapped, for more
 * than any machine has. The errors are Dawn's. `sizes`: what was asked for since it was emptied.
 */
async function scarceDevice() {
  const adapter = (await opened!.gpu.requestAdapter())!;
  const { maxBufferSize } = adapter.limits;
  const device = keepPipelines(await adapter.requestDevice({ requiredLimits: { maxBufferSize } }));
  const { createBuffer } = device;
  const refused = { at: -1 };
  const sizes: { readonly size: number; readonly mapped: boolean }[] = [];
  device.createBuffer = (descriptor) => {
    const { size, mappedAtCreation: mapped = false } = descriptor;
    const here = sizes.push({ size, mapped }) - 1 === refused.at;
    const given = here ? (mapped ? 2 ** 44 : maxBufferSize) : size;
    return createBuffer.call(device, { ...descriptor, size: given });
  };
  return { device, refused, sizes };
}

/** By the kind of product, the device on which all tests compile it, until one of them loses it. */
const devices = new Map<DotKind, ReturnType<typeof scarceDevice>>();
function deviceOf(dot: DotKind): ReturnType<typeof scarceDevice> {
  const device = devices.get(dot) ?? scarceDevice();
  devices.set(dot, device);
  return device;
}
/** The same, which the caller may lose. */
async function takeDevice(dot: DotKind): Promise<GPUDevice> {
  const { device } = await deviceOf(dot);
  devices.delete(dot);
  return device;
}

function newMiner(createWebgpu: CreateBackend, createCpu: CreateBackend = createCpuBackend) {
  const told = { wins: 0 };
  const miner: Miner = new Miner({
    modelNamed: () => model,
    modelOf: () => model,
    createCpu,
    createWebgpu,
    nowMs: () => performance.now(),
    randomNonce: () => 1n,
    onStatus: () => undefined,
    onBlock: () => told.wins++,
  });
  miner.work(workWith(model, 1n));
  return { miner, told };
}
const wait = { timeout: 200_000, interval: 5 };

// Who counts allocations comes before those who leave a miner behind.
describe.skipIf(!opened)('the WebGPU backend', { timeout: 400_000 }, () => {
  it.each(DOT_KINDS)('gives the bytes of the CPU in the smallest slices: %s', async (dot) => {
    const { device } = await deviceOf(dot);
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
    await backend.close();
  });

  it('ends every pass when its device is lost, and all that come later', async () => {
    const device = await takeDevice('dp4a');
    const backend = await createWebgpuBackend(model, { device, dot: 'dp4a', dispatchWork: 1 });
    const lost = ['a', 'b', 'c'].map((seed) => backend.pass(unit(seed)));
    device.destroy();
    lost.push(backend.pass(unit('d')));
    for (const pass of await Promise.allSettled(lost))
      expect(pass).toMatchObject({ status: 'rejected', reason: { code: 'DEVICE_LOST' } });
    await expect(backend.pass(unit('e'))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await backend.close();
  });

  it('says that memory is missing, wherever it is; the miner goes on, on the CPU', async () => {
    const { device, refused, sizes } = await deviceOf('f32');
    sizes.length = 0;
    const plain = { ...unit('scarce'), sigma0: undefined, limits: [] };
    const build = (runtime = false): Promise<Backend> =>
      createWebgpuBackend(model, { device, dot: 'f32', runtime });
    const whole = async (runtime = false): Promise<PassResult[]> => {
      const backend = await build(runtime);
      try {
        return [await backend.pass(unit('scarce')), await backend.pass(plain)];
      } finally {
        await backend.close();
      }
    };
    await whole();
    const all = sizes.splice(0);
    for (let at = 0; at < all.length; at++) {
      if (all[at]!.mapped || (at % 9 && at < all.length - 1)) continue;
      refused.at = at;
      await expect(whole(), `allocation ${at}`).rejects.toMatchObject({ code: 'DEVICE_MEMORY' });
      sizes.length = 0;
    }

    // The self-test's two passes have what they need, and so has the first unit of the miner.
    refused.at = all.length + 8;
    const again: { input: PassInput; result: PassResult }[] = [];
    const { miner } = newMiner(
      () => build(),
      async (given) => {
        const backend = await createCpuBackend(given);
        const pass = async (input: PassInput): Promise<PassResult> => {
          const result = await backend.pass(input);
          again.push({ input, result });
          return result;
        };
        return { ...backend, pass };
      },
    );
    await miner.start('tiny', 'auto');
    expect(miner.status).toMatchObject({ state: 'running', backend: 'webgpu' });
    await vi.waitUntil(() => miner.status.backend === 'cpu', wait);
    expect(sizes.length).toBeGreaterThan(refused.at);
    expect(miner.status.rejected).toEqual({ 'gpu: DEVICE_MEMORY': 1 });
    const { units } = miner.status;
    await vi.waitUntil(() => miner.status.units > units + 1, wait);
    expect(miner.status.state).toBe('running');
    miner.pause();
    const { input, result } = again.at(-1)!;
    const healthy = await build();
    const { signal: _, ...same } = input;
    expect(await healthy.pass(same)).toEqual(result);
    await healthy.close();

    // ONNX Runtime's memory too, where it runs the segments: it makes no session on a GPU after this one, but the
    // CPU's go on.
    refused.at = -1;
    sizes.length = 0;
    expect(await whole(true)).toEqual([await cpu.pass(unit('scarce')), await cpu.pass(plain)]);
    refused.at = sizes.findIndex((x) => x.mapped);
    sizes.length = 0;
    await expect(whole(true)).rejects.toMatchObject({ code: 'DEVICE_MEMORY' });
    refused.at = -1;
    expect(await cpu.pass(same)).toEqual(result);
  });

  it('answers beside its units, with the rows of the CPU', async () => {
    const { miner, told } = newMiner(async (given) =>
      createWebgpuBackend(given, { device: (await deviceOf('f32')).device, dot: 'f32' }),
    );
    await miner.start('tiny', 'webgpu');
    const { answerSize } = model.manifest;
    const { tokens } = unitShape(model.manifest);
    // The first pass is run again on the CPU; a text of three sequences takes two.
    const inputs = [1, tokens, 3 * tokens].map((length) => randomBytes(`${length}`, length));
    const given = await Promise.all(
      inputs.map((input, id) => miner.answer(id, { model: model.id, input, rank: 'payer' })),
    );
    for (const [i, rows] of given.entries())
      for (const [at, row] of rows.entries()) {
        const part = inputs[i]!.slice(at * tokens, (at + 1) * tokens);
        const alone = packInput(part, model.manifest);
        const { answer } = await cpu.pass({ tokens: alone, sigma0: undefined, limits: [] });
        expect(row).toEqual(new Uint8Array(answer.slice(0, answerSize).buffer));
      }
    expect(miner.status).toMatchObject({ state: 'running', backend: 'webgpu', rejected: {} });
    expect(miner.status.answering).toMatchObject({ waiting: 0, sequences: 5 });
    const { units } = miner.status;
    await vi.waitUntil(() => miner.status.units > units, wait);
    expect(told.wins).toBe(0);
    miner.pause();
  });

  it('is opened again after each loss, and goes on', async () => {
    const used: GPUDevice[] = [];
    const { miner, told } = newMiner(async (given) => {
      const device = await takeDevice('f32');
      used.push(device);
      return createWebgpuBackend(given, { device, dot: 'f32' });
    });
    await miner.start('tiny', 'webgpu');
    for (let loss = 1; loss <= 3; loss++) {
      const { units } = miner.status;
      await vi.waitUntil(() => miner.status.units > units + 3, wait);
      expect(miner.status).toMatchObject({ state: 'running', backend: 'webgpu' });
      expect(used).toHaveLength(loss);
      if (loss === 3) break;
      used.at(-1)!.destroy();
      await vi.waitUntil(() => miner.status.rejected['gpu: DEVICE_LOST'] === loss, wait);
    }
    expect(miner.status.rejected).toEqual({ 'gpu: DEVICE_LOST': 2 });
    expect(told.wins).toBe(0);
    miner.pause();
  });
});
