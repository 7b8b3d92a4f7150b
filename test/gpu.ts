/** WebGPU in this Node, ONNX Runtime's too, on the machine's GPU or on Chromium's software device. */
import { borrowVulkan } from './vulkan.ts';

export async function openGpu(): Promise<{ gpu: GPU; device: GPUDevice } | undefined> {
  borrowVulkan();
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  const adapter = await gpu.requestAdapter();
  return adapter ? { gpu, device: await adapter.requestDevice() } : undefined;
}
