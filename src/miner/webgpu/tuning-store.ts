/** Tunings in the browser's Cache API, or in this thread's memory where there is none. */
import type { TuningStore } from './tuning.ts';

/** Tunings kept, one for each device and model, which are few. The oldest makes room. */
const TUNINGS_MAX = 16;
const NAME = 'pila-tuning';

export function createTuningStore(): TuningStore {
  if (typeof caches === 'undefined' || typeof location === 'undefined') return memoryStore();
  const addressOf = (key: string): string => `${location.origin}/${NAME}/${key}`;
  return {
    async read(key) {
      return (await (await caches.open(NAME)).match(addressOf(key)))?.text();
    },
    async write(key, text) {
      const cache = await caches.open(NAME);
      const kept = await cache.keys();
      for (const old of kept.slice(0, Math.max(0, kept.length - TUNINGS_MAX + 1)))
        await cache.delete(old);
      await cache.put(addressOf(key), new Response(text));
    },
  };
}

export function memoryStore(): TuningStore {
  const kept = new Map<string, string>();
  return {
    read: (key) => Promise.resolve(kept.get(key)),
    write(key, text) {
      kept.delete(key);
      for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - TUNINGS_MAX + 1)))
        kept.delete(old);
      kept.set(key, text);
      return Promise.resolve();
    },
  };
}
