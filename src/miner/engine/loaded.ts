/** The models of a miner, each loaded once: proven exact, with a CPU backend that is trusted. */
import { AppError } from '../../lib/errors.ts';
import { toHex } from '../../lib/bytes.ts';
import { copied } from '../cpu/tables.ts';
import type { Backend, ModelPackage } from './backend.ts';
import { analyseToRun, isRefusal, type Analysis } from '../checker/checker.ts';
import { createVerdicts, trust, type TrustedBackend, type TrustParts } from './trust/trusted.ts';

export interface Loaded {
  readonly model: ModelPackage;
  /** What is proven about the model, from which its segments are planned. */
  readonly analysis: Analysis;
  /** The CPU backend, for checks; it is also the device that mines where there is no WebGPU. */
  readonly cpu: TrustedBackend;
}

/** Where packages and their CPU backends come from. */
export interface ModelParts {
  /** The package of a model that the miner was given; undefined for other models. */
  modelNamed(name: string): ModelPackage | undefined;
  modelOf(id: Uint8Array): ModelPackage | undefined;
  createCpu(model: ModelPackage, analysis: Analysis): Promise<Backend>;
  /** A loaded model's package, whose weights the CPU backend keeps: no other copy need be kept. */
  onLoaded?(model: ModelPackage): void;
}

/** Weights that lie in the backend's memory alone: each read makes a copy, which nobody keeps. */
function weightsIn(backend: Backend, { weights }: ModelPackage): readonly Int8Array[] {
  const read: Int8Array[] = [];
  for (const i of weights.keys())
    Object.defineProperty(read, i, { get: () => backend.weights!(i + 1), enumerable: true });
  return read;
}

/** The same of tables that it keeps. */
function tablesIn(backend: Backend, { manifest, tables }: ModelPackage): readonly Uint8Array[] {
  const placed = manifest.tables.map((_, i) => backend.rows?.(i));
  return copied(placed, manifest, tables);
}

export class LoadedModels {
  readonly #parts: ModelParts;
  readonly #loaded = new Map<string, Promise<Loaded>>();
  /** Those of them that have loaded. */
  readonly #ready = new Map<string, Loaded>();
  /** What has passed its test on this device. */
  readonly verdicts = createVerdicts();
  readonly #onLost: TrustParts['onLost'];

  /** `onLost`: as of `trust`, of the CPU backends. */
  constructor(parts: ModelParts, onLost: TrustParts['onLost']) {
    this.#parts = parts;
    this.#onLost = onLost;
  }

  /** @throws AppError MODEL_MISSING, MODEL_REFUSED, SELF_TEST_FAILED, EXACTNESS_LOST */
  named(name: string): Promise<Loaded> {
    let loading = this.#loaded.get(name);
    if (!loading) {
      loading = this.#load(name);
      this.#loaded.set(name, loading);
      loading.then(
        (loaded) => this.#loaded.get(name) === loading && this.#ready.set(name, loaded),
        () => this.#loaded.delete(name),
      );
    }
    return loading;
  }

  /** Without a wait; undefined where the model has not loaded. */
  ready(name: string): Loaded | undefined {
    return this.#ready.get(name);
  }

  /** @throws AppError as `named` */
  async of(id: Uint8Array): Promise<Loaded> {
    const model = this.#parts.modelOf(id);
    if (model) return this.named(model.manifest.name);
    throw new AppError('MODEL_MISSING', `no package of model ${toHex(id).slice(0, 16)}`);
  }

  /** Forgets a model, which the caller closes. Callers that were waiting for its load still get it first. */
  async take(name: string): Promise<Loaded | undefined> {
    const loading = this.#loaded.get(name);
    this.#loaded.delete(name);
    this.#ready.delete(name);
    const loaded = await loading?.catch(() => undefined);
    // A turn of the event loop later, every caller that waited for the load has queued its pass.
    await new Promise((r) => setTimeout(r));
    return loaded;
  }

  async #load(name: string): Promise<Loaded> {
    const model = this.#parts.modelNamed(name);
    if (!model) throw new AppError('MODEL_MISSING', `no package of ${name}`);
    const analysis = analyseToRun(model);
    if (isRefusal(analysis)) throw new AppError('MODEL_REFUSED', analysis.sentence);
    const backend = await this.#parts.createCpu(model, analysis);
    const { verdicts } = this;
    const kept = backend.weights
      ? { ...model, weights: weightsIn(backend, model), tables: tablesIn(backend, model) }
      : model;
    const cpu = await trust(backend, { model: kept, verdicts, onLost: this.#onLost });
    this.#parts.onLoaded?.(kept);
    return { model: kept, analysis, cpu };
  }
}
