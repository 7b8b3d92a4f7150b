/**
 * A store on disk: LevelDB (classic-level). A batch is one record of the write-ahead log.
 *
 * What is durable when: a batch is with the operating system once its promise resolves, so that it outlives
 * the process however that ends; a `durable` one is on the disk by then (fdatasync of the log), and with it
 * every batch before it. What is not durable reaches the disk when the system writes it back (within half a
 * minute, as a rule) or when LevelDB turns its log into a table, after some 4 MB: a loss of power takes at
 * most that, newest first. docs/operate.md says what it means for each folder.
 *
 * A batch that fails, because the disk is full or broken, may leave half a record in the log. What is written
 * behind it reads well while the process lives, and is dropped when the log is read at the next start. So
 * nothing is written behind a failure: the database is first closed and opened again, which begins a new
 * log, and what the failed batch may have left is put back. Whoever uses the store need not know: a batch
 * that failed has done nothing, as in the other stores.
 */
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Put, Store } from './store.ts';
import { RANGE_LIMIT } from './store-limits.ts';

type Level = ClassicLevel<string, Uint8Array>;

/** ms from a failure, or from an attempt to open again after it, to the next attempt. */
export const REOPEN_MS = 4_000;
/** Bytes that opening again takes besides what the log holds: a manifest, the beginnings of a log and a table. */
const ROOM_BYTES = 64 * 1024;
/** A file that takes as much as opening again will; it is there only while that is tried. */
const ROOM_FILE = 'room';
/** Batches that may wait for the one before them: many times what all parts of a program keep in work. */
const WAITING_MAX = 4096;

export interface LevelOptions {
  /**
   * Called once when the store can't go on in this process: opened again it was damaged, held by another
   * process, or had lost what was told as written. Whoever holds parts of it in memory must start anew.
   */
  readonly onLost?: (error: AppError) => void;
  /** ms of a clock that never goes back. */
  readonly nowMs?: () => number;
}

/** @throws AppError STORE_BUSY (another process holds it), STORE_CORRUPT, STORE_FULL, STORE_FAILED */
export async function createLevelStore(path: string, options: LevelOptions = {}): Promise<Store> {
  const db: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' });
  await guard(path, async () => {
    // Left by a process that was killed while it opened again.
    await rm(join(path, ROOM_FILE), { force: true });
    await db.open();
  });
  return new LevelStore(path, db, options);
}

/** How the store becomes again what its user was told. */
interface Repair {
  /** While the database is open as it was when the write failed. */
  prepare(): Promise<void>;
  /** After it was opened again. @throws AppError STORE_CORRUPT when it has lost what was told as written */
  finish(): Promise<void>;
}

interface Failure {
  readonly error: AppError;
  readonly repair: Repair;
  /** When it failed, or was last tried to be opened again. */
  readonly triedMs: number;
  /** There is nothing more to try. */
  readonly isFinal?: boolean;
}

class LevelStore implements Store {
  readonly #path: string;
  readonly #db: Level;
  readonly #options: LevelOptions;
  /** One at a time: none is on its way while another fails, and would then be behind its half record. */
  readonly #writes = new SerialQueue(WAITING_MAX, 'BUSY');
  readonly #reads = new Set<Promise<unknown>>();
  /** While it is closed and opened again. */
  #opening: Promise<void> | undefined;
  #failure: Failure | undefined;
  /** Keys of the last batch that was told as written. */
  #newest: readonly string[] = [];
  #isClosed = false;

