/** Whether this node can do its work, for who watches it: `GET /health`. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { AppError } from '../../lib/errors.ts';
import type { Transport } from '../../net/transport.ts';
import { sendJson, type Route } from './http.ts';

export interface WatchedStore extends Store {
  /** Code of the last write's failure; undefined when it went well. */
  problem(): string | undefined;
}

/** The same store; a disk that is full shows at the next block, and is well again after one. */
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

/** 200 while blocks can be kept, else 503. How old the head is, is for the caller to judge. */
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
