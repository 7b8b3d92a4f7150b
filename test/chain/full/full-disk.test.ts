/**
 * A store on disk whose writes fail in the middle of a record. The disk is a real one: the system lets the files of
 * a child process grow to a size and no further, which needs no rights.
 */
import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createLevelStore, REOPEN_MS } from '../../../src/chain/store/level-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { expectConsistent } from '../full-invariants.ts';
import type { Calls } from '../limited-store.ts';
import { openChain } from '../make-blocks.ts';

// Each starts processes, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const scratch = mkdtempSync(join(tmpdir(), 'pila-full-'));
const running: ChildProcess[] = [];
afterEach(() => running.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => rmSync(scratch, { recursive: true }));
const folder = (name: string): string => join(scratch, name);

interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly code?: string;
}

/** A store in a process of its own. */
async function startStore(path: string) {
  const child = fork(join(import.meta.dirname, '../limited-store.ts'), [path], { execArgv: [] });
  running.push(child);
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  const waiting = new Map<number, (reply: Reply) => void>();
  const reply = (id: number) => new Promise<Reply>((resolve) => waiting.set(id, resolve));
  child.on('message', (message: Reply) => waiting.get(message.id)?.(message));
  await reply(0);
  let id = 0;
  return {
    /** The value, or the code of the error. */
    async call<K extends keyof Calls>(call: K, ...args: Parameters<Calls[K]>) {
      const answer = reply(++id);
      child.send({ id, call, args });
      const { value, code } = await answer;
      return code ?? value;
    },
    /** Bytes that a file of this process may have. */
    limit(bytes: number | 'unlimited') {
      const set = spawnSync('prlimit', ['--pid', String(child.pid), `--fsize=${bytes}:`]);
      expect(set.status).toBe(0);
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
type LimitedStore = Awaited<ReturnType<typeof startStore>>;

const logOf = (path: string): string =>
  join(
    path,
    readdirSync(path).find((name) => name.endsWith('.log'))!,
  );

/** Of a log: blocks of 32 KiB, in which each record, or part of one, has a header of checksum, length and type. */
function countRecords(log: Buffer): number {
  let count = 0;
  for (let at = 0; at + 7 <= log.length;) {
    const left = 32_768 - (at % 32_768);
    const isPadding = left < 7;
    const isFirst = !isPadding && [1, 2].includes(log[at + 6]!);
    count += Number(isFirst);
    at += isPadding ? left : 7 + log.readUInt16LE(at + 4);
  }
  return count;
}

/** What lies in the folder once its process has ended. */
async function withStore<T>(path: string, read: (store: Store) => Promise<T>): Promise<T> {
  const store = await createLevelStore(path);
  try {
    return await read(store);
  } finally {
    await store.close();
  }
}

/** A store with `a` and `b`, whose writing of `torn` has failed; the disk has room again. */
async function tear(store: LimitedStore): Promise<void> {
  await store.call('put', 'a', 1000);
  await store.call('put', 'b', 1000);
  store.limit(100_000);
  expect(await store.call('put', 'torn', 200_000)).toBe('STORE_FAILED');
  store.limit('unlimited');
}

describe('a store on a disk that was full', () => {
  it('writes nothing behind a failed batch until it was opened again, and loses nothing it told of', async () => {
    const path = folder('torn');
    const store = await startStore(path);
    await tear(store);
    expect(await store.call('put', 'c', 1000)).toBe('STORE_FAILED');
    await store.call('later', REOPEN_MS - 1);
    expect(await store.call('put', 'c', 1000)).toBe('STORE_FAILED');
    expect(await store.call('get', 'b')).toBe(1000);
    await store.call('later', 1);
    const told = ['c', 'd', 'e'];
    expect(await Promise.all(told.map((key) => store.call('put', key, 1000)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    await store.kill();
    const keys = await withStore(path, (left) => left.range('', '~'));
    expect(keys.map(({ key }) => key)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('writes one batch at a time, so that none is on its way when another fails', async () => {
    const path = folder('one-by-one');
    await withStore(path, async (store) => {
      // As large as makes each take a while.
      const value = new Uint8Array(60_000);
      await Promise.all(
        Array.from({ length: 30 }, (_, i) => store.batch([{ key: `k${i}`, value }], true)),
      );
    });
    // LevelDB makes one record of batches that wait for each other.
    expect(countRecords(readFileSync(logOf(path)))).toBe(30);
  });

  it('is read from while there is no room to open it again, and tries no more often than it may', async () => {
    const path = folder('still-full');
    const store = await startStore(path);
    await tear(store);
    store.limit(100_000);
    for (let i = 0; i < 3; i++) {
      await store.call('later', REOPEN_MS);
      expect(await store.call('put', 'c', 10)).toBe('STORE_FAILED');
      expect(await store.call('get', 'a')).toBe(1000);
      expect(readdirSync(path)).not.toContain('room');
    }
    store.limit('unlimited');
    expect(await store.call('put', 'c', 10)).toBe('STORE_FAILED');
    await store.call('later', REOPEN_MS);
    expect(await store.call('put', 'c', 10)).toBeUndefined();
    expect(await store.call('get', 'torn')).toBeUndefined();
  });

  it('takes back a failed batch whose record became whole in the end', async () => {
    const [path, twin] = [folder('whole'), folder('twin')];
    const store = await startStore(path);
    await store.call('put', 'a', 1000, 1);
    await store.call('put', 'b', 1000, 1);
    store.limit(100_000);
    expect(await store.call('put', 'b', 200_000, 2)).toBe('STORE_FAILED');
    store.limit('unlimited');
    // Another store that was told the same and had room: its log is this one's with the record whole.
    const other = await startStore(twin);
    await other.call('put', 'a', 1000, 1);
    await other.call('put', 'b', 1000, 1);
    await other.call('put', 'b', 200_000, 2);
    copyFileSync(logOf(twin), logOf(path));

    expect(await store.call('get', 'b')).toBe(1000);
    await store.call('later', REOPEN_MS);
    expect(await store.call('put', 'c', 10)).toBeUndefined();
    expect(await store.call('get', 'b')).toBe(1000);
    await store.kill();
    expect((await withStore(path, (left) => left.get('b')))?.length).toBe(1000);
  });

  it('gives nothing of a failed batch to read while it cannot be taken back', async () => {
    const [path, twin] = [folder('half-way'), folder('half-way-twin')];
    for (const place of [path, twin])
      await withStore(place, (kept) => kept.batch([{ key: 'b', value: new Uint8Array(300_000) }]));
    const store = await startStore(path);
    expect(await store.call('get', 'b')).toBe(300_000);
    store.limit(100_000);
    expect(await store.call('put', 'b', 200_000, 2)).toBe('STORE_FAILED');
    const other = await startStore(twin);
    await other.call('put', 'b', 200_000, 2);
    copyFileSync(logOf(twin), logOf(path));

    // Room for opening it, and none for a log that holds the old value.
    store.limit(290_000);
    await store.call('later', REOPEN_MS);
    expect(await store.call('put', 'c', 10)).toBe('STORE_FAILED');
    expect(await store.call('get', 'b')).toBe('STORE_FAILED');
    store.limit('unlimited');
    await store.call('later', REOPEN_MS);
    expect(await store.call('put', 'c', 10)).toBeUndefined();
    expect(await store.call('get', 'b')).toBe(300_000);
  });

  it('ends for this process when it has lost what it told of, and says so once', async () => {
    const path = folder('lost');
    const store = await startStore(path);
    await tear(store);
    // As on a disk that takes a write and fails later, when the system writes it back.
    truncateSync(logOf(path), 500);
    await store.call('later', REOPEN_MS);
    for (let i = 0; i < 3; i++) {
      expect(await store.call('put', 'c', 10)).toBe('STORE_CORRUPT');
      expect(await store.call('get', 'a')).toBe('STORE_CORRUPT');
      await store.call('later', REOPEN_MS);
    }
    expect(await store.call('lost')).toBe(1);
  });

  it('finishes a clear that failed', async () => {
    const path = folder('cleared');
    const store = await startStore(path);
    for (let i = 0; i < 200; i++) await store.call('put', `k/${i}`, 300);
    store.limit(65_000);
    expect(await store.call('clear')).toBe('STORE_FAILED');
    store.limit('unlimited');
    await store.call('later', REOPEN_MS);
    expect(await store.call('put', 'a', 10)).toBeUndefined();
    await store.kill();
    const keys = await withStore(path, (left) => left.range('', '~'));
    expect(keys.map(({ key }) => key)).toEqual(['a']);
  });

  it('closes while it is opened again', async () => {
    const path = folder('closing');
    const store = await startStore(path);
    await tear(store);
    await store.call('later', REOPEN_MS);
    const [put, closed] = [store.call('put', 'c', 10), store.call('close')];
    expect(await closed).toBeUndefined();
    expect(await store.call('get', 'a')).toBe('STORE_CLOSED');
    const left = await withStore(path, (kept) => kept.range('', '~'));
    const told = (await put) === undefined ? ['a', 'b', 'c'] : ['a', 'b'];
    expect(left.map(({ key }) => key)).toEqual(told);
  });

  it('holds the chain whose height was told', async () => {
    const path = folder('chain');
    const store = await startStore(path);
    for (let i = 0; i < 5; i++) await store.call('mine');
    store.limit(40_000);
    let told = 5;
    let mined = await store.call('mine');
    for (; typeof mined === 'number'; mined = await store.call('mine')) told = mined;
    expect(mined).toBe('STORE_FAILED');
    expect(await store.call('height')).toBe(told);
    store.limit('unlimited');
    await store.call('later', REOPEN_MS);
    for (let i = 1; i <= 5; i++) expect(await store.call('mine')).toBe(told + i);
    await store.kill();
    await withStore(path, async (left) => {
      await expectConsistent(left);
      expect((await openChain(left)).head().header.height).toBe(told + 5);
    });
  });
});
