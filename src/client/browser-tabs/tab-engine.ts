/** What a tab is given to run an engine, and the way of its calls to the engine, wherever it runs. */
import type { AppError } from '../../lib/errors.ts';
import type { ClientApi, ClientEvent } from '../api.ts';
import type { TabChannel } from './tab-messages.ts';

/** Calls of one tab that may wait for an answer, counted by itself and by the leader. */
export const CALLS_MAX = 200;
/** Leaders that one call is made to: the call may be what ends them. */
export const TRIES_MAX = 4;

export type Method = keyof ClientApi;

export interface TabEngine {
  readonly client: ClientApi;
  on(listener: (event: ClientEvent) => void): () => void;
  /** Resolves with the reason when it ends by itself: another must be started. */
  readonly died: Promise<AppError>;
  /** Ends it now; its calls in flight fail. */
  stop(): void;
}

export interface TabDeps {
  /** This tab's id, which differs from every other tab's. */
  readonly tab: string;
  openChannel(): TabChannel;
  /** Waits for the lock of that name; the result releases it. Rejects when the signal aborts. */
  lock(name: string, signal: AbortSignal): Promise<() => void>;
  startEngine(): Promise<TabEngine>;
}

export type Call = (method: Method, args: unknown[]) => Promise<unknown>;

/** The way to one engine, here or in the leading tab, until that engine ends. */
export interface EngineLink {
  readonly call: Call;
  /** The engine's calls in flight fail. */
  readonly end: () => void;
}

export const isStop = (method: Method): boolean =>
  method === 'pauseMining' || method === 'finishMining';

/** The way to the engine of the moment; while there is none, calls wait for the next. */
export class EngineLinks {
  #current: EngineLink | undefined;
  #next = newWait();

  /** @throws what `fail` is given, when no engine comes */
  get(): Promise<EngineLink> {
    return this.#current ? Promise.resolve(this.#current) : this.#next.promise;
  }

  isCurrent(link: EngineLink): boolean {
    return this.#current === link;
  }

  /** Calls go this way from now on; undefined: they wait. */
  set(link: EngineLink | undefined): void {
    const old = this.#current;
    this.#current = link;
    old?.end();
    if (!link) return;
    this.#next.resolve(link);
    this.#next = newWait();
  }

  /** No engine comes: calls that wait for one fail. */
  fail(error: unknown): void {
    this.#next.reject(error);
    this.#next = newWait();
  }
}

function newWait(): PromiseWithResolvers<EngineLink> {
  const next = Promise.withResolvers<EngineLink>();
  // Nobody may be waiting.
  next.promise.catch(() => undefined);
  return next;
}
