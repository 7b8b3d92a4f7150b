/**
 * Runs the miner's WebGPU backend in a real Chromium: bundles a module worker, serves it with ONNX
 * Runtime's wasm and the models from this machine, and calls it. Chromium comes from CHROMIUM_PATH
 * or the system; without a GPU it uses its software device.
 */
import { build } from 'esbuild';
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, normalize } from 'node:path';
import { chromium, type Browser, type Page } from '@playwright/test';
import type { WorkerApi } from './backend.worker.ts';

const ROOT = join(import.meta.dirname, '../..');
export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
export const hasChromium = (): boolean => existsSync(CHROMIUM);

const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--enable-unsafe-webgpu',
];
const TYPES: Record<string, string> = { js: 'text/javascript', wasm: 'application/wasm' };
/** Folders that are served, by the first part of the path. */
const FOLDERS: Record<string, string> = {
  ort: join(ROOT, 'node_modules/onnxruntime-web/dist'),
  models: join(ROOT, 'models'),
};

/** One file of a module worker and all it imports. */
export async function bundleWorker(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    format: 'esm',
    target: 'esnext',
    conditions: ['browser'],
    write: false,
    logLevel: 'error',
  });
  return outputFiles[0]!.text;
}

/** A file of FOLDERS. */
export function sendFile(response: ServerResponse, path: string): void {
  const [, folder, ...rest] = normalize(path).split('/');
  const file = join(FOLDERS[folder ?? ''] ?? '', rest.join('/'));
  if (!FOLDERS[folder ?? ''] || !existsSync(file) || !statSync(file).isFile()) {
    response.writeHead(404).end();
    return;
  }
  const type = TYPES[file.split('.').at(-1)!] ?? 'application/octet-stream';
  response.writeHead(200, { 'content-type': type });
  createReadStream(file).pipe(response);
}

async function serve(worker: string): Promise<Server> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/worker.js')
      response.writeHead(200, { 'content-type': TYPES.js }).end(worker);
    else if (pathname === '/')
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><link rel=icon href=data:,>');
    else sendFile(response, pathname);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

/** In the page: one worker, calls answered in any order. */
function startWorker(): void {
  const worker = new Worker('/worker.js', { type: 'module' });
  const calls = new Map<number, { resolve(x: unknown): void; reject(e: Error): void }>();
  let last = 0;
  worker.onerror = (e) => calls.forEach(({ reject }) => reject(new Error(e.message)));
  worker.onmessage = ({ data }) => {
    const call = calls.get(data.id);
    calls.delete(data.id);
    if (data.error) call?.reject(new Error(data.error));
    else call?.resolve(data.result);
  };
  Object.assign(globalThis, {
    callWorker: (method: string, args: unknown[]) =>
      new Promise((resolve, reject) => {
        calls.set(++last, { resolve, reject });
        worker.postMessage({ id: last, method, args });
      }),
  });
}

export class BrowserBackend {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #server: Server;

  constructor(browser: Browser, page: Page, server: Server) {
    this.#browser = browser;
    this.#page = page;
    this.#server = server;
  }

  static async open(): Promise<BrowserBackend> {
    const worker = await bundleWorker(join(import.meta.dirname, 'backend.worker.ts'));
    const server = await serve(worker);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    const page = await browser.newPage();
    page.on('console', (m) => m.type() === 'error' && console.error('page:', m.text()));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.evaluate(startWorker);
    return new BrowserBackend(browser, page, server);
  }

  /** Calls the worker; arguments and results are JSON. Its errors come back as `CODE: message`. */
  call<M extends keyof WorkerApi>(
    method: M,
    ...args: Parameters<WorkerApi[M]>
  ): Promise<Awaited<ReturnType<WorkerApi[M]>>> {
    return this.#page.evaluate(
      ([m, a]) =>
        (
          globalThis as unknown as { callWorker(m: string, a: unknown[]): Promise<never> }
        ).callWorker(m as string, a as unknown[]),
      [method, args] as const,
    );
  }

  async close(): Promise<void> {
    await this.#browser.close();
    this.#server.close();
  }
}
