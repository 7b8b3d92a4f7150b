/**
 * A store that says when it stops working and when it works again. Most of what fails over it runs in the
 * background, where nobody waits for the error: blocks that are not taken in, a head that stays.
 */
import type { Store } from './store.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';

const FAILURES: readonly ErrorCode[] = ['STORE_FAILED', 'STORE_CLOSED', 'STORE_FULL'];
/** Of a write also these: no read may show that nothing can be written any more. */
const WRITE_FAILURES: readonly ErrorCode[] = [...FAILURES, 'STORE_CORRUPT', 'STORE_BUSY'];
/** ms between attempts to write, while it fails. */
export const PROBE_MS = 5_000;
/** A key of no record: it sorts behind them all, and holds one byte. */
const PROBE_KEY = '\uffff probe';

/** Whether it is a failure that a store's watch tells of: whoever meets it need not say it once more. */
export const isStoreFailure = (e: unknown): boolean =>
  e instanceof AppError && FAILURES.includes(e.code);

/** `tell` gets the failure once when it begins, and undefined when a write has worked again. */
export function watchStore(store: Store, tell: (failing: AppError | undefined) => void): Store {
  let failing: AppError | undefined;
  let isClosed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const probeLater = (): void => {
    timer = setTimeout(() => void probe(), PROBE_MS);
  };
  async function probe(): Promise<void> {
    try {
      await store.batch([{ key: PROBE_KEY, value: Uint8Array.of(1) }]);
      await store.batch([{ key: PROBE_KEY, value: undefined }]);
    } catch {
      if (!isClosed) probeLater();
      return;
    }
    works();
  }
  /** A write has worked. */
  const works = (): void => {
    if (!failing || isClosed) return;
    clearTimeout(timer);
    failing = undefined;
    tell(undefined);
  };

  const watched = async <T>(work: Promise<T>, failures = FAILURES): Promise<T> => {
    try {
      return await work;
    } catch (e) {
      const error = AppError.from(e);
      if (!failing && !isClosed && failures.includes(error.code)) {
        failing = error;
        tell(error);
        probeLater();
      }
      throw e;
    }
  };

  return {
    get: (key) => watched(store.get(key)),
    async batch(puts, durable) {
      await watched(store.batch(puts, durable), WRITE_FAILURES);
      if (puts.length) works();
    },
    range: (from, to, limit) => watched(store.range(from, to, limit)),
    clear: () => watched(store.clear()),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await store.close();
    },
  };
}

/** Several stores as one: `tell` as for one, and they work when every one of them does. */
export function watchStores(tell: (failing: AppError | undefined) => void): (one: Store) => Store {
  const failing = new Map<Store, AppError>();
  return (store) =>
    watchStore(store, (error) => {
      if (error) failing.set(store, error);
      else failing.delete(store);
      const [first] = failing.values();
      tell(first);
    });
}
