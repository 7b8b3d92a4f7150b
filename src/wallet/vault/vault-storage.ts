/**
 * Where the vault lies: one record, written whole and durably. A write names what it replaces, so that
 * two tabs never overwrite each other's keys. A record that replaces a secret goes into a place of its
 * own, and the old place is deleted: the disk must not keep what no longer counts.
 */
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { isWhole } from './vault-blob.ts';
import { bucketHome, databaseHome, STORE, type Home, type StorageBuckets } from './vault-places.ts';

export interface VaultRecord {
  /** As encodeVault wrote it. */
  readonly blob: Uint8Array;
  /** Non-extractable; only while no passphrase protects the vault. */
  readonly deviceKey: CryptoKey | undefined;
  /** Non-extractable: opens the delegates and nothing else, also where a passphrase seals the words. */
  readonly delegatesKey?: CryptoKey | undefined;
  /** HMAC-SHA-256 of the blob under `macKey`, which is non-extractable; none in records of older versions. */
  readonly mac?: Uint8Array | undefined;
  readonly macKey?: CryptoKey | undefined;
}

/** Every method may throw STORAGE_FAILED. */
export interface VaultStorage {
  load(): Promise<VaultRecord | undefined>;
  /** Resolves when the record is on disk; false, and nothing written, when `previous` is not there. */
  save(record: VaultRecord, previous: Uint8Array | undefined): Promise<boolean>;
  /** As `save`, in another place: resolves when the old one is off the disk. */
  move(record: VaultRecord, previous: Uint8Array): Promise<boolean>;
  /** Resolves when every record is off the disk. */
  erase(): Promise<void>;
}

/** Runs one act at a time, among all tabs where the browser can. */
export type Exclusive = <T>(act: () => Promise<T>) => Promise<T>;

/** Of which generation a place's record is: each move adds one. The first version had one place, with no number. */
const NAME = /^pila-vault(?:-(\d{1,9}))?$/;
const nameOf = (generation: number): string => `pila-vault-${generation}`;
const KEY = 'record';
/** Acts of this page that may wait. */
const ACTS_MAX = 64;

interface Place {
  readonly home: Home;
  readonly name: string;
  readonly generation: number;
}
interface Held {
  readonly place: Place;
  readonly record: VaultRecord;
}

/** @param homes where places may be; new ones are made in the first */
export function createStorage(
  homes: readonly [Home, ...Home[]],
  exclusive = inTurn(),
): VaultStorage {
  const act = <T>(what: () => Promise<T>): Promise<T> =>
    exclusive(what).catch((cause: unknown) => {
      throw new AppError('STORAGE_FAILED', 'the vault could not be read or written', { cause });
    });
  const next = (held: Held | undefined): Place => {
    const generation = (held?.place.generation ?? 0) + 1;
    return { home: homes[0], name: nameOf(generation), generation };
  };
  /** The record goes into its new place before the old one goes: at no moment is there none. */
  const replace = async (record: VaultRecord, held: Held | undefined): Promise<boolean> => {
    const isWritten = await write(next(held), record, undefined);
    if (isWritten && held) await drop(held.place);
    return isWritten;
  };
  return {
    load: () =>
      act(async () => {
        const held = await settle(homes);
        const isAtHome = !held || held.place.home === homes[0] || !isWhole(held.record.blob);
        // From where an older version or another browser put it. Reading never depends on writing.
        if (!isAtHome) await replace(held.record, held).catch(() => false);
        return held?.record;
      }),
    save: (record, previous) =>
      act(async () => {
        const held = await settle(homes);
        if (!isSame(held?.record.blob, previous)) return false;
        return held ? write(held.place, record, previous) : replace(record, undefined);
      }),
    move: (record, previous) =>
      act(async () => {
        const held = await settle(homes);
        return isSame(held?.record.blob, previous) && replace(record, held);
      }),
    erase: () =>
      act(async () => {
        // The oldest first: if this is cut short, no older record comes to light.
        for (const place of (await placesIn(homes)).reverse()) await drop(place);
      }),
  };
}

/** For other tabs to end their acts with the vault's places: each takes milliseconds. */
const LOCK_WAIT_MS = 30_000;

