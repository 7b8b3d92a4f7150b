/**
 * Opens a GPUDevice for a model and keeps what went wrong on it: lost, out of memory, our own bugs.
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
  /** The first failure since it was opened: lost, or an error that no call reported. */
  failure(): Error | undefined;
  /** The same, once the device has judged all that was asked of it until now. */
  settled(): Promise<Error | undefined>;
}

/** What ONNX Runtime would ask for by itself: its kernels use both where they are. */
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
 * Watches a device that somebody else opened, or that `openDevice` did. Errors are heard where they
 * are reported first, ONNX Runtime's allocations included: an error scope around some of ours would
 * hold the missing memory back while its consequences, invalid buffers, were told at once.
 */
export function watchDevice(device: GPUDevice, name: string): OpenDevice {
  let failure: Error | undefined;
  const { createBuffer } = device;
  // ONNX Runtime drops this exception and fails over something else.
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
 * The device to mine on. Software adapters are slower than our CPU backend: refused unless forced.
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
