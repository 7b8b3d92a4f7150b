/**
 * More cores for units on the CPU: each lane is a worker with a whole CPU backend. Units are independent, so
 * two lanes do twice the work. Threads inside a unit would wait for each other and would need shared memory,
 * which a page has only where it is cross-origin isolated.
 */
import { heldPlaces, sharedByWeights } from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import { concat } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { connect, expose, type Port } from '../../lib/rpc.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import { CPU_DEVICE, createCpuBackend, type CpuOptions } from './cpu.ts';
import { THREADS_MAX } from '../engine/miner-api.ts';
import { trust, type TrustParts, type TrustedBackend } from '../engine/trust/trusted.ts';

/** Bytes that all lanes of a model may take. */
const LANES_BYTES_MAX = 2 ** 31;
/** ms that a lane may take to open and pass its test: mining waits for it. */
const OPEN_MS_MAX = 60_000;
/** Bytes that the engine needs in each worker, without the model: the worker itself, and what it is planned from. */
const ENGINE_BYTES = 64 * 2 ** 20;
/** And with ONNX Runtime and its sessions, where the executor does not cover the model. */
const RUNTIME_BYTES = 256 * 2 ** 20;

/** What a lane needs to know of its model: given to each, so that it need not be found out in each. */
type LaneOptions = Pick<CpuOptions, 'analysis' | 'runtimeOnly'>;

type LaneApi = {
  /** The first call. @returns the backend's `memoryBytes` @throws AppError as createCpuBackend */
  open(model: ModelPackage, options: LaneOptions): Promise<number>;
  /** `key` identifies the pass for `abort`. */
  pass(key: number, input: Omit<PassInput, 'signal'>): Promise<PassResult>;
  step(input: StepInput, shape: number): Promise<Uint8Array>;
  program(shape: number): Promise<Uint8Array>;
  fallBack(): Promise<boolean>;
  abort(key: number): void;
};

/** A worker that serves a lane. */
export interface LaneWorker {
  readonly port: Port;
  /** Calls `die` when the worker dies by itself. */
  readonly failed: (die: (reason: string) => void) => void;
  end(): void;
}

export type LaneParts = Omit<TrustParts, 'reference'> & LaneOptions;

/** The worker's side. */
export function serveLane(port: Port): void {
  let backend: Backend | undefined;
  const running = new Map<number, AbortController>();
  const opened = (): Backend => {
    if (!backend) throw new AppError('NOT_CONFIGURED', 'open comes first');
    return backend;
  };
  expose<LaneApi>(
    {
      async open(model, options) {
        backend = await createCpuBackend(model, options);
        return backend.memoryBytes();
      },
      async pass(key, input) {
        const stop = new AbortController();
        const pass = opened().pass({ ...input, signal: stop.signal });
        running.set(key, stop);
        return await pass.finally(() => running.delete(key));
      },
      step: (input, shape) => opened().step(input, shape),
      program: (shape) => opened().program!(shape),
      fallBack: () => opened().fallBack!(),
      abort: (key) => running.get(key)?.abort(),
    },
    port,
  );
}

/** Number of lanes that fit a model in memory and `threads` in cores, the lane of this worker included. */
export function lanesFor(model: ModelPackage, local: Backend, threads: number): number {
  const files = [...model.segments, ...model.tables];
  const { linears } = model.manifest;
  const weights = heldPlaces(model.manifest).map((i) => linears[i]!.k * linears[i]!.n);
  const sizes = [...files.map((file) => file.byteLength), ...weights];
  const own = sizes.reduce((sum, size) => sum + size, 0);
  const engine = (local.usesRuntime?.() ?? true) ? RUNTIME_BYTES : ENGINE_BYTES;
  const fitting = Math.floor(LANES_BYTES_MAX / (engine + own + local.memoryBytes()));
  return Math.max(1, Math.min(THREADS_MAX, threads, fitting));
}

/**
 * `local` and `count` − 1 further workers as one device. A lane that does not open, for example for lack of
 * memory, is left out, and so is one that dies later. Closing the device leaves `local` open, and `lose` leaves it to
 * the caller, whose backend it is.
 */
export async function withLanes(
  local: Backend,
  count: number,
  start: () => LaneWorker,
  parts: LaneParts,
): Promise<Backend> {
  const opening = Array.from({ length: count - 1 }, () => openLane(start, parts));
  const opened = await Promise.allSettled(opening);
  const helpers = opened.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  return helpers.length ? join(parts.model, local, helpers) : local;
}

