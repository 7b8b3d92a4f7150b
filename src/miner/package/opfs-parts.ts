/**
 * Parts in the origin's private file system (OPFS): `<name>/<model>/<part>`, one file each. They are written
 * through a worker's synchronous handle, which every browser with OPFS has. A file cut short by a crash is
 * noticed by its size, and a damaged file by its hash.
 */
import { AppError } from '../../lib/errors.ts';
import { partStoreError, type PartStore } from './part-store.ts';

/** Declared here because TypeScript's lib.webworker, which has it, cannot be loaded beside the page's library. */
interface SyncHandle {
  getSize(): number;
  read(bytes: Uint8Array, options: { at: number }): number;
  truncate(size: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
type SyncFile = FileSystemFileHandle & {
  createSyncAccessHandle(options?: { mode: 'read-only' }): Promise<SyncHandle>;
};
type Folder = FileSystemDirectoryHandle & AsyncIterable<[string, FileSystemHandle]>;

/**
 * From here on a synchronous handle takes less time, since no other process has the bytes on the way: a third for a
 * MiB, and an eighth less for a language model's package than where smaller parts are read the other way.
 */
const BIG_BYTES = 2 ** 17;
/** Name of a part's file; browsers may put other files beside it while they write. */
const PART = /^\d{1,5}$/;

const isMissing = (e: unknown): boolean => (e as Error | undefined)?.name === 'NotFoundError';

/** @throws AppError MODEL_STORE_FAILED where there is no OPFS, or not in this kind of window */
export async function createOpfsParts(name: string): Promise<PartStore> {
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (e) {
      throw partStoreError(e);
    }
  };
  if (!('createSyncAccessHandle' in (globalThis.FileSystemFileHandle?.prototype ?? {})))
    throw new AppError('MODEL_STORE_FAILED', 'no OPFS in this worker');
  const root = await run(async () => {
    const top = await navigator.storage.getDirectory();
    return (await top.getDirectoryHandle(name, { create: true })) as Folder;
  });
  const find = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (e) {
      if (isMissing(e)) return undefined;
      throw e;
    }
  };
  const folderOf = (model: string) =>
    find(async () => (await root.getDirectoryHandle(model)) as Folder);
  /** Folders from which parts were read: looking one up takes as long as reading a small part. */
  const known = new Map<string, Folder>();
  const fileOf = async (model: string, part: number) => {
    const folder = known.get(model) ?? (await folderOf(model));
    const handle = await find(async () => folder?.getFileHandle(String(part)));
    if (folder && handle) known.set(model, folder);
    // The folder may be another one by now.
    else known.delete(model);
    return handle;
  };

  return {
    read: (model, part, from = 0, to) =>
      run(async () => {
        const handle = await fileOf(model, part);
        const file = await handle?.getFile();
        if (!file) return undefined;
        const isBig = file.size >= BIG_BYTES && from === 0 && to === undefined;
        const whole = isBig ? await readWhole(handle as SyncFile) : undefined;
        return whole ?? new Uint8Array(await file.slice(from, to).arrayBuffer());
      }),
    write: (model, part, bytes) =>
      run(async () => {
        const folder = await root.getDirectoryHandle(model, { create: true });
        const file = (await folder.getFileHandle(String(part), { create: true })) as SyncFile;
        try {
          writeWhole(await file.createSyncAccessHandle(), bytes);
        } catch (e) {
          await folder.removeEntry(String(part)).catch(() => undefined);
          throw e;
        }
      }),
    sizes: (model) =>
      run(async () => {
        const sizes = new Map<number, number>();
        for await (const [file, handle] of (await folderOf(model)) ?? [])
          if (PART.test(file) && handle.kind === 'file')
            sizes.set(Number(file), (await handle.getFile()).size);
        return sizes;
      }),
    models: () =>
      run(async () => {
        const models: string[] = [];
        for await (const [model, { kind }] of root) if (kind === 'directory') models.push(model);
        return models;
      }),
    remove: (model, part) =>
      run(async () => {
        known.delete(model);
        const from = part === undefined ? root : await folderOf(model);
        const entry = part === undefined ? model : String(part);
        await find(async () => from?.removeEntry(entry, { recursive: part === undefined }));
        if (part !== undefined && from) await dropEmpty(root, model, from);
      }),
  };
}

/** All bytes of a file; undefined where somebody else has it open, which may be any reader in some browsers. */
async function readWhole(file: SyncFile): Promise<Uint8Array | undefined> {
  const handle = await file.createSyncAccessHandle({ mode: 'read-only' }).catch(() => undefined);
  if (!handle) return undefined;
  try {
    const bytes = new Uint8Array(handle.getSize());
    return handle.read(bytes, { at: 0 }) === bytes.length ? bytes : undefined;
  } finally {
    handle.close();
  }
}

function writeWhole(handle: SyncHandle, bytes: Uint8Array): void {
  try {
    handle.truncate(0);
    for (let at = 0; at < bytes.length;) {
      const written = handle.write(bytes.subarray(at), { at });
      // Some browsers write what fits and say so.
      if (!written) throw new DOMException('no more room', 'QuotaExceededError');
      at += written;
    }
    handle.flush();
  } finally {
    handle.close();
  }
}

async function dropEmpty(root: Folder, model: string, folder: Folder): Promise<void> {
  for await (const _ of folder) return;
  await root.removeEntry(model);
}
