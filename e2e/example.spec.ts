/**
 * The examples for pages, as a developer runs them: over Vite, on an origin of their own. PILA_PAGES: a built page with
 * them, in which the package is installed.
 */
import { expect, test } from '@playwright/test';
import { createServer, preview, type PreviewServer, type ViteDevServer } from 'vite';
import { formatAddress } from '../src/core/address.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from './support/seed.ts';

const address = formatAddress(new Uint8Array(32).fill(7), 'rpila');
let seed: Seed;
let vite: ViteDevServer | PreviewServer;
let folder: string;

test.beforeAll(async () => {
  seed = await startSeed({ args: [...BLOCKS_WHEN_NEEDED, '--public'] });
  const { PILA_PAGES: root } = process.env;
  const place = { port: 0, host: '127.0.0.1' };
  if (root) vite = await preview({ root, configFile: false, preview: place });
  else {
    const server = await createServer({ server: place, logLevel: 'error' });
    vite = await server.listen();
  }
  folder = `${vite.resolvedUrls!.local[0]}examples/page/`;
});
test.afterAll(async () => {
  await vite.close();
  await seed.kill();
  removeData(seed);
});

test('a page of one’s own proves a balance', async ({ page }) => {
  const headers = { 'content-type': 'application/json' };
  const gift = { method: 'POST', headers, body: JSON.stringify({ address }) };
  expect((await fetch(`${seed.url}faucet`, gift)).status).toBe(200);
  await page.goto(`${folder}balance.html`);
  await page.getByLabel('Seed').fill(seed.url);
  await page.getByLabel('Address').fill(address);
  await page.getByRole('button').click();
  await expect(page.locator('output')).toHaveText(/^100 VLT, proven at block \d+$/);
});

test('visitors let a page use their devices, and take it back', async ({ page }) => {
  await page.goto(`${folder}visitors.html?seed=${seed.url}&payTo=${address}`);
  const output = page.locator('output');
  await expect(output).toHaveText('It does nothing.');
  expect(page.workers()).toHaveLength(0);
  await page.getByRole('checkbox').check();
  await expect(output).toHaveText(/^running, [1-9]\d* units$/);
  await page.getByRole('checkbox').uncheck();
  await expect(output).toHaveText('It does nothing.');
});

test('a worker of a page runs a model', async ({ page }) => {
  await page.goto(`${folder}worker.html?seed=${seed.url}`);
  await page.getByLabel('Text').fill('Ciao a tutti, come state?');
  await page.getByLabel('Text').press('Enter');
  await expect(page.locator('output')).toHaveText('it');
});
