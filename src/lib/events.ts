/**
 * An event emitter, typed by the names of its events. A part emits what has happened; the code that built the
 * part decides who listens. When a listener throws, the others still get the event.
 */
import { assert } from './errors.ts';

/** Listeners of one event: listeners are added once at the start, so more than this means a leak. */
const LISTENERS_MAX = 64;

/** Arguments of `emit` after the name: an event without a value is emitted by its name alone. */
type Value<E> = [E] extends [void] ? [] : [value: E];

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Listeners are called in the order in which they were added. @returns a function that removes the listener */
  on<N extends keyof Events>(name: N, listener: (value: Events[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    assert(listeners.size < LISTENERS_MAX, `over ${LISTENERS_MAX} listeners of ${String(name)}`);
    this.#listeners.set(name, listeners);

    // A wrapper for each registration, so that a listener added twice can be removed once.
    const own = (value: Events[N]): void => listener(value);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  emit<N extends keyof Events>(name: N, ...value: Value<Events[N]>): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      try {
        (listener as (...value: unknown[]) => void)(...value);
      } catch (e) {
        // The error is thrown in a task of its own and caught at the edge of the worker or process, like any bug.
        queueMicrotask(() => {
          throw e;
        });
      }
  }
}
