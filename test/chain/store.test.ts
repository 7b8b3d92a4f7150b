/** The three stores against one contract, and what each alone must survive. */
import 'fake-indexeddb/auto';
import { fork } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdbStore } from '../../src/chain/store/idb-store.ts';
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { storeContract } from '../contracts/store.contract.ts';

const scratch = () => mkdtemp(join(tmpdir(), 'pila-store-'));
let databases = 0;

storeContract({ name: 'memory', create: async () => ({ store: createMemoryStore() }) });
storeContract({
  name: 'IndexedDB',
  async create() {
    const name = `pila-${databases++}`;
    const open = () => createIdbStore(name);
    return { store: await open(), reopen: open };
  },
});
storeContract({
  name: 'level',
  async create() {
    const path = await scratch();
    const open = () => createLevelStore(path);
    const remove = () => rm(path, { recursive: true, force: true });
    return { store: await open(), reopen: open, remove };
  },
});

describe('level store', () => {
  it('says that another process holds it', async () => {
    const path = await scratch();
    const store = await createLevelStore(path);
    await expect(createLevelStore(path)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      message: `Another process uses the database ${path}.`,
    });
    await store.close();
    await rm(path, { recursive: true });
  });

  it('says that its files are damaged', async () => {
    const path = await scratch();
    const store = await createLevelStore(path);
    await store.batch([{ key: 'a', value: new Uint8Array(1000) }], true);
    await store.close();
    await writeFile(join(path, 'CURRENT'), 'MANIFEST-999999\n');
    await expect(createLevelStore(path)).rejects.toMatchObject({ code: 'STORE_CORRUPT' });
    await rm(path, { recursive: true });
  });

  it('holds whole batches only after SIGKILL at any moment', async () => {
    const path = await scratch();
    let written = 0;
    for (let round = 0; round < 5; round++) {
      const told = await writeUntilKilled(path, written, 3 + 11 * round);
      const store = await createLevelStore(path);
      const entries = await store.range('batch/', 'batch0', 100_000);
      await store.close();
      const counts = new Map<string, number>();
      for (const { key } of entries)
        counts.set(key.slice(0, 14), (counts.get(key.slice(0, 14)) ?? 0) + 1);
      expect(new Set(counts.values())).toEqual(new Set([20]));
      // Every batch whose promise had resolved is there; at most the one in flight beyond it.
      expect(counts.size).toBeGreaterThanOrEqual(told);
      written = counts.size;
    }
    await rm(path, { recursive: true });
  });
});

/** Lets a child write batches, kills it after `acks` of them, and says how many it had told of. */
function writeUntilKilled(path: string, from: number, acks: number): Promise<number> {
  const child = fork(join(import.meta.dirname, 'level-writer.ts'), [path, String(from)], {
    execArgv: [],
  });
  let told = from;
  child.on('message', (n) => {
    told = n as number;
    if (told >= from + acks) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) =>
      signal === 'SIGKILL' ? resolve(told) : reject(new Error(`writer ended: ${code}`)),
    );
  });
}

