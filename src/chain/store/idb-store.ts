/**
 * A store in the browser: IndexedDB, one object store with string keys. Durability is `relaxed`
 * (survives a crash of the tab or the browser, not always a loss of power) unless asked for more:
 * chain data can be fetched again, keys and unsent transactions can't. A transaction that fails, for want of room
 * too, is rolled back by the browser, and later ones do not stand on it: nothing needs to be opened again for that.
 */
import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import { AppError } from '../../lib/errors.ts';
import type { Store } from './store.ts';
import { RANGE_LIMIT } from './store-limits.ts';

interface Schema extends DBSchema {
  kv: { key: string; value: Uint8Array };
}
/** Raised only when the object stores change; what they hold is versioned by the format marker. */
const SCHEMA_VERSION = 1;

/**
 * @throws AppError STORE_FAILED (no IndexedDB, as in some private modes), STORE_BUSY (another tab
 * holds another version), STORE_FOREIGN (a newer program's database)
 */
export async function createIdbStore(name: string): Promise<Store> {
  let closed: AppError | undefined;
  const close = (reason: AppError): void => {
    closed ??= reason;
  };
  let connection = open(name, close, 'make');
  await connection;
  const run = async <T>(work: (db: Connection) => Promise<T>): Promise<T> => {
    if (closed) throw closed;
    const used = connection;
    try {
      return await work(await used);
    } catch (e) {
      if (closed || !isConnectionLost(e)) throw closed ?? storeError(e);
      // Browsers drop connections, of a page in the background for one, and give another when asked. All
      // calls that the same loss has hit share one attempt. A transaction that failed has kept nothing.
      if (connection === used) connection = reopen(name, close, used);
      try {
        return await work(await connection);
      } catch (again) {
        throw closed ?? storeError(again);
      }
    }
  };

  return {
    get: (key) => run((db) => db.get('kv', key)),
    batch: (puts, durable = false) =>
      run(async (db) => {
        if (!puts.length) return;
        const tx = db.transaction('kv', 'readwrite', {
          durability: durable ? 'strict' : 'relaxed',
        });
        try {
          for (const { key, value } of puts) {
            const request = value ? tx.store.put(whole(value), key) : tx.store.delete(key);
            // A request that fails aborts the transaction, and `done` tells why.
            request.catch(() => undefined);
          }
        } catch (e) {
          // A refused value throws at once; without abort the puts before it would be kept.
          tx.done.catch(() => undefined);
          tx.abort();
          throw e;
        }
        await tx.done;
      }),
    range: (from, to, limit = RANGE_LIMIT) =>
      run(async (db) => {
        if (from >= to || limit < 1) return [];
        const span = IDBKeyRange.bound(from, to, false, true);
        const tx = db.transaction('kv', 'readonly');
        const [keys, values] = await Promise.all([
          tx.store.getAllKeys(span, limit),
          tx.store.getAll(span, limit),
        ]);
        return keys.map((key, i) => ({ key, value: values[i]! }));
      }),
    clear: () => run((db) => db.clear('kv')),
    async close() {
      close(new AppError('STORE_CLOSED', 'The database is closed.'));
      await connection.then(
        (db) => db.close(),
        () => undefined,
      );
    },
  };
}

type Connection = IDBPDatabase<Schema>;

/**
 * There is no connection: it could not be had (an AppError), or is gone, by the names that browsers give
 * it. The database may still be there.
 */
const isConnectionLost = (e: unknown): boolean =>
  e instanceof AppError ||
  ((e instanceof DOMException || e instanceof Error) &&
    ['UnknownError', 'InvalidStateError', 'AbortError'].includes(e.name));

/** Another connection to the same database. @throws AppError STORE_CLOSED when it is not there any more */
async function reopen(
  name: string,
  close: (reason: AppError) => void,
  lost: Promise<Connection>,
): Promise<Connection> {
  await lost.then(
    (db) => db.close(),
    () => undefined,
  );
  return open(name, close, 'find');
}

/** `find`: only one that is there: what a chain in memory is about must not go on in an empty one. */
async function open(
  name: string,
  close: (reason: AppError) => void,
  which: 'make' | 'find',
): Promise<Connection> {
  if (typeof indexedDB === 'undefined')
    throw new AppError('STORE_FAILED', 'This browser gives this page no storage.');
  let stale: AppError | undefined;
  const blocked = Promise.withResolvers<never>();
  // Async: some private modes throw at once where others reject.
  const connect = async () =>
    openDB<Schema>(name, SCHEMA_VERSION, {
      upgrade(db, _old, _new, tx) {
        if (which === 'make') return void db.createObjectStore('kv');
        close(new AppError('STORE_CLOSED', 'The browser cleared the database.'));
        // Leaves no empty database behind.
        tx.done.catch(() => undefined);
        tx.abort();
      },
      blocked() {
        stale = new AppError('STORE_BUSY', 'Another tab uses an older version: close it.');
        blocked.reject(stale);
      },
      // A newer program, or somebody who deletes the database, waits for this connection.
      blocking(_old, _new, event) {
        (event.target as IDBDatabase).close();
        close(new AppError('STORE_CLOSED', 'Another tab upgrades or deletes the database.'));
      },
    });
  const opened = connect();
  // The other tab may close its connection after this call has failed: then nobody uses this one.
  opened.then((db) => stale && db.close()).catch(() => undefined);
  try {
    return await Promise.race([opened, blocked.promise]);
  } catch (e) {
    throw storeError(e);
  }
}

/** Structured cloning copies the whole buffer behind a view: give it no more than the value. */
const whole = (value: Uint8Array): Uint8Array =>
  value.byteLength === value.buffer.byteLength ? value : value.slice();

function storeError(e: unknown): AppError {
  if (e instanceof AppError) return e;
  const name = e instanceof DOMException || e instanceof Error ? e.name : '';
  const options = { cause: e };
  if (name === 'QuotaExceededError')
    return new AppError('STORE_FULL', 'The browser gives no more storage.', options);
  if (name === 'VersionError')
    return new AppError('STORE_FOREIGN', 'A newer version wrote this database.', options);
  if (name === 'InvalidStateError')
    return new AppError('STORE_CLOSED', 'The database is closed.', options);
  return new AppError('STORE_FAILED', 'The browser could not use its storage.', options);
}
