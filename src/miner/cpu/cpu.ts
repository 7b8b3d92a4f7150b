/**
 * The CPU backend: segments in the executor or on ONNX Runtime, linears on our own WebAssembly kernels. Runs in
 * browser workers and in Node alike; it is also what re-checks other backends' wins.
 */
import {
  carryBytes,
  sharedByWeights,
  type Manifest,
  type UnitLinear,
} from '../../core/manifest.ts';
import { plainHash } from '../../core/hash.ts';
import { concat, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { analyseModel, isRefusal, type Analysis } from '../checker/checker.ts';
import type { Backend, ModelPackage } from '../engine/backend.ts';
import type { StepEngine, StepOptions } from '../generator/stepper.ts';
import { createSteps } from '../generator/steps.ts';
import { createLap, type Clock, type OnStage } from '../engine/stages.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { KERNEL_WASM } from './kernel/kernel-wasm.ts';
import { RELAXED_WASM } from './kernel/relaxed-wasm.ts';
import { runPass, runStep, type PassParts, type YieldFor } from './pass.ts';
import { openSegments } from './open-segments.ts';

/** Passes that may wait: the unit in work, its re-check, and replays of other people's blocks. */
const WAITING_MAX = 64;
/** ms after which a pass lets the event loop run, because an abort may wait there. */
const YIELD_MS = 8;

/** What the device is called; part of what a verdict is kept by. */
export const CPU_DEVICE = 'WebAssembly SIMD, one thread';

export interface CpuOptions {
  /** What is proven about the model. Without it the model is analysed; one that is refused runs on ONNX Runtime. */
  readonly analysis?: Analysis;
  /** Run all segments on ONNX Runtime. */
  readonly runtimeOnly?: boolean;
  /** Called with the time that each stretch of each stage took, by `clock` (default: wall time). */
  readonly onStage?: OnStage;
  readonly clock?: Clock;
}

/** @throws AppError MODEL_REFUSED, DEVICE_MEMORY */
export async function createCpuBackend(
  given: ModelPackage,
  options: CpuOptions = {},
): Promise<Backend> {
  // No function below may mention `given` or `rows`: it would keep a second copy of the weights alive.
  const { weights: rows, ...model } = given;
  const { manifest } = model;
  const lap = createLap(options.onStage, options.clock);
  const kernel = await createKernel(largest(manifest), carryBytesMax(manifest), lap);
  const weights = placeAll(kernel, manifest, rows);
  let shapes = proven(given, options);
  const passes = new SerialQueue(WAITING_MAX);
  const yieldToLoop = createYield();
  let usesRuntime = false;
  /** Of each shape that has run; the shapes are few. */
  const opened = new Map<number, Promise<PassParts>>();

  async function open(index: number): Promise<PassParts> {
    const shape = manifest.shapes[index]!;
    const segments = await openSegments({ model, index, kernel, facts: shapes?.[index] });
    usesRuntime ||= segments.usesRuntime;
    return { model, shape, kernel, segments, weights, yieldToLoop, lap };
  }

  function partsOf(index: number): Promise<PassParts> {
    let parts = opened.get(index);
    if (!parts) {
      parts = open(index);
      opened.set(index, parts);
      parts.catch(() => opened.delete(index));
    }
    return parts;
  }

  /** Steps beside passes: one kernel, one of them at a time. */
  function openSteps(options: StepOptions): Promise<StepEngine> {
    return passes.run(() => {
      if (!shapes) throw new AppError('MODEL_REFUSED', 'steps of a model that is not proven');
      return createSteps({ model, kernel, weights, shapes, yieldToLoop, passes }, options);
    });
  }

  // The shape that is mined is opened now, so that a model that does not load is refused at once.
  await partsOf(0);
  return {
    kind: 'cpu',
    device: CPU_DEVICE,
    kernel: 'wasm',
    depth: 1,
    memoryBytes: () => kernel.memoryBytes,
    program: async (index) => {
      const { segments } = await partsOf(index);
      return plainHash(concat(segments.program, utf8(KERNEL_WASM), utf8(RELAXED_WASM)));
    },
    weights: (linear) => kernel.weightRows(manifest.linears[linear - 1]!, weights[linear - 1]!),
    usesRuntime: () => usesRuntime,
    fallBack: () =>
      passes.run(async () => {
        if (!shapes) return false;
        shapes = undefined;
        const were = [...opened.values()];
        opened.clear();
        for (const parts of were) await (await parts).segments.close();
        await partsOf(0);
        return true;
      }),
    pass: (input) => passes.run(async () => runPass(await partsOf(input.shape ?? 0), input)),
    step: (input, shape = 0) => passes.run(async () => runStep(await partsOf(shape), input)),
    steps: openSteps,
    lost: new Promise(() => {}),
    close: () =>
      passes.run(async () => {
        for (const parts of opened.values()) await (await parts).segments.close();
      }),
  };
}

const placeAll = (kernel: Kernel, manifest: Manifest, rows: ModelPackage['weights']) =>
  sharedByWeights(manifest, (l, i) => kernel.placeWeights(l, rows[i]!));

/** What is proven about the segments of each shape. */
function proven(
  model: ModelPackage,
  { analysis, runtimeOnly }: CpuOptions,
): Analysis['shapes'] | undefined {
  if (runtimeOnly) return undefined;
  const found = analysis ?? analyseModel(model);
  return isRefusal(found) ? undefined : found.shapes;
}

/** Linears with the rows of the largest batch of all shapes. */
function largest({ linears, shapes }: Manifest): UnitLinear[] {
  const m = Math.max(...shapes.map(({ sequences, tokens }) => sequences * tokens));
  return linears.map((l) => ({ ...l, m }));
}

const carryBytesMax = ({ shapes }: Manifest): number =>
  Math.max(
    0,
    ...shapes.flatMap(({ sequences, carries }) =>
      carries.map((carry) => sequences * carry.size * carryBytes(carry)),
    ),
  );

/** Lets the event loop deliver messages; a timer would wait 4 ms, and a promise alone delivers none. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(0);
  });
}

/** One for all passes, so that many short passes in a row also let the event loop run. */
function createYield(): YieldFor {
  let yieldedAt = performance.now();
  return async (signal) => {
    if (performance.now() - yieldedAt > YIELD_MS) {
      await nextTask();
      yieldedAt = performance.now();
    }
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'the pass was aborted');
  };
}
