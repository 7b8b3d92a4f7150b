/**
 * The model's ONNX segments as a chain of ONNX Runtime sessions, where nothing else runs them: import this file
 * lazily, because the runtime's wasm has 27 MB. Segment 0 takes `tokens` and rows of the tables
 * as `e<i>`, segment ℓ ≥ 1 takes `c<ℓ>`; each gives `a<ℓ+1>`, the last one `answer`. Every other name is a carry: a
 * tensor made by an earlier segment and kept until the unit ends.
 *
 * One build of ONNX Runtime is used everywhere (its WebGPU build, which also holds the wasm provider and runs in
 * Node), so that a page downloads one wasm file. ONNX Runtime fails under concurrent use, even of different
 * sessions: one queue creates and runs all of them.
 */
import * as ort from 'onnxruntime-web/webgpu';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { ortPlace } from './ort-place.ts';

/** Tasks of all chains of this worker that may wait: a mining pass, a re-check, a few replays. */
const WAITING_MAX = 256;
const runtime = new SerialQueue(WAITING_MAX);

ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

/** Applies `configureOrt`, before the runtime starts: whoever makes a session of it calls this first. */
export function applyPlace(): void {
  const place = ortPlace();
  // An object with `wasm` alone keeps the loader that is inside the bundle.
  if (place) ort.env.wasm.wasmPaths = { wasm: `${place}ort-wasm-simd-threaded.asyncify.wasm` };
}

export interface SegmentOptions {
  readonly provider: ort.InferenceSession.ExecutionProviderConfig;
  /** Further session options of the provider, such as the location of its outputs. */
  readonly session?: ort.InferenceSession.SessionOptions;
}

/** Options for segments on a GPU: none of their nodes may run elsewhere, and outputs stay on the GPU. */
export const onDevice = (device: GPUDevice): SegmentOptions => ({
  // `device` is not in the types of 1.30, though it is what shares the device (issue 26107).
  provider: { name: 'webgpu', device },
  session: {
    preferredOutputLocation: 'gpu-buffer',
    // A node on the CPU would need copies, and would mean that the checker misjudged the segment.
    extra: { session: { disable_cpu_ep_fallback: '1' } },
  },
});

/** What the runtime says where its wasm did not start, as without a connection: the model is not to blame. */
const NOT_FETCHED = /no available backend found/;

/** One segment's session with pinned options. Create one at a time. @throws AppError MODEL_REFUSED, MODEL_MISSING */
export async function createSession(
  bytes: Uint8Array,
  index: number,
  options: SegmentOptions,
): Promise<ort.InferenceSession> {
  applyPlace();
  try {
    return await ort.InferenceSession.create(bytes, {
      ...options.session,
      executionProviders: [options.provider],
      // Optimisation is off, because the checker proved the graph as it is written.
      graphOptimizationLevel: 'disabled',
    });
  } catch (cause) {
    const code = NOT_FETCHED.test(String(cause)) ? 'MODEL_MISSING' : 'MODEL_REFUSED';
    throw new AppError(code, `segment ${index} does not load`, { cause });
  }
}

/**
 * Sessions of segments 0..L, or of those that are `wanted`, created one at a time.
 * @throws AppError MODEL_REFUSED
 */
export async function createSegmentChain(
  segments: readonly Uint8Array[],
  options: SegmentOptions,
  wanted: (index: number) => boolean = () => true,
): Promise<SegmentChain> {
  const sessions: (ort.InferenceSession | undefined)[] = [];
  try {
    for (const [i, bytes] of segments.entries())
      sessions.push(
        wanted(i) ? await runtime.run(() => createSession(bytes, i, options)) : undefined,
      );
    const whole = sessions.filter((session) => session !== undefined);
    // Of a part, the checker has proven the wiring.
    const problem = whole.length === sessions.length && wiringProblem(whole);
    if (problem) throw new AppError('MODEL_REFUSED', problem);
  } catch (e) {
    await new SegmentChain(sessions).close();
    throw e;
  }
  return new SegmentChain(sessions);
}

