/** OPFS and Cache stores of parts in a dedicated worker, behind calls of numbers and texts. */
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createCacheParts } from '../../src/miner/package/cache-parts.ts';
import { createOpfsParts } from '../../src/miner/package/opfs-parts.ts';
import type { PartStore } from '../../src/miner/package/part-store.ts';

const stores = new Map<string, PartStore>();
const CREATE = { OPFS: createOpfsParts, Cache: createCacheParts };

const api = {
  async open(kind: keyof typeof CREATE, name: string) {
    stores.set(name, await CREATE[kind](name));
  },
  // eslint-disable-next-line @typescript-eslint/max-params -- a part store's own parameters, behind its name
  async read(name: string, model: string, part: number, from?: number, to?: number) {
    const bytes = await stores.get(name)!.read(model, part, from, to);
    return bytes && toHex(bytes);
  },
  /** `big`: that many fives, then a six. */
  // eslint-disable-next-line @typescript-eslint/max-params -- a part store's own parameters, behind its name
  write: (name: string, model: string, part: number, bytes: number[], big: number) =>
    stores.get(name)!.write(model, part, big ? bigPart(big) : Uint8Array.from(bytes)),
  sizes: async (name: string, model: string) => [...(await stores.get(name)!.sizes(model))],
  models: (name: string) => stores.get(name)!.models(),
  remove: (name: string, model: string, part?: number) => stores.get(name)!.remove(model, part),
  /** A file cut short in the middle of a write. */
  async cutOpfs(name: string, model: string, part: number) {
    const top = await navigator.storage.getDirectory();
    const folder = await (await top.getDirectoryHandle(name)).getDirectoryHandle(model);
    const file = await folder.getFileHandle(String(part));
    const handle = await (file as any).createSyncAccessHandle();
    handle.truncate(1);
    handle.close();
  },
};
export type PartsApi = typeof api;

function bigPart(size: number): Uint8Array {
  const bytes = new Uint8Array(size).fill(5);
  bytes[size - 1] = 6;
  return bytes;
}

async function answer({ data: { id, method, args } }: MessageEvent): Promise<void> {
  try {
    const result = await (api as any)[method](...args.map((a: unknown) => a ?? undefined));
    postMessage({ id, result });
  } catch (e) {
    postMessage({ id, error: `${AppError.from(e).code}: ${(e as Error).message}` });
  }
}
addEventListener('message', (event) => void answer(event));
