/** What a tab is given to run an engine, and what it must tell a new one again. */
import { toHex } from '../../lib/bytes.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import type { AppError } from '../../lib/errors.ts';
import type { ClientApi, ClientEvent } from '../api.ts';
import type { TabChannel } from './tab-messages.ts';

/** Calls of one tab that may wait for an answer, by its own count and by the leader's. */
export const CALLS_MAX = 200;
/** Leaders that a call is made to: it may be what ends them. */
export const TRIES_MAX = 4;
/** Other tabs that the leader knows; the one heard of longest ago makes room and is met again. */
export const FOLLOWERS_MAX = 64;

export type Method = keyof ClientApi;

export interface TabEngine {
  readonly client: ClientApi;
  on(hear: (event: ClientEvent) => void): () => void;
  /** Resolves with why when it ends by itself: another must be started. */
  readonly died: Promise<AppError>;
  /** Ends it now; its calls in flight fail. */
  stop(): void;
}

export interface TabParts {
  /** Differs from every other tab's. */
  readonly tab: string;
  openChannel(): TabChannel;
  /** Waits for the lock of that name; the result lets it go. Rejects when the signal aborts. */
  lock(name: string, signal: AbortSignal): Promise<() => void>;
  startEngine(): Promise<TabEngine>;
}

/** The way to the engine, here or in the leading tab, until that engine ends. */
export interface Link {
  readonly call: (method: Method, args: unknown[]) => Promise<unknown>;
  ended: boolean;
  readonly end: () => void;
}

export function newLink(): PromiseWithResolvers<Link> {
  const next = Promise.withResolvers<Link>();
  next.promise.catch(() => undefined);
  return next;
}

/** Addresses that one engine follows. */
const WATCHED_MAX = 16;

export const isStop = (method: Method): boolean =>
  method === 'pauseMining' || method === 'finishMining';

/** What a tab asked for and an engine forgets. */
export class TabWishes {
  readonly #watched = new BoundedMap<string, Uint8Array>(WATCHED_MAX);
  #payTo: Uint8Array | undefined;
  #serve: Uint8Array | undefined;
  #duty: number | undefined;

  note(method: Method, [first]: unknown[]): void {
    const bytes = first as Uint8Array;
    if (method === 'watch') this.#watched.set(toHex(bytes), bytes);
    else if (method === 'unwatch') this.#watched.delete(toHex(bytes));
    else if (method === 'payTo') this.#payTo = bytes;
    else if (method === 'serve') this.#serve = bytes;
    else if (method === 'throttleMining') this.#duty = first as number;
  }

  /** The payee's first: it must have its place among the followed addresses. */
  calls(): [Method, unknown[]][] {
    return [
      ...(this.#payTo ? [['payTo', [this.#payTo]] as [Method, unknown[]]] : []),
      ...[...this.#watched].map(([, address]) => ['watch', [address]] as [Method, unknown[]]),
      ...(this.#duty === undefined
        ? []
        : [['throttleMining', [this.#duty]] as [Method, unknown[]]]),
      ...(this.#serve ? [['serve', [this.#serve]] as [Method, unknown[]]] : []),
    ];
  }
}
