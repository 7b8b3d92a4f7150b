/**
 * The packages of admitted models on this device: what is here, fetching the rest, giving a whole one
 * to the miner, freeing it, and serving parts to peers.
 */
import type { Manifest } from '../../core/manifest.ts';
import { MODEL_SLICE_BYTES, type SyncRequest, type SyncResponse } from '../../core/messages.ts';
import { concat, equal, fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { TOKENIZER_FILE } from '../../miner/package/package.ts';
import type { PartStore } from '../../miner/package/part-store.ts';
import {
  blake3Of,
  isOutline,
  isPart,
  OUTLINE,
  partNumbers,
  partsOfFile,
  partSize,
  planParts,
  type PartPlan,
} from '../../miner/package/parts.ts';
import type { StoredModel } from '../api.ts';
import { fetchParts } from './fetch-parts.ts';
import type { PartSource } from './part-sources.ts';

/** A package: segments 0..L, the weights of linears 1..L, then the tokenizer where there is one. */
export interface WholePackage {
  readonly manifest: Manifest;
  readonly files: readonly Uint8Array[];
}

export interface Packages {
  all(): Promise<StoredModel[]>;
  /** Resolves when all of it is here; one fetch for all who wait. @throws as fetchParts */
  fetch(id: string): Promise<void>;
  /** Ends a fetch; what came is kept. */
  stop(id: string): void;
  /** @throws AppError MODEL_STORE_FAILED */
  free(id: string): Promise<void>;
  /** Fetches what is missing or has rotted. @throws as fetchParts */
  load(id: string): Promise<WholePackage>;
  /**
   * The file tokenizer.json alone, checked; undefined when it is not here and not to be fetched.
   * @throws AppError TOKENIZER_MISSING when the model has none, and as fetchParts
   */
  tokenizer(id: string, fetch: boolean): Promise<Uint8Array | undefined>;
  /** Bytes of a part; undefined when it is not here. */
  read(id: string, part: number, from: number, to: number): Promise<Uint8Array | undefined>;
  answer(request: Extract<SyncRequest, { type: 'model' }>): Promise<SyncResponse>;
}

export interface PackageParts {
  /** Admitted, by id in hex. */
  readonly models: ReadonlyMap<string, Manifest>;
  readonly store: PartStore;
  readonly sources: () => readonly PartSource[];
  readonly onChange: (model: StoredModel) => void;
  /** Tests only, as the next. */
  readonly partBytes?: number;
  readonly roundWaitMs?: number;
}

/** Times that rotten parts are fetched anew before a load fails. */
const REPAIRS_MAX = 2;
/** Refused parts that are told, the newest. */
const REFUSED_TOLD_MAX = 8;
/** ms in which changes are gathered into one. */
const GATHER_MS = 200;
/** A part that was on this device. */
export const THIS_DEVICE = '';

interface Running {
  readonly control: AbortController;
  readonly done: Promise<void>;
}

interface Holding {
  readonly id: string;
  readonly manifest: Manifest;
  readonly plan: PartPlan;
  sizes: Map<number, number>;
  arriving: number;
  problem: string | undefined;
  refused: StoredModel['refused'];
  running: Running | undefined;
  /** A fetch of the tokenizer alone. */
  words: Running | undefined;
  gathering: boolean;
}

/** Frees what the network no longer admits, so that all that is kept has a bound. */
export async function createPackages(parts: PackageParts): Promise<Packages> {
  const { models, store, partBytes } = parts;
  for (const id of await store.models()) if (!models.has(id)) await store.remove(id);
  const holdings = new Map<string, Holding>();
  for (const [id, manifest] of models) {
    const plan = planParts(manifest, partBytes);
    const sizes = await sizesOf(store, id, plan);
    holdings.set(id, {
      ...{ id, manifest, plan, sizes, arriving: 0, problem: undefined, refused: [] },
      ...{ running: undefined, words: undefined, gathering: false },
    });
  }
  return new PackageShelf(parts, holdings);
}

/** Parts of the right size only: others were cut short by a crash. */
async function sizesOf(store: PartStore, id: string, plan: PartPlan): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  for (const [part, size] of await store.sizes(id))
    if (size === partSize(plan, part)) sizes.set(part, size);
  return sizes;
}

