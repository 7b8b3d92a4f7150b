/** The WebGPU backend: a model's segments, on our executor or ONNX Runtime, and our kernels on one GPUDevice. */
import { sharedByWeights, unitLinears, unitShape } from '../../core/manifest.ts';
import type { Analysis } from '../checker/checker.ts';
import type { Backend, ModelPackage } from '../engine/backend.ts';
import { planOf } from '../executor/plan-of.ts';
import { planProblem } from './executor/compiled.ts';
import { createExecutorSegments } from './executor/executor.ts';
import { openDevice, watchDevice, type OpenDevice } from './device.ts';
import { createKernels, kernelCode, workMaxOf, type Kernels } from './kernels.ts';
import {
  WebgpuBackend,
  type BackendOptions,
  type HashedCarry,
  type SegmentParts,
} from './gpu-backend.ts';
import {
  carryTasks,
  createGpuLinear,
  createScratch,
  storeWeights,
  type GpuLinear,
  type Scratch,
} from './linear.ts';
import { describeTuning, largestOf, shapeOf, tune, tuningKey, type Tuning } from './tuning.ts';
import type { OnStage } from '../engine/stages.ts';
import type { GpuSegments } from './segments.ts';
import { createDeviceStore } from '../engine/trust/device-store.ts';
import { gemmWgsl, type DotKind } from './wgsl/gemm.ts';

/** The tunings of this worker, kept while devices come and go. */
const tunings = createDeviceStore('pila-tuning');

export interface WebgpuOptions extends BackendOptions {
  /** A device to share; without it a device is opened, and destroyed by `close`. */
  readonly device?: GPUDevice;
  /** Accept a software adapter: tests only. */
  readonly forceFallback?: boolean;
  /** The GEMM kernel to use instead of the fastest one that computes right. */
  readonly dot?: DotKind;
  /** Most work of one dispatch of any kernel, instead of the measured limit. */
  readonly dispatchWork?: number;
  /** What is proven about the model; without it the model is analysed. */
  readonly analysis?: Analysis;
  /** Segments on ONNX Runtime, also where a plan covers the model: tests and benches only. */
  readonly runtime?: boolean;
  /** Called with the time of each stage in ms. The backend then waits for the device after each: passes are slower. */
  readonly onStage?: OnStage;
}

/**
 * A backend for one model.
 * @throws AppError NO_WEBGPU, MODEL_REFUSED, DEVICE_LOST, DEVICE_MEMORY
 */
export async function createWebgpuBackend(
  model: ModelPackage,
  options: WebgpuOptions = {},
): Promise<Backend> {
  const gpu = globalThis.navigator?.gpu;
  const opened = options.device
    ? watchDevice(options.device, 'shared GPU')
    : await openDevice(gpu, options.forceFallback ?? false);
  let backend: Backend | undefined;
  try {
    backend = await buildBackend(model, opened, options, gpu);
    const failure = await opened.settled();
    if (failure) throw failure;
    return backend;
  } catch (e) {
    const failure = await opened.settled();
    await backend?.close();
    if (!options.device) opened.device.destroy();
    throw failure ?? e;
  }
}

async function buildBackend(
  model: ModelPackage,
  opened: OpenDevice,
  options: WebgpuOptions,
  gpu: GPU,
): Promise<Backend> {
  const { device } = opened;
  const linears = unitLinears(model.manifest);
  const shape = unitShape(model.manifest);
  const tuning = options.dot ? undefined : await tuningOf(model, opened, gpu);
  const scratch = createScratch(device, linears, shape);
  const { dispatchWork } = options;
  const workMax =
    dispatchWork === undefined ? workMaxOf(tuning?.pace ?? {}) : (): number => dispatchWork;
  const kernels = await createKernels(device, options.dot ?? tuning!.dot, workMax);
  const weights = sharedByWeights(model.manifest, (l, i) =>
    storeWeights(device, l, model.weights[i]!),
  );
  const gpuLinears: GpuLinear[] = await Promise.all(
    linears.map((linear, i) =>
      createGpuLinear(kernels, scratch, { linear, number: i + 1, weights: weights[i]! }),
    ),
  );
  const open = async (runtime: boolean): Promise<SegmentParts> => {
    const segments = await segmentsOf(model, kernels, scratch, { ...options, runtime });
    const carries = shape.carries.map(({ name, made }, i): HashedCarry => {
      const tasks = carryTasks(scratch, shape, i, segments.carry(i));
      return { name, made, steps: tasks.flatMap((task) => kernels.steps(task)) };
    });
    return { segments, carries };
  };
  const kernel = tuning ? describeTuning(tuning) : kernels.dot;
  const parts = {
    scratch,
    linears: gpuLinears,
    ...(await open(options.runtime ?? false)),
    kernel,
    code: kernelCode() + linears.map((l) => gemmWgsl({ ...shapeOf(l), dot: kernels.dot })).join(''),
    openRuntime: () => open(true),
  };
  return new WebgpuBackend(model, opened, options, parts);
}

/** Our executor where its plan covers the model whole; else ONNX Runtime, which is fetched only then. */
async function segmentsOf(
  model: ModelPackage,
  kernels: Kernels,
  scratch: Scratch,
  options: WebgpuOptions,
): Promise<GpuSegments> {
  const plan = options.runtime ? undefined : planOf(model, options.analysis);
  if (plan && !planProblem(kernels.device, plan))
    return createExecutorSegments(model, plan, kernels, scratch);
  const { createRuntimeSegments } = await import('./runtime.ts');
  return createRuntimeSegments(model, kernels, scratch);
}

function tuningOf(model: ModelPackage, { device, name }: OpenDevice, gpu: GPU): Promise<Tuning> {
  const linear = largestOf(unitLinears(model.manifest));
  return tune(gpu, device, linear, { key: tuningKey(name, model.id, linear), store: tunings });
}
