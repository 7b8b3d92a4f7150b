/** The worker under test: the real WebGPU backend behind JSON calls (harness.ts). */
import { InferenceSession, Tensor } from 'onnxruntime-web/webgpu';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import { loadPackage } from '../../src/miner/package/package.ts';
import { configureOrt } from '../../src/miner/engine/ort-place.ts';
import { applyPlace } from '../../src/miner/engine/segments.ts';
import { selfTest } from '../../src/miner/engine/self-test.ts';
import type { Stage } from '../../src/miner/engine/stages.ts';
import { encoderInputs } from '../oracle/encoder-inputs.ts';
import { createWebgpuBackend } from '../../src/miner/webgpu/webgpu.ts';
import type { DotKind } from '../../src/miner/webgpu/wgsl/gemm.ts';
import {
  inputFromJson,
  resultToJson,
  stepFromJson,
  type PassInputJson,
  type PassResultJson,
  type StepInputJson,
} from './pass-json.ts';

configureOrt({ wasmPaths: new URL('/ort/', location.href).href });

interface OpenOptions {
  readonly dot?: DotKind;
  readonly forceFallback?: boolean;
  readonly stages?: boolean;
}

/** Fewest of the float encoders': ids below it are in every one. */
const FLOAT_VOCABULARY = 257;

let backend: Backend | undefined;
let model: ModelPackage | undefined;
let stretches: { stage: Stage; ms: number }[] = [];
const floats = new Map<string, InferenceSession>();
const running = new Map<number, AbortController>();
/** Devices that the page opened itself, to be able to take them away. */
let device: GPUDevice | undefined;

async function read(name: string, file: string): Promise<Uint8Array> {
  const response = await fetch(`/models/${name}/${file}`);
  if (!response.ok) throw new Error(`${file}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const opened = (): { backend: Backend; model: ModelPackage } => {
  if (!backend || !model) throw new Error('open comes first');
  return { backend, model };
};

const api = {
  async open(name: string, options: OpenOptions = {}): Promise<string> {
    await backend?.close();
    model = await loadPackage((file) => read(name, file));
    backend = await createWebgpuBackend(model, {
      forceFallback: options.forceFallback ?? true,
      ...(options.dot ? { dot: options.dot } : {}),
      ...(options.stages
        ? {
            onStage: (stage: Stage, ms: number) => {
              stretches.push({ stage, ms });
            },
          }
        : {}),
    });
    return backend.device;
  },
  /** A backend on a device that `loseDevice` can take away. */
  async openShared(name: string): Promise<void> {
    await backend?.close();
    model = await loadPackage((file) => read(name, file));
    device = await (await navigator.gpu.requestAdapter())!.requestDevice();
    backend = await createWebgpuBackend(model, { device });
  },
  loseDevice(): void {
    device?.destroy();
  },
  async selfTest(): Promise<void> {
    const { backend, model } = opened();
    await selfTest(backend, model);
  },
  /** `key` names the pass for `abort`. */
  async pass(input: PassInputJson, key = 0): Promise<PassResultJson> {
    const control = new AbortController();
    if (key) running.set(key, control);
    try {
      const { signal } = control;
      return resultToJson(await opened().backend.pass({ ...inputFromJson(input), signal }));
    } finally {
      running.delete(key);
    }
  },
  step: async (input: StepInputJson): Promise<string> =>
    toHex(await opened().backend.step(stepFromJson(input))),
  memory: (): number => opened().backend.memoryBytes(),
  kernel: (): string => opened().backend.kernel,
  tunings: async (): Promise<number> => (await (await caches.open('pila-tuning')).keys()).length,
  abort(key: number): void {
    running.get(key)?.abort();
  },
  /** Wall time in ms of `passes` noisy passes, `depth` of them in flight at a time. */
  async flight(passes: number, depth: number): Promise<number> {
    const { backend, model } = opened();
    const limits = model.manifest.linears.map(() => 0n);
    const tokens = tokensOf(ZERO_HASH, model.manifest);
    let left = passes;
    const one = async (): Promise<void> => {
      while (left-- > 0) await backend.pass({ tokens, sigma0: ZERO_HASH, limits });
    };
    const started = performance.now();
    await Promise.all(Array.from({ length: depth }, one));
    return performance.now() - started;
  },
  /** A plain and a noisy pass: wall time in ms, and stretches in order if they are measured. */
  async round(seed: number) {
    const { backend, model } = opened();
    const limits = model.manifest.linears.map(() => 0n);
    const run = async (sigma0: Uint8Array | undefined) => {
      stretches = [];
      const tokens = tokensOf(sigma0 ?? ZERO_HASH, model.manifest);
      const started = performance.now();
      await backend.pass({ tokens, sigma0, limits });
      return { ms: performance.now() - started, stretches };
    };
    return { plain: await run(undefined), noisy: await run(new Uint8Array(32).fill(seed)) };
  },
  /** Vendor and name of the adapter that `open` would take. */
  async adapter(): Promise<string> {
    const info = (await navigator.gpu.requestAdapter())?.info;
    return `${info?.vendor ?? 'none'} ${info?.architecture ?? ''}`.trim();
  },
  /** A float encoder's file (test/oracle/bert-onnx.ts) below /models, on a provider of ONNX Runtime. */
  async openFloat(path: string, provider: 'webgpu' | 'wasm'): Promise<void> {
    applyPlace();
    const bytes = await read(...(path.split(/\/(?=[^/]*$)/) as [string, string]));
    floats.set(
      provider,
      await InferenceSession.create(bytes, { executionProviders: [provider], logSeverityLevel: 3 }),
    );
  },
  /** Wall time of one pass of it, ms. */
  async runFloat(provider: 'webgpu' | 'wasm', dims: readonly [number, number]): Promise<number> {
    const inputs = Object.entries(encoderInputs(dims, FLOAT_VOCABULARY));
    const feeds = Object.fromEntries(
      inputs.map(([name, ids]) => [name, new Tensor('int64', ids, dims)]),
    );
    const started = performance.now();
    await floats.get(provider)!.run(feeds);
    return performance.now() - started;
  },
  async close(): Promise<void> {
    for (const session of floats.values()) await session.release();
    floats.clear();
    await backend?.close();
    backend = undefined;
  },
};
export type WorkerApi = typeof api;

const described = (e: unknown): string =>
  e instanceof AppError
    ? `${e.code}: ${e.message} ${e.cause instanceof Error ? e.cause.message : ''}`
    : String(e instanceof Error ? (e.stack ?? e.message) : e);

self.onmessage = async ({ data: { id, method, args } }: MessageEvent) => {
  try {
    const call = api[method as keyof WorkerApi] as (...args: unknown[]) => unknown;
    postMessage({ id, result: await call(...args) });
  } catch (e) {
    postMessage({ id, error: described(e) });
  }
};
