/** Questions through one model, one after the other: the best rank first, of equals who came first. */
import { AppError } from '../../../src/lib/errors.ts';
import type { Answerer } from '../../../src/client/mining/answerer.ts';
import { RANKS } from '../../../src/miner/engine/miner-api.ts';

/** Questions that wait. */
export const WAITING_MAX = 64;
/** Runs of which the mean time is known. */
const TIMES_MAX = 16;

type Job = Parameters<Answerer['answer']>[0];
interface Waiting {
  readonly job: Job;
  readonly begin: () => void;
}

/** @param run one pass; `nowMs`: any clock that only goes forward */
export function createOneByOne(
  run: (job: Job) => Promise<readonly Uint8Array[]>,
  nowMs: () => number,
  generate: Answerer['generate'] = none,
): Answerer {
  const waiting: Waiting[] = [];
  const times: number[] = [];
  let isRunning = false;

  function next(): void {
    if (isRunning || !waiting.length) return;
    const best = RANKS.find((rank) => waiting.some(({ job }) => job.rank === rank))!;
    const [first] = waiting.splice(
      waiting.findIndex(({ job }) => job.rank === best),
      1,
    );
    isRunning = true;
    first!.begin();
  }

  async function turn(job: Job): Promise<readonly Uint8Array[]> {
    const beganMs = nowMs();
    try {
      return await run(job);
    } finally {
      times.push(nowMs() - beganMs);
      if (times.length > TIMES_MAX) times.shift();
      isRunning = false;
      next();
    }
  }

  return {
    answer: (job) =>
      new Promise((resolve, reject) => {
        if (waiting.length >= WAITING_MAX)
          return reject(new AppError('BUSY', `${WAITING_MAX} questions wait`));
        const entry = { job, begin: () => turn(job).then(resolve, reject) };
        job.signal.addEventListener('abort', () => {
          const at = waiting.indexOf(entry);
          if (at >= 0) waiting.splice(at, 1);
          reject(new AppError('PASS_ABORTED', 'nobody waits for it any more'));
        });
        waiting.push(entry);
        next();
      }),
    generate,
    verify: none,
    load() {
      const queue = waiting.length + (isRunning ? 1 : 0);
      const meanMs = times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length);
      return { queue, waitSeconds: (queue * meanMs) / 1000 };
    },
  };
}

/** No language model is asked. */
const none = (): never => {
  throw new AppError('NO_METHOD', 'passes alone');
};
