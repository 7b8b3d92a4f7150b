/** Whether this node can do its work, for monitoring: `GET /health`. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { watchStore as watch } from '../../chain/store/store-watch.ts';
import type { AppError } from '../../lib/errors.ts';
import { Emitter } from '../../lib/events.ts';
import type { Transport } from '../../net/transport.ts';
import { sendJson, type Route } from './http.ts';

export interface WatchedStore extends Store {
  /** Error code since the store began to fail; undefined since a write has worked. */
  problem(): string | undefined;
  /** Calls the listener when it begins to fail, and when a write works again; the result stops it. */
  onChange(listener: (failing: AppError | undefined) => void): () => void;
}

/** A full disk shows at the next block, and its recovery at the next write that works. */
export function watchStore(store: Store): WatchedStore {
  const changes = new Emitter<{ change: AppError | undefined }>();
  let problem: string | undefined;
  const watched = watch(store, (failing) => {
    problem = failing?.code;
    changes.emit('change', failing);
  });
  return Object.assign(watched, {
    problem: () => problem,
    onChange: (listener: (failing: AppError | undefined) => void) => changes.on('change', listener),
  });
}

export interface HealthDeps {
  readonly chain: FullChain;
  readonly transport: Transport;
  readonly store: WatchedStore;
}

/** 200 while blocks can be stored, else 503. The caller must judge whether the head is too old. */
export const healthRoute =
  ({ chain, transport, store }: HealthDeps): Route =>
  (_request, response) => {
    const { height, time } = chain.head().header;
    const problem = store.problem() ?? null;
    sendJson(response, problem ? 503 : 200, {
      ok: problem === null,
      problem,
      height,
      headAgeMs: Math.max(0, Date.now() - time),
      peers: transport.peers().length,
    });
  };
