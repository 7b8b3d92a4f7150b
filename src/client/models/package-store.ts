/**
 * The packages of admitted and served models on this device: which parts are here, fetching the others, loading a
 * whole package for the miner, removing it, and serving parts to peers. Of a served model only the id is known at
 * first: its manifest is the first part of it that comes.
 */
import type { Manifest } from '../../core/manifest.ts';
import { MODEL_SLICE_BYTES, type SyncRequest, type SyncResponse } from '../../core/messages.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import {
  decodeManifest,
  GENERATION_FILE,
  SERVED_MANIFEST_BYTES_MAX,
  TOKENIZER_FILE,
} from '../../miner/package/package.ts';
import type { PartStore } from '../../miner/package/part-store.ts';
import {
  blake3Of,
  idOf,
  isOutline,
  isPart,
  MANIFEST_PART,
  OUTLINE,
  partNumbers,
  partsOfFile,
  partSize,
  passFiles,
  piecesOf,
  planManifest,
  planParts,
  planServed,
  type PartPlan,
} from '../../miner/package/parts.ts';
import type { StoredModel } from '../api.ts';
import { fetchParts } from './fetch-parts.ts';
import type { PartSource } from './part-sources.ts';
import { SERVED_BYTES_MAX, SERVED_MAX, type ServedModel } from './served.ts';

/** A package: the files that a pass needs, then tokenizer.json and generation.json where there are. */
export interface WholePackage {
  readonly manifest: Manifest;
  readonly files: readonly Uint8Array[];
}

export interface PackageStoreDeps {
  /** Admitted, by id in hex. */
  readonly models: ReadonlyMap<string, Manifest>;
  /** Served models that may be fetched, besides those that are kept here. */
  readonly served?: readonly ServedModel[];
  readonly store: PartStore;
  readonly sources: () => readonly PartSource[];
  readonly onChange: (model: StoredModel) => void;
  /** This option and the next are for tests only. */
  readonly partBytes?: number;
  readonly roundWaitMs?: number;
}

/** Times that damaged parts are fetched again before a load fails. */
const REPAIRS_MAX = 2;
/** Parts that are read at once. A browser takes a fifth of the time for each of many that it takes for one alone. */
const READS_AT_ONCE = 32;
/** And most bytes of them. */
const READ_BYTES_AT_ONCE = 32 * 2 ** 20;
/** The newest refused parts, which screens show. */
const REFUSED_SHOWN_MAX = 8;
/** ms in which changes are collected into one report. */
const GATHER_MS = 200;
/** Name of the source when a part of this device itself was refused. */
export const THIS_DEVICE = '';

/** What is fetched by itself: all of a package, its manifest alone, or one of the files that no pass needs. */
type Wanted = 'package' | 'manifest' | 'tokenizer' | 'template';

interface RunningFetch {
  readonly control: AbortController;
  readonly done: Promise<void>;
}

interface StoredPackage {
  readonly id: string;
  /** What was said of a served model; undefined of an admitted one. */
  readonly served: ServedModel | undefined;
  /** Undefined while that of a served model has not come. */
  manifest: Manifest | undefined;
  /** As long as there is no manifest, of that alone. */
  plan: PartPlan;
  sizes: Map<number, number>;
  arriving: number;
  /** ms after which the sources are asked again that give no more for now. */
  waitMs: number | undefined;
  problem: ErrorCode | undefined;
  refused: StoredModel['refused'];
  readonly fetches: Map<Wanted, RunningFetch>;
  /** Whether a report of changes is due soon; further changes until then are reported with it. */
  isReportDue: boolean;
}

