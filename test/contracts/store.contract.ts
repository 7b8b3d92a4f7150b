/** What every store must do. Run over all three implementations by test/chain/store.test.ts. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Put, Store } from '../../src/chain/store/store.ts';

export interface StoreSubject {
  readonly name: string;
  /** An empty store at a new place, and how to open the same place again (none: it does not last). */
  create(): Promise<{ store: Store; reopen?: () => Promise<Store>; remove?: () => Promise<void> }>;
}

const bytes = (...b: number[]) => Uint8Array.from(b);
const put = (key: string, ...b: number[]): Put => ({ key, value: bytes(...b) });
const del = (key: string): Put => ({ key, value: undefined });

export function storeContract({ name, create }: StoreSubject): void {
  describe(`${name} store`, () => {
    let store: Store;
    let reopen: (() => Promise<Store>) | undefined;
    let remove: (() => Promise<void>) | undefined;
    beforeEach(async () => {
      ({ store, reopen, remove } = await create());
    });
    afterEach(async () => {
      await store.close();
      await remove?.();
    });

    it('reads back what was written, undefined for what was not', async () => {
      await store.batch([put('a', 1, 2), put('empty')]);
      expect(await store.get('a')).toEqual(bytes(1, 2));
      expect(await store.get('empty')).toEqual(bytes());
      expect(await store.get('b')).toBeUndefined();
    });

    it('gives plain Uint8Arrays that are nobody else’s', async () => {
      const value = bytes(9, 1, 2, 9).subarray(1, 3);
      await store.batch([{ key: 'a', value }], true);
      value[0] = 77;
      const first = (await store.get('a'))!;
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
      first[0] = 88;
      expect(await store.get('a')).toEqual(bytes(1, 2));
      expect((await store.range('a', 'b'))[0]!.value).toEqual(bytes(1, 2));
    });

    it('applies a batch in order, the last put of a key wins', async () => {
      await store.batch([put('a', 1), del('a'), put('b', 1), put('b', 2), put('c', 1), del('c')]);
      expect(await store.range('', '~')).toEqual([{ key: 'b', value: bytes(2) }]);
    });

    it('ranges from inclusive to exclusive, in order, within the limit', async () => {
      await store.batch([put('h/3', 3), put('h/1', 1), put('h/2', 2), put('i', 9), put('g', 9)]);
      const keys = async (from: string, to: string, limit?: number) =>
        (await store.range(from, to, limit)).map((e) => e.key);
      expect(await keys('h/', 'h0')).toEqual(['h/1', 'h/2', 'h/3']);
      expect(await keys('h/1', 'h/3')).toEqual(['h/1', 'h/2']);
      expect(await keys('h/', 'h0', 2)).toEqual(['h/1', 'h/2']);
      expect(await keys('x', 'a')).toEqual([]);
      expect(await keys('a', 'a')).toEqual([]);
    });

    it('gives at most 10,000 entries when no limit is said', async () => {
      const keys = Array.from({ length: 10_001 }, (_, i) => String(i).padStart(6, '0'));
      await store.batch(keys.map((key) => put(key)));
      expect(await store.range('', '~')).toHaveLength(10_000);
    });

    it('clears everything', async () => {
      await store.batch([put('a', 1)]);
      await store.clear();
      expect(await store.range('', '~')).toEqual([]);
    });

    it('refuses with STORE_CLOSED after close, and closes twice', async () => {
      await store.close();
      await store.close();
      await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
      await expect(store.batch([put('a')])).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });

    it('keeps what was written when it is opened again', async () => {
      if (!reopen) return expect(name).toBe('memory');
      await store.batch([put('a', 1), put('b', 2)]);
      await store.batch([del('b')], true);
      await store.close();
      store = await reopen();
      expect(await store.range('', '~')).toEqual([{ key: 'a', value: bytes(1) }]);
    });

    it('equals a plain map after any batches', async () => {
      const key = fc.constantFrom('a', 'b', 'b/1', 'b/2', 'c~', 'z');
      const value = fc.option(fc.uint8Array({ maxLength: 3 }), { nil: undefined });
      const batches = fc.array(fc.array(fc.record({ key, value }), { maxLength: 6 }));
      await fc.assert(
        fc.asyncProperty(batches, async (all) => {
          await store.clear();
          const oracle = new Map<string, Uint8Array>();
          for (const batch of all) {
            await store.batch(batch);
            for (const p of batch)
              if (p.value) oracle.set(p.key, p.value);
              else oracle.delete(p.key);
          }
          const sorted = [...oracle].sort(([a], [b]) => (a < b ? -1 : 1));
          const got = await store.range('', '\x7f');
          expect(got.map((e) => [e.key, e.value])).toEqual(sorted);
        }),
        { numRuns: 30 },
      );
    });
  });
}
