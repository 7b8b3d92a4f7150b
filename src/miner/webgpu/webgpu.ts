/**
 * The WebGPU backend: ONNX Runtime's segments and our kernels on one GPUDevice. This code only queues a pass:
 * activations, carries, seeds and transcripts stay on the device, and one readback at the end brings x, t, the
 * winners and the answer. The device works through its queue in order, writes included, so the next pass is queued, in
 * the same buffers, while the last one is being read.
 */
import { unitLinears, unitRows, unitShape } from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import { plainHash } from '../../core/hash.ts';
import * as ort from 'onnxruntime-web/webgpu';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import { firstInputs } from '../engine/inputs.ts';
import { openDevice, watchDevice, type OpenDevice } from './device.ts';
import {
  allocatedBytes,
  copyBuffers,
  createKernels,
  storage,
  submit,
  workMaxOf,
  type Step,
} from './kernels.ts';
import {
  carryTasks,
  createGpuLinear,
  createScratch,
  type GpuLinear,
  type Scratch,
} from './linear.ts';
import { describeTuning, largestOf, tune, tuningKey, type Tuning } from './tuning.ts';
import { createSegmentChain, onDevice, type Feeds, type SegmentChain } from '../engine/segments.ts';
import type { OnStage, Stage } from '../engine/stages.ts';
import { createTuningStore } from './tuning-store.ts';
import type { DotKind } from './wgsl/gemm.ts';
import { NO_WINNER, RECORD, SLOT } from './wgsl/hashing.ts';

/** The tunings of this worker, kept while devices come and go. */
const tunings = createTuningStore();

/** Passes that may wait for their turn. */
const WAITING_MAX = 16;

export interface WebgpuOptions {
  /** A device to share; without it a device is opened, and destroyed by `close`. */
  readonly device?: GPUDevice;
  /** Accept a software adapter: tests only. */
  readonly forceFallback?: boolean;
  /** The GEMM kernel to use instead of the fastest one that computes right. */
  readonly dot?: DotKind;
  /** Most work of one dispatch of any kernel, instead of the measured limit. */
  readonly dispatchWork?: number;
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
  const gpuLinears: GpuLinear[] = await Promise.all(
    linears.map((linear, i) =>
      createGpuLinear(kernels, scratch, {
        linear,
        number: i + 1,
        weights: model.weights[i]!,
      }),
    ),
  );
  const chain = await createSegmentChain(model.segments, onDevice(device));
  const carries = shape.carries.map(({ name, made, size }, i): GpuCarry => {
    const buffer = storage(device, 4 * shape.sequences * size);
    const steps = carryTasks(scratch, shape, i, buffer).flatMap((task) => kernels.steps(task));
    return {
      name,
      made,
      buffer,
      tensor: tensorOn(buffer, 'float32', chain.dimensionsOf(name)),
      steps,
    };
  });
  const kernel = tuning ? describeTuning(tuning) : kernels.dot;
  const parts = { scratch, linears: gpuLinears, carries, chain, kernel };
  return new WebgpuBackend(model, opened, options, parts);
}

function tuningOf(model: ModelPackage, { device, name }: OpenDevice, gpu: GPU): Promise<Tuning> {
  const linear = largestOf(unitLinears(model.manifest));
  return tune(gpu, device, linear, { key: tuningKey(name, model.id, linear), store: tunings });
}

/** A carry in a buffer of its own. */
interface GpuCarry {
  readonly name: string;
  readonly made: number;
  readonly buffer: GPUBuffer;
  readonly tensor: ort.Tensor;
  /** The dispatches that hash it. */
  readonly steps: readonly Step[];
}

interface Parts {
  readonly scratch: Scratch;
  readonly linears: readonly GpuLinear[];
  readonly carries: readonly GpuCarry[];
  readonly chain: SegmentChain;
  /** Description of the GEMM kernel, for people. */
  readonly kernel: string;
}

const tensorOn = (
  gpuBuffer: GPUBuffer,
  dataType: 'float32' | 'int32',
  dims: number[],
): ort.Tensor => ort.Tensor.fromGpuBuffer(gpuBuffer, { dataType, dims });

