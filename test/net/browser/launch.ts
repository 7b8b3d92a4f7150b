/** Chromium processes that each run one peer of the network tests. */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { CHROMIUM_FLAGS, findChromium, WEBRTC_FLAGS } from '../../chromium.ts';
import { atEnd } from '../peers.ts';
import type { PeerState } from './peer.worker.ts';

export interface BrowserPeer {
  readonly page: Page;
  state(): Promise<PeerState>;
  ask(peer: string): Promise<string>;
  tell(sequence: number): Promise<void>;
  prepay(peer: string, vouchers: number): Promise<number>;
  close(): Promise<void>;
}

async function bundle(): Promise<Map<string, string>> {
  const at = (name: string) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: { page: at('page'), worker: at('peer.worker') },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    outdir: '/',
  });
  return new Map(outputFiles.map((f) => [f.path, f.text]));
}

let files: Promise<Map<string, string>> | undefined;

async function servePage(): Promise<string> {
  const scripts = await (files ??= bundle());
  const server = createServer((request, response) => {
    const script = scripts.get(request.url ?? '');
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  atEnd(async () => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
}

/** Pages of one Chromium process, ended after the test. */
export async function openPages(count: number): Promise<Page[]> {
  const url = await servePage();
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS],
  });
  atEnd(() => browser.close());
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const page = await browser.newPage();
      await page.goto(url);
      await page.waitForFunction(() => 'start' in window);
      return page;
    }),
  );
}

/** A page in a Chromium process of its own. */
export const openPage = async (): Promise<Page> => (await openPages(1))[0]!;

/** A peer in a page; `kind`: its transport runs in the worker with lent WebRTC, or on the page. */
export async function startBrowser(
  bootstrap: readonly string[],
  kind: 'rtc' | 'transport' = 'rtc',
): Promise<BrowserPeer> {
  return startIn(await openPage(), bootstrap, kind);
}

export async function startIn(
  page: Page,
  bootstrap: readonly string[],
  kind: 'rtc' | 'transport' = 'rtc',
): Promise<BrowserPeer> {
  await page.evaluate(([seeds, where]) => window.start(seeds, where), [bootstrap, kind] as const);
  return {
    page,
    state: () => page.evaluate(() => window.peer.state()),
    ask: (peer) => page.evaluate((id) => window.peer.ask(id), peer),
    tell: (sequence) => page.evaluate((n) => window.peer.tell(n), sequence),
    prepay: (peer, vouchers) =>
      page.evaluate(([id, n]) => window.peer.prepay(id, n), [peer, vouchers] as const),
    close: () => page.context().browser()!.close(),
  };
}
