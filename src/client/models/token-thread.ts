/**
 * Tokenisers run in a thread of their own, so that a text on which one does not end can be given up: the thread is
 * ended, and the next call starts another. Where a platform has no threads they run here, without a deadline.
 */
import type { Manifest } from '../../core/manifest.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import type { Tokenised } from '../api.ts';
import { packTexts, tokeniserOf, type Tokeniser } from './tokeniser.ts';

/** Tokenisers in memory: some 10 MB for 30,000 words. */
const TOKENISERS_MAX = 4;
/** ms for one call: the longest takes some hundred, and building a tokeniser a second. */
const DEADLINE_MS = 20_000;
/** Calls that may wait for the thread. */
const CALLS_MAX = 32;

/** The thread's protocol. Models are named by their ids in hex. */
export type TokenApi = {
  has(id: string): boolean;
  /** @throws AppError MODEL_CORRUPT when `file` is not the tokenizer.json that the manifest names */
  load(id: string, m: Manifest, file: Uint8Array): Promise<void>;
  /** Of a model that was loaded. @throws AppError as packTexts */
  pack(id: string, m: Manifest, texts: readonly string[]): Tokenised;
  read(id: string, sequences: readonly Uint32Array[]): string[];
};

export interface StartedTokens {
  readonly api: RpcClient<TokenApi>;
  /** Ends it, also in the middle of a call. */
  stop(): void;
}

/** What runs in the thread. */
export function tokenApi(): TokenApi {
  const tokenisers = new BoundedMap<string, Tokeniser>(TOKENISERS_MAX);
  const of = (id: string): Tokeniser => {
    const tokeniser = tokenisers.get(id);
    if (!tokeniser) throw new AppError('MODEL_MISSING', 'this tokenizer was not loaded');
    return tokeniser;
  };
  return {
    has: (id) => tokenisers.has(id),
    load: async (id, m, file) => void tokenisers.set(id, await tokeniserOf(m, file)),
    pack: (id, m, texts) => packTexts(texts, of(id), m),
    read: (id, sequences) => sequences.map((ids) => of(id).decode(ids)),
  };
}

export class TokenThread {
  readonly #start: () => StartedTokens;
  readonly #deadlineMs: number;
  readonly #queue = new SerialQueue(CALLS_MAX, 'BUSY');
  /** Ids of models that the thread was given: of admitted ones, which are few. */
  readonly #loaded = new Set<string>();
  #started: StartedTokens | undefined;

  /** @param start absent: no thread, and so no deadline */
  constructor(start: () => StartedTokens = startHere, deadlineMs = DEADLINE_MS) {
    this.#start = start;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Runs calls for a model, in turn with others.
   * @param fetch its tokenizer.json, asked for where the thread has it not; undefined: the result is undefined too
   * @throws AppError TOKENISER_SLOW once one of them has taken too long, BUSY, WORKER_DIED, and theirs
   */
  async use<T>(
    [id, m]: readonly [id: string, m: Manifest],
    fetch: () => Promise<Uint8Array | undefined>,
    call: (api: RpcClient<TokenApi>) => Promise<T>,
  ): Promise<T | undefined> {
    // Fetched outside of the queue: a download must neither keep other texts waiting nor count as their time.
    const file = this.#loaded.has(id) ? undefined : await fetch();
    if (!this.#loaded.has(id) && !file) return undefined;
    const done = await this.#run(async (api) => {
      if (!(await api.has(id))) {
        // Others have pushed it out of the thread meanwhile.
        if (!file) return undefined;
        await api.load(id, m, file);
      }
      this.#loaded.add(id);
      return { result: await call(api) };
    });
    if (done) return done.result;
    this.#loaded.delete(id);
    return this.use([id, m], fetch, call);
  }

  stop(): void {
    this.#started?.stop();
    this.#started = undefined;
    this.#loaded.clear();
  }

  #run<T>(call: (api: RpcClient<TokenApi>) => Promise<T>): Promise<T> {
    return this.#queue.run(async () => {
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => reject(new AppError('TOKENISER_SLOW', 'the tokenizer did not end in time')),
        this.#deadlineMs,
      );
      try {
        this.#started ??= this.#start();
        return await Promise.race([call(this.#started.api), late]);
      } catch (e) {
        const { code } = AppError.from(e);
        if (code === 'TOKENISER_SLOW' || code === 'WORKER_DIED') this.stop();
        throw e;
      } finally {
        clearTimeout(timer);
      }
    });
  }
}

function startHere(): StartedTokens {
  const api = tokenApi();
  const called = Object.entries(api).map(([name, run]) => [
    name,
    async (...args: never[]) => (run as (...given: never[]) => unknown)(...args),
  ]);
  const client = { ...Object.fromEntries(called), on: () => () => undefined } as unknown;
  return { api: client as RpcClient<TokenApi>, stop: () => undefined };
}
