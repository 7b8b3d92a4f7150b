/** Small containers with a bound: a set of ids, a cache, a queue of one worker. */
import { AppError } from '../lib/errors.ts';

/** Forgets the oldest entry when it is full. */
export class BoundedMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #max: number;
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value!);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}

/**
 * Runs tasks one after another, at most `max` waiting.
 * @throws AppError CHAIN_BUSY when the queue is full
 */
export function createTaskQueue(max: number): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return (task) => {
    if (waiting >= max)
      return Promise.reject(new AppError('CHAIN_BUSY', 'Too many blocks wait to be checked.'));
    waiting++;
    const result = last.then(task).finally(() => waiting--);
    last = result.catch(() => undefined);
    return result;
  };
}

/** Listeners of one kind of event. A listener that throws is that listener's bug: the others are still told. */
export function createListeners<E>(): {
  emit(event: E): void;
  subscribe(listener: (event: E) => void): () => void;
} {
  const listeners = new Set<(event: E) => void>();
  return {
    emit(event) {
      for (const listener of [...listeners])
        try {
          listener(event);
        } catch (e) {
          queueMicrotask(() => {
            throw e;
          });
        }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
