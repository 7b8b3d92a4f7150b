/** Small texts about this device that outlive a worker: in the browser's Cache API, or in memory where there is none. */

export interface DeviceStore {
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
}

/** Texts kept under one name: of each device and model, which are few. The oldest makes room. */
const TEXTS_MAX = 16;

/** `name` of the cache, as `pila-tuning`. Keys are letters, digits and what an address takes besides. */
export function createDeviceStore(name: string, most = TEXTS_MAX): DeviceStore {
  if (typeof caches === 'undefined' || typeof location === 'undefined') return memoryStore(most);
  const addressOf = (key: string): string => `${location.origin}/${name}/${key}`;
  return {
    async read(key) {
      return (await (await caches.open(name)).match(addressOf(key)))?.text();
    },
    async write(key, text) {
      const cache = await caches.open(name);
      const kept = await cache.keys();
      for (const old of kept.slice(0, Math.max(0, kept.length - most + 1))) await cache.delete(old);
      await cache.put(addressOf(key), new Response(text));
    },
  };
}

/** Of this process alone. */
export function memoryStore(most = TEXTS_MAX): DeviceStore {
  const kept = new Map<string, string>();
  return {
    read: (key) => Promise.resolve(kept.get(key)),
    write(key, text) {
      kept.delete(key);
      for (const old of [...kept.keys()].slice(0, Math.max(0, kept.size - most + 1)))
        kept.delete(old);
      kept.set(key, text);
      return Promise.resolve();
    },
  };
}
