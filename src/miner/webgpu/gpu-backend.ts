/**
 * Passes and steps on one GPUDevice. This code only queues a pass: activations, carries, seeds and transcripts stay on
 * the device, and one readback at the end brings x, t, the winners and the answer. The device works through its queue
 * in order, writes included, so the next pass is queued, in the same buffers, while the last one is being read.
 */
import { answerBytes, unitRows, unitShape } from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import { plainHash } from '../../core/hash.ts';
import { utf8 } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import type { OpenDevice } from './device.ts';
import { allocatedBytes, copyBuffers, storage, submit, type Step } from './kernels.ts';
import type { GpuLinear, Scratch } from './linear.ts';
import type { OnStage, Stage } from '../engine/stages.ts';
import type { Given, GpuSegments } from './segments.ts';
import { NO_WINNER, RECORD, SLOT } from './wgsl/hashing.ts';

/** Passes that may wait for their turn. */
const WAITING_MAX = 16;

export interface HashedCarry {
  readonly name: string;
  readonly made: number;
  /** The dispatches that hash it. */
  readonly steps: readonly Step[];
}

/** What runs the segments, and the hashes of the carries that it makes. */
export interface SegmentParts {
  readonly segments: GpuSegments;
  readonly carries: readonly HashedCarry[];
}

export interface BackendParts extends SegmentParts {
  readonly scratch: Scratch;
  readonly linears: readonly GpuLinear[];
  /** The code of the kernels. */
  readonly code: string;
  /** The same on ONNX Runtime. */
  openRuntime(): Promise<SegmentParts>;
  /** Description of the GEMM kernel, for people. */
  readonly kernel: string;
}

/** Limits as 8 words each, the most significant first, as the ticket kernel compares them. */
const limitWords = (limits: readonly bigint[]): Uint32Array<ArrayBuffer> =>
  Uint32Array.from(
    limits.flatMap((x) =>
      Array.from({ length: 8 }, (_, i) => Number((x >> BigInt(32 * (7 - i))) & 0xffff_ffffn)),
    ),
  );

export interface BackendOptions {
  /** A device of the caller's, which `close` leaves alone. */
  readonly device?: GPUDevice;
  readonly onStage?: OnStage;
}

