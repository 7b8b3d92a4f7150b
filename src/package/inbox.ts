/** Values that wait to be read, in the order in which they came. */
import { AppError } from '../lib/errors.ts';

export interface Inbox<T> {
  /** Over `max` waiting ones the oldest is dropped. */
  push(value: T): void;
  /** What waits is still read; then the iteration ends, or fails with the error. */
  end(error?: AppError): void;
  /** The next value; undefined at the end. @throws AppError that it was ended with */
  next(): Promise<T | undefined>;
}

/** One reader at a time. @param max values that wait at most */
export function createInbox<T>(max: number): Inbox<T> {
  const waiting: T[] = [];
  let over: { readonly error: AppError | undefined } | undefined;
  let wake: (() => void) | undefined;
  const woken = (): void => {
    wake?.();
    wake = undefined;
  };
  return {
    push(value) {
      if (over) return;
      waiting.push(value);
      if (waiting.length > max) waiting.shift();
      woken();
    },
    end(error) {
      over ??= { error };
      woken();
    },
    async next() {
      for (;;) {
        if (waiting.length) return waiting.shift();
        if (over?.error) throw over.error;
        if (over) return undefined;
        if (wake) throw new AppError('BUSY', 'another loop reads these');
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
  };
}
