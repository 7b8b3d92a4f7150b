/** A language model that a seed holds: how pages get it, from the seed and from each other, and what stands in its way. */
import { chromium, expect, test, type Browser, type Locator, type Page } from '@playwright/test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVED, type ServedModel } from '../../src/client/models/served.ts';
import { PARTS_AT_ONCE } from '../../src/client/models/fetch-parts.ts';
import { servedOf } from '../../src/client/models/package-store.ts';
import { MANIFEST_PART, partNumbers, planServed } from '../../src/miner/package/parts.ts';
import { models as words } from '../../src/ui/i18n/en/models.ts';
import { formatSi } from '../../src/ui/kit/format.ts';
import { writeChatty } from '../../test/models/chatty.ts';
import { button, goTo } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

// Requests for parts are counted and held on their way: a service worker would make them past us.
test.use({ serviceWorkers: 'block' });

const NAME = 'chatty';
const folder = mkdtempSync(join(tmpdir(), 'pila-chatty-'));
const { manifest } = writeChatty(folder).model;
const said = servedOf(manifest);
const parts = partNumbers(planServed(manifest));
test.afterAll(() => rmSync(folder, { recursive: true }));

let seed: Seed;
test.afterEach(async () => {
  await seed.kill();
  removeData(seed);
});

interface Asked {
  /** Parts of the model that a page asked the seed for, in order. */
  readonly parts: number[];
  /** After so many nothing comes. */
  most: number;
}

async function watch(page: Page, most: number): Promise<Asked> {
  const asked: Asked = { parts: [], most };
  await page.route(`${seed.url}models/${said.id}/*`, async (route) => {
    asked.parts.push(Number(route.request().url().split('/').at(-1)));
    if (asked.parts.length <= asked.most) await route.continue();
  });
  return asked;
}

const section = (page: Page): Locator =>
  page.getByRole('region', { name: words.served.title(NAME) });
const links = (page: Page): Locator => page.locator('.peer[data-link="webrtc"]');
const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);
const size = formatSi(said.bytes, 'B', 'en');

/** A browser of its own on the Ask screen, with the Network screen's code fetched too. */
async function open(browser: Browser): Promise<Page> {
  const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage();
  await page.goto(`${seed.url}#/network`);
  await goTo(page, 'ask');
  return page;
}

async function isStored(page: Page): Promise<void> {
  await expect(section(page)).toHaveCount(0);
  await goTo(page, 'settings');
  const card = page.locator('.models li', {
    has: page.getByRole('heading', { name: NAME, exact: true }),
  });
  await expect(card.getByText(words.state.stored, { exact: true })).toBeVisible();
  await expect(button(page, words.free(NAME))).toBeVisible();
}

test('fetched from the seed, gone on with after a reload, and from there without the seed', async ({
  browser,
  launchOptions,
}) => {
  seed = await startSeed({ args: ['--package', folder] });
  expect(seed.log.filter((line) => line.includes('served.holds'))).toHaveLength(1);
  const a = await open(browser);
  await expect(section(a)).toContainText(words.served.about(NAME, size));
  // Nothing comes before a person wants it; then the manifest first.
  const asked = await watch(a, 3);
  await button(a, words.fetch(NAME)).click();
  await expect(a.getByRole('progressbar', { name: words.progress(NAME) })).toBeVisible();
  // The three are here once as many are waited for as may be on their way.
  await expect.poll(() => asked.parts.length).toBe(3 + PARTS_AT_ONCE);
  const first = asked.parts.splice(0).slice(0, 3);
  expect(first[0]).toBe(MANIFEST_PART);

  await a.reload();
  asked.parts.length = 0;
  asked.most = Infinity;
  await button(a, words.resume(NAME)).click();
  await isStored(a);
  // What was whole is not asked for again, all else is, once.
  expect(sorted([...first, ...asked.parts])).toEqual(sorted(parts));

  // A process of its own, as another person's would be.
  const apart = await chromium.launch(launchOptions);
  const b = await open(apart);
  await expect(section(b)).toContainText(words.served.about(NAME, size));
  for (const page of [a, b]) {
    await goTo(page, 'network');
    await expect(links(page)).toHaveCount(1);
  }
  await goTo(b, 'settings');
  // The screen's code has come.
  await expect(b.locator('.models li').first()).toBeVisible();
  await goTo(b, 'ask');
  await expect(section(b)).toBeVisible();
  await seed.kill();
  await button(b, words.fetch(NAME)).click();
  await isStored(b);

  await goTo(b, 'settings');
  await button(b, words.free(NAME)).click();
  await expect(button(b, words.fetch(NAME))).toBeVisible();
  await apart.close();
});

/** Takes all that a seed gives of served models in an hour, as two callers: one gets half of it. */
async function takeAll(): Promise<void> {
  const plan = planServed(manifest);
  const large =
    1 + plan.parts.findIndex((part) => part.size === Math.max(...plan.parts.map((p) => p.size)));
  for (const address of ['192.0.2.1', '192.0.2.2'])
    for (const part of [large, MANIFEST_PART]) {
      const headers = { 'x-forwarded-for': address };
      const take = () => fetch(`${seed.url}models/${said.id}/${part}`, { headers });
      let response = await take();
      for (; response.ok; response = await take()) await response.arrayBuffer();
      expect([response.status, Number(response.headers.get('retry-after')) > 600]).toEqual([
        503,
        true,
      ]);
    }
}

test('a seed without one says how to bring it; one that gave all of its hour is waited for', async ({
  browser,
}) => {
  // None to give, also where one was fetched on this computer.
  seed = await startSeed({ args: ['--serve-bytes', '0'] });
  const page = await open(browser);
  const [{ name, bytes }] = SERVED as [ServedModel];
  const unheld = page.getByText(words.served.notHeld(name, formatSi(bytes, 'B', 'en')));
  await expect(unheld).toContainText(`npm run model:fetch -- ${name}`);
  await seed.kill();

  const { data, port } = seed;
  const holds = ['--package', folder];
  seed = await startSeed({ data, port, args: [...holds, '--serve-bytes', String(2 ** 24)] });
  await takeAll();
  await page.reload();
  await button(page, words.fetch(NAME)).click();
  // Neither over HTTP nor as a peer.
  await expect(section(page)).toContainText(words.served.waits(NAME, '10'));
  await page.screenshot({ path: test.info().outputPath('waits.png'), fullPage: true });
  await seed.kill();

  // Another seed is among the peers: nobody waits for the first one's hour.
  seed = await startSeed({ data, port, args: holds });
  await isStored(page);
});
