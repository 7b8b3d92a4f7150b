/**
 * Where the vault lies: one record, written whole and durably, in IndexedDB. A write names what it
 * replaces, so that two tabs never overwrite each other's keys.
 */
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

export interface VaultRecord {
  /** As encodeVault wrote it. */
  readonly blob: Uint8Array;
  /** Non-extractable; only while no passphrase protects the vault. */
  readonly deviceKey: CryptoKey | undefined;
}

/** Every method may throw STORAGE_FAILED. */
export interface VaultStorage {
  load(): Promise<VaultRecord | undefined>;
  /** Resolves when the record is on disk; false, and nothing written, when `previous` is not there. */
  save(record: VaultRecord, previous: Uint8Array | undefined): Promise<boolean>;
  erase(): Promise<void>;
}

const STORE = 'vault';
const KEY = 'record';

/** @param factory the platform's `indexedDB` */
export function indexedDbStorage(factory: IDBFactory, name = 'pila-vault'): VaultStorage {
  const inStore = async <T>(
    mode: IDBTransactionMode,
    act: (store: IDBObjectStore, give: (value: T) => void) => void,
  ): Promise<T | undefined> => {
    let db: IDBDatabase | undefined;
    try {
      db = await open(factory, name);
      return await transact(db, mode, act);
    } catch (cause) {
      throw new AppError('STORAGE_FAILED', 'the vault could not be read or written', { cause });
    } finally {
      db?.close();
    }
  };
  return {
    load: () =>
      inStore<VaultRecord | undefined>('readonly', (store, give) =>
        onSuccess(store.get(KEY), (value) => give(recordFrom(value))),
      ),
    save: async (record, previous) =>
      (await inStore<boolean>('readwrite', (store, give) =>
        onSuccess(store.get(KEY), (value) => {
          const isExpected = isSame(recordFrom(value)?.blob, previous);
          if (isExpected) store.put(record, KEY);
          give(isExpected);
        }),
      )) === true,
    erase: () => inStore<void>('readwrite', (store) => void store.clear()),
  };
}

/** For programs that keep no keys between runs, and for tests. */
export function memoryStorage(): VaultStorage {
  let stored: VaultRecord | undefined;
  return {
    load: async () => stored,
    save: async (record, previous) => {
      if (!isSame(stored?.blob, previous)) return false;
      stored = { ...record, blob: record.blob.slice() };
      return true;
    },
    erase: async () => void (stored = undefined),
  };
}

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a && b ? equal(a, b) : a === b;

/** What is stored but is no record counts as a damaged one: it must not look like an empty place. */
function recordFrom(value: unknown): VaultRecord | undefined {
  if (value === undefined) return undefined;
  const { blob, deviceKey } = Object(value) as Partial<VaultRecord>;
  return { blob: blob instanceof Uint8Array ? blob : new Uint8Array(), deviceKey };
}

const onSuccess = (request: IDBRequest, done: (value: unknown) => void): void => {
  request.onsuccess = () => done(request.result);
};

function open(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  const { promise, resolve, reject } = Promise.withResolvers<IDBDatabase>();
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
  request.onblocked = () => reject(new Error('another page holds an older database'));
  return promise;
}

/** Resolves when the transaction is complete: with `strict`, when the system says it is on disk. */
function transact<T>(
  db: IDBDatabase,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore, give: (value: T) => void) => void,
): Promise<T | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
  const transaction = db.transaction(STORE, mode, { durability: 'strict' });
  let given: T | undefined;
  transaction.oncomplete = () => resolve(given);
  transaction.onabort = () => reject(transaction.error);
  transaction.onerror = () => reject(transaction.error);
  act(transaction.objectStore(STORE), (value) => (given = value));
  return promise;
}
