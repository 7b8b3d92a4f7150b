/** The app on this device: installing, the lit screen, the badge, what is shared, erasing everything. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { device as en } from '../src/ui/i18n/en/device.ts';
import { news } from '../src/ui/i18n/en/news.ts';
import { en as app } from '../src/ui/i18n/en/app.ts';
import { lineOf } from '../src/ui/settings/device/places.ts';
import { SILENT_MS } from '../src/ui/settings/device/install.svelte.ts';
import { backUp, button, countOf, figure, goTo, pause, sentence, valueOf } from './support/app.ts';
import type { StorageBuckets } from '../src/wallet/vault/vault-places.ts';
import config from './playwright.config.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

let seed: Seed;
let profile: string;
let context: BrowserContext;
let page: Page;

/** What the browser was told, as `[name, argument]`: it has no icon to look at here. */
declare global {
  var badges: [string, number?][];
}

test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
  profile = mkdtempSync(join(tmpdir(), 'pila-profile-'));
  // Private contexts cannot be installed from.
  context = await chromium.launchPersistentContext(profile, {
    headless: true,
    ...config.use!.launchOptions,
  });
  await context.addInitScript(() => {
    globalThis.badges = [];
    navigator.setAppBadge = async (count) => void badges.push(['set', count]);
    navigator.clearAppBadge = async () => void badges.push(['clear']);
  });
  page = context.pages()[0]!;
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
  rmSync(profile, { recursive: true, force: true });
});

/** Presses Start and completes a unit. */
async function work(): Promise<void> {
  await button(page, app.pila.start).click();
  await expect(valueOf(page, app.pila.completed)).toHaveText(/[1-9]/);
}

const offer = () => page.getByRole('complementary', { name: en.install.title });

/** As if it lay behind another window. */
const setHidden = (hidden: boolean) =>
  page.evaluate((isHidden) => {
    Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);

test('the manifest is whole: the browser finds no fault, and would install', async () => {
  await page.goto(seed.url);
  const session = await context.newCDPSession(page);
  const { errors, url } = await session.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  expect(await session.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] });
  const manifest = await (await fetch(url)).json();
  const pictures = [...manifest.icons, ...manifest.screenshots];
  expect(manifest.screenshots.map((one: any) => one.form_factor)).toContain('wide');
  expect(manifest.screenshots.map((one: any) => one.form_factor)).toContain('narrow');
  for (const { src, sizes, type } of pictures.filter((one) => one.sizes !== 'any')) {
    const response = await fetch(new URL(src, url));
    expect(response.headers.get('content-type'), src).toBe(type);
    const png = Buffer.from(await response.arrayBuffer());
    const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
    expect(`${width}x${height}`, src).toBe(sizes);
    // Beyond it browsers leave a screenshot out.
    expect(Math.max(width, height) / Math.min(width, height), src).toBeLessThanOrEqual(2.3);
  }
});

test('installing is offered after three units, not before, and declined for 90 days', async () => {
  await page.goto(seed.url);
  await expect(button(page, app.pila.start)).toBeEnabled();
  await goTo(page, 'settings');
  // The browser’s own question has come, and waits.
  await expect(button(page, en.install.go)).toBeVisible();
  await goTo(page, 'pila');
  await expect(offer()).toHaveCount(0);
  await button(page, app.pila.start).click();
  await expect(offer()).toBeVisible();
  expect(await countOf(page, app.pila.completed)).toBeGreaterThanOrEqual(3);
  await button(page, en.install.later).click();
  await expect(offer()).toHaveCount(0);
  const declined = await page.evaluate(() => Number(localStorage['pila.install-declined']));
  expect(Date.now() - declined).toBeLessThan(SILENT_MS);
  await pause(page);
});

test('the screen stays lit only where it is wished, while work goes on', async () => {
  const lit = () =>
    page.evaluate(() => (globalThis as any).locks.filter((lock: any) => !lock.released).length);
  await page.addInitScript(() => {
    const locks: WakeLockSentinel[] = ((globalThis as any).locks = []);
    const request = WakeLock.prototype.request;
    WakeLock.prototype.request = async function () {
      const lock = await request.call(this, 'screen');
      locks.push(lock);
      return lock;
    };
  });
  await page.goto(seed.url);
  await page.reload();
  await work();
  expect(await lit()).toBe(0);
  await goTo(page, 'settings');
  await page.getByRole('checkbox', { name: en.awake }).check();
  await expect.poll(lit).toBe(1);
  await goTo(page, 'pila');
  await pause(page);
  await expect.poll(lit).toBe(0);
  await page.reload();
  await goTo(page, 'settings');
  await expect(page.getByRole('checkbox', { name: en.awake })).toBeChecked();
  await page.getByRole('checkbox', { name: en.awake }).uncheck();
});

test('out of sight it tells what was chosen, once the browser allows it', async () => {
  const origin = new URL(seed.url).origin;
  const session = await context.newCDPSession(page);
  const permission = { name: 'notifications' };
  await session.send('Browser.setPermission', { permission, setting: 'denied', origin });
  await goTo(page, 'settings');
  const payments = page.getByRole('checkbox', { name: news.kinds.payment });
  await expect(payments).not.toBeChecked();
  await payments.click();
  await expect(page.getByText(news.refused)).toBeVisible();
  await expect(payments).not.toBeChecked();
  await session.send('Browser.setPermission', { permission, setting: 'granted', origin });
  await payments.click();
  await expect(page.getByText(news.refused)).toBeHidden();
  await expect(payments).toBeChecked();
});

