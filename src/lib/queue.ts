/** Runs tasks one at a time in the order they came, so that read-change-write steps never mix. */
import type { ErrorCode } from './error-codes.ts';
import { AppError } from './errors.ts';

interface Turn {
  /** Runs the task. @returns tells who waits for it */
  readonly run: () => Promise<() => void>;
  /** Never rejects. */
  readonly ended: Promise<unknown>;
}

export class SerialQueue {
  readonly #max: number;
  readonly #code: ErrorCode;
  /** The one that runs first. */
  readonly #turns: Turn[] = [];
  #isRunning = false;

  /** @param max tasks that may be running or waiting; `code`: code of the error for a task beyond them */
  constructor(max: number, code: ErrorCode = 'QUEUE_FULL') {
    this.#max = max;
    this.#code = code;
  }

  /** Tasks running or waiting. */
  get size(): number {
    return this.#turns.length;
  }

  /**
   * Resolves to the task's result; a failed task does not stop the next one. One whose signal fires before its turn
   * leaves its place at once, and one that runs goes on.
   * @throws QUEUE_FULL, or `code`; PASS_ABORTED of a task that has left
   */
  run<T>(task: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(hasLeft());
    if (this.size >= this.#max)
      return Promise.reject(new AppError(this.#code, `${this.#max} tasks are waiting`));
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const leave = (): void => {
      this.#turns.splice(this.#turns.indexOf(turn), 1);
      reject(hasLeft());
    };
    const turn: Turn = {
      ended: promise.catch(() => undefined),
      run: async () => {
        signal?.removeEventListener('abort', leave);
        try {
          const result = await task();
          return () => resolve(result);
        } catch (e) {
          return () => reject(e);
        }
      },
    };
    signal?.addEventListener('abort', leave, { once: true });
    this.#turns.push(turn);
    void this.#work();
    return promise;
  }

  /** Resolves when every task that was waiting has ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#turns.map(({ ended }) => ended));
  }

  async #work(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // Nobody's task begins before `run` has returned.
    await Promise.resolve();
    for (let turn; (turn = this.#turns[0]);) {
      const tell = await turn.run();
      this.#turns.shift();
      tell();
    }
    this.#isRunning = false;
  }
}

const hasLeft = (): AppError => new AppError('PASS_ABORTED', 'nobody waits for it any more');
