/** Answers of a model that this program runs: what a provider sells, and what a person asks here. */
import { AppError } from '../../lib/errors.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import type { AnswerJob, MinerApi, MinerStatus } from '../../miner/engine/miner-api.ts';

/** Answers asked of the worker at once: somewhat more than it keeps waiting of all ranks. */
const OPEN_MAX = 512;

/** Runs plain passes: own questions before payers', payers' before strangers'. */
export interface Answerer {
  /**
   * Rows of the answer, one unit (sequence) each, in order.
   * @throws AppError BUSY, PASS_ABORTED once the signal fires, INPUT_EMPTY, INPUT_LONG beyond 64 sequences,
   * WORKER_DIED, NO_MINER, and those of fetching the model
   */
  answer(job: AnswerJob & { readonly signal: AbortSignal }): Promise<readonly Uint8Array[]>;
  /** Jobs that wait, and seconds until another would begin: for offers. */
  load(): { readonly queue: number; readonly waitSeconds: number };
}

type AnswerWorker = Pick<RpcClient<MinerApi>, 'answer' | 'dropAnswer'>;

/** Where answers are run: a client's MinerWorker, or a seed's thread. */
export interface AnswerSource {
  /** The worker, with the model's package in it. */
  workerWith(model: Uint8Array): Promise<AnswerWorker>;
  status(): Pick<MinerStatus, 'answering'>;
  /** A call of that worker failed; it may have died. */
  noteFailure(e: unknown, worker: AnswerWorker): void;
}

export function createAnswerer(source: AnswerSource): Answerer {
  let open = 0;
  let last = 0;

  async function run(job: AnswerJob, signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const failIfAborted = (): void => {
      if (signal.aborted) throw new AppError('PASS_ABORTED', 'the answer was given up');
    };
    failIfAborted();
    const worker = await source.workerWith(job.model);
    failIfAborted();
    const id = ++last;
    const drop = (): void => void worker.dropAnswer(id).catch(() => undefined);
    signal.addEventListener('abort', drop);
    try {
      return await worker.answer(id, job);
    } catch (e) {
      source.noteFailure(e, worker);
      throw e;
    } finally {
      signal.removeEventListener('abort', drop);
    }
  }

  return {
    async answer({ signal, ...job }) {
      if (open >= OPEN_MAX) throw new AppError('BUSY', `${open} answers wait`);
      open++;
      try {
        return await run(job, signal);
      } finally {
        open--;
      }
    },
    load() {
      const { waiting, waitSeconds } = source.status().answering;
      return { queue: waiting, waitSeconds };
    },
  };
}
