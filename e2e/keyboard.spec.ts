/** With the keyboard alone: no click, no field filled but by typing. */
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { formatAddress } from '../src/core/address.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { prepaid } from '../src/ui/i18n/en/prepaid.ts';
import {
  backupQuestions,
  button,
  choiceOf,
  readVolts,
  readWords,
  sentence,
  tabTo,
  valueOf,
  wordAsked,
} from './support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

/** Somebody else. */
const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');
const VOLT = 10n ** 9n;
let seed: Seed;
let context: BrowserContext;
let page: Page;
let words: string[];
let address: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
  // A phone with a keyboard: the bar of places must not cover what has the focus.
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  page = await context.newPage();
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const dialog = (of = page) => of.getByRole('dialog');
const inDialog = (name: string, of = page) => dialog(of).getByRole('button', { name, exact: true });
const place = (name: string) =>
  page
    .getByRole('navigation', { name: en.nav.label })
    .getByRole('link', { name: new RegExp(`^${name}`) });

async function press(target: Locator, key = 'Enter', of = page): Promise<void> {
  await tabTo(of, target);
  await of.keyboard.press(key);
}

async function type(label: string, text: string, of = page): Promise<void> {
  await tabTo(of, dialog(of).getByLabel(label, { exact: true }));
  await of.keyboard.type(text);
}

/** Arrows go through the choices of a question; Tab goes to its first. */
async function choose(question: Locator, right: Locator): Promise<void> {
  await tabTo(page, question.getByRole('radio').first());
  await page.keyboard.press('Space');
  for (let presses = 0; !(await right.isChecked()); presses++) {
    expect(presses).toBeLessThan(await question.getByRole('radio').count());
    await page.keyboard.press('ArrowDown');
  }
}

const readAddress = async (of: Page): Promise<string> => {
  await press(button(of, en.wallet.receive), 'Enter', of);
  const text = await dialog(of).locator('.address').innerText();
  await of.keyboard.press('Escape');
  await expect(dialog(of)).toHaveCount(0);
  await expect(button(of, en.wallet.receive)).toBeFocused();
  return text.replace(/\s+/g, '');
};

test('a first run, in reading order', async () => {
  await page.goto(seed.url);
  await expect(button(page, en.pila.start)).toBeEnabled();
  await page.keyboard.press('Tab');
  await expect(page.getByText(en.nav.skip)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
  const order = await page.getByRole('main').evaluate((main) =>
    [...main.querySelectorAll('button, a, summary, input')]
      .filter((element) => element.checkVisibility() && !element.matches(':disabled'))
      .map((element) => element.getBoundingClientRect())
      .map(({ x, y }) => [Math.round(y / 8), x] as const),
  );
  expect(order.length).toBeGreaterThan(1);
  expect(order).toEqual([...order].sort((a, b) => a[0] - b[0] || a[1] - b[1]));
  await press(button(page, en.pila.start));
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  await press(button(page, en.pila.pause), 'Space');
  await expect(sentence(page)).toHaveText(en.sentence.paused);
});

test('every place, and the other language', async () => {
  for (const name of ['ask', 'network', 'settings', 'wallet'] as const) {
    await press(place(en.nav[name]));
    await expect(place(en.nav[name])).toHaveAttribute('aria-current', 'page');
  }
  await press(button(page, 'IT'), 'Space');
  await expect(page.locator('html')).toHaveAttribute('lang', 'it');
  await press(button(page, 'EN'), 'Space');
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('a sheet keeps the focus, and gives it back', async () => {
  address = await readAddress(page);
  await press(button(page, en.wallet.receive));
  for (let presses = 0; presses < 12; presses++) {
    await page.keyboard.press('Tab');
    // Past its last element the browser's own frame has it.
    const where = await page.evaluate(() => {
      const { activeElement } = document;
      return activeElement === document.body || activeElement!.closest('dialog') !== null;
    });
    expect(where).toBe(true);
  }
  await page.keyboard.press('Escape');
  await expect(button(page, en.wallet.receive)).toBeFocused();
});

test('the words are written down, and coins are sent', async () => {
  await expect(page.getByText(/proven at block/).first()).toBeVisible();
  await press(button(page, en.wallet.faucet));
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBeGreaterThan(50n * VOLT);
  await press(button(page, en.wallet.backUp).first());
  await press(inDialog(en.backup.show));
  words = await readWords(page);
  await press(inDialog(en.backup.written));
  for (const question of await backupQuestions(page))
    await choose(question, choiceOf(question, await wordAsked(question, words)));
  await press(inDialog(en.backup.check));
  await press(inDialog(en.common.done));
  await press(button(page, en.wallet.send));
  await type(en.send.to, OTHER);
  await type(en.send.amount, '1.5');
  await press(inDialog(en.send.review));
  await press(inDialog(en.send.confirm));
  await press(inDialog(en.common.done));
  await expect(page.getByText(en.wallet.sent).first()).toBeVisible();
  await expect
    .poll(() => seed.rpc('getAccount', OTHER).then((a: any) => BigInt(a?.balance ?? 0)))
    .toBe((15n * VOLT) / 10n);
});

test('a question is written', async () => {
  await press(place(en.nav.ask));
  await tabTo(page, page.getByRole('textbox').first());
  await page.keyboard.type('Che lingua è?');
  await expect(page.getByRole('textbox').first()).toHaveValue('Che lingua è?');
  // Somebody who answers for pay may be heard by now, and is proposed.
  const device = page.getByRole('radio', { name: new RegExp(`^${prepaid.who.here}`) });
  await tabTo(page, page.getByRole('radio', { checked: true }));
  if (!(await device.isChecked())) await page.keyboard.press('ArrowDown');
  await expect(device).toBeChecked();
  await tabTo(page, button(page, prepaid.ask.here));
});

test('the words give the same wallet on another device', async ({ browser }) => {
  const other = await browser.newContext();
  const fresh = await other.newPage();
  await fresh.goto(`${seed.url}#/wallet`);
  await press(button(fresh, en.wallet.restore), 'Enter', fresh);
  await type(en.restore.words, words.join(' '), fresh);
  // Not submitted by Enter: what is submitted, browsers offer to keep.
  await press(inDialog(en.restore.go, fresh), 'Enter', fresh);
  await press(button(fresh, en.protect.later), 'Enter', fresh);
  await expect(dialog(fresh)).toHaveCount(0);
  expect(await readAddress(fresh)).toBe(address);
  await other.close();
});
