/**
 * Tokenisers run in a thread of their own, so that a text on which one does not end can be given up: the thread is
 * ended, and the next call starts another. Where a platform has no threads they run here, without a deadline.
 */
import type { Manifest } from '../../core/manifest.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import type { ChatMessage, Tokenised } from '../api.ts';
import { createChat, type Chat, type EncodedChat } from './chat.ts';
import { createTokeniser, packTexts, requireTokenizer, type Tokeniser } from './tokeniser.ts';

/** Models whose tokenisers are in memory: some 10 MB for 30,000 words. */
const MODELS_MAX = 4;
/** ms for one call: the longest takes some hundred, and building a tokeniser a second. */
const DEADLINE_MS = 20_000;
/** Calls that may wait for the thread. */
const CALLS_MAX = 32;

/** Files of a package that texts need. */
export interface TextFiles {
  readonly tokenizer: Uint8Array;
  /** Of a model that generates. */
  readonly generation: Uint8Array | undefined;
}

/** The thread's protocol. Models are named by their ids in hex. */
export type TokenApi = {
  has(id: string): boolean;
  /** @throws AppError MODEL_CORRUPT when `tokenizer` is not the tokenizer.json that the manifest names */
  load(id: string, m: Manifest, files: TextFiles): void;
  /** Of a model that was loaded. @throws AppError as packTexts */
  pack(id: string, texts: readonly string[]): Promise<Tokenised>;
  read(id: string, sequences: readonly Uint32Array[]): Promise<string[]>;
  /** @throws AppError as createChat and `Chat.encode` */
  encode(id: string, messages: readonly ChatMessage[]): Promise<EncodedChat>;
  /** @throws AppError as createChat */
  bytesOf(id: string, tokens: Uint32Array): Promise<Uint8Array>;
};

export interface StartedTokens {
  readonly api: RpcClient<TokenApi>;
  /** Ends it, also in the middle of a call. */
  stop(): void;
}

/** A model's texts; what reads them is made when it is first asked for. */
class Loaded {
  readonly m: Manifest;
  readonly #files: TextFiles;
  #tokeniser: Promise<Tokeniser> | undefined;
  #chat: Promise<Chat> | undefined;

  constructor(m: Manifest, files: TextFiles) {
    this.m = m;
    this.#files = files;
  }

  tokeniser(): Promise<Tokeniser> {
    return (this.#tokeniser ??= createTokeniser(this.#files.tokenizer));
  }

  chat(): Promise<Chat> {
    const { tokenizer, generation } = this.#files;
    if (!generation) throw new AppError('MODEL_REFUSED', `${this.m.name} generates nothing`);
    return (this.#chat ??= createChat(this.m, tokenizer, generation));
  }
}

/** What runs in the thread. */
export function tokenApi(): TokenApi {
  const models = new BoundedMap<string, Loaded>(MODELS_MAX);
  const of = (id: string): Loaded => {
    const loaded = models.get(id);
    if (!loaded) throw new AppError('MODEL_MISSING', 'this tokenizer was not loaded');
    return loaded;
  };
  return {
    has: (id) => models.has(id),
    load(id, m, files) {
      requireTokenizer(m, files.tokenizer);
      models.set(id, new Loaded(m, files));
    },
    pack: async (id, texts) => packTexts(texts, await of(id).tokeniser(), of(id).m),
    async read(id, sequences) {
      const tokeniser = await of(id).tokeniser();
      return sequences.map((ids) => tokeniser.decode(ids));
    },
    encode: async (id, messages) => (await of(id).chat()).encode(messages),
    bytesOf: async (id, tokens) => (await of(id).chat()).bytesOf(tokens),
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
   * @param fetch its files, asked for where the thread has them not; undefined: the result is undefined too
   * @param signal gives it up before its turn
   * @throws AppError TOKENISER_SLOW once one of them has taken too long, BUSY, PASS_ABORTED, WORKER_DIED, and theirs
   */
  async use<T>(
    [id, m]: readonly [id: string, m: Manifest],
    fetch: () => Promise<TextFiles | undefined>,
    call: (api: RpcClient<TokenApi>) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T | undefined> {
    // Fetched outside of the queue: a download must neither keep other texts waiting nor count as their time.
    const files = this.#loaded.has(id) ? undefined : await fetch();
    if (!this.#loaded.has(id) && !files) return undefined;
    const done = await this.#run(async (api) => {
      if (!(await api.has(id))) {
        // Others have pushed it out of the thread meanwhile.
        if (!files) return undefined;
        await api.load(id, m, files);
      }
      this.#loaded.add(id);
      return { result: await call(api) };
    }, signal);
    if (done) return done.result;
    this.#loaded.delete(id);
    return this.use([id, m], fetch, call, signal);
  }

  stop(): void {
    this.#started?.stop();
    this.#started = undefined;
    this.#loaded.clear();
  }

  #run<T>(call: (api: RpcClient<TokenApi>) => Promise<T>, signal?: AbortSignal): Promise<T> {
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
    }, signal);
  }
}

function startHere(): StartedTokens {
  const api = tokenApi();
  const called = Object.entries(api).map(([name, run]) => [
    name,
    async (...args: unknown[]): Promise<unknown> => Reflect.apply(run, undefined, args),
  ]);
  const client = { ...Object.fromEntries(called), on: () => () => undefined } as unknown;
  return { api: client as RpcClient<TokenApi>, stop: () => undefined };
}
