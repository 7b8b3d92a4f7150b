/** Where the vault lies: in which place, what is left of old ones, and what a crash can leave. */
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { plainHash } from '../../src/core/hash.ts';
import { concat, equal, fromHex } from '../../src/lib/bytes.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import {
  bucketHome,
  databaseHome,
  DROP_MS,
  type Home,
  type StorageBuckets,
} from '../../src/wallet/vault/vault-places.ts';
import {
  browserStorage,
  createStorage,
  type Exclusive,
  type VaultRecord,
  type VaultStorage,
} from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import old from './old-vaults.json' with { type: 'json' };
import { CHEAP, code, hash } from './values.ts';

const [STRONG, OTHER] = [
  'orbit velvet canyon thimble pretzel lagoon',
  'tunnel maple gravity sponsor ladder wisdom',
];
const WORDS = formatWords(hash(3));
const clock = { now: () => 1e12, after: () => () => {} };
const vaultOn = (storage: VaultStorage, cost = CHEAP) =>
  createVault({ storage, crypto, clock, cost });
const passkey = () => ({ credential: Uint8Array.of(1), salt: hash(1), output: hash(0x5e) });

const namesIn = async (factory: IDBFactory) =>
  (await factory.databases()).map(({ name }) => name).sort();

/** All records of all places, whichever counts. */
async function recordsIn(factory: IDBFactory): Promise<VaultRecord[]> {
  const records: VaultRecord[] = [];
  const home = databaseHome(factory);
  for (const name of await home.names()) {
    const database = await home.open(name);
    const request = database.transaction('vault').objectStore('vault').getAll();
    await new Promise((resolve) => (request.onsuccess = resolve));
    records.push(...(request.result as VaultRecord[]));
    database.close();
  }
  return records;
}

/**
 * A home whose process is killed at one of its steps: of the operations of IndexedDB that it makes, the
 * n-th and all later ones never happen, and a transaction that has not ended is undone.
 */
function killedAt(factory: IDBFactory, last: number): { home: Home; isDead: () => boolean } {
  let steps = 0;
  const isNext = () => ++steps < last;
  const step = () => {
    if (!isNext()) throw new Error('killed');
  };
  const before = <T extends object>(target: T, own: Partial<Record<keyof T, unknown>>): T =>
    new Proxy(target, {
      get(inner, name) {
        if (Object.hasOwn(own, name)) return own[name as keyof T];
        const value = Reflect.get(inner, name, inner) as unknown;
        return typeof value === 'function' ? value.bind(inner) : value;
      },
      set: (inner, name, value) => Reflect.set(inner, name, value, inner),
    });
  const storeOf = (transaction: IDBTransaction) => (name: string) => {
    const store = transaction.objectStore(name);
    const count =
      (method: 'get' | 'put') =>
      (...args: unknown[]) => {
        if (isNext()) return (store[method] as (...args: unknown[]) => IDBRequest)(...args);
        // Whoever killed it undid the transaction already.
        if (steps === last) transaction.abort();
        return {};
      };
    return before(store, { get: count('get'), put: count('put') });
  };
  const real = databaseHome(factory);
  const home: Home = {
    async names() {
      step();
      return real.names();
    },
    async open(name) {
      step();
      const database = await real.open(name);
      return before(database, {
        transaction: (...args: Parameters<IDBDatabase['transaction']>) => {
          step();
          const transaction = database.transaction(...args);
          return before(transaction, { objectStore: storeOf(transaction) });
        },
      });
    },
    async drop(name) {
      step();
      await real.drop(name);
    },
  };
  return { home, isDead: () => steps >= last };
}

/** Whether an act ended well; only the kill may be why not. */
const ended = (act: Promise<unknown>, isDead: () => boolean): Promise<boolean> =>
  act.then(
    () => !isDead(),
    (error: unknown) => {
      if (!isDead()) throw error;
      return false;
    },
  );

