/**
 * Mines where nobody else does: from the coming of the faucet's gift, or of any transaction, until none waits any more,
 * usually one block.
 * Work beyond a share of the time waits, so that calls of the faucet, however many, cost no more than that.
 */
import type { FullChain } from '../../chain/full/full-chain.ts';
import { FAUCET_ADDRESS } from '../../core/params.ts';
import { fromHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { SeedMiner } from '../seed/seed-miner.ts';

/** ms of work at most at once: a first block on two busy cores takes minutes. */
export const WORK_MS_MAX = 300_000;
/** Of all time. */
export const WORK_SHARE = 0.1;
/** ms of work that must be allowed before it begins. */
const WORK_MS_MIN = 10_000;

export interface GiftMiner {
  /** Something waits. @returns whether this node works on a block for it, now or in seconds */
  wake(): boolean;
  /** Resolves when nothing is mined any more. */
  stop(): Promise<void>;
}

export interface GiftMinerDeps {
  /** For transactions of anybody, not of the faucet alone. */
  readonly isForAll: boolean;
  readonly chain: Pick<FullChain, 'mempool' | 'subscribe'>;
  readonly miner: SeedMiner;
  readonly log: Log;
  /** ms of a clock that nobody sets. */
  readonly steadyMs: () => number;
}

export function createGiftMiner(deps: GiftMinerDeps): GiftMiner {
  const { isForAll, chain, miner, log, steadyMs } = deps;
  const giver = fromHex(FAUCET_ADDRESS, 32)!;
  /** ms of work that were allowed at `countedMs`. */
  let allowedMs = WORK_MS_MAX;
  let countedMs = steadyMs();
  let isWorking = false;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Starts and stops one after another. */
  let turns: Promise<void> = Promise.resolve();

  function count(): void {
    const now = steadyMs();
    const change = (now - countedMs) * (isWorking ? WORK_SHARE - 1 : WORK_SHARE);
    allowedMs = Math.min(WORK_MS_MAX, allowedMs + change);
    countedMs = now;
  }
  const waits = (): boolean =>
    isForAll ? chain.mempool.size > 0 : chain.mempool.of(giver).length > 0;
  const turn = (act: () => Promise<void>): void =>
    void (turns = turns.then(act).catch((e: unknown) => {
      log.warn('gift.not-mined', { why: AppError.from(e).message });
      rest();
    }));
  const later = (act: () => void, ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(act, ms).unref();
  };

  function rest(): void {
    if (!isWorking) return;
    count();
    isWorking = false;
    clearTimeout(timer);
    turn(async () => {
      await miner.stop();
      log.info('gift.rests');
    });
    // Blocks become easier meanwhile.
    if (!isOver && waits()) later(wake, (WORK_MS_MIN - allowedMs) / WORK_SHARE);
  }

  function wake(): boolean {
    if (isWorking) return true;
    count();
    if (isOver || !waits() || allowedMs < WORK_MS_MIN) return false;
    isWorking = true;
    log.info('gift.mines');
    turn(() => miner.start());
    later(rest, allowedMs / (1 - WORK_SHARE));
    return true;
  }

  const off = chain.subscribe(({ type }) => {
    if (type === 'head' && isWorking && !waits()) rest();
    // The faucet itself wakes for its gifts.
    if (type === 'tx' && isForAll) wake();
  });
  return {
    wake,
    async stop() {
      isOver = true;
      off();
      clearTimeout(timer);
      rest();
      await turns;
    },
  };
}
