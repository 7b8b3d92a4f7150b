/**
 * The packages of admitted models on this device: which parts are here, fetching the others, loading a
 * whole package for the miner, removing it, and serving parts to peers.
 */
import type { Manifest } from '../../core/manifest.ts';
import { MODEL_SLICE_BYTES, type SyncRequest, type SyncResponse } from '../../core/messages.ts';
import { concat, equal, fromHex, toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { GENERATION_FILE, TOKENIZER_FILE } from '../../miner/package/package.ts';
import type { PartStore } from '../../miner/package/part-store.ts';
import {
  blake3Of,
  isOutline,
  isPart,
  OUTLINE,
  partNumbers,
  partsOfFile,
  partSize,
  passFiles,
  planParts,
  type PartPlan,
} from '../../miner/package/parts.ts';
import type { StoredModel } from '../api.ts';
import { fetchParts } from './fetch-parts.ts';
import type { PartSource } from './part-sources.ts';

/** A package: the files that a pass needs, then tokenizer.json and generation.json where there are. */
export interface WholePackage {
  readonly manifest: Manifest;
  readonly files: readonly Uint8Array[];
}

export interface PackageStoreDeps {
  /** Admitted, by id in hex. */
  readonly models: ReadonlyMap<string, Manifest>;
  readonly store: PartStore;
  readonly sources: () => readonly PartSource[];
  readonly onChange: (model: StoredModel) => void;
  /** This option and the next are for tests only. */
  readonly partBytes?: number;
  readonly roundWaitMs?: number;
}

/** Times that damaged parts are fetched again before a load fails. */
const REPAIRS_MAX = 2;
/** The newest refused parts, which screens show. */
const REFUSED_SHOWN_MAX = 8;
/** ms in which changes are collected into one report. */
const GATHER_MS = 200;
/** Name of the source when a part of this device itself was refused. */
export const THIS_DEVICE = '';

/** What is fetched by itself: all of a package, or one of the files that no pass needs. */
type Wanted = 'package' | 'tokenizer' | 'template';

interface RunningFetch {
  readonly control: AbortController;
  readonly done: Promise<void>;
}

interface StoredPackage {
  readonly id: string;
  readonly manifest: Manifest;
  readonly plan: PartPlan;
  sizes: Map<number, number>;
  arriving: number;
  problem: ErrorCode | undefined;
  refused: StoredModel['refused'];
  readonly fetches: Map<Wanted, RunningFetch>;
  /** Whether a report of changes is due soon; further changes until then are reported with it. */
  isReportDue: boolean;
}

/** Removes packages that the network no longer admits, so that the space in use has a bound. */
export async function openPackageStore(deps: PackageStoreDeps): Promise<PackageStore> {
  const { models, store, partBytes } = deps;
  for (const id of await store.models()) if (!models.has(id)) await store.remove(id);
  const packages = new Map<string, StoredPackage>();
  for (const [id, manifest] of models) {
    const plan = planParts(manifest, partBytes);
    const sizes = await sizesOf(store, id, plan);
    packages.set(id, {
      id,
      manifest,
      plan,
      sizes,
      arriving: 0,
      problem: undefined,
      refused: [],
      fetches: new Map(),
      isReportDue: false,
    });
  }
  return new PackageStore(deps, packages);
}

/** Sizes of the stored parts that have the right size: other parts were cut short by a crash. */
async function sizesOf(store: PartStore, id: string, plan: PartPlan): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const [part, size] of await store.sizes(id))
    if (size === partSize(plan, part)) sizes.set(part, size);
  return sizes;
}

export class PackageStore {
  readonly #deps: PackageStoreDeps;
  readonly #packages: ReadonlyMap<string, StoredPackage>;

  constructor(deps: PackageStoreDeps, packages: ReadonlyMap<string, StoredPackage>) {
    this.#deps = deps;
    this.#packages = packages;
  }

