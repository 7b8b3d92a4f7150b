/** Listeners of one kind of event. When a listener throws, the others are still called. */
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
