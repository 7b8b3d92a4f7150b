/** Answers of a model that this program runs: what a provider sells, and what a person asks here. */
import { AppError } from '../../lib/errors.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import type { Made, Verdict } from '../../miner/generator/answer.ts';
import type {
  AnswerClaim,
  AnswerJob,
  GenerateJob,
  MinerApi,
  MinerStatus,
} from '../../miner/engine/miner-api.ts';

/** Answers asked of the worker at once: somewhat more than it keeps waiting of all ranks. */
const OPEN_MAX = 512;

/** Runs plain passes, and steps of language models: own questions before payers', payers' before strangers'. */
export interface Answerer {
  /**
   * Rows of the answer, one unit (sequence) each, in order.
   * @throws AppError BUSY, PASS_ABORTED once the signal fires, INPUT_EMPTY, INPUT_LONG beyond 64 sequences,
   * WORKER_DIED, NO_MINER, and those of fetching the model
   */
  answer(job: AnswerJob & { readonly signal: AbortSignal }): Promise<readonly Uint8Array[]>;
  /**
   * Tokens of a language model's answer as they are made, a little ahead of whoever reads: who stops reading ends it.
   * @throws AppError as MinerApi.generate, PASS_ABORTED once the signal fires, and those of `answer`
   */
  generate(job: GenerateJob & { readonly signal: AbortSignal }): AsyncGenerator<Made, void, void>;
  /** Whether an answer follows from its model, input and options: one pass. @throws AppError as `generate` */
  verify(claim: AnswerClaim): Promise<Verdict>;
  /** Jobs that wait, and seconds until another would begin: for offers. */
  load(): { readonly queue: number; readonly waitSeconds: number };
}

type AnswerWorker = Pick<
  RpcClient<MinerApi>,
  'answer' | 'generate' | 'nextToken' | 'verifyAnswer' | 'dropAnswer'
>;

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

  /** The worker with the model in it, and an id for an answer, which is dropped when the signal fires. */
  async function begin(model: Uint8Array, signal: AbortSignal) {
    if (open >= OPEN_MAX) throw new AppError('BUSY', `${open} answers wait`);
    open++;
    try {
      failIfAborted(signal);
      const worker = await source.workerWith(model);
      failIfAborted(signal);
      const id = ++last;
      const drop = (): void => void worker.dropAnswer(id).catch(() => undefined);
      const end = (): void => {
        open--;
        signal.removeEventListener('abort', drop);
      };
      signal.addEventListener('abort', drop);
      return { worker, id, drop, end };
    } catch (e) {
      open--;
      throw e;
    }
  }

  return {
    async answer({ signal, ...job }) {
      const { worker, id, end } = await begin(job.model, signal);
      try {
        return await worker.answer(id, job);
      } catch (e) {
        source.noteFailure(e, worker);
        throw e;
      } finally {
        end();
      }
    },
    async *generate({ signal, ...job }) {
      const { worker, id, drop, end } = await begin(job.model, signal);
      try {
        for (let made = await worker.generate(id, job); ; made = await worker.nextToken(id)) {
          yield made;
          if (made.finish) return;
        }
      } catch (e) {
        source.noteFailure(e, worker);
        throw e;
      } finally {
        end();
        // Nothing of one that has ended.
        drop();
      }
    },
    async verify(claim) {
      const worker = await source.workerWith(claim.model);
      try {
        return await worker.verifyAnswer(claim);
      } catch (e) {
        source.noteFailure(e, worker);
        throw e;
      }
    },
    load() {
      const { waiting, waitSeconds } = source.status().answering;
      return { queue: waiting, waitSeconds };
    },
  };
}

function failIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new AppError('PASS_ABORTED', 'the answer was given up');
}