/** Limits as 8 words each, the most significant first, as the ticket kernel compares them. */
const limitWords = (limits: readonly bigint[]): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(
    limits.flatMap((x) =>
      Array.from({ length: 8 }, (_, i) => Number((x >> BigInt(32 * (7 - i))) & 0xffff_ffffn)),
    ),
  );

class WebgpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly device: string;
  readonly kernel: string;
  readonly lost: Promise<string>;
  readonly #model: ModelPackage;
  readonly #opened: OpenDevice;
  readonly #options: WebgpuOptions;
  readonly #parts: Parts;
  /** What segment 0 reads, by name. */
  readonly #first: ReadonlyMap<string, GPUBuffer>;
  readonly #capture: GPUBuffer;
  /** Of each segment. */
  readonly #inputs: Feeds[];
  readonly #outputs: Feeds[];
  readonly depth = 2;
  /** Passes are queued one after the other; the results of each are read through a buffer of its own. */
  readonly #queue = new SerialQueue(WAITING_MAX);
  /** Functions that end the running passes when the device is lost: the runtime's promises may then never settle. */
  readonly #abandon = new Set<() => void>();
  /** Passes that are queued or being read. */
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(model: ModelPackage, opened: OpenDevice, options: WebgpuOptions, parts: Parts) {
    this.#model = model;
    this.#opened = opened;
    this.#options = options;
    this.#parts = parts;
    this.device = opened.name;
    this.kernel = parts.kernel;
    this.lost = opened.lost;
    void opened.gone.then(() => this.#abandon.forEach((end) => end()));
    const first = firstInputs(model, new Uint32Array(unitRows(model.manifest))).map((input) => {
      const type = input.data instanceof Int32Array ? 'int32' : 'float32';
      const buffer = storage(opened.device, input.data.byteLength);
      return { name: input.name, buffer, tensor: tensorOn(buffer, type, input.dims) } as const;
    });
    this.#first = new Map(first.map(({ name, buffer }) => [name, buffer]));
    this.#capture = storage(opened.device, parts.scratch.packed.size);
    this.#inputs = [
      Object.fromEntries(first.map(({ name, tensor }) => [name, tensor])),
      ...parts.linears.map((l, i) => ({
        [`c${i + 1}`]: tensorOn(l.output, 'float32', [l.linear.m, l.linear.n]),
      })),
    ];
    this.#outputs = parts.linears.map((l, i) => ({
      [`a${i + 1}`]: tensorOn(l.input, 'float32', [l.linear.m, l.linear.k]),
      ...Object.fromEntries(
        parts.carries.filter(({ made }) => made === i).map(({ name, tensor }) => [name, tensor]),
      ),
    }));
  }

  pass(input: PassInput): Promise<PassResult> {
    const { manifest } = this.#model;
    const { stopAfter = 1 } = input;
    assert(stopAfter >= 1 && stopAfter <= manifest.linears.length, `stopAfter ${stopAfter}`);
    assert(!input.sigma0 || input.limits.length === manifest.linears.length, 'a limit per linear');
    return this.#enqueue(() => this.#layers(input));
  }

  step(input: StepInput): Promise<Uint8Array> {
    const { linears } = this.#parts;
    assert(input.number >= 1 && input.number <= linears.length + 1, `step ${input.number}`);
    return this.#enqueue(() => this.#oneStep(input));
  }

  /** Queues work on the device; the function that it gives waits for what the device made. */
  #enqueue<T>(work: () => Promise<() => Promise<T>>): Promise<T> {
    const queued = this.#queue.run(() => this.#guard(work));
    const result = queued.then((read) => this.#guard(read));
    this.#running.add(result);
    const ended = (): void => void this.#running.delete(result);
    result.then(ended, ended);
    return result;
  }

  /** Runs a piece of a pass and maps its failure to a cause: the caller's signal, the device, or else a bug. */
  async #guard<T>(work: () => Promise<T>): Promise<T> {
    let end = (): void => undefined;
    try {
      const result = await new Promise<T>((resolve, reject) => {
        end = () => reject(new AppError('DEVICE_LOST', 'the device was lost'));
        this.#abandon.add(end);
        if (this.#opened.failure()) end();
        else work().then(resolve, reject);
      });
      const failure = this.#opened.failure();
      if (failure) throw failure;
      return result;
    } catch (e) {
      throw (await this.#opened.settled()) ?? e;
    } finally {
      this.#abandon.delete(end);
    }
  }

  #prepare({ tokens, sigma0, limits }: PassInput): void {
    const { queue } = this.#opened.device;
    const { scratch, linears } = this.#parts;
    this.#writeFirst(tokens);
    const first = new Uint8Array(4 * RECORD);
    first.set(sigma0 ?? [], 4 * SLOT.sigma);
    queue.writeBuffer(scratch.chain, 0, first);
    const none = new Uint32Array(linears.length).fill(NO_WINNER);
    queue.writeBuffer(scratch.winners, 0, none);
    if (sigma0) queue.writeBuffer(scratch.limits, 0, limitWords(limits));
  }

  #writeFirst(tokens: Uint32Array): void {
    for (const { name, data } of firstInputs(this.#model, tokens))
      this.#opened.device.queue.writeBuffer(this.#first.get(name)!, 0, data);
  }

  /** Queues a pass; the returned function waits for the result. */
  async #layers(input: PassInput): Promise<() => Promise<PassResult>> {
    const { linears, chain } = this.#parts;
    const stop = input.stopAfter ?? linears.length;
    const early = input.stopAfter !== undefined;
    if (this.#closed) throw new AppError('PASS_ABORTED', 'the backend is closed');
    this.#checkSignal(input.signal);
    this.#prepare(input);
    try {
      for (let i = 0; i < stop; i++) {
        this.#checkSignal(input.signal);
        await this.#segment(i);
        await this.#submit([
          ...this.#carriesOf(i),
          ...linears[i]!.steps(input.sigma0 !== undefined),
        ]);
        if (input.capture === i + 1) this.#keepPacked();
      }
      this.#checkSignal(input.signal);
      const answer = early ? undefined : await this.#segment(linears.length);
      const read = this.#result(input, stop, answer?.gpuBuffer);
      answer?.dispose();
      return read;
    } finally {
      chain.reset();
    }
  }

  /** Dispatches that hash the carries which a segment made. */
  #carriesOf(segment: number): Step[] {
    return this.#parts.carries.flatMap(({ made, steps }) => (made === segment ? steps : []));
  }

  /** Queues a step; the returned function waits for its known answer. */
  async #oneStep(input: StepInput): Promise<() => Promise<Uint8Array>> {
    const { scratch, linears, chain } = this.#parts;
    const { device } = this.#opened;
    const { number } = input;
    if (this.#closed) throw new AppError('PASS_ABORTED', 'the backend is closed');
    try {
      if ('a' in input) await this.#begin(input);
      else this.#writeFirst(input.tokens);
      const answer = await this.#segment(number - 1);
      const begin = linears[number - 1]?.begin;
      if (begin) await this.#submit([...this.#carriesOf(number - 1), ...begin]);
      const bytes = begin ? 4 * RECORD * (number + 1) : 4 * this.#answerEntries();
      const buffer = begin ? scratch.chain : answer.gpuBuffer;
      const copied = copyBuffers(device, [{ buffer, bytes }]);
      if (!begin) answer.dispose();
      return async () => {
        const [read] = await this.#timed('readback', copied);
        if (begin) return new Uint8Array(read!, 4 * (RECORD * number + SLOT.x), 32).slice();
        return plainHash(new Uint8Array(Int8Array.from(new Float32Array(read!)).buffer));
      };
    } finally {
      chain.reset();
    }
  }

  /** Sets what a step starts from, and multiplies. */
  async #begin({ number, a, carries }: Exclude<StepInput, { number: 1 }>): Promise<void> {
    const { queue } = this.#opened.device;
    const before = this.#parts.linears[number - 2]!;
    queue.writeBuffer(before.input, 0, Float32Array.from(a));
    const given = this.#parts.carries.filter(({ name }) => carries.has(name));
    for (const { name, buffer, tensor } of given) {
      queue.writeBuffer(buffer, 0, Float32Array.from(carries.get(name)!));
      this.#parts.chain.lend(name, tensor);
    }
    await this.#submit([...given.flatMap(({ steps }) => steps), ...before.steps(false)]);
  }

  #answerEntries(): number {
    const { manifest } = this.#model;
    return unitShape(manifest).sequences * manifest.answerSize;
  }

  #checkSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'the pass was stopped');
  }

  async #segment(index: number): Promise<ort.Tensor> {
    return this.#timed('segments', () =>
      this.#parts.chain.run(index, this.#inputs[index]!, this.#outputs[index]),
    );
  }

  async #submit(steps: readonly Step[]): Promise<void> {
    const { device } = this.#opened;
    if (!this.#options.onStage) return submit(device, steps);
    for (const step of steps)
      await this.#timed(step.stage, () => Promise.resolve(submit(device, [step])));
  }

  async #timed<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const { onStage } = this.#options;
    if (!onStage) return work();
    const started = performance.now();
    const result = await work();
    await this.#opened.device.queue.onSubmittedWorkDone();
    onStage(stage, performance.now() - started);
    return result;
  }

  #keepPacked(): void {
    const { device } = this.#opened;
    const { packed } = this.#parts.scratch;
    const encoder = device.createCommandEncoder();
    encoder.copyBufferToBuffer(packed, 0, this.#capture, 0, packed.size);
    device.queue.submit([encoder.finish()]);
  }

  /** Copies the results of a pass; the returned function waits for them. */
  #result(
    input: PassInput,
    stop: number,
    answer: GPUBuffer | undefined,
  ): () => Promise<PassResult> {
    const { scratch, linears } = this.#parts;
    const captured = linears[(input.capture ?? 0) - 1]?.linear;
    const copied = copyBuffers(this.#opened.device, [
      { buffer: scratch.chain, bytes: 4 * RECORD * (stop + 1) },
      { buffer: scratch.winners, bytes: 4 * linears.length },
      { buffer: this.#capture, bytes: captured ? captured.m * captured.k : 0 },
      { buffer: answer ?? scratch.chain, bytes: answer ? 4 * this.#answerEntries() : 0 },
    ]);
    return async () => {
      const buffers = await this.#timed('readback', copied);
      // Most of a pass is this wait: a signal that came meanwhile counts too.
      this.#checkSignal(input.signal);
      return this.#parse(input, stop, buffers);
    };
  }

  #parse(
    input: PassInput,
    stop: number,
    [chain, winners, kept, rows]: readonly ArrayBuffer[],
  ): PassResult {
    const captured = (input.capture ?? 0) >= 1 && input.capture! <= stop;
    const slot = (record: number, at: number): Uint8Array =>
      new Uint8Array(chain!, 4 * (RECORD * record + at), 32).slice();
    const each = (at: number): Uint8Array[] =>
      Array.from({ length: stop }, (_, i) => slot(i + 1, at));
    const tiles = new Uint32Array(winners!).subarray(0, stop);
    const won = tiles.findIndex((tile) => tile !== NO_WINNER);
    return {
      x: each(SLOT.x),
      a: each(SLOT.a),
      y: each(SLOT.y),
      t: input.sigma0 ? each(SLOT.t) : [],
      winner: won < 0 ? undefined : { linear: won + 1, tile: tiles[won]! },
      answer: Int8Array.from(new Float32Array(rows!)),
      captured: captured ? new Int8Array(kept!) : undefined,
    };
  }

  memoryBytes = (): number => allocatedBytes(this.#opened.device);

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.idle();
    await Promise.allSettled(this.#running);
    await this.#parts.chain.close().catch(() => undefined);
    if (!this.#options.device) this.#opened.device.destroy();
  }
}
