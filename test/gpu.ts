/** WebGPU in this Node, ONNX Runtime's too, on the machine's GPU or on Chromium's software device. */
import { borrowVulkan } from './vulkan.ts';

export async function openGpu(): Promise<{ gpu: GPU; device: GPUDevice } | undefined> {
  borrowVulkan();
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  const adapter = await gpu.requestAdapter();
  return adapter ? { gpu, device: keepPipelines(await adapter.requestDevice()) } : undefined;
}

/**
 * Compiling takes a software device seconds. Dawn compiles equal code once for each device, as long as somebody holds
 * what it made: here all of it is held, so that tests which share a device compile once.
 */
export function keepPipelines(device: GPUDevice): GPUDevice {
  const { createComputePipelineAsync } = device;
  const kept: GPUComputePipeline[] = [];
  device.createComputePipelineAsync = async (descriptor) => {
    const made = await createComputePipelineAsync.call(device, descriptor);
    kept.push(made);
    return made;
  };
  return device;
}
