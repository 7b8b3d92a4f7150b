/** Web Locks: for work that only one page or worker of an origin may do at a time. */

/**
 * Waits for the lock. The returned function releases it, and so does the end of the page or worker, however
 * it ends. Rejects when `signal` aborts first.
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
