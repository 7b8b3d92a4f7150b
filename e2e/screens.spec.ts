/** The screens for everyone: in a hand, for assistive technology, never framed. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { en } from '../src/ui/i18n/en/app.ts';
import { it } from '../src/ui/i18n/it/app.ts';
import { button, goTo, pause, valueOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** Night differs from day in colours alone. */
const violations = async (page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> => {
  const axe = new AxeBuilder({ page });
  if (colorScheme === 'dark') axe.withRules(['color-contrast']);
  const { violations: found } = await axe.analyze();
  return found.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
};

for (const colorScheme of ['light', 'dark'] as const)
  test(`accessible and narrow: every screen, ${colorScheme}`, async ({ browser }) => {
    const viewport = { width: 390, height: 844 };
    const context = await browser.newContext({ viewport, colorScheme, hasTouch: true });
    const page = await context.newPage();
    const look = async (name: string) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `${name}: no scrolling sideways`).toBeLessThanOrEqual(viewport.width);
      expect(await violations(page, colorScheme), name).toEqual([]);
      const path = test.info().outputPath(`${name}-${colorScheme}.png`);
      await page.screenshot({ path });
    };
    await page.goto(seed.url);
    await expect(button(page, en.pila.start)).toBeEnabled();
    await look('first');
    await goTo(page, 'wallet');
    await look('no-keys');
    await goTo(page, 'pila');
    await button(page, en.pila.start).click();
    await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
    await look('running');
    await pause(page);
    await goTo(page, 'wallet');
    await look('wallet');
    const sheets = [en.wallet.receive, en.wallet.words, en.wallet.protect, en.wallet.erase];
    for (const sheet of sheets.slice(colorScheme === 'dark' ? -1 : 0)) {
      await button(page, sheet).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await look(sheet.toLowerCase().replaceAll(' ', '-'));
      await page.keyboard.press('Escape');
    }
    await goTo(page, 'settings');
    await look('settings');
    await context.close();
  });

test('Italian from the first page, where the browser speaks it', async ({ browser }) => {
  const context = await browser.newContext({ locale: 'it-IT' });
  const page = await context.newPage();
  await page.goto(seed.url);
  await expect(button(page, it.pila.start)).toBeEnabled();
  await expect(page.locator('html')).toHaveAttribute('lang', 'it');
  await page.getByRole('button', { name: 'EN', exact: true }).click();
  await expect(button(page, en.pila.start)).toBeEnabled();
  await context.close();
});

test.describe('inside another page', () => {
  test.use({ serviceWorkers: 'block' });
  let host: Server;
  let address: string;
  test.beforeAll(async () => {
    host = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end(`<iframe src="${seed.url}"></iframe>`),
    );
    await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
    address = `http://127.0.0.1:${(host.address() as AddressInfo).port}/`;
  });
  test.afterAll(() => void host.close());

  test('the server forbids it', async ({ page }) => {
    await page.goto(address);
    await expect.poll(() => page.frames()[1]?.url()).toMatch(/^chrome-error:/);
  });

  test('nor does a page that opened the app hold a window to it', async ({ page, context }) => {
    await page.goto(address);
    const opened = context.waitForEvent('page');
    const hold = (url: string) => void Object.assign(window, { held: window.open(url) });
    await page.evaluate(hold, seed.url);
    const app = await opened;
    await expect(button(app, en.pila.start)).toBeEnabled();
    expect(await app.evaluate(() => window.opener as unknown)).toBe(null);
    expect(await page.evaluate(() => (window as unknown as { held: Window }).held.closed)).toBe(
      true,
    );
  });

  test('and the app itself refuses, where a server forgot to', async ({ page }) => {
    await page.route(seed.url, async (route) => {
      const response = await route.fetch();
      const { 'content-security-policy': _, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
    await page.goto(address);
    const frame = page.frameLocator('iframe');
    await expect(frame.getByText(en.common.framed)).toBeVisible();
    await expect(frame.getByRole('link', { name: en.common.openOwn })).toBeVisible();
    await expect(frame.getByRole('button')).toHaveCount(0);
    expect(page.workers()).toEqual([]);
  });
});
