/** Runs tasks one at a time in the order they came, so that read-change-write steps never mix. */
import type { ErrorCode } from './error-codes.ts';
import { AppError } from './errors.ts';

export class SerialQueue {
  readonly #max: number;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  readonly #code: ErrorCode;

  /** @param max tasks that may be running or waiting; `code`: code of the error for a task beyond them */
  constructor(max: number, code: ErrorCode = 'QUEUE_FULL') {
    this.#max = max;
    this.#code = code;
  }

  /** Tasks running or waiting. */
  get size(): number {
    return this.#waiting;
  }

  /** Resolves to the task's result; a failed task does not stop the next one. @throws QUEUE_FULL, or `code` */
  run<T>(task: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= this.#max)
      return Promise.reject(new AppError(this.#code, `${this.#max} tasks are waiting`));
    this.#waiting++;
    const done = this.#tail.then(task).finally(() => this.#waiting--);
    this.#tail = done.catch(() => {});
    return done;
  }

  /** Resolves when every task that was waiting has ended. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