/** @param browser old ones have neither buckets nor locks */
export function browserStorage(
  factory: IDBFactory,
  browser: Pick<Navigator, 'storage'> & {
    readonly locks?: LockManager;
    readonly storageBuckets?: StorageBuckets;
  },
): VaultStorage {
  const { locks, storageBuckets, storage } = browser;
  const isKept = async () => (await storage?.persisted?.().catch(() => false)) ?? false;
  const databases = databaseHome(factory);
  const exclusive: Exclusive | undefined =
    locks &&
    ((act) => {
      const signal = AbortSignal.timeout(LOCK_WAIT_MS);
      return locks.request('pila-vault', { signal }, act);
    });
  const homes = storageBuckets && bucketHome(storageBuckets, isKept);
  return createStorage(homes ? [homes, databases] : [databases], exclusive);
}

/** For programs that keep no keys between runs, and for tests. */
export function memoryStorage(): VaultStorage {
  let stored: VaultRecord | undefined;
  const save = async (record: VaultRecord, previous: Uint8Array | undefined) => {
    if (!isSame(stored?.blob, previous)) return false;
    stored = { ...record, blob: record.blob.slice() };
    return true;
  };
  return {
    load: async () => stored,
    save,
    move: save,
    erase: async () => void (stored = undefined),
  };
}

/**
 * The newest whole record; where none is whole, the newest. Whatever a crash left beside a whole one is
 * deleted first: it may hold a secret that was replaced.
 */
async function settle(homes: readonly Home[]): Promise<Held | undefined> {
  const held: Held[] = [];
  const places = await placesIn(homes);
  for (const place of places) {
    const record = await read(place);
    if (record) held.push({ place, record });
  }
  const whole = held.find(({ record }) => isWhole(record.blob));
  const kept = whole ?? held[0];
  // Beside a damaged one only the empty ones go: another might be of use yet.
  const stays = whole ? [whole] : held;
  for (const place of places) if (!stays.some((one) => one.place === place)) await drop(place);
  return kept;
}

/** All there are, the newest first. */
async function placesIn(homes: readonly Home[]): Promise<Place[]> {
  const places: Place[] = [];
  for (const home of homes)
    for (const name of await home.names()) {
      const [found, digits] = NAME.exec(name) ?? [];
      if (found) places.push({ home, name, generation: Number(digits ?? 0) });
    }
  return places.sort((a, b) => b.generation - a.generation);
}

const drop = ({ home, name }: Place): Promise<void> => home.drop(name);

const isSame = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a && b ? equal(a, b) : a === b;

/** What is stored but is no record counts as a damaged one: it must not look like an empty place. */
function recordFrom(value: unknown): VaultRecord | undefined {
  if (value === undefined) return undefined;
  const { blob, ...keys } = Object(value) as Partial<VaultRecord>;
  const { deviceKey, delegatesKey, mac, macKey } = keys;
  const isBlob = blob instanceof Uint8Array;
  return { blob: isBlob ? blob : new Uint8Array(), deviceKey, delegatesKey, mac, macKey };
}

const onSuccess = (request: IDBRequest, done: (value: unknown) => void): void => {
  request.onsuccess = () => done(request.result);
};

const read = (place: Place): Promise<VaultRecord | undefined> =>
  transact<VaultRecord | undefined>(place, 'readonly', (store, give) =>
    onSuccess(store.get(KEY), (value) => give(recordFrom(value))),
  );

/** False, and nothing written, when `previous` is not there: a browser without locks has other tabs, too. */
async function write(
  place: Place,
  record: VaultRecord,
  previous: Uint8Array | undefined,
): Promise<boolean> {
  const isWritten = await transact<boolean>(place, 'readwrite', (store, give) =>
    onSuccess(store.get(KEY), (value) => {
      const isExpected = isSame(recordFrom(value)?.blob, previous);
      if (isExpected) store.put(record, KEY);
      give(isExpected);
    }),
  );
  return isWritten === true;
}

/**
 * Resolves when the transaction is complete: with `strict`, when the system says it is on disk. The
 * connection lasts no longer: it would keep others from deleting the place.
 */
async function transact<T>(
  { home, name }: Place,
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore, give: (value: T) => void) => void,
): Promise<T | undefined> {
  const database = await home.open(name);
  try {
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const transaction = database.transaction(STORE, mode, { durability: 'strict' });
    let given: T | undefined;
    transaction.oncomplete = () => resolve(given);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
    act(transaction.objectStore(STORE), (value) => (given = value));
    return await promise;
  } finally {
    database.close();
  }
}

function inTurn(): Exclusive {
  const queue = new SerialQueue(ACTS_MAX);
  return (act) => queue.run(act);
}
