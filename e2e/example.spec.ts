/** The example of docs/api.md for a page, as a developer runs it: over Vite, on an origin of its own. */
import { expect, test } from '@playwright/test';
import { createServer } from 'vite';
import { formatAddress } from '../src/core/address.ts';
import { removeData, startSeed } from './support/seed.ts';

test('a page of one’s own proves a balance', async ({ page }) => {
  const address = formatAddress(new Uint8Array(32).fill(7), 'rpila');
  const seed = await startSeed({ args: ['--mine', '--public'] });
  const headers = { 'content-type': 'application/json' };
  const gift = { method: 'POST', headers, body: JSON.stringify({ address }) };
  expect((await fetch(`${seed.url}faucet`, gift)).status).toBe(200);
  const vite = await createServer({ server: { port: 0, host: '127.0.0.1' }, logLevel: 'error' });
  await vite.listen();
  await page.goto(`${vite.resolvedUrls!.local[0]}examples/browser.html`);
  await page.getByLabel('Seed').fill(seed.url);
  await page.getByLabel('Address').fill(address);
  await page.getByRole('button').click();
  await expect(page.locator('output')).toHaveText(/^100000000000 nV, proven at block \d+$/);
  await vite.close();
  await seed.kill();
  removeData(seed);
});
