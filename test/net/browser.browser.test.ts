/** A real Chromium whose dedicated worker dials a real seed, over WebSocket and WebRTC-direct. */
import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from '@playwright/test';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHROMIUM_FLAGS, findChromium, WEBRTC_FLAGS } from '../chromium.ts';
import { startSeed, WEBRTC_DIRECT, WEBSOCKET } from './peers.ts';

let server: Server;
let browser: Browser;
let page: Page;

const bundle = async () => {
  const at = (name: string) => fileURLToPath(new URL(`./browser/${name}.ts`, import.meta.url));
  const { outputFiles } = await build({
    entryPoints: { page: at('page'), worker: at('peer.worker') },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    outdir: '/',
  });
  return new Map(outputFiles.map((f) => [f.path, f.text]));
};

beforeAll(async () => {
  const files = await bundle();
  server = createServer((request, response) => {
    const script = files.get(request.url ?? '');
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ?? '<!doctype html><script type="module" src="/page.js"></script>');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  browser = await chromium.launch({
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS],
  });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as { port: number }).port}/`);
});

afterAll(async () => {
  await browser?.close();
  server?.close();
});

it('can move data channels to a worker', async () => {
  expect(await page.evaluate(() => window.canBridgeRtc())).toBe(true);
});

for (const [link, listen] of [
  ['websocket', WEBSOCKET],
  ['webrtc-direct', WEBRTC_DIRECT],
] as const)
  it(`a worker dials a seed over ${link} and asks for its status`, async () => {
    const seed = await startSeed({ listen: [listen] });
    const got = await page.evaluate((b) => window.dial(b), [...seed.transport.addresses()]);
    expect(got).toMatchObject({ link, agent: 'test' });
    console.log(
      `${link}: connected ${got.connectMs.toFixed(0)} ms, status ${got.statusMs.toFixed(0)} ms`,
    );
  });
