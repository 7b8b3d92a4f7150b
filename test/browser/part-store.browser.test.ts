/** The contract of part stores on OPFS and the Cache API of a real Chromium, in a dedicated worker. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fromHex } from '../../src/lib/bytes.ts';
import { readError } from '../../src/lib/errors.ts';
import type { PartStore } from '../../src/miner/package/part-store.ts';
import { partStoreContract } from '../contracts/part-store.contract.ts';
import { CHROMIUM } from './harness.ts';
import type { PartsApi } from './parts.worker.ts';

let browser: Browser;
let page: Page;
let server: Server;
let places = 0;

beforeAll(async () => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'parts.worker.ts')],
    bundle: true,
    format: 'esm',
    target: 'esnext',
    write: false,
    logLevel: 'error',
  });
  const worker = outputFiles[0]!.text;
  server = createServer((request, response) => {
    const isWorker = request.url === '/worker.js';
    response.writeHead(200, { 'content-type': isWorker ? 'text/javascript' : 'text/html' });
    response.end(isWorker ? worker : '<!doctype html><link rel=icon href=data:,>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.evaluate(() => {
    const worker = new Worker('/worker.js', { type: 'module' });
    const calls = new Map<number, PromiseWithResolvers<unknown>>();
    worker.onmessage = ({ data: { id, error, result } }) =>
      error ? calls.get(id)!.reject(new Error(error)) : calls.get(id)!.resolve(result);
    const call = (method: string, args: unknown[]) => {
      const waiting = Promise.withResolvers<unknown>();
      const id = calls.set(calls.size, waiting).size - 1;
      worker.postMessage({ id, method, args });
      return waiting.promise;
    };
    Object.assign(globalThis, { call });
  });
});
afterAll(async () => {
  await browser.close();
  server.close();
});

async function call<M extends keyof PartsApi>(
  method: M,
  ...args: Parameters<PartsApi[M]>
): Promise<Awaited<ReturnType<PartsApi[M]>>> {
  return await page
    .evaluate(([m, a]) => (globalThis as any).call(m, a), [method, args] as const)
    .catch((e: Error) => {
      const [, code, message] = /\b([A-Z_]+): (.*)/.exec(e.message) ?? [];
      throw code ? readError({ code, message }) : e;
    });
}

async function openStore(kind: 'OPFS' | 'Cache', name: string): Promise<PartStore> {
  await call('open', kind, name);
  return {
    async read(...at) {
      const bytes = await call('read', name, ...at);
      return bytes === undefined ? undefined : fromHex(bytes)!;
    },
    write: (model, part, bytes) => {
      const big = bytes.length > 1000 ? bytes.length : 0;
      return call('write', name, model, part, big ? [] : [...bytes], big);
    },
    sizes: async (model) => new Map(await call('sizes', name, model)),
    models: () => call('models', name),
    remove: (...what) => call('remove', name, ...what),
  };
}

for (const kind of ['OPFS', 'Cache'] as const)
  partStoreContract({
    name: kind,
    async create() {
      const place = `parts-${places++}`;
      const open = () => openStore(kind, place);
      return { store: await open(), reopen: open };
    },
  });

it('OPFS: a part cut short by a crash has another size', async () => {
  const store = await openStore('OPFS', 'cut');
  const model = 'aa'.repeat(32);
  await store.write(model, 1, Uint8Array.of(1, 2, 3));
  await call('cutOpfs', 'cut', model, 1);
  expect(await store.sizes(model)).toEqual(new Map([[1, 1]]));
});

it('says when the browser gives no more room', async () => {
  const stores = [await openStore('OPFS', 'full-OPFS'), await openStore('Cache', 'full-Cache')];
  const session = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 4 * 2 ** 20 });
  const model = 'bb'.repeat(32);
  for (const store of stores) {
    const writing = store.write(model, 1, new Uint8Array(8 * 2 ** 20));
    await expect(writing).rejects.toMatchObject({ code: 'MODEL_STORE_FULL' });
    expect(await store.read(model, 1)).toBeUndefined();
  }
  await session.send('Storage.overrideQuotaForOrigin', { origin });
});
