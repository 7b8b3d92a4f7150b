/**
 * The mined models that a miner has to hold, all of them: who lacks one cannot check its blocks. What is missing is
 * fetched behind the work, one after another, and given to the worker.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { modelsFrom } from '../../core/header/tables.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { pause } from '../../lib/pause.ts';
import type { FetchConsent, MissingModel, StoredModel } from '../api.ts';
import type { ModelService } from '../models/model-service.ts';
import type { MinerWorker } from './miner-worker.ts';

/** ms before what failed is tried again; each further wait is twice as long. */
const AGAIN_MS = 15_000;
const AGAIN_MS_MAX = 10 * 60_000;

export interface HeldModelsDeps {
  readonly chain: Pick<LightChain, 'params'> & {
    readonly headers: Pick<LightChain['headers'], 'head'>;
  };
  readonly modelService: Pick<ModelService, 'stored' | 'fetch' | 'stop'>;
  readonly worker: Pick<MinerWorker, 'give' | 'hold' | 'canReplay'>;
  /** The first ms of waiting: tests only. */
  readonly againMs?: number;
}

export class HeldModels {
  readonly #deps: HeldModelsDeps;
  #consent: FetchConsent = 'fetch';
  #missing: readonly StoredModel[] = [];
  #problem: ErrorCode | undefined;
  #run: AbortController | undefined;
  /** One run after another: a fetch that was stopped has to end before it is begun again. */
  #last: Promise<void> = Promise.resolve();
  /** Id in hex of the model on its way. */
  #fetching: string | undefined;
  /** Told when something of what is said here has changed. */
  onChange: () => void = () => undefined;
  /** Told when the worker has another model. */
  onArrival: () => void = () => undefined;

  constructor(deps: HeldModelsDeps) {
    this.#deps = deps;
  }

  get consent(): FetchConsent {
    return this.#consent;
  }

  /** Why the last try failed. */
  get problem(): ErrorCode | undefined {
    return this.#problem;
  }

  /** Those that are not whole on this device, as far as was looked. */
  get missing(): readonly MissingModel[] {
    return this.#missing.map(({ name, bytes, stored }) => ({ name, bytes: bytes - stored }));
  }

  /** Ids in hex of the models that blocks above the head may be of. */
  #needed(): string[] {
    const { params, headers } = this.#deps.chain;
    return modelsFrom(params, headers.head().header.height + 1);
  }

  /** Looks what is missing. @returns packages on this device, whole or not */
  async look(): Promise<readonly StoredModel[]> {
    const needed = this.#needed();
    const all = await this.#deps.modelService.stored();
    const missing = all.filter(({ id, state }) => state !== 'stored' && needed.includes(toHex(id)));
    this.#missing = missing.sort((a, b) => a.bytes - b.bytes);
    this.onChange();
    return all;
  }

  /** Gives the worker all that is here, and fetches what is not where that is wanted; until `end`. */
  begin(consent: FetchConsent): void {
    this.end();
    const run = (this.#run = new AbortController());
    this.#consent = consent;
    this.#problem = undefined;
    const needed = this.#needed();
    this.#deps.worker.hold(needed.map((id) => fromHex(id)!));
    this.#last = this.#last.then(() => this.#hold(needed, run.signal));
  }

  /** What has come of a model stays; the next `begin` goes on from there. */
  end(): void {
    this.#run?.abort();
    this.#run = undefined;
    if (this.#fetching !== undefined) this.#deps.modelService.stop(fromHex(this.#fetching)!);
    this.#fetching = undefined;
  }

  async #hold(needed: readonly string[], signal: AbortSignal): Promise<void> {
    const { againMs = AGAIN_MS } = this.#deps;
    for (let waitMs = againMs; !signal.aborted; waitMs = Math.min(AGAIN_MS_MAX, 2 * waitMs)) {
      if (await this.#tryAll(needed, signal)) return;
      await pause(waitMs, signal);
    }
  }

  /** @returns whether there is no more to try */
  async #tryAll(needed: readonly string[], signal: AbortSignal): Promise<boolean> {
    const { worker } = this.#deps;
    const all = await this.look().catch(() => []);
    const small = [...all].sort((a, b) => a.bytes - b.bytes);
    let isDone = true;
    for (const { id, state } of small) {
      if (signal.aborted) return true;
      if (!needed.includes(toHex(id)) || worker.canReplay(id)) continue;
      if (state !== 'stored' && this.#consent !== 'fetch') continue;
      const code = await this.#bring(id, signal);
      if (signal.aborted) return true;
      this.#problem = code;
      // A person has stopped it: it is theirs to go on.
      if (code === 'MODEL_STOPPED') this.#consent = 'ask';
      else if (code !== undefined) isDone = false;
      await this.look().catch(() => []);
      if (code === undefined) this.onArrival();
    }
    return isDone;
  }

  /** @returns why it failed */
  async #bring(id: Uint8Array, signal: AbortSignal): Promise<ErrorCode | undefined> {
    const { modelService, worker } = this.#deps;
    const key = toHex(id);
    this.#fetching = key;
    this.onChange();
    try {
      await modelService.fetch(id);
      if (!signal.aborted) await worker.give(id);
      return undefined;
    } catch (e) {
      return AppError.from(e).code;
    } finally {
      if (!signal.aborted) this.#fetching = undefined;
    }
  }
}