const outputName = (index: number, count: number): string =>
  index === count - 1 ? 'answer' : `a${index + 1}`;

function wiringProblem(sessions: readonly ort.InferenceSession[]): string | undefined {
  const carries = new Set<string>();
  for (const [i, session] of sessions.entries()) {
    const isOwn = (x: string): boolean => (i ? x === `c${i}` : x === 'tokens' || /^e\d$/.test(x));
    const missing = session.inputNames.find((x) => !isOwn(x) && !carries.has(x));
    if (missing) return `segment ${i} takes '${missing}', which no earlier segment makes`;
    const main = outputName(i, sessions.length);
    if (!session.outputNames.includes(main)) return `segment ${i} does not make '${main}'`;
    for (const x of session.outputNames) if (x !== main) carries.add(x);
  }
  return undefined;
}

/** Tensors by name. */
export type Feeds = Readonly<Record<string, ort.Tensor>>;

export class SegmentChain {
  readonly #sessions: readonly (ort.InferenceSession | undefined)[];
  readonly #carries = new Map<string, ort.Tensor>();
  /** Carries that are the caller's, who goes on using them. */
  readonly #lent = new Set<ort.Tensor>();

  constructor(sessions: readonly (ort.InferenceSession | undefined)[]) {
    this.#sessions = sessions;
  }

  /**
   * Runs segment `index` on its own inputs (tokens and rows of tables, or C of linear `index`) and the carries.
   * @param outputs tensors into which outputs of these names are written; they stay the caller's
   * @returns its main output: A of linear index+1, or the answer
   */
  async run(index: number, inputs: Feeds, outputs: Feeds = {}): Promise<ort.Tensor> {
    const session = this.#sessions[index];
    assert(session, `segment ${index} is loaded`);
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => [name, inputs[name] ?? this.carry(name)]),
    );
    const fetches = Object.fromEntries(
      session.outputNames.map((name) => [name, outputs[name] ?? null]),
    );
    const results = await runtime.run(() => session.run(feeds, fetches));
    const main = outputName(index, this.#sessions.length);
    for (const [name, tensor] of Object.entries(results))
      if (name !== main) this.#keep(name, tensor, tensor === outputs[name]);
    const made = results[main];
    assert(made, `segment ${index} made '${main}'`);
    return made;
  }

  /** Names of what a loaded segment reads. */
  inputsOf(index: number): readonly string[] {
    return this.#sessions[index]!.inputNames;
  }

  /** Whether a carry is there. */
  has(name: string): boolean {
    return this.#carries.has(name);
  }

  carry(name: string): ort.Tensor {
    const tensor = this.#carries.get(name);
    assert(tensor, `'${name}' was made before it is read`);
    return tensor;
  }

  /** A carry that no segment of this unit makes, for a step that begins after it. It stays the caller's. */
  lend(name: string, tensor: ort.Tensor): void {
    this.#keep(name, tensor, true);
  }

  #keep(name: string, tensor: ort.Tensor, isLent: boolean): void {
    this.#drop(name);
    this.#carries.set(name, tensor);
    if (isLent) this.#lent.add(tensor);
  }

  #drop(name: string): void {
    const tensor = this.#carries.get(name);
    this.#carries.delete(name);
    if (tensor && !this.#lent.delete(tensor)) tensor.dispose();
  }

  /** Dimensions of a carry, as a loaded segment declares them. */
  dimensionsOf(name: string): number[] {
    for (const session of this.#sessions) {
      const known = [...(session?.outputMetadata ?? []), ...(session?.inputMetadata ?? [])];
      const found = known.find((each) => each.name === name);
      if (found?.isTensor) return found.shape.map(Number);
    }
    throw new AppError('MODEL_REFUSED', `no segment makes '${name}'`);
  }

  /** Ends a unit: carries are dropped. */
  reset(): void {
    for (const name of [...this.#carries.keys()]) this.#drop(name);
  }

  async close(): Promise<void> {
    this.reset();
    await runtime.run(async () => {
      for (const session of this.#sessions) await session?.release();
    });
  }
}
