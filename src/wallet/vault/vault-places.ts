/**
 * Where the vault's databases lie. What a browser deletes as a whole leaves the disk; what it overwrites
 * can stay in its files for long (docs/decisions/0019). In Chromium all databases of an origin share
 * files, except those of different storage buckets.
 */

/** One way of keeping databases, each with a name. */
export interface Home {
  /** Of all that are kept this way, also those of others. */
  names(): Promise<readonly string[]>;
  /** Opens a database; creates it where there is none. The caller closes it. */
  open(name: string): Promise<IDBDatabase>;
  /** Resolves when it is off the disk. @throws Error when somebody holds it for longer than DROP_MS */
  drop(name: string): Promise<void>;
}

/** The part of the Storage Buckets API that is used here: TypeScript does not know it. */
export interface StorageBuckets {
  keys(): Promise<string[]>;
  open(
    name: string,
    options?: { readonly durability: 'strict'; readonly persisted: boolean },
  ): Promise<{
    readonly indexedDB: IDBFactory;
    /** Asks the browser to keep it however little room is left. In windows only. */
    persist?(): Promise<boolean>;
  }>;
  delete(name: string): Promise<void>;
}

export const STORE = 'vault';
/** For another tab to end what it does with a database: each act takes milliseconds. */
export const DROP_MS = 10_000;

/** Each database among the origin's others. */
export const databaseHome = (factory: IDBFactory): Home => ({
  names: async () => (await factory.databases()).flatMap(({ name }) => name ?? []),
  open: (name) => openDatabase(factory, name),
  drop: (name) => dropDatabase(factory, name),
});

/** Each database in a bucket of its own. @param isKept whether the browser promised to keep this origin's data */
export const bucketHome = (buckets: StorageBuckets, isKept: () => Promise<boolean>): Home => ({
  names: () => buckets.keys(),
  async open(name) {
    const persisted = await isKept();
    return openDatabase(
      (await buckets.open(name, { durability: 'strict', persisted })).indexedDB,
      name,
    );
  },
  // Closes whatever connection is open.
  drop: (name) => buckets.delete(name),
});

function openDatabase(factory: IDBFactory, name: string): Promise<IDBDatabase> {
  const { promise, resolve, reject } = Promise.withResolvers<IDBDatabase>();
  const request = factory.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  request.onsuccess = () => {
    const database = request.result;
    // Another tab deletes it: what is going on here ends first.
    database.onversionchange = () => database.close();
    resolve(database);
  };
  request.onerror = () => reject(request.error);
  request.onblocked = () => reject(new Error('another page holds an older database'));
  return promise;
}

function dropDatabase(factory: IDBFactory, name: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = factory.deleteDatabase(name);
  let timer: ReturnType<typeof setTimeout> | undefined;
  // It is deleted once whoever holds it lets go.
  request.onblocked = () => {
    timer = setTimeout(() => reject(new Error('another page holds the database')), DROP_MS);
  };
  request.onsuccess = () => resolve();
  request.onerror = () => reject(request.error);
  return promise.finally(() => clearTimeout(timer));
}
