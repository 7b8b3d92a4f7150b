/** A Web Lock that one tab at a time holds, for all that this tab does at once under it. */
import type { ErrorCode } from '../../../lib/error-codes.ts';
import { AppError } from '../../../lib/errors.ts';

export class SharedLock {
  readonly #name: string;
  readonly #code: ErrorCode;
  readonly #onTaken: () => Promise<unknown>;
  /** Tasks under the lock, or waiting for it. */
  #tasks = 0;
  #taking: Promise<boolean> | undefined;
  #release: () => void = () => undefined;
  /** The lock that was held last is free again. */
  #released: Promise<unknown> = Promise.resolve();

  /** @param code of the error where another tab has the lock @param onTaken before any task: others may have had it */
  constructor(name: string, code: ErrorCode, onTaken: () => Promise<unknown>) {
    this.#name = name;
    this.#code = code;
    this.#onTaken = onTaken;
  }

  get isUsed(): boolean {
    return this.#tasks > 0;
  }

  /** Beside whatever else runs under it in this tab. @throws AppError `code`, and what the task and `onTaken` throw */
  async run<T>(task: () => Promise<T>): Promise<T> {
    this.#tasks++;
    try {
      if (!(await (this.#taking ??= this.#take())))
        throw new AppError(this.#code, `another tab has ${this.#name}`);
      return await task();
    } finally {
      if (!--this.#tasks) {
        this.#taking = undefined;
        this.#release();
      }
    }
  }

  async #take(): Promise<boolean> {
    // Until then it would be this tab itself that has it.
    await this.#released;
    const isMine = Promise.withResolvers<boolean>();
    const held = Promise.withResolvers<void>();
    this.#release = held.resolve;
    this.#released = navigator.locks
      .request(this.#name, { ifAvailable: true }, (lock) => {
        isMine.resolve(lock !== null);
        return lock ? held.promise : undefined;
      })
      .catch(isMine.reject);
    const isTaken = await isMine.promise;
    if (isTaken) await this.#onTaken();
    return isTaken;
  }
}