class PackageShelf implements Packages {
  readonly #parts: PackageParts;
  readonly #holdings: ReadonlyMap<string, Holding>;

  constructor(parts: PackageParts, holdings: ReadonlyMap<string, Holding>) {
    this.#parts = parts;
    this.#holdings = holdings;
  }

  #of(id: string): Holding {
    const found = this.#holdings.get(id);
    if (!found) throw new AppError('MODEL_MISSING', `model ${id.slice(0, 16)} is not admitted`);
    return found;
  }

  async all(): Promise<StoredModel[]> {
    return [...this.#holdings.values()].map(statusOf);
  }

  #tell(holding: Holding): void {
    if (holding.gathering) return;
    holding.gathering = true;
    setTimeout(() => {
      holding.gathering = false;
      this.#parts.onChange(statusOf(holding));
    }, GATHER_MS);
  }

  fetch(id: string): Promise<void> {
    const holding = this.#of(id);
    if (holding.running) return holding.running.done;
    const parts = partNumbers(holding.plan);
    if (!missingOf(holding, parts).length) return Promise.resolve();
    holding.problem = undefined;
    return this.#start(holding, 'running', parts);
  }

  /** Two fetches of one model follow each other: a part is written once. */
  #start(holding: Holding, slot: 'running' | 'words', parts: readonly number[]): Promise<void> {
    const control = new AbortController();
    const before = holding[slot === 'words' ? 'running' : 'words']?.done;
    const fetchAll = async (): Promise<void> => {
      await before?.catch(() => undefined);
      const wanted = missingOf(holding, parts);
      if (wanted.length) await this.#fetch(holding, wanted, control.signal);
    };
    const done = fetchAll().finally(() => {
      holding[slot] = undefined;
      this.#tell(holding);
    });
    holding[slot] = { control, done };
    this.#tell(holding);
    return done;
  }

  async #fetch(holding: Holding, wanted: readonly number[], signal: AbortSignal): Promise<void> {
    const { store, sources, roundWaitMs } = this.#parts;
    try {
      await fetchParts({
        ...{ model: fromHex(holding.id)!, plan: holding.plan, store, wanted, sources, signal },
        ...(roundWaitMs !== undefined && { roundWaitMs }),
        onBytes: (change) => {
          holding.arriving += change;
          this.#tell(holding);
        },
        onKept: (part, size) => {
          holding.sizes.set(part, size);
          this.#tell(holding);
        },
        onRefused: (source, part) => this.#noteRefused(holding, source, part),
      });
    } catch (e) {
      const { code } = AppError.from(e);
      if (code !== 'MODEL_STOPPED') holding.problem = code;
      throw e;
    }
  }

  #noteRefused(holding: Holding, source: string, part: number): void {
    holding.refused = [...holding.refused, { source, part }].slice(-REFUSED_TOLD_MAX);
    this.#tell(holding);
  }

  stop(id: string): void {
    const { running, words } = this.#holdings.get(id) ?? {};
    running?.control.abort();
    words?.control.abort();
  }

  async free(id: string): Promise<void> {
    const holding = this.#of(id);
    this.stop(id);
    await Promise.allSettled([holding.running?.done, holding.words?.done]);
    await this.#parts.store.remove(id);
    holding.sizes = await sizesOf(this.#parts.store, id, holding.plan);
    holding.refused = [];
    holding.problem = undefined;
    this.#tell(holding);
  }

  async load(id: string): Promise<WholePackage> {
    const holding = this.#of(id);
    const all = [...holding.plan.files.keys()];
    const files = await this.#readSound(holding, all, () => this.fetch(id));
    return { manifest: holding.manifest, files };
  }

  async tokenizer(id: string, fetch: boolean): Promise<Uint8Array | undefined> {
    const holding = this.#of(id);
    const { plan, manifest } = holding;
    if (!manifest.tokenizer)
      throw new AppError('TOKENIZER_MISSING', `${manifest.name} has no ${TOKENIZER_FILE}`);
    // The package's last file.
    const file = plan.files.length - 1;
    const parts = partsOfFile(plan, file);
    if (!fetch) {
      if (missingOf(holding, parts).length) return undefined;
      const { files, rotten } = await this.#read(holding, [file]);
      return rotten.length ? undefined : files[0];
    }
    const fetchParts = async (): Promise<void> => {
      if (missingOf(holding, parts).length)
        await (holding.words?.done ?? this.#start(holding, 'words', parts));
    };
    return (await this.#readSound(holding, [file], fetchParts))[0];
  }

  /** Fetches what is missing of these files, and again what has rotted. */
  async #readSound(holding: Holding, wanted: readonly number[], fetch: () => Promise<void>) {
    for (let repairs = 0; ; repairs++) {
      await fetch();
      const { files, rotten } = await this.#read(holding, wanted);
      if (!rotten.length) return files;
      if (repairs === REPAIRS_MAX)
        throw new AppError('MODEL_CORRUPT', `${rotten.length} parts do not stay as they are`);
      for (const part of rotten) {
        await this.#parts.store.remove(holding.id, part);
        holding.sizes.delete(part);
        this.#noteRefused(holding, THIS_DEVICE, part);
      }
    }
  }

  /** Whole files are hashed; only one that is wrong is looked into part by part. */
  async #read({ id, plan }: Holding, wanted: readonly number[]) {
    const files: Uint8Array[] = [];
    const rotten: number[] = [];
    const numbers = wanted.map((file) => partsOfFile(plan, file));
    const outline = numbers.flat().includes(OUTLINE)
      ? ((await this.#parts.store.read(id, OUTLINE)) ?? new Uint8Array())
      : undefined;
    if (outline && !isOutline(plan, outline)) return { files, rotten: [OUTLINE] };
    for (const [i, file] of wanted.entries()) {
      const own = numbers[i]!.filter((part) => part !== OUTLINE);
      const pieces: Uint8Array[] = [];
      for (const part of own)
        pieces.push((await this.#parts.store.read(id, part)) ?? new Uint8Array());
      const whole = pieces.length === 1 ? pieces[0]! : concat(...pieces);
      files.push(whole);
      if (equal(await blake3Of(whole), plan.files[file]!.hash)) continue;
      for (const [j, part] of own.entries())
        if (!(await isPart(plan, part, pieces[j]!, outline))) rotten.push(part);
    }
    return { files, rotten };
  }

  async read(id: string, part: number, from: number, to: number): Promise<Uint8Array | undefined> {
    if (!this.#holdings.get(id)?.sizes.has(part)) return undefined;
    return await this.#parts.store.read(id, part, from, to);
  }

  async answer({ id, part, at }: Extract<SyncRequest, { type: 'model' }>): Promise<SyncResponse> {
    const bytes = await this.read(toHex(id), part, at, at + MODEL_SLICE_BYTES).catch(
      () => undefined,
    );
    return bytes ? { type: 'model', bytes } : { type: 'unavailable', reason: 'part not kept' };
  }
}

const missingOf = ({ sizes }: Holding, parts: readonly number[]): number[] =>
  parts.filter((part) => !sizes.has(part));

function statusOf({ id, manifest, plan, sizes, ...holding }: Holding): StoredModel {
  const stored = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const isWhole = sizes.size === partNumbers(plan).length;
  const { arriving, problem, refused } = holding;
  const state = isWhole ? 'stored' : holding.running ? 'fetching' : stored ? 'partial' : 'absent';
  return {
    ...{ name: manifest.name, id: fromHex(id)!, bytes: plan.bytes },
    ...{ stored, arriving, state, problem, refused },
  };
}
