/** Whole models on WebGPU, their segments on the executor: known answers of every step in poisoned buffers. */
import { afterAll, describe, expect, it } from 'vitest';
import { unitLinears, unitShape } from '../../src/core/manifest.ts';
import { knownStep } from '../../src/core/pow/known.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { planOf } from '../../src/miner/executor/plan-of.ts';
import { createExecutorSegments } from '../../src/miner/webgpu/executor/executor.ts';
import { allocatedBytes, createKernels } from '../../src/miner/webgpu/kernels.ts';
import { createScratch } from '../../src/miner/webgpu/linear.ts';
import { createWebgpuBackend } from '../../src/miner/webgpu/webgpu.ts';
import { openGpu } from '../gpu.ts';
import { randomBytes } from '../oracle/random.ts';
import { DECODER_SMALL, decoderPackage, withOwnWeights } from '../models/decoder.ts';
import { loadModel } from './small-model.ts';

const opened = await openGpu();
if (!opened) console.warn('webgpu-models: skipped, no WebGPU adapter in this Node');
/** Large as integers, and far from any result as float32. */
const POISON = 0x4b;

const sum = (numbers: readonly number[]): number => numbers.reduce((all, x) => all + x, 0);

/** Fills every storage buffer of a device as it is made. */
function poison(device: GPUDevice): GPUDevice {
  const { createBuffer } = device;
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device, descriptor);
    if (descriptor.usage & GPUBufferUsage.STORAGE)
      device.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(POISON));
    return buffer;
  };
  return device;
}

/** Dispatches of each segment. */
async function dispatchesOf(model: ModelPackage, device: GPUDevice): Promise<number[]> {
  const kernels = await createKernels(device, 'f32', () => Infinity);
  const scratch = createScratch(device, unitLinears(model.manifest), unitShape(model.manifest));
  const segments = await createExecutorSegments(model, planOf(model)!, kernels, scratch);
  return Promise.all(model.segments.map(async (_, i) => (await segments.run(i)).length));
}

describe.skipIf(!opened)('the executor on WebGPU', { timeout: 600_000 }, () => {
  // Compiling takes a software device seconds: one device for all models.
  const device = opened && poison(opened.device);
  afterAll(() => device?.destroy());

  // Dispatches of the segments of a layer, and of how many segments.
  const models = [
    { name: 'tiny', layer: 4, dispatches: 8 },
    { name: 'lingua', layer: 4, dispatches: 9 },
    { name: 'polyglot', layer: 4, dispatches: 9 },
    { name: 'decoder', layer: 5, dispatches: 10 },
  ];
  it.each(models)('gives every known answer: $name', async ({ name, layer, dispatches }) => {
    const model = name === 'decoder' ? decoderPackage(DECODER_SMALL, true) : await loadModel(name);
    const { known } = unitShape(model.manifest);
    const backend = await createWebgpuBackend(model, { device: device!, dot: 'f32' });
    expect(backend.kernel).toBe('f32, segments: executor');
    for (const [i, want] of known.entries()) {
      const got = await backend.step(knownStep(model.manifest, i + 1));
      expect(toHex(got), `step ${i + 1}`).toBe(toHex(want));
    }
    await backend.close();
    const counts = await dispatchesOf(model, device!);
    // The last segment is the answer's.
    for (let at = 1; at + 3 < counts.length; at += layer) {
      const own = counts.slice(at, Math.min(at + layer, counts.length - 1));
      expect(sum(own)).toBeLessThanOrEqual(dispatches);
    }
  });

  it('has weights that linears share in one buffer', async () => {
    const model = decoderPackage(DECODER_SMALL);
    // The second limb of `down`, whose weights the first one has too.
    const [{ ffn, hidden }, second] = [DECODER_SMALL, 4];
    const bytes: number[] = [];
    for (const each of [model, withOwnWeights(model, second)]) {
      const before = allocatedBytes(device!);
      const backend = await createWebgpuBackend(each, { device: device!, dot: 'f32' });
      bytes.push(backend.memoryBytes() - before);
      await backend.close();
    }
    expect(bytes[1]! - bytes[0]!).toBe(ffn * hidden);
  });

  it('gives a batch of fewer sequences the rows of the CPU', async () => {
    const model = await loadModel('tiny');
    const cpu = await createCpuBackend(model);
    const own = await createWebgpuBackend(model, { device: device!, dot: 'f32' });
    const { tokens: length, sequences } = unitShape(model.manifest);
    const tokens = tokensOf(randomBytes('tokens', 32), model.manifest);
    for (let n = 1; n <= sequences; n++) {
      const tokensOfSome = tokens.slice(0, n * length);
      const plain = { tokens: tokensOfSome, sigma0: undefined, limits: [], capture: 2 };
      expect(await own.pass(plain)).toEqual(await cpu.pass(plain));
    }
    await own.close();
    await cpu.close();
  });
});