test('the badge counts what arrives unseen, then is a dot while words are unwritten', async () => {
  const last = () => page.evaluate(() => badges.at(-1));
  const notified = () =>
    page.evaluate(async () => {
      const all = await (await navigator.serviceWorker.ready).getNotifications();
      return all.map(({ title, body, tag, data }) => ({ title, body, tag, data }));
    });
  await goTo(page, 'wallet');
  // What is there before anything was known has not arrived.
  await expect(figure(page, app.wallet.spendable)).toContainText('proven at block');
  await setHidden(true);
  await button(page, app.wallet.faucet).click();
  await expect.poll(last).toEqual(['set', 1]);
  // So does a notification, which is about payments alone, as it was chosen.
  await expect.poll(notified).toHaveLength(1);
  const [told] = await notified();
  expect(told!.title).toBe(news.told.payment(1, { count: '1', amount: '', from: '' }).title);
  expect(told!.body).toMatch(/^100\.0000 VLT from .*rpil a1/);
  expect([told!.tag, told!.data]).toEqual(['news-payment', { link: '#/wallet' }]);
  await setHidden(false);
  await expect.poll(last).toEqual(['set', undefined]);
  await expect.poll(notified).toEqual([]);
  await backUp(page);
  await expect.poll(last).toEqual(['clear']);
});

test('what is shared without an address begins a question', async () => {
  const query = new URLSearchParams({ title: 'x', text: 'Quale lingua è questa?' });
  await page.goto(`${seed.url}?${query.toString()}`);
  await expect(page.getByRole('textbox').first()).toHaveValue('Quale lingua è questa?');
  expect(new URL(page.url()).search).toBe('');
});

/** What of ours lies in this browser. */
const leftovers = () =>
  page.evaluate(async () => {
    const folders: string[] = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) folders.push(name);
    return {
      databases: (await indexedDB.databases()).map(({ name }) => name),
      buckets: await (navigator as { storageBuckets?: StorageBuckets }).storageBuckets!.keys(),
      caches: await caches.keys(),
      workers: (await navigator.serviceWorker.getRegistrations()).length,
      storage: Object.keys(localStorage),
      folders,
    };
  });
const NOTHING = {
  databases: [],
  buckets: [],
  caches: [],
  workers: 0,
  storage: [],
  folders: [],
};

test('everything is erased, in other tabs too, and nothing comes back by itself', async () => {
  const before = await leftovers();
  expect(Object.values(before).every((found) => found === 1 || (found as string[]).length)).toBe(
    true,
  );
  const other = await context.newPage();
  await other.goto(seed.url);
  await expect(button(other, app.pila.start)).toBeEnabled();
  await page.bringToFront();
  await goTo(page, 'settings');
  await button(page, en.erase.open).click();
  const dialog = page.getByRole('dialog', { name: en.erase.title });
  await expect(dialog.getByText(/VLT are on this address/)).toBeVisible();
  // Every place that is there is named by a line.
  const { workers: _, ...named } = before;
  for (const place of Object.values(named).flat()) {
    const line = lineOf(place!);
    expect(line, place).toBeDefined();
    await expect(dialog.getByText(en.erase.lines[line!])).toBeVisible();
  }
  const models = dialog.getByRole('listitem').filter({ hasText: en.erase.lines.models });
  await expect(models.locator('.bytes')).toHaveText(/^[\d.]+\s[kM]B$/);
  const go = dialog.getByRole('button', { name: en.erase.go });
  await expect(go).toBeDisabled();
  await dialog.getByRole('checkbox').check();
  await go.click();
  await expect(sentence(page)).toHaveText(en.erase.done);
  await expect(sentence(other)).toHaveText(en.erase.done);
  expect(await leftovers()).toEqual(NOTHING);
  await button(other, en.erase.again).click();
  await expect(other.getByText(app.lead)).toBeVisible();
  await other.close();
});

test('a page that ended while erasing goes on at the next load', async () => {
  await page.goto(seed.url);
  await work();
  expect(await leftovers()).not.toMatchObject({ databases: [] });
  // The service worker waits for an answer, which comes when all is erased.
  const erased = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await context.route('**/config.json', async (route) => {
    await erased.promise;
    await route.continue();
  });
  // Who reloads may have given it up by then, which is an end as well.
  for (const end of ['requestfinished', 'requestfailed'] as const)
    context.on(end as 'requestfinished', (request) => {
      if (request.url().endsWith('/config.json')) answered.resolve();
    });
  await page.evaluate(() => {
    void fetch('config.json');
    localStorage.setItem('pila.wipe', '1');
  });
  await page.reload();
  await expect(sentence(page)).toHaveText(en.erase.done);
  erased.resolve();
  await answered.promise;
  // Time in which it would be kept.
  await page.waitForTimeout(1000);
  expect(await leftovers()).toEqual(NOTHING);
});