/** Runs an act as often as it has steps, killed one step later each time. */
async function atEveryStep(run: (last: number) => Promise<boolean>): Promise<void> {
  let last = 1;
  while (!(await run(last))) expect(++last).toBeLessThan(100);
  expect(last).toBeGreaterThan(2);
}

/** A whole record that says which one it is. */
const recordOf = (n: number): VaultRecord => ({
  blob: concat(hash(n), plainHash(hash(n))),
  deviceKey: undefined,
});
const isOf = (record: VaultRecord | undefined, n: number) =>
  record !== undefined && equal(record.blob, recordOf(n).blob);

/** Puts a record where nobody looks first. */
async function put(factory: IDBFactory, name: string, record: VaultRecord): Promise<void> {
  const database = await databaseHome(factory).open(name);
  const transaction = database.transaction('vault', 'readwrite');
  transaction.objectStore('vault').put(record, 'record');
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  database.close();
}

/** What may be going on: `0` is no record. */
const ACTS: [string, number, number, (storage: VaultStorage) => Promise<unknown>][] = [
  ['a first record', 0, 1, (s) => s.save(recordOf(1), undefined)],
  ['a change in place', 1, 2, (s) => s.save(recordOf(2), recordOf(1).blob)],
  ['a replaced secret', 1, 2, (s) => s.move(recordOf(2), recordOf(1).blob)],
  ['erasing', 1, 0, (s) => s.erase()],
];
const fits = (record: VaultRecord | undefined, n: number) =>
  n === 0 ? record === undefined : isOf(record, n);

describe('killed at every step', () => {
  test.each(ACTS)(
    '%s: what was there, or what comes, and nothing else',
    async (_, was, comes, act) => {
      await atEveryStep(async (last) => {
        const factory = new IDBFactory();
        const later = createStorage([databaseHome(factory)]);
        if (was) await later.save(recordOf(was), undefined);
        const { home, isDead } = killedAt(factory, last);
        const isDone = await ended(act(createStorage([home])), isDead);
        const record = await later.load();
        expect(fits(record, comes) || (!isDone && fits(record, was)), `step ${last}`).toBe(true);
        expect((await namesIn(factory)).length, `step ${last}`).toBe(record ? 1 : 0);
        return isDone;
      });
    },
  );

  test('and again at every step of the next start: the newer record, alone', async () => {
    await atEveryStep(async (last) => {
      const factory = new IDBFactory();
      await put(factory, 'pila-vault', recordOf(1));
      await put(factory, 'pila-vault-4', recordOf(2));
      await put(factory, 'pila-vault-5', recordOf(3));
      const { home, isDead } = killedAt(factory, last);
      const isDone = await ended(createStorage([home]).load(), isDead);
      if (isDone) expect(await namesIn(factory)).toEqual(['pila-vault-5']);
      expect(isOf(await createStorage([databaseHome(factory)]).load(), 3)).toBe(true);
      expect(await namesIn(factory)).toEqual(['pila-vault-5']);
      return isDone;
    });
  });

  test('of erasing with leftovers: no older record comes to light', async () => {
    await atEveryStep(async (last) => {
      const factory = new IDBFactory();
      await put(factory, 'pila-vault-1', recordOf(1));
      await put(factory, 'pila-vault-2', recordOf(2));
      const { home, isDead } = killedAt(factory, last);
      const isDone = await ended(createStorage([home]).erase(), isDead);
      const record = await createStorage([databaseHome(factory)]).load();
      expect(record === undefined || isOf(record, 2), `step ${last}`).toBe(true);
      return isDone;
    });
  });

  test('of a first passphrase: the keys open, and none of this device is left beside them', async () => {
    const begun = new IDBFactory();
    await vaultOn(createStorage([databaseHome(begun)])).restore(WORDS);
    const [device] = await recordsIn(begun);
    await atEveryStep(async (last) => {
      const factory = new IDBFactory();
      await put(factory, 'pila-vault-1', device!);
      const { home, isDead } = killedAt(factory, last);
      const isDone = await ended(vaultOn(createStorage([home])).protect(STRONG), isDead);
      const next = vaultOn(createStorage([databaseHome(factory)]));
      const status = await next.status();
      if (isDone) expect(status.protected).toBe(true);
      if (status.protected) await next.unlock(STRONG);
      expect(await next.words(status.protected ? STRONG : undefined)).toBe(WORDS);
      const [kept, ...others] = await recordsIn(factory);
      expect(others).toEqual([]);
      expect(kept!.deviceKey === undefined, `step ${last}`).toBe(status.protected);
      return isDone;
    });
  });
});