/** Removes what is neither admitted nor a served model's, so that the space in use has a bound. */
export async function openPackageStore(deps: PackageStoreDeps): Promise<PackageStore> {
  const { models, served = [], store, partBytes } = deps;
  const packages = new Map<string, StoredPackage>();
  const add = async (
    own: Pick<StoredPackage, 'id' | 'served' | 'manifest' | 'plan'>,
  ): Promise<void> => {
    const sizes = await sizesOf(store, own);
    const idle = { arriving: 0, waitMs: undefined, problem: undefined, isReportDue: false };
    packages.set(own.id, { ...own, sizes, ...idle, refused: [], fetches: new Map() });
  };
  for (const [id, manifest] of models)
    await add({ id, served: undefined, manifest, plan: planParts(manifest, partBytes) });

  const said = new Map(served.map((model) => [model.id, model]));
  for (const id of new Set([...said.keys(), ...(await store.models())])) {
    if (packages.has(id)) continue;
    const kept = await keptManifest(store, id);
    const known = kept ? servedOf(kept) : said.get(id);
    if (!known) await store.remove(id);
    else if (kept)
      await add({ id, served: known, manifest: kept, plan: planServed(kept, partBytes) });
    else await add({ id, served: known, manifest: undefined, plan: planOfManifest(known) });
  }
  return new PackageStore(deps, packages);
}

const planOfManifest = ({ id, manifestBytes }: ServedModel): PartPlan =>
  planManifest({ id: fromHex(id)!, size: manifestBytes });

/** The manifest of a served model that is kept here, checked; undefined when it is not, or not whole. */
async function keptManifest(store: PartStore, id: string): Promise<Manifest | undefined> {
  const bytes = await store.read(id, MANIFEST_PART, 0, SERVED_MANIFEST_BYTES_MAX + 1);
  if (!bytes || toHex(idOf(bytes)) !== id) return undefined;
  try {
    return decodeManifest(bytes);
  } catch {
    // Another version kept it, whose rules were others.
    return undefined;
  }
}

/** What a served model's manifest says of it. */
export function servedOf(manifest: Manifest): ServedModel {
  const { name, licence, attribution } = manifest;
  const plan = planServed(manifest);
  const { id, size } = plan.manifest!;
  const said = { name, licence, attribution, sources: [] };
  return { ...said, id: toHex(id), manifestBytes: size, bytes: plan.bytes };
}

/**
 * Sizes of the stored parts that have the right size. Others were cut short by a crash, or kept by a version that
 * numbered parts otherwise: they are removed once the manifest tells which.
 */
async function sizesOf(
  store: PartStore,
  { id, manifest, plan }: Pick<StoredPackage, 'id' | 'manifest' | 'plan'>,
): Promise<Map<number, number>> {
  const fits = ([part, size]: [number, number]): boolean => size === partSize(plan, part);
  const kept = [...(await store.sizes(id))];
  const odd = manifest ? kept.filter((one) => !fits(one)) : [];
  for (const [part] of odd) await store.remove(id, part);
  // Read again: a store that lies over another one now has the other's parts.
  return new Map((odd.length ? [...(await store.sizes(id))] : kept).filter(fits));
}

export class PackageStore {
  readonly #deps: PackageStoreDeps;
  readonly #packages: Map<string, StoredPackage>;
  readonly #manifests = new Map<string, Manifest>();

  constructor(deps: PackageStoreDeps, packages: Map<string, StoredPackage>) {
    this.#deps = deps;
    this.#packages = packages;
    for (const [id, { manifest }] of packages) if (manifest) this.#manifests.set(id, manifest);
  }

  /** By id in hex: those of all admitted models, and of served ones from when they have come. */
  get manifests(): ReadonlyMap<string, Manifest> {
    return this.#manifests;
  }

  knows(id: string): boolean {
    return this.#packages.has(id);
  }

  /** Whether it is a served model's. */
  isServed(id: string): boolean {
    return this.#packages.get(id)?.served !== undefined;
  }

  isWhole(id: string): boolean {
    const own = this.#packages.get(id);
    return own !== undefined && isWhole(own);
  }

  /** Served models whose packages are whole. */
  wholeServed(): Manifest[] {
    return [...this.#packages.values()].flatMap((own) =>
      own.served && own.manifest && isWhole(own) ? [own.manifest] : [],
    );
  }

