/** Whether this node can do its work, for monitoring: `GET /health`. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { AppError } from '../../lib/errors.ts';
import type { Transport } from '../../net/transport.ts';
import { sendJson, type Route } from './http.ts';

export interface WatchedStore extends Store {
  /** Error code of the last write; undefined when it succeeded. */
  problem(): string | undefined;
}

/** Wraps a store and notes how its last write ended: a full disk shows at the next block, and so does its recovery. */
export function watchStore(store: Store): WatchedStore {
  let problem: string | undefined;
  return {
    ...store,
    problem: () => problem,
    async batch(puts, durable) {
      try {
        await store.batch(puts, durable);
        problem = undefined;
      } catch (e) {
        problem = AppError.from(e).code;
        throw e;
      }
    },
  };
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