test('a damaged record is not given up for an empty place, nor taken where an older one is whole', async () => {
  const damaged = { blob: hash(9), deviceKey: undefined };
  const factory = new IDBFactory();
  const storage = createStorage([databaseHome(factory)]);
  await put(factory, 'pila-vault-1', damaged);
  (await databaseHome(factory).open('pila-vault-2')).close();
  expect((await storage.load())!.blob).toEqual(hash(9));
  expect(await namesIn(factory)).toEqual(['pila-vault-1']);
  await put(factory, 'pila-vault', recordOf(1));
  expect(isOf(await storage.load(), 1)).toBe(true);
  expect(await namesIn(factory)).toEqual(['pila-vault']);
});

describe('a replaced secret', () => {
  test('is in a place of its own, and the act ends when the old one is gone', async () => {
    const factory = new IDBFactory();
    const real = databaseHome(factory);
    const dropping = Promise.withResolvers<void>();
    const home: Home = {
      ...real,
      async drop(name) {
        await dropping.promise;
        await real.drop(name);
      },
    };
    const vault = vaultOn(createStorage([home]));
    await vault.restore(WORDS);
    expect(await namesIn(factory)).toEqual(['pila-vault-1']);
    let isSaid = false;
    const protecting = vault.protect(STRONG).then(() => (isSaid = true));
    await vi.waitUntil(async () => (await namesIn(factory)).length === 2);
    expect((await recordsIn(factory)).length).toBe(2);
    expect(isSaid).toBe(false);
    dropping.resolve();
    await protecting;
    expect(await namesIn(factory)).toEqual(['pila-vault-2']);
    await vault.protect(OTHER, STRONG);
    await vault.addPasskey(OTHER, passkey());
    await vault.removePasskey();
    expect(await namesIn(factory)).toEqual(['pila-vault-5']);
    // What replaces no secret stays where it is.
    await vault.addAccount('Savings');
    await vault.lockAfter(15);
    expect(await namesIn(factory)).toEqual(['pila-vault-5']);
    await vault.erase();
    expect(await namesIn(factory)).toEqual([]);
  });

  test('is off the disk when its move has ended, before anybody looks again', async () => {
    const factory = new IDBFactory();
    const storage = createStorage([databaseHome(factory)]);
    await storage.save(recordOf(1), undefined);
    expect(await storage.move(recordOf(2), recordOf(1).blob)).toBe(true);
    expect(await namesIn(factory)).toEqual(['pila-vault-2']);
  });

  test('never lay beside a key of this device where a passphrase came first', async () => {
    for (const found of [
      (vault: VaultApi) => vault.create(STRONG),
      (vault: VaultApi) => vault.restore(WORDS, STRONG),
    ]) {
      const factory = new IDBFactory();
      const home = databaseHome(factory);
      const puts: VaultRecord[] = [];
      const inner = createStorage([home]);
      const save: VaultStorage['save'] = (record, previous) => {
        puts.push(record);
        return inner.save(record, previous);
      };
      const status = await found(vaultOn({ ...inner, save }));
      expect(status).toMatchObject({ protected: true, locked: false, verified: true });
      expect(puts.map(({ deviceKey }) => deviceKey)).toEqual([undefined]);
      expect((await recordsIn(factory)).map(({ deviceKey }) => deviceKey)).toEqual([undefined]);
    }
    const vault = vaultOn(createStorage([databaseHome(new IDBFactory())]));
    await expect(vault.create('short')).rejects.toThrow(code('PASSPHRASE_WEAK'));
    await expect(vault.restore(WORDS, 'short')).rejects.toThrow(code('PASSPHRASE_WEAK'));
    expect((await vault.status()).exists).toBe(false);
  });

  test('that a crash left goes before anything else, and looking makes no database', async () => {
    const factory = new IDBFactory();
    const home = databaseHome(factory);
    const vault = vaultOn(createStorage([home]));
    expect((await vault.status()).exists).toBe(false);
    expect(await namesIn(factory)).toEqual([]);
    await vault.restore(WORDS);
    const [stale] = await recordsIn(factory);
    await vault.protect(STRONG);
    const database = await home.open('pila-vault-1');
    const transaction = database.transaction('vault', 'readwrite');
    transaction.objectStore('vault').put(stale, 'record');
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
    (await home.open('pila-vault-9')).close();
    (await home.open('pila-chain')).close();
    expect(await vaultOn(createStorage([home])).status()).toMatchObject({ protected: true });
    expect(await namesIn(factory)).toEqual(['pila-chain', 'pila-vault-2']);
  });
});