export class WebgpuBackend implements Backend {
  readonly kind = 'webgpu';
  readonly device: string;
  readonly lost: Promise<string>;
  readonly #model: ModelPackage;
  readonly #opened: OpenDevice;
  readonly #options: BackendOptions;
  #parts: BackendParts;
  readonly #capture: GPUBuffer;
  readonly shapes = [0];
  readonly depth = 2;
  /** Passes are queued one after the other; the results of each are read through a buffer of its own. */
  readonly #queue = new SerialQueue(WAITING_MAX);
  /** Functions that end the running passes when the device is lost: the runtime's promises may then never settle. */
  readonly #abandon = new Set<() => void>();
  /** Passes that are queued or being read. */
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  constructor(
    model: ModelPackage,
    opened: OpenDevice,
    options: BackendOptions,
    parts: BackendParts,
  ) {
    this.#model = model;
    this.#opened = opened;
    this.#options = options;
    this.#parts = parts;
    this.device = opened.name;
    this.lost = opened.lost;
    void opened.gone.then(() => this.#abandon.forEach((end) => end()));
    this.#capture = storage(opened.device, parts.scratch.packed.size);
  }

  get kernel(): string {
    return `${this.#parts.kernel}, segments: ${this.#parts.segments.name}`;
  }

  /** BLAKE3 of all code that a pass runs: other code, or other numbers in it, give another. */
  program(): Promise<Uint8Array> {
    const { code, segments } = this.#parts;
    return Promise.resolve(plainHash(utf8(code + segments.program)));
  }

  usesRuntime = (): boolean => this.#parts.segments.name === 'ONNX Runtime';

  /**
   * Runs segments on ONNX Runtime from the next pass on, because our own programs for them can't be believed.
   * @returns whether that changed anything: false where it runs on ONNX Runtime already
   */
  async fallBack(): Promise<boolean> {
    if (this.usesRuntime()) return false;
    return this.#enqueue(async () => {
      const own = this.#parts.segments;
      this.#parts = { ...this.#parts, ...(await this.#parts.openRuntime()) };
      await own.close();
      return () => Promise.resolve(true);
    });
  }

  pass(input: PassInput): Promise<PassResult> {
    const { manifest } = this.#model;
    const { stopAfter = 1, shape = 0, tokens, sigma0 } = input;
    assert(shape === 0, `shape ${shape}`);
    const whole = unitRows(manifest);
    const isBatch = tokens.length % unitShape(manifest).tokens === 0 && tokens.length <= whole;
    assert(sigma0 ? tokens.length === whole : isBatch, `${tokens.length} tokens`);
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
    const { scratch, linears, segments } = this.#parts;
    // A batch of fewer sequences is filled up with padding.
    const padded = new Uint32Array(unitRows(this.#model.manifest));
    padded.set(tokens);
    segments.setTokens(padded);
    const first = new Uint8Array(4 * RECORD);
    first.set(sigma0 ?? [], 4 * SLOT.sigma);
    queue.writeBuffer(scratch.chain, 0, first);
    const none = new Uint32Array(linears.length).fill(NO_WINNER);
    queue.writeBuffer(scratch.winners, 0, none);
    if (sigma0) queue.writeBuffer(scratch.limits, 0, limitWords(limits));
  }

  /** Queues a pass; the returned function waits for the result. */
  async #layers(input: PassInput): Promise<() => Promise<PassResult>> {
    const { linears, segments } = this.#parts;
    const stop = input.stopAfter ?? linears.length;
    const early = input.stopAfter !== undefined;
    if (this.#closed) throw new AppError('PASS_ABORTED', 'the backend is closed');
    this.#checkSignal(input.signal);
    this.#prepare(input);
    try {
      for (let i = 0; i < stop; i++) {
        this.#checkSignal(input.signal);
        await this.#segment(i, linears[i]!.steps(input.sigma0 !== undefined));
        if (input.capture === i + 1) this.#keepPacked();
      }
      this.#checkSignal(input.signal);
      if (!early) await this.#segment(linears.length);
      return this.#result(input, stop, early ? undefined : segments.answer());
    } finally {
      segments.reset();
    }
  }

  /** Queues a step; the returned function waits for its known answer. */
  async #oneStep(input: StepInput): Promise<() => Promise<Uint8Array>> {
    const { scratch, linears, segments } = this.#parts;
    const { number } = input;
    if (this.#closed) throw new AppError('PASS_ABORTED', 'the backend is closed');
    try {
      if ('a' in input) await this.#begin(input);
      else segments.setTokens(input.tokens);
      const begin = linears[number - 1]?.begin;
      await this.#segment(number - 1, begin);
      const part = begin
        ? { buffer: scratch.chain, bytes: 4 * RECORD * (number + 1) }
        : segments.answer();
      const copied = copyBuffers(this.#opened.device, [part]);
      return async () => {
        const [read] = await this.#timed('readback', copied);
        if (begin) return new Uint8Array(read!, 4 * (RECORD * number + SLOT.x), 32).slice();
        return plainHash(new Uint8Array(segments.parseAnswer(read!).slice().buffer));
      };
    } finally {
      segments.reset();
    }
  }

  /** Sets what a step starts from, and multiplies. */
  async #begin(given: Given): Promise<void> {
    const { linears, segments, carries } = this.#parts;
    segments.setState(given);
    const hashes = carries.flatMap(({ name, steps }) => (given.carries.has(name) ? steps : []));
    await this.#submit([...hashes, ...linears[given.number - 2]!.steps(false)]);
  }

  #checkSignal(signal: AbortSignal | undefined): void {
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'the pass was stopped');
  }

  /** Runs a segment and hashes the carries that it makes; `then` are the dispatches after it. */
  async #segment(index: number, then: readonly Step[] = []): Promise<void> {
    const { segments, carries } = this.#parts;
    const own = await this.#timed('segments', () => segments.run(index));
    const hashes = carries.flatMap(({ made, steps }) => (made === index ? steps : []));
    await this.#submit([...own, ...hashes, ...then]);
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
    answer: ReturnType<GpuSegments['answer']> | undefined,
  ): () => Promise<PassResult> {
    const { scratch, linears } = this.#parts;
    const captured = linears[(input.capture ?? 0) - 1]?.linear;
    const copied = copyBuffers(this.#opened.device, [
      { buffer: scratch.chain, bytes: 4 * RECORD * (stop + 1) },
      { buffer: scratch.winners, bytes: 4 * linears.length },
      { buffer: this.#capture, bytes: captured ? captured.m * captured.k : 0 },
      answer ?? { buffer: scratch.chain, bytes: 0 },
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
    const { manifest } = this.#model;
    const shape = unitShape(manifest);
    const wanted = input.tokens.length / shape.tokens;
    // Nothing commits to a pass of fewer sequences than a unit has.
    const hashed = wanted === shape.sequences ? stop : 0;
    const captured = (input.capture ?? 0) >= 1 && input.capture! <= stop;
    const capturedBytes = captured
      ? input.tokens.length * manifest.linears[input.capture! - 1]!.k
      : 0;
    const answer = rows!.byteLength ? this.#parts.segments.parseAnswer(rows!) : new Int8Array();
    const slot = (record: number, at: number): Uint8Array =>
      new Uint8Array(chain!, 4 * (RECORD * record + at), 32).slice();
    const each = (at: number): Uint8Array[] =>
      Array.from({ length: hashed }, (_, i) => slot(i + 1, at));
    const tiles = new Uint32Array(winners!).subarray(0, stop);
    const won = tiles.findIndex((tile) => tile !== NO_WINNER);
    return {
      x: each(SLOT.x),
      a: each(SLOT.a),
      y: each(SLOT.y),
      t: input.sigma0 ? each(SLOT.t) : [],
      winner: won < 0 ? undefined : { linear: won + 1, tile: tiles[won]! },
      answer: answer.slice(0, wanted * answerBytes(manifest, shape)),
      captured: captured ? new Int8Array(kept!, 0, capturedBytes) : undefined,
    };
  }

  memoryBytes = (): number => allocatedBytes(this.#opened.device);

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.idle();
    await Promise.allSettled(this.#running);
    await this.#parts.segments.close().catch(() => undefined);
    if (!this.#options.device) this.#opened.device.destroy();
  }
}
