/** A store in memory: for tests, and for a browser that gives no storage (private mode). */
import { AppError } from '../../lib/errors.ts';
import type { Store } from './store.ts';
import { RANGE_LIMIT } from './store-limits.ts';

const copy = (value: Uint8Array): Uint8Array => Uint8Array.from(value);

export function createMemoryStore(): Store {
  const entries = new Map<string, Uint8Array>();
  // Sorting at each read of a range would be quadratic: the order is kept until a key comes or goes.
  let order: string[] | undefined;
  let open = true;
  const check = () => {
    if (!open) throw new AppError('STORE_CLOSED', 'The database is closed.');
  };

  return {
    async get(key) {
      check();
      const value = entries.get(key);
      return value && copy(value);
    },
    async batch(puts) {
      check();
      for (const { key, value } of puts) {
        if (value ? !entries.has(key) : entries.has(key)) order = undefined;
        if (value) entries.set(key, copy(value));
        else entries.delete(key);
      }
    },
    async range(from, to, limit = RANGE_LIMIT) {
      check();
      order ??= [...entries.keys()].sort();
      const found: { key: string; value: Uint8Array }[] = [];
      for (let i = firstAtLeast(order, from); i < order.length && found.length < limit; i++) {
        const key = order[i]!;
        if (key >= to) break;
        found.push({ key, value: copy(entries.get(key)!) });
      }
      return found;
    },
    async clear() {
      check();
      entries.clear();
      order = undefined;
    },
    async close() {
      open = false;
    },
  };
}

function firstAtLeast(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
