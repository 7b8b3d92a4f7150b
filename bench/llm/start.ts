/**
 * From a question to its first token where the package lies in a page's OPFS: a Chromium of its own, a new page and
 * worker for each, one thread of ours. The first start on a device runs its test too, the next ones find it passed.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { chromium } from '@playwright/test';
import { servedOf } from '../../src/client/models/package-store.ts';
import { createMemoryParts } from '../../src/miner/package/part-store.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { createPackagedParts } from '../../src/node/packaged-parts.ts';
import { bundleWorker, CHROMIUM } from '../../test/browser/harness.ts';
import { msBetween, treeTimes } from './peers.ts';
import type { StartApi } from './start.worker.ts';

export const PHASES = ['read', 'take', 'token'] as const satisfies (keyof StartApi)[];
/** Of each phase: processor time of all the browser's processes, and wall time, ms. */
export type Start = Record<
  (typeof PHASES)[number],
  { readonly cpu: number; readonly wall: number }
>;

export interface Starts {
  /** In a new page: from its OPFS to a first token. */
  first(): Promise<Start>;
  close(): Promise<void>;
}

/** In a page: starts the worker. */
function startWorker(): void {
  const worker = new Worker('/worker.js', { type: 'module' });
  const callWorker = (message: unknown): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    worker.onerror = (e) => reject(new Error(e.message));
    worker.onmessage = ({ data }: MessageEvent<{ error?: string }>) =>
      data.error ? reject(new Error(data.error)) : resolve();
    worker.postMessage(message);
    return promise;
  };
  Object.assign(globalThis, { callWorker });
}

/** Keeps a folder's package in a page. */
export async function openStarts(folder: string, manifest: Manifest): Promise<Starts> {
  const said = servedOf(manifest);
  const fetched = createMemoryParts();
  const served = [{ said, manifest, folder }];
  const parts = await createPackagedParts(new Map(), fetched, folder, served);
  const worker = await bundleWorker(join(import.meta.dirname, 'start.worker.ts'));
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const part = /^\/models\/([0-9a-f]{64})\/(\d+)$/.exec(path);
    const type = path === '/worker.js' ? 'text/javascript' : 'text/html';
    const page = path === '/worker.js' ? worker : '<!doctype html><link rel=icon href=data:,>';
    if (!part) return void response.writeHead(200, { 'content-type': type }).end(page);
    void parts.read(part[1]!, Number(part[2])).then((bytes) => {
      response.writeHead(bytes ? 200 : 404).end(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // OPFS of a person: of a window in private nothing is on a disk.
  const profile = mkdtempSync(join(tmpdir(), 'pila-start-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const inPage = async <T>(
    run: (call: (method: keyof StartApi) => Promise<void>) => Promise<T>,
  ) => {
    const page = await browser.newPage();
    await page.goto(address);
    await page.evaluate(startWorker);
    const call = (method: keyof StartApi): Promise<void> =>
      page.evaluate(
        (message) =>
          (globalThis as unknown as { callWorker(x: unknown): Promise<void> }).callWorker(message),
        [method, said],
      );
    const result = await run(call);
    await page.close();
    return result;
  };

  await inPage((call) => call('keep'));
  return {
    first: () =>
      inPage(async (call) => {
        await call('open');
        const start: Partial<Start> = {};
        for (const phase of PHASES) {
          const [before, since] = [treeTimes(process.pid), performance.now()];
          await call(phase);
          const wall = performance.now() - since;
          start[phase] = { cpu: msBetween(before, treeTimes(process.pid)), wall };
        }
        return start as Start;
      }),
    async close() {
      await browser.close();
      server.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
