/** Parts as files, `<folder>/<model>/<part>`: written under a temporary name, then renamed, so that each is whole. */
import { mkdir, open, readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { partStoreError, type PartStore } from '../miner/package/part-store.ts';

const MODEL = /^[0-9a-f]{64}$/;
const PART = /^\d{1,5}$/;

export function createFileParts(folder: string): PartStore {
  /** undefined when the file or folder does not exist. */
  const run = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (e) {
      if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw partStoreError(e);
    }
  };
  const pathOf = (model: string, part: number) => join(folder, model, String(part));

  return {
    read: (model, part, from = 0, to) => run(() => readSpan(pathOf(model, part), from, to)),
    async write(model, part, bytes) {
      const path = pathOf(model, part);
      try {
        await mkdir(join(folder, model), { recursive: true });
        await writeFile(`${path}.new`, bytes, { flush: true });
        await rename(`${path}.new`, path);
      } catch (e) {
        await rm(`${path}.new`, { force: true }).catch(() => undefined);
        throw partStoreError(e);
      }
    },
    async sizes(model) {
      const sizes = new Map<number, number>();
      for (const file of (await run(() => readdir(join(folder, model)))) ?? []) {
        const size = PART.test(file) && (await run(() => stat(join(folder, model, file))))?.size;
        if (typeof size === 'number') sizes.set(Number(file), size);
      }
      return sizes;
    },
    models: async () =>
      ((await run(() => readdir(folder))) ?? []).filter((model) => MODEL.test(model)),
    async remove(model, part) {
      if (part === undefined)
        return void (await run(() => rm(join(folder, model), { recursive: true, force: true })));
      await run(() => rm(pathOf(model, part), { force: true }));
      await rmdir(join(folder, model)).catch(() => undefined);
    },
  };
}

/** Bytes `from` to `to` of a file, at most to its end. */
export async function readSpan(path: string, from: number, to?: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Math.max(0, Math.min(to ?? size, size) - from);
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, from);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