/** Opens one lane, trusted. @throws AppError SELF_TEST_FAILED, EXACTNESS_LOST, WORKER_DIED, and the backend's */
export async function openLane(start: () => LaneWorker, parts: LaneParts): Promise<TrustedBackend> {
  const worker = start();
  const closed = Promise.withResolvers<string>();
  const lane = connect<LaneApi>(worker.port, {
    failed(die) {
      worker.failed(die);
      void closed.promise.then(die);
    },
  });
  let last = 0;
  const close = async (): Promise<void> => {
    worker.end();
    closed.resolve('the lane was closed');
  };
  const pass = async ({ signal, ...input }: PassInput): Promise<PassResult> => {
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'aborted before it began');
    const key = ++last;
    const abort = (): void => void lane.abort(key).catch(() => undefined);
    signal?.addEventListener('abort', abort);
    const done = lane.pass(key, input).finally(() => signal?.removeEventListener('abort', abort));
    const result = await done;
    // A pass of a small model can end before the abort reaches the lane.
    if (signal?.aborted) throw new AppError('PASS_ABORTED', 'aborted on the way');
    return result;
  };
  const timer = setTimeout(() => void close(), OPEN_MS_MAX);
  try {
    const { model, analysis, runtimeOnly } = parts;
    const options = { ...(analysis && { analysis }), ...(runtimeOnly && { runtimeOnly }) };
    // Where a backend keeps the weights, each read makes a copy.
    const weights = sharedByWeights(model.manifest, (_, i) => model.weights[i]!);
    const bytes = await lane.open({ ...model, weights }, options);
    const backend: Backend = {
      ...ABOUT,
      memoryBytes: () => bytes,
      pass,
      step: (input, shape = 0) => lane.step(input, shape),
      program: (shape) => lane.program(shape),
      fallBack: () => lane.fallBack(),
      lost: new Promise<string>(() => undefined),
      close,
    };
    return await trust(backend, parts);
  } catch (e) {
    await close();
    throw e;
  } finally {
    clearTimeout(timer);
  }
}

/** A lane is the device of this worker, once more: what one has passed on it need not be tested again. */
const ABOUT = { kind: 'cpu', device: CPU_DEVICE, kernel: 'wasm', depth: 1 } as const;

/** `local` and `helpers` as one device. */
function join({ manifest }: ModelPackage, local: Backend, helpers: readonly Backend[]): Backend {
  // `local` is the last to get a second pass, because checks of blocks and of wins wait behind its passes.
  let lanes = [...helpers, local].map((backend) => ({
    backend,
    load: backend === local ? 0.5 : 0,
  }));
  const count = lanes.length;
  let isClosed = false;
  const leave = (lane: (typeof lanes)[number]): void =>
    void (lanes = lanes.filter((one) => one !== lane));

  /**
   * A plain pass of several sequences, of which each idle lane runs a part, so that who asks waits less. Lanes that
   * have work get whole passes, since parts cost more together.
   */
  async function split(input: PassInput, tokens: number): Promise<PassResult> {
    const idle = Math.max(1, lanes.filter(({ load }) => load < 1).length);
    const sequences = input.tokens.length / tokens;
    const each = Math.ceil(sequences / idle) * tokens;
    if (each === input.tokens.length) return one(input);
    const parts: Promise<PassResult>[] = [];
    for (let at = 0; at < input.tokens.length; at += each)
      parts.push(one({ ...input, tokens: input.tokens.slice(at, at + each) }));
    const results = await Promise.all(parts);
    const rows = results.map(
      ({ answer }) => new Uint8Array(answer.buffer, answer.byteOffset, answer.length),
    );
    return { ...results[0]!, answer: new Int8Array(concat(...rows).buffer) };
  }

  function pass(input: PassInput): Promise<PassResult> {
    const { tokens } = manifest.shapes[input.shape ?? 0]!;
    return input.answerOnly ? split(input, tokens) : one(input);
  }

  async function one(input: PassInput): Promise<PassResult> {
    const lane = lanes.reduce((best, one) => (one.load < best.load ? one : best));
    lane.load++;
    try {
      return await lane.backend.pass(input);
    } catch (e) {
      if (AppError.from(e).code !== 'WORKER_DIED') throw e;
      if (isClosed) throw new AppError('PASS_ABORTED', 'its lane was closed');
      leave(lane);
      return await one(input);
    } finally {
      lane.load--;
    }
  }

  return {
    ...local,
    device: `WebAssembly SIMD, ${count} threads`,
    lanes: count,
    // In each worker one pass runs and one waits, so that a worker never waits for messages to cross.
    depth: 2 * count - 1,
    memoryBytes: () => lanes.reduce((sum, { backend }) => sum + backend.memoryBytes(), 0),
    pass,
    async lose(step) {
      for (const lane of lanes.filter(({ backend }) => backend !== local))
        await lane.backend.lose?.(step).catch(() => leave(lane));
    },
    async close() {
      isClosed = true;
      await Promise.all(helpers.map((lane) => lane.close()));
    },
  };
}