describe('a place that another tab holds', () => {
  afterEach(() => void vi.useRealTimers());

  test('goes as soon as it lets go, and a tab of this version lets go at once', async () => {
    const factory = new IDBFactory();
    const home = databaseHome(factory);
    const vault = vaultOn(createStorage([home]));
    await vault.restore(WORDS);
    // Not closed: as a tab that is in the middle of reading.
    await home.open('pila-vault-1');
    await expect(vault.protect(STRONG)).resolves.toMatchObject({ protected: true });
    expect(await namesIn(factory)).toEqual(['pila-vault-2']);
    const held = await new Promise<IDBDatabase>((resolve) => {
      const request = factory.open('pila-vault-2', 1);
      request.onsuccess = () => resolve(request.result);
    });
    let isSaid = false;
    const changing = vault.protect(OTHER, STRONG).then(() => (isSaid = true));
    await vi.waitUntil(async () => (await namesIn(factory)).includes('pila-vault-3'));
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(isSaid).toBe(false);
    held.close();
    await changing;
    expect(await namesIn(factory)).toEqual(['pila-vault-3']);
  });

  test('for longer than ten seconds: that is said, and the next start goes on', async () => {
    const factory = new IDBFactory();
    const home = databaseHome(factory);
    const vault = vaultOn(createStorage([home]));
    await vault.restore(WORDS);
    const held = await new Promise<IDBDatabase>((resolve) => {
      const request = factory.open('pila-vault-1', 1);
      request.onsuccess = () => resolve(request.result);
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const refused = expect(vault.protect(STRONG)).rejects.toThrow(code('STORAGE_FAILED'));
    await vi.waitUntil(() => vi.getTimerCount() > 0);
    vi.advanceTimersByTime(DROP_MS);
    await refused;
    vi.useRealTimers();
    held.close();
    const next = vaultOn(createStorage([home]));
    expect(await next.status()).toMatchObject({ protected: true });
    expect(await namesIn(factory)).toEqual(['pila-vault-2']);
    expect((await next.unlock(STRONG)).locked).toBe(false);
  });
});

/** Storage buckets in memory: each has its own databases. */
function memoryBuckets() {
  const all = new Map<string, globalThis.IDBFactory>();
  const asked: (object | undefined)[] = [];
  const buckets: StorageBuckets = {
    keys: async () => [...all.keys()],
    async open(name, options) {
      asked.push(options);
      const indexedDB = all.get(name) ?? new IDBFactory();
      all.set(name, indexedDB);
      return { indexedDB };
    },
    delete: async (name) => void all.delete(name),
  };
  return { buckets, all, asked };
}

describe('storage buckets', () => {
  test('hold the record where the browser has them, one at a time', async () => {
    const { buckets, all, asked } = memoryBuckets();
    const factory = new IDBFactory();
    const storage = createStorage([bucketHome(buckets, async () => true), databaseHome(factory)]);
    const vault = vaultOn(storage);
    await vault.restore(WORDS);
    expect([...all.keys()]).toEqual(['pila-vault-1']);
    await vault.protect(STRONG);
    expect([...all.keys()]).toEqual(['pila-vault-2']);
    expect(asked.at(-1)).toEqual({ durability: 'strict', persisted: true });
    await vault.erase();
    expect([...all.keys()]).toEqual([]);
    expect(await factory.databases()).toEqual([]);
  });

  test('get what an older version left among the other databases, and that goes there', async () => {
    const { buckets, all } = memoryBuckets();
    const factory = new IDBFactory();
    const home = databaseHome(factory);
    const database = await home.open('pila-vault');
    const transaction = database.transaction('vault', 'readwrite');
    const record = { blob: fromHex(old.version3Protected)!, deviceKey: undefined };
    transaction.objectStore('vault').put(record, 'record');
    await new Promise((resolve) => (transaction.oncomplete = resolve));
    database.close();
    const vault = vaultOn(createStorage([bucketHome(buckets, async () => false), home]));
    expect(await vault.status()).toMatchObject({ exists: true, protected: true });
    expect([...all.keys()]).toEqual(['pila-vault-1']);
    expect(await namesIn(factory)).toEqual([]);
    expect((await vault.unlock(old.passphrase)).locked).toBe(false);
  });

  test('that cannot be written leave it where it can be read', async () => {
    const home = databaseHome(new IDBFactory());
    await vaultOn(createStorage([home])).restore(WORDS);
    const full: Home = {
      names: async () => [],
      open: () => Promise.reject(new Error('no room')),
      drop: async () => {},
    };
    expect(await vaultOn(createStorage([full, home])).words(undefined)).toBe(WORDS);
  });
});

describe('two tabs', () => {
  test.each([
    ['with the browser’s locks', true],
    ['in a browser without locks', false],
  ])('that move at once: one of them does, and the other is told — %s', async (_, hasLocks) => {
    const factory = new IDBFactory();
    const { locks } = navigator;
    const inTab = () =>
      vaultOn(
        browserStorage(factory, { storage: {} as StorageManager, ...(hasLocks && { locks }) }),
      );
    const [one, two] = [inTab(), inTab()];
    await one.restore(WORDS);
    await two.status();
    const ends = await Promise.allSettled([one.protect(STRONG), two.protect(OTHER)]);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused.map((end) => (end.reason as { code: string }).code)).toEqual(['VAULT_CHANGED']);
    const [kept] = ends[0].status === 'fulfilled' ? [STRONG] : [OTHER];
    const next = inTab();
    expect((await next.unlock(kept)).locked).toBe(false);
    expect(await next.words(kept)).toBe(WORDS);
    expect(await recordsIn(factory)).toHaveLength(1);
  });

  test('never look while the other is between its two steps', async () => {
    let running = 0;
    let most = 0;
    let tail: Promise<unknown> = Promise.resolve();
    const exclusive: Exclusive = (act) => {
      const done = tail.then(async () => {
        most = Math.max(most, ++running);
        return act().finally(() => running--);
      });
      tail = done.catch(() => {});
      return done;
    };
    const home = databaseHome(new IDBFactory());
    const [one, two] = [createStorage([home], exclusive), createStorage([home], exclusive)];
    const vault = vaultOn(one);
    await vault.restore(WORDS);
    const looks = Array.from({ length: 20 }, () => two.load());
    await vault.protect(STRONG);
    expect((await Promise.all(looks)).every((record) => record !== undefined)).toBe(true);
    expect(most).toBe(1);
  });
});