  /** Bytes of a part that may be here; undefined when the package has no such part. */
  partSize(id: string, part: number): number | undefined {
    const own = this.#packages.get(id);
    return own && partSize(own.plan, part);
  }

  #of(id: string): StoredPackage {
    const found = this.#packages.get(id);
    if (!found) throw new AppError('MODEL_MISSING', `model ${id.slice(0, 16)} is not known here`);
    return found;
  }

  /** Every package, complete or not: the admitted ones, then the served ones. */
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
    if (isWhole(own)) return Promise.resolve();
    own.problem = undefined;
    return this.#start(own, 'package', () => partNumbers(own.plan));
  }

  /**
   * Fetches of one model run one after the other, so that a part is written once.
   * @param parts called when the manifest is here
   */
  #start(own: StoredPackage, what: Wanted, parts: () => readonly number[]): Promise<void> {
    const control = new AbortController();
    const before = [...own.fetches.values()].map(({ done }) => done);
    const fetchAll = async (): Promise<void> => {
      await Promise.allSettled(before);
      await this.#noteProblem(own, async () => {
        if (!own.manifest) await this.#fetchManifest(own, control.signal);
        const wanted = missingOf(own, parts());
        if (wanted.length) await this.#fetch(own, wanted, control.signal);
      });
    };
    const done = fetchAll().finally(() => {
      own.fetches.delete(what);
      own.waitMs = undefined;
      this.#report(own);
    });
    own.fetches.set(what, { control, done });
    this.#report(own);
    return done;
  }

  async #noteProblem(own: StoredPackage, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      const { code } = AppError.from(e);
      if (code !== 'MODEL_STOPPED') own.problem = code;
      throw e;
    }
  }

  /**
   * Of a served model: what it says must be what was said, before more of it is fetched.
   * @throws AppError as fetchParts, MODEL_CORRUPT, MODEL_REFUSED
   */
  async #fetchManifest(own: StoredPackage, signal: AbortSignal): Promise<void> {
    const { store, partBytes } = this.#deps;
    this.#requireRoom(own);
    await this.#fetch(own, [MANIFEST_PART], signal);
    try {
      const manifest = decodeManifest((await store.read(own.id, MANIFEST_PART))!);
      const [said, says] = [own.served!, servedOf(manifest)];
      if (said.name !== says.name || said.bytes !== says.bytes)
        throw new AppError(
          'MODEL_CORRUPT',
          `said to be ${said.name} of ${said.bytes} bytes, it is ${says.name} of ${says.bytes}`,
        );
      const plan = planServed(manifest, partBytes);
      // Its other parts may have stayed where the manifest alone was lost.
      own.sizes = await sizesOf(store, { id: own.id, manifest, plan });
      own.manifest = manifest;
      own.plan = plan;
      this.#manifests.set(own.id, manifest);
    } catch (e) {
      await store.remove(own.id);
      own.sizes = new Map();
      throw e;
    }
  }

  /** @throws AppError MODEL_STORE_FULL when others have to be freed first */
  #requireRoom({ id, served }: StoredPackage): void {
    const kept = [...this.#packages.values()].filter(
      (other) => other.served && other.id !== id && (other.sizes.size || other.fetches.size),
    );
    // What was said of each: the manifests of those that are fetched at the same time may still be on their way.
    const bytes = kept.reduce((sum, other) => sum + other.served!.bytes, served!.bytes);
    if (kept.length >= SERVED_MAX || bytes > SERVED_BYTES_MAX)
      throw new AppError('MODEL_STORE_FULL', `${kept.length} served models are here already`);
  }

  async #fetch(own: StoredPackage, wanted: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, sources, roundWaitMs } = this.#deps;
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
        if (change > 0) own.waitMs = undefined;
        this.#report(own);
      },
      onKept: (part, size) => {
        own.sizes.set(part, size);
        this.#report(own);
      },
      onWait: (ms) => {
        own.waitMs = ms;
        this.#report(own);
      },
      onRefused: (source, part) => this.#noteRefused(own, source, part),
    });
  }

  #noteRefused(own: StoredPackage, source: string, part: number): void {
    own.refused = [...own.refused, { source, part }].slice(-REFUSED_SHOWN_MAX);
    this.#report(own);
  }

  /** Ends a fetch; the parts that arrived are kept. */
  stop(id: string): void {
    for (const { control } of this.#packages.get(id)?.fetches.values() ?? []) control.abort();
  }

  stopAll(): void {
    for (const id of this.#packages.keys()) this.stop(id);
  }

  /** Bytes of a package that are not here. @throws AppError MODEL_MISSING when it is not known */
  missingBytes(id: string): number {
    const { bytes, stored } = statusOf(this.#of(id));
    return bytes - stored;
  }

  /** Removes a package from this device. @throws AppError MODEL_STORE_FAILED */
  async free(id: string): Promise<void> {
    const own = this.#of(id);
    this.stop(id);
    await Promise.allSettled([...own.fetches.values()].map(({ done }) => done));
    await this.#deps.store.remove(id);
    if (own.served && !(await keptManifest(this.#deps.store, id))) {
      own.manifest = undefined;
      own.plan = planOfManifest(own.served);
      this.#manifests.delete(id);
    }
    own.sizes = await sizesOf(this.#deps.store, own);
    own.refused = [];
    own.problem = undefined;
    this.#report(own);
    // Of a served model that nobody names any more nothing is left to show, and nothing to fetch.
    if (!own.manifest && !this.#deps.served?.some((said) => said.id === id))
      this.#packages.delete(id);
  }

  /** The whole package; missing and damaged parts are fetched first. @throws as fetchParts */
  async load(id: string): Promise<WholePackage> {
    const own = this.#of(id);
    const fetch = async () => this.fetch(id);
    await fetch();
    const files = await this.#readSound(own, [...own.plan.files.keys()], fetch);
    return { manifest: own.manifest!, files };
  }

  /** What a package is, which is fetched where it is not known yet. @throws as fetchParts, MODEL_CORRUPT, MODEL_REFUSED */
  async manifest(id: string): Promise<Manifest> {
    const own = this.#of(id);
    if (!own.manifest) await this.#alongside(own, 'manifest', () => []);
    return own.manifest!;
  }

  /** All callers share one fetch. */
  #alongside(own: StoredPackage, what: Wanted, parts: () => readonly number[]): Promise<void> {
    return own.fetches.get(what)?.done ?? this.#start(own, what, parts);
  }

  /**
   * The file tokenizer.json alone, checked; undefined when it is not here and must not be fetched.
   * @throws AppError TOKENIZER_MISSING when the model has none, and as fetchParts
   */
  async tokenizer(id: string, fetch: boolean): Promise<Uint8Array | undefined> {
    return this.#alone(id, 'tokenizer', fetch, ({ name, tokenizer }) => {
      if (!tokenizer) throw new AppError('TOKENIZER_MISSING', `${name} has no ${TOKENIZER_FILE}`);
    });
  }

  /** The file generation.json alone, as `tokenizer`. @throws AppError MODEL_REFUSED when the model has none */
  async generation(id: string, fetch: boolean): Promise<Uint8Array | undefined> {
    return this.#alone(id, 'template', fetch, ({ name, template }) => {
      if (!template) throw new AppError('MODEL_REFUSED', `${name} has no ${GENERATION_FILE}`);
    });
  }

  /** A file that the manifest names and no pass needs. `require` throws where it names none. */
  async #alone(
    id: string,
    what: 'tokenizer' | 'template',
    fetch: boolean,
    require: (manifest: Manifest) => void,
  ): Promise<Uint8Array | undefined> {
    const own = this.#of(id);
    if (own.manifest) require(own.manifest);
    // They follow the files that a pass needs, the tokenizer first.
    const file = (): number => {
      const isSecond = what === 'template' && own.manifest!.tokenizer;
      return passFiles(own.manifest!).length + (isSecond ? 1 : 0);
    };
    const parts = (): number[] => partsOfFile(own.plan, file());
    const isHere = (): boolean => !!own.manifest && !missingOf(own, parts()).length;
    if (!fetch) {
      if (!isHere()) return undefined;
      const { files, damaged } = await this.#read(own, [file()]);
      return damaged.length ? undefined : files[0];
    }
    const fetchParts = async (): Promise<void> => {
      if (!isHere()) await this.#alongside(own, what, parts);
    };
    await fetchParts();
    require(own.manifest!);
    return (await this.#readSound(own, [file()], fetchParts))[0];
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

  /**
   * Reads files part by part, each into a buffer of its own, since they are transferred. Each file is hashed as a
   * whole; only of a cut one with a wrong hash is part after part checked.
   */
  async #read({ id, plan }: StoredPackage, wanted: readonly number[]) {
    const { store } = this.#deps;
    const numbers = new Set(wanted.flatMap((file) => partsOfFile(plan, file)));
    const outline = numbers.delete(OUTLINE)
      ? ((await store.read(id, OUTLINE)) ?? new Uint8Array())
      : undefined;
    if (outline && !isOutline(plan, outline)) return { files: [], damaged: [OUTLINE] };
    const files = new Map<number, Uint8Array>();
    const damaged = new Set<number>();
    const take = async (part: number, bytes: Uint8Array): Promise<void> => {
      for (const { file, at, from, size } of piecesOf(plan, plan.parts[part - 1]!)) {
        const ref = plan.files[file]!;
        const isFile = bytes.length === ref.size;
        const whole = isFile ? bytes : (files.get(file) ?? new Uint8Array(ref.size));
        if (!isFile) whole.set(bytes.subarray(from, from + size), at);
        files.set(file, whole);
        if (at + size < ref.size || equal(await blake3Of(whole), ref.hash)) continue;
        for (const own of partsOfFile(plan, file).filter((number) => number !== OUTLINE)) {
          const { at, size, value } = plan.parts[own - 1]!;
          const piece = whole.subarray(at, at + size);
          if (value === undefined || !(await isPart(plan, own, piece, outline))) damaged.add(own);
        }
      }
    };
    for (const turn of inTurns(plan, numbers)) {
      const read = await Promise.all(turn.map((part) => store.read(id, part)));
      for (const [i, part] of turn.entries()) {
        const size = partSize(plan, part)!;
        // What is missing is zeros, which have another hash.
        await take(part, read[i]?.length === size ? read[i] : new Uint8Array(size));
      }
    }
    return { files: wanted.map((file) => files.get(file)!), damaged: [...damaged] };
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

/** Parts that are read at once. */
function inTurns(plan: PartPlan, parts: Iterable<number>): number[][] {
  const turns: number[][] = [];
  let bytes = Infinity;
  for (const part of parts) {
    const size = partSize(plan, part)!;
    if (bytes + size > READ_BYTES_AT_ONCE || turns.at(-1)!.length === READS_AT_ONCE) {
      turns.push([]);
      bytes = 0;
    }
    turns.at(-1)!.push(part);
    bytes += size;
  }
  return turns;
}

const missingOf = ({ sizes }: StoredPackage, parts: readonly number[]): number[] =>
  parts.filter((part) => !sizes.has(part));

const isWhole = ({ manifest, plan, sizes }: StoredPackage): boolean =>
  manifest !== undefined && sizes.size === partNumbers(plan).length;

function statusOf(own: StoredPackage): StoredModel {
  const { id, manifest, served, arriving, waitMs, problem, refused } = own;
  const stored = [...own.sizes.values()].reduce((sum, size) => sum + size, 0);
  const state = isWhole(own)
    ? 'stored'
    : own.fetches.has('package')
      ? 'fetching'
      : stored
        ? 'partial'
        : 'absent';
  const { name, licence, attribution } = manifest ?? served!;
  return {
    name,
    id: fromHex(id)!,
    isServed: served !== undefined,
    licence,
    attribution,
    bytes: manifest ? own.plan.bytes : served!.bytes,
    stored,
    arriving,
    state,
    waitMs,
    problem,
    refused,
  };
}
