/**
 * A store on disk: LevelDB (classic-level). A batch is one record of the write-ahead log: after a
 * kill it is there whole or not at all. `durable` waits for fsync.
 */
import { ClassicLevel } from 'classic-level';
import { AppError } from '../../lib/errors.ts';
import type { Store } from './store.ts';
import { RANGE_LIMIT } from './store-limits.ts';

type Level = ClassicLevel<string, Uint8Array>;

/** @throws AppError STORE_BUSY (another process holds it), STORE_CORRUPT, STORE_FAILED */
export async function createLevelStore(path: string): Promise<Store> {
  const db: Level = new ClassicLevel(path, { keyEncoding: 'utf8', valueEncoding: 'view' });
  await guard(path, () => db.open());

  return {
    get: (key) =>
      guard(path, async () => {
        const value = await db.get(key);
        return value && plain(value);
      }),
    batch: (puts, durable = false) =>
      guard(path, () =>
        db.batch(
          puts.map(({ key, value }) =>
            value ? { type: 'put' as const, key, value } : { type: 'del' as const, key },
          ),
          { sync: durable },
        ),
      ),
    range: (from, to, limit = RANGE_LIMIT) =>
      guard(path, async () => {
        const entries = await db.iterator({ gte: from, lt: to, limit }).all();
        return entries.map(([key, value]) => ({ key, value: plain(value) }));
      }),
    clear: () => guard(path, () => db.clear()),
    close: () => guard(path, () => db.close()),
  };
}

/** LevelDB gives Buffers, whose `slice` shares memory where Uint8Array's copies. */
const plain = (b: Uint8Array): Uint8Array => new Uint8Array(b.buffer, b.byteOffset, b.byteLength);

async function guard<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (e) {
    throw levelError(path, e);
  }
}

function levelError(path: string, e: unknown): AppError {
  const cause = e instanceof Error && e.cause instanceof Error ? e.cause : e;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const options = { cause: e };
  if (code === 'LEVEL_LOCKED')
    return new AppError('STORE_BUSY', `Another process uses the database ${path}.`, options);
  if (code === 'ENOSPC' || /no space left/i.test(message))
    return new AppError('STORE_FULL', `The disk that holds ${path} is full.`, options);
  if (code === 'LEVEL_CORRUPTION' || isBroken(message))
    return new AppError('STORE_CORRUPT', `The database ${path} is damaged: ${message}.`, options);
  if (code.startsWith('LEVEL_DATABASE_NOT_OPEN') || code === 'LEVEL_ITERATOR_NOT_OPEN')
    return new AppError('STORE_CLOSED', `The database ${path} is closed.`, options);
  return new AppError('STORE_FAILED', `The database ${path} failed: ${message}.`, options);
}

/** LevelDB reports a missing or mangled file of its own as an IO error with the file's name. */
const isBroken = (message: string): boolean =>
  /corruption|checksum|CURRENT file|no such file|not an sstable|does not match/i.test(message);
