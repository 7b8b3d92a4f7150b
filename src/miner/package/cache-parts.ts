/** Parts in the Cache API, for browsers without OPFS in workers. Each part is an entry under an address of our own. */
import { AppError } from '../../lib/errors.ts';
import { partStoreError, type PartStore } from './part-store.ts';

/** Header with the size of an entry in bytes, so that the entry need not be read for it. */
const SIZE = 'x-bytes';

/** @throws AppError MODEL_STORE_FAILED where there is no Cache API */
export async function createCacheParts(name: string): Promise<PartStore> {
  const run = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (e) {
      throw partStoreError(e);
    }
  };
  if (typeof caches === 'undefined') throw new AppError('MODEL_STORE_FAILED', 'no caches here');
  const cache = await run(() => caches.open(name));
  const base = `${location.origin}/${name}/`;
  const addressOf = (model: string, part: number) => `${base}${model}/${part}`;
  /** [model, part] of each entry. */
  const entries = async () =>
    (await cache.keys()).map(({ url }) => {
      const [model = '', part = ''] = url.slice(base.length).split('/');
      return { url, model, part: Number(part) };
    });

  return {
    read: (model, part, from = 0, to) =>
      run(async () => {
        const found = await cache.match(addressOf(model, part));
        const bytes = found && (await found.blob()).slice(from, to);
        return bytes && new Uint8Array(await bytes.arrayBuffer());
      }),
    write: (model, part, bytes) =>
      run(async () => {
        const address = addressOf(model, part);
        const headers = { [SIZE]: String(bytes.length) };
        try {
          await cache.put(address, new Response(bytes as Uint8Array<ArrayBuffer>, { headers }));
        } catch (e) {
          await cache.delete(address).catch(() => undefined);
          throw e;
        }
      }),
    sizes: (model) =>
      run(async () => {
        const sizes = new Map<number, number>();
        for (const { url, part } of (await entries()).filter((e) => e.model === model))
          sizes.set(part, Number((await cache.match(url))?.headers.get(SIZE)));
        return sizes;
      }),
    models: () => run(async () => [...new Set((await entries()).map(({ model }) => model))]),
    remove: (model, part) =>
      run(async () => {
        if (part !== undefined) return void (await cache.delete(addressOf(model, part)));
        for (const entry of await entries())
          if (entry.model === model) await cache.delete(entry.url);
      }),
  };
}
