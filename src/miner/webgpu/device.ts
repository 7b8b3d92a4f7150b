/**
 * Opens a GPUDevice for a model and records its failures: a lost device, lack of memory, our own bugs.
 */
import { AppError } from '../../lib/errors.ts';

export interface OpenDevice {
  readonly device: GPUDevice;
  /** For people: vendor, architecture, description. */
  readonly name: string;
  /** Resolves with the reason when the device is lost, not when it was destroyed on purpose. */
  readonly lost: Promise<string>;
  /** Resolves when the device is lost for whatever reason. */
  readonly gone: Promise<unknown>;
  /** The first failure since the device was opened: its loss, or an error that no call reported. */
  failure(): Error | undefined;
  /** The same, once the device has validated all commands given to it so far. */
  settled(): Promise<Error | undefined>;
}

/** Features that ONNX Runtime itself would request: its kernels use both where they are available. */
const FEATURES: readonly GPUFeatureName[] = ['shader-f16', 'subgroups'];
const LIMITS = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
] as const;

export function nameOf(info: GPUAdapterInfo): string {
  const words = [info.vendor, info.architecture, info.device, info.description];
  return [...new Set(words.filter(Boolean))].join(' ') || 'unnamed GPU';
}

/**
 * Watches a device, opened by `openDevice` or by the caller. It listens to uncaptured errors, so that the
 * first error is noted, also one of ONNX Runtime's allocations: an error scope around some of our calls would
 * report lack of memory later than its consequences, the errors of invalid buffers.
 */
export function watchDevice(device: GPUDevice, name: string): OpenDevice {
  let failure: Error | undefined;
  const { createBuffer } = device;
  // ONNX Runtime drops this exception and then fails for another reason, so the exception is noted here.
  device.createBuffer = (descriptor) => {
    try {
      return createBuffer.call(device, descriptor);
    } catch (cause) {
      if (cause instanceof RangeError)
        failure ??= new AppError('DEVICE_MEMORY', cause.message, { cause });
      throw cause;
    }
  };
  const gone = device.lost.then(({ reason, message }) => {
    failure = new AppError('DEVICE_LOST', message || reason);
    return { reason, text: message || reason };
  });
  const lost = new Promise<string>((resolve) => {
    void gone.then(({ reason, text }) => reason !== 'destroyed' && resolve(text));
  });
  device.addEventListener('uncapturederror', ({ error }) => {
    const memory = error instanceof GPUOutOfMemoryError;
    failure ??= memory ? new AppError('DEVICE_MEMORY', error.message) : new Error(error.message);
  });
  return {
    device,
    name,
    lost,
    gone,
    failure: () => failure,
    async settled() {
      device.pushErrorScope('out-of-memory');
      await Promise.race([device.popErrorScope().catch(() => null), gone]);
      return failure;
    },
  };
}

/**
 * Opens the device to mine on. Software adapters are slower than our CPU backend: refused unless forced.
 * @throws AppError NO_WEBGPU
 */
export async function openDevice(gpu: GPU | undefined, forceFallback: boolean) {
  if (!gpu) throw new AppError('NO_WEBGPU', 'this browser has no WebGPU');
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) throw new AppError('NO_WEBGPU', 'there is no WebGPU adapter');
  if (adapter.info.isFallbackAdapter && !forceFallback)
    throw new AppError('NO_WEBGPU', `${nameOf(adapter.info)} is a software adapter`);
  const requiredLimits = Object.fromEntries(LIMITS.map((l) => [l, adapter.limits[l]]));
  const requiredFeatures = FEATURES.filter((f) => adapter.features.has(f));
  try {
    const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
    return watchDevice(device, nameOf(adapter.info));
  } catch (cause) {
    throw new AppError('NO_WEBGPU', 'the adapter gives no device', { cause });
  }
}
