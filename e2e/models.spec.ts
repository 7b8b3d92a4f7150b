/** A second model: fetched with an interruption, resumed, verified, used; spoiled parts come from elsewhere. */
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { PARTS_AT_ONCE } from '../src/client/models/fetch-parts.ts';
import { models as words } from '../src/ui/i18n/en/models.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, goTo, indexLine, pause, valueOf } from './support/app.ts';
import { packageSize, startMirror, type Mirror } from './support/mirror.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

/** Not the default of this network. */
const MODEL = 'lingua';

// Requests for parts are counted and refused on their way: a service worker would make them past us.
test.use({ serviceWorkers: 'block' });

let seed: Seed;
let mirror: Mirror;
test.beforeEach(async () => {
  mirror = await startMirror(MODEL);
  seed = await startSeed({ args: ['--mirror', mirror.url] });
});
test.afterEach(async () => {
  await seed.kill();
  removeData(seed);
  mirror.close();
});

/** The page's own server has no parts: they must come from the mirror, or from peers. */
async function openSettings(page: Page): Promise<void> {
  await page.route(`${seed.url}models/**`, (route) => route.fulfill({ status: 404 }));
  await page.goto(`${seed.url}#/settings`);
  const look = button(page, words.look);
  const listed = card(page);
  await expect(look.or(listed)).toBeVisible();
  if (await look.isVisible()) await look.click();
  await expect(listed).toBeVisible();
  // Whose it is: in the list, and in About.
  await expect(page.getByText('The Chromium Authors, BSD-3-Clause')).toHaveCount(2);
}

const card = (page: Page, name = MODEL): Locator =>
  page.locator('.models li', { has: page.getByRole('heading', { name, exact: true }) });
const state = (page: Page, name = MODEL): Locator =>
  card(page, name).locator('dl.index > div', { hasText: words.condition }).locator('dd');

/** Chooses the model, starts, and waits for a unit of it. */
async function mineWith(page: Page, name = MODEL): Promise<void> {
  await page.getByRole('radio', { name, exact: true }).check();
  await goTo(page, 'pila');
  await button(page, en.pila.start).click();
  await expect(indexLine(page, en.pila.model)).toHaveText(name);
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
}

/** The client's worker reaches the mirror that the settings list, and no other server. */
async function expectOnlyListed(page: Page): Promise<void> {
  const client = page.workers().find((worker) => worker.url().includes('client.worker'))!;
  const unlisted = await startMirror(MODEL);
  const reach = (url: string) =>
    client.evaluate(
      (u) =>
        fetch(u).then(
          () => true,
          () => false,
        ),
      url,
    );
  expect([await reach(mirror.url), await reach(unlisted.url)]).toEqual([true, false]);
  unlisted.close();
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);
const sorted = (parts: readonly number[]) => [...parts].sort((a, b) => a - b);

/** Closes a page in the middle of a download; the next one resumes it, to the end. */
async function resumedIn(context: BrowserContext, page: Page, model: string): Promise<Page> {
  await page.close();
  const first = sorted(mirror.given);

  mirror.left = Infinity;
  mirror.asked.length = mirror.given.length = 0;
  const next = await context.newPage();
  await openSettings(next);
  await expect(state(next, model)).toHaveText(words.state.partial);
  await button(next, words.resume(model)).click();
  await expect(state(next, model)).toHaveText(words.state.stored);
  // What was whole and verified is not asked for again, all else once.
  const { parts } = packageSize(model);
  expect(sorted(mirror.asked)).toEqual(numbers(1, parts).filter((part) => !first.includes(part)));
  return next;
}

test('fetched with an interruption, resumed, verified, used, and repaired when it rots', async ({
  context,
}) => {
  mirror.left = 1;
  let page = await context.newPage();
  await openSettings(page);
  await expect(state(page)).toHaveText(words.state.absent);
  expect(mirror.asked).toEqual([]);
  await button(page, words.fetch(MODEL)).click();
  await expect(page.getByRole('progressbar', { name: words.progress(MODEL) })).toBeVisible();
  // One part came, and four hang in the middle.
  await expect.poll(() => mirror.asked.length).toBe(1 + PARTS_AT_ONCE);
  await expect.poll(() => mirror.given.length).toBe(1);
  await page.screenshot({ path: test.info().outputPath('fetching.png'), fullPage: true });
  page = await resumedIn(context, page, MODEL);

  // A byte rots on disk: noticed when the model is loaded, and that part alone comes anew.
  const rotten = 3;
  await page.evaluate(flipStoredByte, rotten);
  mirror.asked.length = 0;
  await mineWith(page);
  expect(mirror.asked).toEqual([rotten]);
  await expect(page.getByText(words.rotten(String(rotten)))).toBeVisible();
  await expect(page.getByRole('status').filter({ hasText: words.rotten('3') })).toBeVisible();
});

/** In the page: one byte in the middle of a part of each model that is kept. */
async function flipStoredByte(part: number): Promise<void> {
  const top = await navigator.storage.getDirectory();
  const root: any = await top.getDirectoryHandle('pila-e2e-models');
  for await (const [, folder] of root) {
    const file = await folder.getFileHandle(String(part));
    const bytes = new Uint8Array(await (await file.getFile()).arrayBuffer());
    bytes[bytes.length >> 1]! ^= 1;
    const writer = await file.createWritable();
    await writer.write(bytes);
    await writer.close();
  }
}

test('spoiled parts are refused with a message and fetched from a peer; then freed', async ({
  page,
}) => {
  mirror.spoils = true;
  await openSettings(page);
  await expect(page.getByText(mirror.url)).toBeVisible();
  await button(page, words.fetch(MODEL)).click();
  await expect(page.getByText(words.refused('1', mirror.url))).toBeVisible();
  await expect(state(page)).toHaveText(words.state.stored);
  await expectOnlyListed(page);
  // Nothing more was taken from the liar than what was on its way: the seed gave the rest as a peer.
  expect(mirror.asked.length).toBeLessThanOrEqual(PARTS_AT_ONCE);
  expect(packageSize(MODEL).parts).toBeGreaterThan(PARTS_AT_ONCE);
  for (const [width, name] of [
    [390, 'narrow'],
    [1280, 'wide'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: test.info().outputPath(`${name}.png`), fullPage: true });
  }
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await mineWith(page);
  await pause(page);
  await goTo(page, 'settings');
  await button(page, words.free(MODEL)).click();
  await expect(state(page)).toHaveText(words.state.absent);
});
