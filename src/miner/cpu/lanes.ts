/**
 * More cores for units on the CPU: each lane is a worker with a whole CPU backend. Units are independent, so
 * two lanes do twice the work. Threads inside a unit would wait for each other and would need shared memory,
 * which a page has only where it is cross-origin isolated.
 */
import type { StepInput } from '../../core/pow/known.ts';
import { AppError } from '../../lib/errors.ts';
import { connect, expose, type Port } from '../../lib/rpc.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from '../engine/backend.ts';
import { createCpuBackend } from './cpu.ts';
import { THREADS_MAX } from '../engine/miner-api.ts';
import { selfTest } from '../engine/self-test.ts';

/** Bytes that all lanes of a model may take. */
const LANES_BYTES_MAX = 2 ** 31;
/** ms that a lane may take to open and pass its test: mining waits for it. */
const OPEN_MS_MAX = 60_000;
/** Bytes that ONNX Runtime and the engine need in each worker, without the model. */
const RUNTIME_BYTES = 256 * 2 ** 20;

type LaneApi = {
  /** The first call. @returns the backend's `memoryBytes` @throws AppError as createCpuBackend */
  open(model: ModelPackage): Promise<number>;
  /** `key` identifies the pass for `abort`. */
  pass(key: number, input: Omit<PassInput, 'signal'>): Promise<PassResult>;
  step(input: StepInput, shape?: number): Promise<Uint8Array>;
  abort(key: number): void;
};

/** A worker that serves a lane. */
export interface LaneWorker {
  readonly port: Port;
  /** Calls `die` when the worker dies by itself. */
  readonly failed: (die: (reason: string) => void) => void;
  end(): void;
}

/** The worker's side. */
export function serveLane(port: Port): void {
  let backend: Backend | undefined;
  const running = new Map<number, AbortController>();
  expose<LaneApi>(
    {
      async open(model) {
        backend = await createCpuBackend(model);
        return backend.memoryBytes();
      },
      async pass(key, input) {
        if (!backend) throw new AppError('NOT_CONFIGURED', 'open comes first');
        const stop = new AbortController();
        running.set(key, stop);
        const { signal } = stop;
        return await backend.pass({ ...input, signal }).finally(() => running.delete(key));
      },
      async step(input, shape) {
        if (!backend) throw new AppError('NOT_CONFIGURED', 'open comes first');
        return await backend.step(input, shape);
      },
      abort: (key) => running.get(key)?.abort(),
    },
    port,
  );
}

/** Number of lanes that fit a model in memory and `threads` in cores, the lane of this worker included. */
export function lanesFor(model: ModelPackage, local: Backend, threads: number): number {
  const files = [...model.segments, ...model.tables, ...model.weights];
  const own = files.reduce((sum, file) => sum + file.byteLength, 0);
  const fitting = Math.floor(LANES_BYTES_MAX / (RUNTIME_BYTES + own + local.memoryBytes()));
  return Math.max(1, Math.min(THREADS_MAX, threads, fitting));
}

/**
 * `local` and `count` − 1 further workers as one device. A lane that does not open, for example for lack of
 * memory, is left out, and so is one that dies later. Closing the device leaves `local` open.
 */
export async function withLanes(
  model: ModelPackage,
  local: Backend,
  count: number,
  start: () => LaneWorker,
): Promise<Backend> {
  const opening = Array.from({ length: count - 1 }, () => openLane(model, start));
  const opened = await Promise.allSettled(opening);
  const helpers = opened.flatMap((lane) => (lane.status === 'fulfilled' ? [lane.value] : []));
  return helpers.length ? join(local, helpers) : local;
}

/** Opens one lane. @throws AppError SELF_TEST_FAILED, WORKER_DIED, and the backend's */
export async function openLane(model: ModelPackage, start: () => LaneWorker): Promise<Backend> {
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
    const bytes = await lane.open(model);
    const lost = new Promise<string>(() => undefined);
    const memoryBytes = (): number => bytes;
    const about = { kind: 'cpu', device: 'WebAssembly SIMD', kernel: 'wasm', depth: 1 } as const;
    const step: Backend['step'] = (input, shape) => lane.step(input, shape);
    const backend = { ...about, memoryBytes, pass, step, lost, close };
    await selfTest(backend, model);
    return backend;
  } catch (e) {
    await close();
    throw e;
  } finally {
    clearTimeout(timer);
  }
}

function join(local: Backend, helpers: readonly Backend[]): Backend {
  // `local` is the last to get a second pass, because checks of blocks and of wins wait behind its passes.
  let lanes = [...helpers, local].map((backend) => ({
    backend,
    load: backend === local ? 0.5 : 0,
  }));
  const count = lanes.length;
  let isClosed = false;

  async function pass(input: PassInput): Promise<PassResult> {
    const lane = lanes.reduce((best, one) => (one.load < best.load ? one : best));
    lane.load++;
    try {
      return await lane.backend.pass(input);
    } catch (e) {
      if (AppError.from(e).code !== 'WORKER_DIED') throw e;
      if (isClosed) throw new AppError('PASS_ABORTED', 'its lane was closed');
      lanes = lanes.filter((one) => one !== lane);
      return await pass(input);
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
    async close() {
      isClosed = true;
      await Promise.all(helpers.map((lane) => lane.close()));
    },
  };
}
