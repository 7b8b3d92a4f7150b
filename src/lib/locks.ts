/** Web Locks: what only one page or worker of an origin may do at a time. */

/**
 * Waits for the lock; the result lets it go. So does the end of the page or worker, however it ends.
 * Rejects when `signal` aborts before.
 */
export function holdLock(name: string, signal?: AbortSignal): Promise<() => void> {
  const granted = Promise.withResolvers<() => void>();
  const held = Promise.withResolvers<void>();
  navigator.locks
    .request(name, signal ? { signal } : {}, () => {
      granted.resolve(held.resolve);
      return held.promise;
    })
    .catch(granted.reject);
  return granted.promise;
}
