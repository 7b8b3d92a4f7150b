/** What stays: reloads, a dead seed, no network at all. One browser profile goes through all. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { history } from '../src/ui/i18n/en/history.ts';
import {
  button,
  countOf,
  expectAllTaken,
  figure,
  heightOf,
  indexLine,
  minedBy,
  mineUntilPaid,
  pause,
  readAddress,
  readVolts,
  goTo,
  sentence,
  untilOpensOffline,
  workersOf,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

let seed: Seed;
let context: BrowserContext;
let page: Page;
let address: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(seed.url);
  await mineUntilPaid(page);
  await pause(page);
  address = await readAddress(page);
  await goTo(page, 'pila');
  await expectAllTaken(page, seed, address);
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const balance = () => readVolts(page, en.pila.balance);
const headHeight = async () =>
  Number(/^[\d,]+/.exec(await indexLine(page, en.pila.head).innerText())?.[0].replaceAll(',', ''));
const agreed = () =>
  expect(indexLine(page, en.pila.peers)).toHaveText(en.pila.peersAgree(1, '1', '1'));

/** Units in all, as the device remembers them. */
const worked = async () => Number(await page.locator('[data-worked]').getAttribute('data-worked'));

test('a reload keeps keys, chain and balance, and does not mine', async () => {
  await agreed();
  const height = await heightOf(seed);
  const { balance: paid } = await seed.rpc('getAccount', address);
  await expect.poll(balance).toBe(BigInt(paid));
  const units = await countOf(page, en.pila.completed);
  expect(units).toBeGreaterThan(0);
  await expect.poll(worked).toBe(units);
  await page.reload();
  await expect(button(page, en.pila.start)).toBeEnabled();
  // What was worked stays, though this page has counted nothing yet.
  await expect.poll(worked).toBe(units);
  await expect(page.getByRole('figure', { name: history.worked.byHour })).toBeVisible();
  expect(await countOf(page, en.pila.completed)).toBe(0);
  // So does the pile, sealed up to the last block that paid.
  const drawn = en.plate.describe(units.toLocaleString('en'), '[1-9]\\d*', '\\d+');
  await expect(page.getByRole('img', { name: new RegExp(drawn) })).toBeVisible();
  await expect.poll(balance).toBe(BigInt(paid));
  await agreed();
  await expect(sentence(page)).toHaveText(en.sentence.off);
  await expect(indexLine(page, en.pila.head)).toContainText(`${height},`);
  expect(await readAddress(page)).toBe(address);
  await goTo(page, 'pila');
  expect(workersOf(page).filter((url) => url.includes('miner'))).toEqual([]);
  expect(await heightOf(seed)).toBe(height);
});

test('a killed seed comes back, and the page goes on mining by itself', async () => {
  const mined = (await minedBy(seed, address)).length;
  await button(page, en.pila.start).click();
  await expect.poll(async () => (await minedBy(seed, address)).length).toBeGreaterThan(mined);
  // Work pauses, by one button that says so: none beside it ends it in the same way.
  const main = page.getByRole('main');
  await expect(button(page, en.pila.pause)).toBeVisible();
  await expect(main.getByRole('button', { name: /\b(finish|stop|end)\b/i })).toHaveCount(0);
  const before = await heightOf(seed);
  await expect.poll(() => heightOf(seed)).toBeGreaterThan(before);
  // Once it knows the state after the head it can find the next block alone.
  let known = 0;
  const isHeadProven = async () => {
    known = await heightOf(seed);
    const text = await figure(page, en.pila.balance).innerText();
    return text.split('\n').includes(en.pila.provenAt(String(known)));
  };
  await expect.poll(isHeadProven, { intervals: [100] }).toBe(true);
  await seed.kill();
  await expect(sentence(page)).toHaveText(en.sentence.noPeers);
  // A block that nobody else has: the page has to tell of it again.
  await expect.poll(headHeight).toBeGreaterThan(known);
  const { port, data } = seed;
  seed = await startSeed({ network: 'e2e', port, data });
  const after = await heightOf(seed);
  await expect.poll(() => heightOf(seed)).toBeGreaterThan(after + 1);
  expect((await minedBy(seed, address)).at(-1)).toBeGreaterThan(after);
  await expect(sentence(page)).toHaveText(en.sentence.runningCpu);
  await pause(page);
  await expectAllTaken(page, seed, address, mined);
  await agreed();
});

test('without any network the app opens and shows the last proven balance with its age', async () => {
  const owned = BigInt((await seed.rpc('getAccount', address)).balance);
  await expect.poll(balance).toBe(owned);
  await untilOpensOffline(page);
  await seed.kill();
  await context.setOffline(true);
  await page.clock.install({ time: Date.now() + 600_000 });
  await page.reload();
  await expect.poll(balance).toBe(owned);
  await expect(page.getByRole('banner')).toContainText(en.headLine.offline);
  await expect(figure(page, en.pila.balance)).toContainText(/proven at block \d+/);
  await expect(page.getByText(/^Offline: this is what was proven .+ ago/)).toBeVisible();
  // Ink is what holds now: numbers of an old head are grey, those counted here are not.
  const valueOf = (label: string) => figure(page, label).locator('.value');
  const colours = await Promise.all(
    [
      valueOf(en.pila.balance),
      figure(page, en.pila.balance).locator('.note'),
      valueOf(en.pila.completed),
    ].map((locator) => locator.evaluate((element) => getComputedStyle(element).color)),
  );
  expect(colours[0]).toBe(colours[1]);
  expect(colours[0]).not.toBe(colours[2]);
  await page.screenshot({ path: test.info().outputPath('offline.png'), fullPage: true });
  expect(await readAddress(page)).toBe(address);
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(owned);
  await expect(page.getByText(/^Offline: this is what was proven .+ ago/)).toBeVisible();
});
