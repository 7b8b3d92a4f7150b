/** Several tabs of one browser: one works, all show and do everything; when it closes another goes on. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { ask } from '../src/ui/i18n/en/ask.ts';
import { prepaid } from '../src/ui/i18n/en/prepaid.ts';
import {
  addressHex,
  backUp,
  button,
  countOf,
  goTo,
  indexLine,
  mineUntilPaid,
  readAddress,
  readVolts,
  sentence,
  workersOf,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

let seed: Seed;
let context: BrowserContext;
let leader: Page;
let follower: Page;
let address: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  context = await browser.newContext();
  leader = await context.newPage();
  await leader.goto(seed.url);
  await mineUntilPaid(leader);
  follower = await context.newPage();
  await follower.goto(seed.url);
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const units = (page: Page) => countOf(page, en.pila.completed);
const engines = (page: Page) =>
  workersOf(page).filter((url) => /client\.worker|miner\.worker/.test(url));
const balance = (page: Page) => readVolts(page, en.pila.balance);

test('a second tab sees the work, and runs none itself', async () => {
  await expect(sentence(follower)).toHaveText(en.sentence.runningCpu);
  const before = await units(follower);
  await expect.poll(() => units(follower)).toBeGreaterThan(before);
  await expect.poll(() => balance(follower)).toBeGreaterThan(0n);
  expect(engines(leader).length).toBe(2);
  expect(engines(follower)).toEqual([]);
});

test('it can pause and resume it', async () => {
  await button(follower, en.pila.pause).click();
  await expect(sentence(leader)).toHaveText(en.sentence.paused);
  await expect(sentence(follower)).toHaveText(en.sentence.paused);
  await button(follower, en.pila.resume).click();
  await expect(sentence(leader)).toHaveText(en.sentence.runningCpu);
});

test('the working tab is closed: the other takes over, and nothing is lost', async () => {
  address = await readAddress(follower);
  await goTo(follower, 'pila');
  const owned = await balance(follower);
  const { height } = await seed.rpc('status');
  await leader.close();
  await expect.poll(() => engines(follower).length).toBe(2);
  await expect(sentence(follower)).toHaveText(en.sentence.runningCpu);
  const minedLater = async () => {
    const now = (await seed.rpc('status')).height as number;
    for (let h = now; h > height; h--)
      if ((await seed.rpc('getHeader', h)).miner === addressHex(address)) return true;
    return false;
  };
  await expect.poll(minedLater).toBe(true);
  await expect.poll(() => balance(follower)).toBeGreaterThanOrEqual(owned);
});

test('a payment goes out from a tab that runs nothing', async () => {
  const third = await context.newPage();
  await third.goto(seed.url);
  await expect(sentence(third)).toHaveText(en.sentence.runningCpu);
  await goTo(third, 'wallet');
  const dialog = third.getByRole('dialog');
  const press = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
  await backUp(third);
  // The other tab learns it: its warning goes.
  await goTo(follower, 'wallet');
  await expect(button(follower, en.wallet.send)).toBeEnabled();
  await expect(button(follower, en.wallet.backUp)).toHaveCount(0);
  await button(third, en.wallet.send).click();
  const to = 'rpila1' + address.slice(6);
  await dialog.getByLabel(en.send.to, { exact: true }).fill(to);
  await dialog.getByLabel(en.send.amount, { exact: true }).fill('1.5');
  await press(en.send.review);
  await press(en.send.confirm);
  await expect(dialog.getByText(en.send.doneWhy)).toBeVisible();
  await press(en.common.done);
  for (const page of [third, follower])
    await expect(page.getByText(en.wallet.toSelf, { exact: true }).first()).toBeVisible();
  expect(engines(third)).toEqual([]);
});

test('a question from a tab that runs nothing is answered on this device, by the tab that works', async () => {
  const fourth = await context.newPage();
  await fourth.goto(`${seed.url}#/ask`);
  await fourth.getByRole('radio', { name: prepaid.who.here }).check();
  await fourth.getByLabel(ask.form.input, { exact: true }).fill('Ciao, Alessandro');
  await button(fourth, prepaid.ask.here).click();
  await expect(fourth.locator('.answer .top')).toHaveCount(1);
  expect(engines(fourth)).toEqual([]);
  await fourth.close();
});

test('a tab of another version that runs the engine is named, and once it is gone this one works', async ({
  browser,
}) => {
  const other = await browser.newContext();
  // Its messages are not heard here; the engine is one for all versions.
  const old = await other.newPage();
  await old.goto(`${seed.url}config.json`);
  await old.evaluate(() => {
    void navigator.locks.request('pila engine e2e', () => new Promise(() => undefined));
  });
  const page = await other.newPage();
  await page.goto(seed.url);
  // The engine starts with what is first asked of it.
  await button(page, en.pila.start).click();
  await expect(page.getByText(en.errors.TAB_OTHER).first()).toBeVisible();
  await old.close();
  await page.reload();
  await goTo(page, 'network');
  await goTo(page, 'pila');
  // The engine may have begun before the page was loaded again: then the seed still tells of that one too.
  await expect(indexLine(page, en.pila.peers)).toHaveText(/^[1-9]\d* of \d+ agree$/);
  await expect(page.getByText(en.errors.TAB_OTHER)).toHaveCount(0);
  await other.close();
});
