/** What every store of parts must do: memory, files, and in a real Chromium OPFS and the Cache API. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equal } from '../../src/lib/bytes.ts';
import type { PartStore } from '../../src/miner/package/part-store.ts';

export interface PartStoreSubject {
  readonly name: string;
  /** An empty store, and how to open the same place again (none: it does not last). */
  create(): Promise<{
    store: PartStore;
    reopen?: () => Promise<PartStore>;
    remove?: () => unknown;
  }>;
}

const A = 'aa'.repeat(32);
const B = 'bb'.repeat(32);
const bytes = (...b: number[]) => Uint8Array.from(b);
const sorted = <T>(items: Iterable<T>): T[] => [...items].sort();

export function partStoreContract({ name, create }: PartStoreSubject): void {
  describe(`${name} parts`, () => {
    let store: PartStore;
    let reopen: (() => Promise<PartStore>) | undefined;
    let remove: (() => unknown) | undefined;
    beforeEach(async () => void ({ store, reopen, remove } = await create()));
    afterEach(async () => void (await remove?.()));

    it('reads back what was written, undefined for what was not', async () => {
      await store.write(A, 1, bytes(1, 2, 3));
      expect(await store.read(A, 1)).toEqual(bytes(1, 2, 3));
      expect(await store.read(A, 2)).toBeUndefined();
      expect(await store.read(B, 1)).toBeUndefined();
    });

    it('reads spans, cut at the end', async () => {
      await store.write(A, 0, bytes(0, 1, 2, 3, 4));
      expect(await store.read(A, 0, 1, 3)).toEqual(bytes(1, 2));
      expect(await store.read(A, 0, 3)).toEqual(bytes(3, 4));
      expect(await store.read(A, 0, 3, 99)).toEqual(bytes(3, 4));
      expect(await store.read(A, 0, 9, 99)).toEqual(bytes());
    });

    it('replaces a part, also by a shorter one', async () => {
      await store.write(A, 7, bytes(1, 2, 3));
      await store.write(A, 7, bytes(9));
      expect(await store.read(A, 7)).toEqual(bytes(9));
      expect(await store.sizes(A)).toEqual(new Map([[7, 1]]));
    });

    it('gives and takes bytes that are nobody else’s', async () => {
      const given = bytes(9, 1, 2, 9).subarray(1, 3);
      await store.write(A, 1, given);
      given[0] = 77;
      const first = (await store.read(A, 1))!;
      expect(first).toEqual(bytes(1, 2));
      first[0] = 88;
      expect(await store.read(A, 1)).toEqual(bytes(1, 2));
    });

    it('lists models and the sizes of their parts, the empty one too', async () => {
      expect(await store.models()).toEqual([]);
      await store.write(A, 1, bytes(1, 2));
      await store.write(A, 12, bytes());
      await store.write(B, 3, bytes(1));
      expect(sorted(await store.models())).toEqual([A, B]);
      expect(sorted(await store.sizes(A))).toEqual([
        [1, 2],
        [12, 0],
      ]);
      expect(await store.sizes('cc'.repeat(32))).toEqual(new Map());
    });

    it('removes one part or a whole model, and what is not there', async () => {
      await store.write(A, 1, bytes(1));
      await store.write(A, 2, bytes(2));
      await store.write(B, 1, bytes(3));
      await store.remove(A, 1);
      expect(await store.sizes(A)).toEqual(new Map([[2, 1]]));
      await store.remove(A, 99);
      await store.remove(A);
      await store.remove(A);
      expect(await store.models()).toEqual([B]);
      await store.remove(B, 1);
      expect(await store.models()).toEqual([]);
      expect(await store.read(A, 2)).toBeUndefined();
    });

    it('takes parts written at once', async () => {
      const parts = Array.from({ length: 12 }, (_, i) => i);
      await Promise.all(parts.map((part) => store.write(A, part, bytes(part, part))));
      for (const part of parts) expect(await store.read(A, part)).toEqual(bytes(part, part));
    });

    it('gives all of a part of a MiB to two who read it at once, and what it is later', async () => {
      const big = new Uint8Array(2 ** 20).fill(5);
      big[big.length - 1] = 6;
      await store.write(A, 1, big);
      for (const read of await Promise.all([store.read(A, 1), store.read(A, 1)]))
        expect(equal(read!, big)).toBe(true);
      await store.remove(A);
      expect(await store.read(A, 1)).toBeUndefined();
      await store.write(A, 1, bytes(4));
      expect(await store.read(A, 1)).toEqual(bytes(4));
    });

    it('keeps a part of 8 MiB when it is opened again', async () => {
      const big = new Uint8Array(8 * 2 ** 20).fill(5);
      big[big.length - 1] = 6;
      await store.write(A, 1, big);
      if (!reopen) return expect(name).toBe('memory');
      store = await reopen();
      expect(await store.sizes(A)).toEqual(new Map([[1, big.length]]));
      expect(await store.read(A, 1, big.length - 2)).toEqual(bytes(5, 6));
    });
  });
}