  constructor(path: string, db: Level, options: LevelOptions) {
    this.#path = path;
    this.#db = db;
    this.#options = options;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#read(async () => {
      const value = await this.#db.get(key);
      return value && plain(value);
    });
  }

  range(from: string, to: string, limit = RANGE_LIMIT): ReturnType<Store['range']> {
    return this.#read(async () => {
      const entries = await this.#db.iterator({ gte: from, lt: to, limit }).all();
      return entries.map(([key, value]) => ({ key, value: plain(value) }));
    });
  }

  async batch(puts: readonly Put[], durable = false): Promise<void> {
    const write = async (): Promise<void> => {
      await this.#put(puts, durable);
      if (puts.length) this.#newest = puts.map(({ key }) => key);
    };
    await this.#write(write, () => this.#undoing(puts));
  }

  async clear(): Promise<void> {
    // It is many batches: some may be written. Finished, it is at least what was asked.
    const clear = async (): Promise<void> => {
      await this.#db.clear();
      this.#newest = [];
    };
    await this.#write(clear, () => ({ prepare: async () => undefined, finish: clear }));
  }

  /** What was written before is written; an attempt to open again ends first. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#writes.idle();
    await guard(this.#path, () => this.#db.close());
  }

  /**
   * While a write has failed, reads are answered from the database as it was opened, which holds what was
   * told as written. They wait while it is opened again, and fail only where that has failed.
   */
  async #read<T>(work: () => Promise<T>): Promise<T> {
    await this.#opening;
    if (this.#failure && this.#db.status !== 'open' && !this.#isClosed) throw this.#failure.error;
    const read = guard(this.#path, work);
    this.#reads.add(read);
    try {
      return await read;
    } finally {
      this.#reads.delete(read);
    }
  }

  async #write(work: () => Promise<void>, repairOf: () => Repair): Promise<void> {
    if (this.#isClosed) throw closedError(this.#path);
    await this.#writes.run(async () => {
      if (this.#failure) await this.#openAgain(this.#failure);
      try {
        await work();
      } catch (e) {
        const error = levelError(this.#path, e);
        if (isOfDisk(error)) this.#failure = { error, repair: repairOf(), triedMs: this.#nowMs() };
        throw error;
      }
    });
  }

  /** @throws AppError why the store fails, when it is not yet time for another attempt or that fails as well */
  async #openAgain(failure: Failure): Promise<void> {
    const isDue = this.#nowMs() - failure.triedMs >= REOPEN_MS;
    if (failure.isFinal || this.#isClosed || !isDue) throw failure.error;
    const opening = Promise.withResolvers<void>();
    try {
      await failure.repair.prepare();
      // Once it is closed nothing can be read until it is open again, so room for that is looked for before.
      await takeRoom(this.#path);
      this.#opening = opening.promise;
      await Promise.allSettled(this.#reads);
      await this.#db.close();
      await this.#db.open({ createIfMissing: false });
      await failure.repair.finish();
      this.#failure = undefined;
    } catch (e) {
      const error = levelError(this.#path, e);
      const isFinal = error.code === 'STORE_CORRUPT' || error.code === 'STORE_BUSY';
      this.#failure = { ...failure, error, isFinal, triedMs: this.#nowMs() };
      // Where it was opened and not put back, what the failed batch left must not be read.
      if (isFinal || this.#opening) await this.#db.close().catch(() => undefined);
      if (isFinal) this.#options.onLost?.(error);
      throw error;
    } finally {
      this.#opening = undefined;
      opening.resolve();
    }
  }

  /**
   * Puts back what the keys of a failed batch held: its record may have become whole, for what the system
   * held back of it was written at last, or only its fdatasync failed.
   */
  #undoing(puts: readonly Put[]): Repair {
    // Copies: the caller may go on to use what it gave.
    const failed = new Map(puts.map(({ key, value }) => [key, value && Uint8Array.from(value)]));
    let before: Map<string, Uint8Array | undefined> | undefined;
    return {
      prepare: async () => {
        before ??= await this.#values([...new Set([...failed.keys(), ...this.#newest])]);
      },
      finish: async () => {
        const was = before!;
        for (const [key, value] of await this.#values([...was.keys()]))
          if (!same(value, was.get(key)) && !(failed.has(key) && same(value, failed.get(key))))
            throw new AppError(
              'STORE_CORRUPT',
              `The database ${this.#path} lost what was written.`,
            );
        const undo = [...failed.keys()].map((key) => ({ key, value: was.get(key) }));
        await this.#put(undo, true);
      },
    };
  }

  /** All or none. Put by put: from a list LevelDB's binding takes twice as long, for it looks each property up by name. */
  async #put(puts: readonly Put[], durable: boolean): Promise<void> {
    const batch = this.#db.batch();
    try {
      for (const { key, value } of puts)
        if (value) batch.put(key, value);
        else batch.del(key);
    } catch (e) {
      await batch.close();
      throw e;
    }
    await batch.write({ sync: durable });
  }

  async #values(keys: string[]): Promise<Map<string, Uint8Array | undefined>> {
    const values = await this.#db.getMany(keys);
    return new Map(keys.map((key, i) => [key, values[i]]));
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? (() => performance.now()))();
  }
}

/** LevelDB gives Buffers, whose `slice` shares memory where Uint8Array's copies. */
const plain = (b: Uint8Array): Uint8Array => new Uint8Array(b.buffer, b.byteOffset, b.byteLength);

const same = (a: Uint8Array | undefined, b: Uint8Array | undefined): boolean =>
  a && b ? equal(a, b) : a === b;

/** Opening writes what the log holds into a table, beside it. @throws ENOSPC and whatever else stands against */
async function takeRoom(path: string): Promise<void> {
  let bytes = ROOM_BYTES;
  for (const name of await readdir(path))
    if (/\.log$|^MANIFEST-/.test(name)) bytes += (await stat(join(path, name))).size;
  const file = join(path, ROOM_FILE);
  try {
    await writeFile(file, new Uint8Array(bytes), { flush: true });
  } finally {
    await rm(file, { force: true });
  }
}

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw levelError(path, e);
  }
}

/** Not what a caller did wrong, which LevelDB never saw. */
const isOfDisk = ({ code, cause }: AppError): boolean =>
  code !== 'STORE_CLOSED' && !/^LEVEL_INVALID/.test(codeOf(cause));

const closedError = (path: string, cause?: unknown): AppError =>
  new AppError('STORE_CLOSED', `The database ${path} is closed.`, { cause });

const codeOf = (e: unknown): string => (e instanceof Error && 'code' in e ? String(e.code) : '');

function levelError(path: string, e: unknown): AppError {
  if (e instanceof AppError) return e;
  const cause = e instanceof Error && e.cause instanceof Error ? e.cause : e;
  const code = codeOf(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  const options = { cause: e };
  if (code === 'LEVEL_LOCKED')
    return new AppError('STORE_BUSY', `Another process uses the database ${path}.`, options);
  if (/^(ENOSPC|EDQUOT)$/.test(code) || /no space left|quota exceeded/i.test(message))
    return new AppError('STORE_FULL', `The disk that holds ${path} is full.`, options);
  if (code === 'LEVEL_CORRUPTION' || isBroken(message))
    return new AppError('STORE_CORRUPT', `The database ${path} is damaged: ${message}.`, options);
  if (code.startsWith('LEVEL_DATABASE_NOT_OPEN') || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return closedError(path, e);
  return new AppError('STORE_FAILED', `The database ${path} failed: ${message}.`, options);
}

/** LevelDB reports a missing or mangled file of its own as an IO error with the file's name. */
const isBroken = (message: string): boolean =>
  /corruption|checksum|CURRENT file|no such file|not an sstable|does not match/i.test(message);