describe('IndexedDB store', () => {
  const kept = globalThis.indexedDB;
  afterEach(() => {
    globalThis.indexedDB = kept;
  });

  it('says that a newer version wrote the database', async () => {
    const name = 'pila-newer';
    await new Promise<void>((done, failed) => {
      const request = indexedDB.open(name, 99);
      request.onerror = () => failed(request.error ?? new Error('no error given'));
      request.onsuccess = () => {
        request.result.close();
        done();
      };
    });
    await expect(createIdbStore(name)).rejects.toMatchObject({ code: 'STORE_FOREIGN' });
  });

  it('lets go of a database that is being deleted, and says so', async () => {
    const store = await createIdbStore('pila-deleted');
    await new Promise((done) => (indexedDB.deleteDatabase('pila-deleted').onsuccess = done));
    await expect(store.get('a')).rejects.toMatchObject({
      code: 'STORE_CLOSED',
      message: 'Another tab upgrades or deletes the database.',
    });
  });

  it('fails clearly where a page has no storage', async () => {
    globalThis.indexedDB = undefined as unknown as IDBFactory;
    await expect(createIdbStore('x')).rejects.toMatchObject({ code: 'STORE_FAILED' });
    const denied = { open: () => throwDenied() };
    globalThis.indexedDB = denied as unknown as IDBFactory;
    await expect(createIdbStore('x')).rejects.toMatchObject({ code: 'STORE_FAILED' });
  });

  describe('when the browser drops its connection', () => {
    const { transaction } = IDBDatabase.prototype;
    /** Connections of an earlier generation are dropped: their transactions throw, as Safari's do. */
    let generation = 0;
    let allFail = false;
    const born = new Map<IDBDatabase, number>();
    beforeEach(() => {
      [generation, allFail] = [0, false];
      born.clear();
      IDBDatabase.prototype.transaction = function (...args) {
        if (!born.has(this)) born.set(this, generation);
        if (allFail || born.get(this)! < generation)
          throw new DOMException('Connection to Indexed Database server lost', 'UnknownError');
        return transaction.apply(this, args);
      };
    });
    afterEach(() => {
      IDBDatabase.prototype.transaction = transaction;
    });
    const value = Uint8Array.of(7);

    it('opens another one, once for all calls, and goes on with what was kept', async () => {
      const store = await createIdbStore('pila-dropped');
      await store.batch([{ key: 'a', value }]);
      generation++;
      const calls = Promise.all([store.get('a'), store.range('a', 'b'), store.get('a')]);
      await expect(calls).resolves.toEqual([value, [{ key: 'a', value }], value]);
      expect(born.size).toBe(2);
      generation++;
      await store.batch([{ key: 'b', value }]);
      expect(await store.get('b')).toEqual(value);
      expect(born.size).toBe(3);
      await store.close();
      await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    });

    it('says so when another one fails as well, and tries again at the next call', async () => {
      const store = await createIdbStore('pila-dropped-for-good');
      await store.batch([{ key: 'a', value }]);
      allFail = true;
      for (let i = 0; i < 3; i++)
        await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_FAILED' });
      const { open } = indexedDB;
      indexedDB.open = () => throwDenied();
      await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_FAILED' });
      indexedDB.open = open;
      allFail = false;
      expect(await store.get('a')).toEqual(value);
      await store.close();
    });

    it('does not go on in an empty database when the data was cleared meanwhile', async () => {
      const store = await createIdbStore('pila-cleared');
      await store.batch([{ key: 'a', value }]);
      generation++;
      // The browser lets go of a dropped connection by itself.
      [...born.keys()].forEach((db) => db.close());
      await new Promise((done) => (indexedDB.deleteDatabase('pila-cleared').onsuccess = done));
      await expect(store.get('a')).rejects.toMatchObject({ code: 'STORE_CLOSED' });
      await expect(store.batch([{ key: 'b', value }])).rejects.toMatchObject({
        code: 'STORE_CLOSED',
      });
      const names = (await indexedDB.databases()).map(({ name }) => name);
      expect(names).not.toContain('pila-cleared');
    });
  });

  it('keeps nothing of a batch that one bad value aborts', async () => {
    const store = await createIdbStore('pila-abort');
    const bad = { key: undefined as unknown as string, value: Uint8Array.of(2) };
    await expect(store.batch([{ key: 'a', value: Uint8Array.of(1) }, bad])).rejects.toMatchObject({
      code: 'STORE_FAILED',
    });
    expect(await store.get('a')).toBeUndefined();
    // What comes after it stands on its own.
    await store.batch([{ key: 'b', value: Uint8Array.of(3) }]);
    await store.close();
    const again = await createIdbStore('pila-abort');
    expect(await again.range('', '~')).toEqual([{ key: 'b', value: Uint8Array.of(3) }]);
    await again.close();
  });
});

function throwDenied(): never {
  throw new DOMException('A mutation operation was attempted in private mode', 'SecurityError');
}
