/** A miner without any peer rests: nobody can be told of what it finds, and the others' chain wins. */
import type { SyncState } from '../../client/api.ts';

/** Block times without a peer after which the work rests. A seed that is restarted is back before. */
export const ALONE_BLOCKS = 5;

export interface AloneDeps {
  readonly blockTimeMs: number;
  readonly pause: () => Promise<void>;
  readonly resume: () => Promise<void>;
  /** Is told why one of them failed; the next turn comes all the same. */
  readonly onProblem: (e: unknown) => void;
}

export interface Alone {
  note(sync: SyncState): void;
  stop(): void;
}

export function createAlone({ blockTimeMs, pause, resume, onProblem }: AloneDeps): Alone {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let resting = false;
  /** One after another: a peer may come back while the work is still being paused. */
  let turns: Promise<void> = Promise.resolve();
  const next = (turn: () => Promise<void>): void =>
    void (turns = turns.then(turn).catch(onProblem));
  const forget = (): void => {
    clearTimeout(waiting);
    waiting = undefined;
  };
  return {
    note(sync) {
      if (sync !== 'offline') {
        forget();
        if (resting) next(resume);
        resting = false;
        return;
      }
      if (resting) return;
      waiting ??= setTimeout(() => {
        waiting = undefined;
        resting = true;
        next(pause);
      }, ALONE_BLOCKS * blockTimeMs);
    },
    stop: forget,
  };
}
