import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { AppError } from '../../src/lib/errors.ts';

/** A store in memory whose disk is full while a test says so. */
export function diskThatFills(): { readonly store: Store; isFull: boolean } {
  const memory = createMemoryStore();
  const batch: Store['batch'] = (puts) =>
    disk.isFull ? Promise.reject(new AppError('STORE_FULL', 'no space')) : memory.batch(puts);
  const disk = { isFull: false, store: { ...memory, batch } };
  return disk;
}
