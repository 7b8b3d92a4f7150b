/**
 * The CPU backend: segments in the executor or on ONNX Runtime, linears on our own WebAssembly kernels. Runs in
 * browser workers and in Node alike; it is also what re-checks other backends' wins.
 */
import {
  carryBytes,
  KIND,
  sharedByWeights,
  unitShape,
  type Manifest,
  type Shape,
  type UnitLinear,
} from '../../core/manifest.ts';
import { concat } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { analyseModel, isRefusal, type Analysis } from '../checker/checker.ts';
import type { Backend, ModelPackage } from '../engine/backend.ts';
import { STEP_ROWS_MAX, type StepEngine, type StepOptions } from '../generator/stepper.ts';
import { createSteps } from '../generator/steps.ts';
import { blake3Of } from '../package/parts.ts';
import { createLap, type Clock, type OnStage } from '../engine/stages.ts';
import { createKernel, type Kernel } from './kernel/kernel.ts';
import { KERNEL_PROGRAM } from './kernel/modules.ts';
import { runPass, runStep, type PassParts } from './pass.ts';
import { openSegments } from './open-segments.ts';
import { placeTables } from './tables.ts';
import { createYield } from './yield.ts';

/** Passes that may wait: the unit in work, its re-check, and replays of other people's blocks. */
const WAITING_MAX = 64;

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
  // No function below may mention `given`, `rows` or `read`: it would keep a second copy of weights or tables alive.
  const { weights: rows, tables: read, ...others } = given;
  const { manifest } = others;
  const lap = createLap(options.onStage, options.clock);
  // Shapes with more rows than the one that is mined get their room when one of them first runs.
  const rowsAtFirst = firstRows(manifest);
  const kernel = await createKernel(largest(manifest), carryBytesMax(manifest), lap, rowsAtFirst);
  const weights = placeAll(kernel, manifest, rows);
  const tables = placeTables(kernel, manifest, read);
  const model = { ...others, tables: tables.bytes };
  const shapes = proven(given, options);
  let planned = shapes !== undefined && !options.runtimeOnly;
  const passes = new SerialQueue(WAITING_MAX);
  const yieldToLoop = createYield();
  let usesRuntime = false;
  /** Of each shape that has run; the shapes are few. */
  const opened = new Map<number, Promise<PassParts>>();

  async function open(index: number): Promise<PassParts> {
    const shape = manifest.shapes[index]!;
    // Read in any case: a language model's further shape is proven by that.
    const facts = shapes?.[index];
    const own = kernel.forRows(rowsOf(shape));
    const segments = await openSegments({
      model,
      index,
      kernel: own,
      tables: tables.forExecutor,
      facts: planned ? facts : undefined,
    });
    usesRuntime ||= segments.usesRuntime;
    return { model, shape, kernel: own, segments, weights, yieldToLoop, lap };
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
      if (!shapes || !planned)
        throw new AppError('MODEL_REFUSED', 'steps of a model that is not proven');
      return createSteps(
        { manifest, tables: tables.forExecutor, kernel, weights, shapes, yieldToLoop, passes },
        options,
      );
    });
  }

  // The shape that is mined is opened now, so that a model that does not load is refused at once. A language model is
  // never mined: its steps are opened by who wants them.
  if (manifest.kind !== KIND.generator) await partsOf(0);
  return {
    kind: 'cpu',
    device: CPU_DEVICE,
    kernel: 'wasm',
    depth: 1,
    memoryBytes: () => kernel.memoryBytes,
    program: async (index) => {
      const { segments } = await partsOf(index);
      return blake3Of(concat(segments.program, KERNEL_PROGRAM));
    },
    weights: (linear) => kernel.weightRows(manifest.linears[linear - 1]!, weights[linear - 1]!),
    rows: (table) => tables.placed(table),
    usesRuntime: () => usesRuntime,
    fallBack: () =>
      passes.run(async () => {
        if (!planned) return false;
        planned = false;
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
  if (runtimeOnly && !analysis) return undefined;
  const found = analysis ?? analyseModel(model);
  return isRefusal(found) ? undefined : found.shapes;
}

const rowsOf = ({ sequences, tokens }: Shape): number => sequences * tokens;

/** Rows that a model's kernel has room for from the start: those of the shape that is mined, and of a step. */
const firstRows = (manifest: Manifest): number =>
  Math.max(rowsOf(unitShape(manifest)), manifest.kind === KIND.generator ? STEP_ROWS_MAX : 0);

/** Linears with the rows of the largest batch of all shapes. */
function largest({ linears, shapes }: Manifest): UnitLinear[] {
  const m = Math.max(...shapes.map(rowsOf));
  return linears.map((l) => ({ ...l, m }));
}

const carryBytesMax = ({ shapes }: Manifest): number =>
  Math.max(
    0,
    ...shapes.flatMap(({ sequences, carries }) =>
      carries.map((carry) => sequences * carry.size * carryBytes(carry)),
    ),
  );
