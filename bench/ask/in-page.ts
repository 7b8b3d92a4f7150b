/**
 * First answers of a page: the package as a page gets it, in a Chromium of its own, a new page for each answer. Its
 * models lie in the browser, and nothing of them in memory, when somebody clicks.
 */
import { createReadStream, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { bundle } from '../../deploy/package/package.ts';
import type { createPila } from '../../src/package/page.ts';
import { CHROMIUM } from '../../test/browser/harness.ts';
import { msBetween, treeTimes } from '../llm/peers.ts';

/** What is clicked. */
export type Question =
  | { readonly run: string; readonly text: string }
  | { readonly embed: readonly string[] }
  | { readonly chat: string; readonly text: string };

/** ms: of the clock, and of the processor in all the browser's processes. */
export interface FirstAnswer {
  readonly wall: number;
  readonly cpu: number;
}

export interface Pages {
  /** Models as the page names them. */
  fetch(...models: readonly string[]): Promise<void>;
  /** From the click to the whole answer, in a chat to its first token. */
  first(question: Question): Promise<FirstAnswer>;
  close(): Promise<void>;
}

/** In a page, whose functions know nothing of this module. */
declare const pila: Awaited<ReturnType<typeof createPila>>;

/** @param seed address of a public seed */
export async function openPages(seed: string): Promise<Pages> {
  const scratch = mkdtempSync(join(tmpdir(), 'pila-ask-'));
  await bundle(scratch, 'page');
  const server = createServer((request, response) => {
    const name = /^\/page\/([\w.-]+\.js)$/.exec(request.url ?? '')?.[1];
    const file = name && join(scratch, 'page', name);
    response.setHeader('content-type', file ? 'text/javascript' : 'text/html');
    if (file && existsSync(file)) createReadStream(file).pipe(response);
    else response.end('<!doctype html><link rel=icon href=data:,>');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // What a window in private keeps is not on a disk.
  const browser = await chromium.launchPersistentContext(join(scratch, 'profile'), {
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu'],
  });

  async function newPage() {
    const page = await browser.newPage();
    await page.goto(address);
    await page.evaluate(async (network) => {
      const from = '/page/page.js';
      const module = (await import(from)) as { createPila: typeof createPila };
      const made = await module.createPila({ network, threads: 1 });
      // The client is there, as it is when a screen is.
      await made.client.storage();
      Object.assign(globalThis, { pila: made });
    }, seed);
    return page;
  }

  return {
    async fetch(...models) {
      const page = await newPage();
      await page.evaluate(async (names) => {
        for (const name of names) await pila.fetchModel(name);
      }, models);
      await page.close();
    },
    async first(question) {
      const page = await newPage();
      const before = treeTimes(process.pid);
      const wall = await page.evaluate(async (q) => {
        const start = performance.now();
        if ('run' in q) await pila.run(q.run, q.text);
        else if ('embed' in q) await pila.embed(q.embed);
        else for await (const _ of pila.chat(q.text, { model: q.chat })) break;
        return performance.now() - start;
      }, question);
      const cpu = msBetween(before, treeTimes(process.pid));
      await page.close();
      return { wall, cpu };
    },
    async close() {
      await browser.close();
      server.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
