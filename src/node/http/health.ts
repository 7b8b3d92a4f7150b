/** Whether this node can do its work, for monitoring: `GET /health`. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Outlook } from '../../chain/shared/outlook.ts';
import type { Store } from '../../chain/store/store.ts';
import { watchStores } from '../../chain/store/store-watch.ts';
import { AppError } from '../../lib/errors.ts';
import { Emitter } from '../../lib/events.ts';
import type { Log } from '../../lib/log.ts';
import type { Inexact } from '../../miner/engine/miner-api.ts';
import type { Transport } from '../../net/transport.ts';
import type { UnfollowedBranch } from '../seed/full-sync.ts';
import { sendJson, type Route } from './http.ts';

/** Whether every database of this node works. */
export interface StoreHealth {
  /** Error code since one began to fail; undefined while a write works in each. */
  problem(): string | undefined;
  /** Calls the listener when one begins to fail, and when all work again; the result stops it. */
  onChange(listener: (failing: AppError | undefined) => void): () => void;
}

export interface WatchedStores extends StoreHealth {
  /** The store, watched from now on. */
  watch(store: Store): Store;
}

/** A full disk shows at the next write, and its end at the next one that works: one line of the log for each. */
export function createWatchedStores(log: Pick<Log, 'error' | 'info'>): WatchedStores {
  const changes = new Emitter<{ change: AppError | undefined }>();
  let problem: string | undefined;
  const watch = watchStores((failing) => {
    const isNew = !problem !== !failing;
    problem = failing?.code;
    if (!isNew) return;
    if (failing) log.error('store.fails', { code: failing.code, error: failing.message });
    else log.info('store.works');
    changes.emit('change', failing);
  });
  return {
    watch,
    problem: () => problem,
    onChange: (listener) => changes.on('change', listener),
  };
}

export interface HealthDeps {
  readonly chain: FullChain;
  readonly transport: Transport;
  readonly stores: StoreHealth;
  readonly outlook: () => Outlook;
  /** A branch with more work that this node does not follow. */
  readonly unfollowed?: () => UnfollowedBranch | undefined;
  /** Where code of ours was wrong on this computer. */
  readonly inexact?: () => Inexact | undefined;
}

const toldBranch = (branch: UnfollowedBranch | undefined) =>
  branch ? { ...branch, totalWork: branch.totalWork.toString() } : null;

export function healthOf(deps: HealthDeps) {
  const { chain, transport, stores, outlook, unfollowed, inexact } = deps;
  const { height, time } = chain.head().header;
  const problem = stores.problem() ?? null;
  return {
    ok: problem === null,
    problem,
    height,
    headAgeMs: Math.max(0, Date.now() - time),
    peers: transport.peers().length,
    ...outlook(),
    unfollowed: toldBranch(unfollowed?.()),
    believed: chain.believed ?? null,
    inexact: inexact?.() ?? null,
  };
}

/** 200 while all databases can be written, else 503. The caller must judge whether the head is too old. */
export const healthRoute =
  (deps: HealthDeps): Route =>
  (_request, response) => {
    const health = healthOf(deps);
    sendJson(response, health.ok ? 200 : 503, health);
  };

/**
 * To be called before coins are paid out with nobody there. What would be lost by waiting, as a close of a channel, is
 * done all the same. @throws AppError RULES_ENDED
 */
export function requireRules({ rules }: Outlook): void {
  if (rules === 'ended')
    throw new AppError('RULES_ENDED', 'newer rules may hold: this node has to be updated');
}
