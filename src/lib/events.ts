/**
 * Events of one place, typed by their names. A part emits what has happened; whoever built it decides
 * who listens. A listener that throws is that listener's bug: the others still hear the event.
 */
import { assert } from './errors.ts';

/** Listeners of one event: they are set up once, so that more of them are a leak. */
const LISTENERS_MAX = 64;

/** An event without a value is emitted by its name alone. */
type Value<E> = [E] extends [void] ? [] : [value: E];

export class Emitter<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>();

  /** Listeners hear an event in the order in which they were added. @returns what removes this one */
  on<N extends keyof Events>(name: N, listener: (value: Events[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    assert(listeners.size < LISTENERS_MAX, `over ${LISTENERS_MAX} listeners of ${String(name)}`);
    this.#listeners.set(name, listeners);

    // A function of its own, so that one listener added twice is removed once.
    const own = (value: Events[N]): void => listener(value);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  emit<N extends keyof Events>(name: N, ...value: Value<Events[N]>): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      try {
        (listener as (...value: unknown[]) => void)(...value);
      } catch (e) {
        // Seen at the edge of the worker or process, as any bug.
        queueMicrotask(() => {
          throw e;
        });
      }
  }
}
