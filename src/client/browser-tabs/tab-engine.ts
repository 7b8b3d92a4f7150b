/** What a tab needs in order to run an engine, and the links by which its calls reach the engine, wherever it runs. */
import type { AppError } from '../../lib/errors.ts';
import type { ClientApi, ClientEvent } from '../api.ts';
import type { TabChannel } from './tab-messages.ts';

/** Calls of one tab that may wait for an answer, counted by itself and by the leader. */
export const CALLS_MAX = 200;
/** Most leaders to which one call is made: the call itself may be what ends them. */
export const TRIES_MAX = 4;

export type Method = keyof ClientApi;

export interface TabEngine {
  readonly client: ClientApi;
  on(listener: (event: ClientEvent) => void): () => void;
  /** Resolves with the reason when the engine ends by itself: another must be started. */
  readonly died: Promise<AppError>;
  /** Ends the engine now; its calls in flight fail. */
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

/** A link to one engine, in this or in the leading tab, until that engine ends. */
export interface EngineLink {
  readonly call: Call;
  /** Makes the engine's calls in flight fail. */
  readonly end: () => void;
}

export const isStop = (method: Method): boolean =>
  method === 'pauseMining' || method === 'finishMining';

/** The link to the present engine; while there is none, calls wait for the next. */
export class EngineLinks {
  #current: EngineLink | undefined;
  #next = newWait();

  /** @throws the error given to `fail` when no engine could be started */
  get(): Promise<EngineLink> {
    return this.#current ? Promise.resolve(this.#current) : this.#next.promise;
  }

  isCurrent(link: EngineLink): boolean {
    return this.#current === link;
  }

  /** Sets the link for all further calls; undefined: they wait. */
  set(link: EngineLink | undefined): void {
    const old = this.#current;
    this.#current = link;
    old?.end();
    if (!link) return;
    this.#next.resolve(link);
    this.#next = newWait();
  }

  /** Called when no engine could be started: the calls that wait for one fail. */
  fail(error: unknown): void {
    this.#next.reject(error);
    this.#next = newWait();
  }
}

function newWait(): PromiseWithResolvers<EngineLink> {
  const next = Promise.withResolvers<EngineLink>();
  // Where no call waits, the rejection must not count as unhandled.
  next.promise.catch(() => undefined);
  return next;
}
