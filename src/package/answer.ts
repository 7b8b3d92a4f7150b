/** An answer that is read while it is written. */
import { AppError } from '../lib/errors.ts';

/** Its text piece by piece, to one reader. Leaving the loop stops it. */
export interface Answer<Whole> extends AsyncIterable<string> {
  /**
   * Once it is whole; nobody need read the pieces.
   * @throws PASS_ABORTED where it was stopped, and what it fails with
   */
  whole(): Promise<Whole>;
  /** Nobody wants more of it. What was read stays. */
  stop(): Promise<void>;
}

/**
 * @param write gives the pieces, and returns what is known at the end. Its signal is aborted where nobody wants more:
 * what it waits for it then leaves.
 */
export function answerOf<Whole>(
  write: (over: AbortSignal) => AsyncGenerator<string, Whole>,
): Answer<Whole> {
  const over = new AbortController();
  const whole = Promise.withResolvers<Whole>();
  // Whoever reads the pieces is told there.
  whole.promise.catch(() => undefined);
  const aborted = (): void => {
    whole.reject(new AppError('PASS_ABORTED', 'stopped before its end'));
    over.abort();
  };
  let isRead = false;

  async function* read(): AsyncGenerator<string, void> {
    try {
      whole.resolve(yield* write(over.signal));
    } catch (error) {
      whole.reject(error);
      throw error;
    } finally {
      aborted();
    }
  }

  const pieces = read();
  async function drain(): Promise<void> {
    for await (const _piece of pieces);
  }
  return {
    [Symbol.asyncIterator]() {
      isRead = true;
      return pieces;
    },
    async whole() {
      if (!isRead) {
        isRead = true;
        await drain();
      }
      return await whole.promise;
    },
    async stop() {
      aborted();
      await pieces.return();
    },
  };
}