  #of(id: string): StoredPackage {
    const found = this.#packages.get(id);
    if (!found) throw new AppError('MODEL_MISSING', `model ${id.slice(0, 16)} is not admitted`);
    return found;
  }

  /** Every admitted package, complete or not. */
  async all(): Promise<StoredModel[]> {
    return [...this.#packages.values()].map(statusOf);
  }

  #report(own: StoredPackage): void {
    if (own.isReportDue) return;
    own.isReportDue = true;
    setTimeout(() => {
      own.isReportDue = false;
      this.#deps.onChange(statusOf(own));
    }, GATHER_MS);
  }

  /** Resolves when the whole package is here; all callers share one fetch. @throws as fetchParts */
  fetch(id: string): Promise<void> {
    const own = this.#of(id);
    const running = own.fetches.get('package');
    if (running) return running.done;
    const parts = partNumbers(own.plan);
    if (!missingOf(own, parts).length) return Promise.resolve();
    own.problem = undefined;
    return this.#start(own, 'package', parts);
  }

  /** Fetches of one model run one after the other, so that a part is written once. */
  #start(own: StoredPackage, what: Wanted, parts: readonly number[]): Promise<void> {
    const control = new AbortController();
    const before = [...own.fetches.values()].map(({ done }) => done);
    const fetchAll = async (): Promise<void> => {
      await Promise.allSettled(before);
      const wanted = missingOf(own, parts);
      if (wanted.length) await this.#fetch(own, wanted, control.signal);
    };
    const done = fetchAll().finally(() => {
      own.fetches.delete(what);
      this.#report(own);
    });
    own.fetches.set(what, { control, done });
    this.#report(own);
    return done;
  }

  async #fetch(own: StoredPackage, wanted: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, sources, roundWaitMs } = this.#deps;
    try {
      await fetchParts({
        model: fromHex(own.id)!,
        plan: own.plan,
        store,
        wanted,
        sources,
        signal,
        ...(roundWaitMs !== undefined && { roundWaitMs }),
        onBytes: (change) => {
          own.arriving += change;
          this.#report(own);
        },
        onKept: (part, size) => {
          own.sizes.set(part, size);
          this.#report(own);
        },
        onRefused: (source, part) => this.#noteRefused(own, source, part),
      });
    } catch (e) {
      const { code } = AppError.from(e);
      if (code !== 'MODEL_STOPPED') own.problem = code;
      throw e;
    }
  }

  #noteRefused(own: StoredPackage, source: string, part: number): void {
    own.refused = [...own.refused, { source, part }].slice(-REFUSED_SHOWN_MAX);
    this.#report(own);
  }

  /** Ends a fetch; the parts that arrived are kept. */
  stop(id: string): void {
    for (const { control } of this.#packages.get(id)?.fetches.values() ?? []) control.abort();
  }

  /** Removes a package from this device. @throws AppError MODEL_STORE_FAILED */
  async free(id: string): Promise<void> {
    const own = this.#of(id);
    this.stop(id);
    await Promise.allSettled([...own.fetches.values()].map(({ done }) => done));
    await this.#deps.store.remove(id);
    own.sizes = await sizesOf(this.#deps.store, id, own.plan);
    own.refused = [];
    own.problem = undefined;
    this.#report(own);
  }

  /** The whole package; missing and damaged parts are fetched first. @throws as fetchParts */
  async load(id: string): Promise<WholePackage> {
    const own = this.#of(id);
    const all = [...own.plan.files.keys()];
    const files = await this.#readSound(own, all, () => this.fetch(id));
    return { manifest: own.manifest, files };
  }

  /**
   * The file tokenizer.json alone, checked; undefined when it is not here and must not be fetched.
   * @throws AppError TOKENIZER_MISSING when the model has none, and as fetchParts
   */
  async tokenizer(id: string, fetch: boolean): Promise<Uint8Array | undefined> {
    const { manifest } = this.#of(id);
    if (!manifest.tokenizer)
      throw new AppError('TOKENIZER_MISSING', `${manifest.name} has no ${TOKENIZER_FILE}`);
    return this.#alone(id, 'tokenizer', fetch);
  }

  /** The file generation.json alone, as `tokenizer`. @throws AppError MODEL_REFUSED when the model has none */
  async generation(id: string, fetch: boolean): Promise<Uint8Array | undefined> {
    const { manifest } = this.#of(id);
    if (!manifest.template)
      throw new AppError('MODEL_REFUSED', `${manifest.name} has no ${GENERATION_FILE}`);
    return this.#alone(id, 'template', fetch);
  }

  /** A file that the manifest names and no pass needs. */
  async #alone(
    id: string,
    what: Exclude<Wanted, 'package'>,
    fetch: boolean,
  ): Promise<Uint8Array | undefined> {
    const own = this.#of(id);
    const { plan, manifest } = own;
    // They follow the files that a pass needs, the tokenizer first.
    const isSecond = what === 'template' && manifest.tokenizer;
    const file = passFiles(manifest).length + (isSecond ? 1 : 0);
    const parts = partsOfFile(plan, file);
    if (!fetch) {
      if (missingOf(own, parts).length) return undefined;
      const { files, damaged } = await this.#read(own, [file]);
      return damaged.length ? undefined : files[0];
    }
    const fetchParts = async (): Promise<void> => {
      if (missingOf(own, parts).length)
        await (own.fetches.get(what)?.done ?? this.#start(own, what, parts));
    };
    return (await this.#readSound(own, [file], fetchParts))[0];
  }

  /** Reads whole files; missing parts are fetched first, damaged parts again. */
  async #readSound(own: StoredPackage, wanted: readonly number[], fetch: () => Promise<void>) {
    for (let repairs = 0; ; repairs++) {
      await fetch();
      const { files, damaged } = await this.#read(own, wanted);
      if (!damaged.length) return files;
      if (repairs === REPAIRS_MAX)
        throw new AppError('MODEL_CORRUPT', `${damaged.length} parts do not stay as they are`);
      for (const part of damaged) {
        await this.#deps.store.remove(own.id, part);
        own.sizes.delete(part);
        this.#noteRefused(own, THIS_DEVICE, part);
      }
    }
  }

  /** Each file is hashed as a whole; only a file with a wrong hash is checked part by part. */
  async #read({ id, plan }: StoredPackage, wanted: readonly number[]) {
    const files: Uint8Array[] = [];
    const damaged: number[] = [];
    const numbers = wanted.map((file) => partsOfFile(plan, file));
    const outline = numbers.flat().includes(OUTLINE)
      ? ((await this.#deps.store.read(id, OUTLINE)) ?? new Uint8Array())
      : undefined;
    if (outline && !isOutline(plan, outline)) return { files, damaged: [OUTLINE] };
    for (const [i, file] of wanted.entries()) {
      const own = numbers[i]!.filter((part) => part !== OUTLINE);
      const pieces: Uint8Array[] = [];
      for (const part of own)
        pieces.push((await this.#deps.store.read(id, part)) ?? new Uint8Array());
      const whole = pieces.length === 1 ? pieces[0]! : concat(...pieces);
      files.push(whole);
      if (equal(await blake3Of(whole), plan.files[file]!.hash)) continue;
      for (const [j, part] of own.entries())
        if (!(await isPart(plan, part, pieces[j]!, outline))) damaged.push(part);
    }
    return { files, damaged };
  }

  /** Bytes of a part; undefined when it is not here. */
  async read(id: string, part: number, from: number, to: number): Promise<Uint8Array | undefined> {
    if (!this.#packages.get(id)?.sizes.has(part)) return undefined;
    return await this.#deps.store.read(id, part, from, to);
  }

  /** The answer to a peer that asks for a slice of a part. */
  async answer({ id, part, at }: Extract<SyncRequest, { type: 'model' }>): Promise<SyncResponse> {
    const bytes = await this.read(toHex(id), part, at, at + MODEL_SLICE_BYTES).catch(
      () => undefined,
    );
    return bytes ? { type: 'model', bytes } : { type: 'unavailable', reason: 'part not kept' };
  }
}

const missingOf = ({ sizes }: StoredPackage, parts: readonly number[]): number[] =>
  parts.filter((part) => !sizes.has(part));

function statusOf({ id, manifest, plan, sizes, ...own }: StoredPackage): StoredModel {
  const stored = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const isWhole = sizes.size === partNumbers(plan).length;
  const { arriving, problem, refused } = own;
  const state = isWhole
    ? 'stored'
    : own.fetches.has('package')
      ? 'fetching'
      : stored
        ? 'partial'
        : 'absent';
  return {
    name: manifest.name,
    id: fromHex(id)!,
    licence: manifest.licence,
    attribution: manifest.attribution,
    bytes: plan.bytes,
    stored,
    arriving,
    state,
    problem,
    refused,
  };
}
