import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { PROBE_MS, watchStore, watchStores } from '../../src/chain/store/store-watch.ts';
import type { ErrorCode } from '../../src/lib/error-codes.ts';
import { AppError } from '../../src/lib/errors.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A real store whose calls fail while `code` says so. */
function breakable() {
  const real = createMemoryStore();
  const state: { code: ErrorCode | undefined; writes: number } = { code: undefined, writes: 0 };
  const or = async <T>(work: () => Promise<T>): Promise<T> => {
    if (state.code) throw new AppError(state.code, 'broken by the test');
    return work();
  };
  const store: Store = {
    get: (key) => or(() => real.get(key)),
    batch: (puts, durable) => {
      state.writes++;
      return or(() => real.batch(puts, durable));
    },
    range: (from, to, limit) => or(() => real.range(from, to, limit)),
    clear: () => or(() => real.clear()),
    close: () => real.close(),
  };
  return { store, state, real };
}

test.each(['STORE_FAILED', 'STORE_FULL', 'STORE_CLOSED'] as const)(
  '%s is told once, and that it works again when a write has',
  async (code) => {
    const { store, state, real } = breakable();
    const told: (ErrorCode | undefined)[] = [];
    const watched = watchStore(store, (failing) => told.push(failing?.code));
    await watched.batch([{ key: 'a', value: Uint8Array.of(1) }]);
    expect(told).toEqual([]);
    state.code = code;
    for (const call of [
      () => watched.get('a'),
      () => watched.batch([]),
      () => watched.range('a', 'b'),
    ])
      await expect(call()).rejects.toMatchObject({ code });
    expect(told).toEqual([code]);
    await vi.advanceTimersByTimeAsync(3 * PROBE_MS);
    expect(told).toEqual([code]);
    state.code = undefined;
    await vi.advanceTimersByTimeAsync(PROBE_MS);
    expect(told).toEqual([code, undefined]);
    // Nothing of the attempts is left.
    expect(await real.range('', '\uffff\uffff')).toEqual([{ key: 'a', value: Uint8Array.of(1) }]);
    const { writes } = state;
    await vi.advanceTimersByTimeAsync(10 * PROBE_MS);
    expect(state.writes).toBe(writes);
  },
);

test('what says nothing about the store is passed on alone, and a closed store is left in peace', async () => {
  const { store, state } = breakable();
  const told: unknown[] = [];
  const watched = watchStore(store, (failing) => told.push(failing));
  state.code = 'STORE_CORRUPT';
  await expect(watched.get('a')).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
  expect(told).toEqual([]);
  state.code = 'STORE_FAILED';
  await expect(watched.get('a')).rejects.toMatchObject({ code: 'STORE_FAILED' });
  await watched.close();
  const { writes } = state;
  await vi.advanceTimersByTimeAsync(10 * PROBE_MS);
  expect(state.writes).toBe(writes);
  expect(told).toHaveLength(1);
});

test('of two stores that fail, one that works again is not enough', async () => {
  const [a, b] = [breakable(), breakable()];
  const told: (ErrorCode | undefined)[] = [];
  const watched = watchStores((failing) => told.push(failing?.code));
  const stores = [watched(a.store), watched(b.store)];
  [a.state.code, b.state.code] = ['STORE_FULL', 'STORE_FAILED'];
  for (const store of stores) await expect(store.get('a')).rejects.toThrow();
  a.state.code = undefined;
  await vi.advanceTimersByTimeAsync(PROBE_MS);
  expect(told.at(-1)).toBe('STORE_FAILED');
  b.state.code = undefined;
  await vi.advanceTimersByTimeAsync(PROBE_MS);
  expect(told.at(-1)).toBeUndefined();
});
