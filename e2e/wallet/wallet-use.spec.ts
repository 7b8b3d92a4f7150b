/** The wallet in full use: replacing what waits, payment links, two accounts, watched addresses. */
import { readFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { parseAmount } from '../../src/wallet/amount.ts';
import { isolated } from '../../src/wallet/plain-text.ts';
import { formatUri } from '../../src/wallet/uri.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { history } from '../../src/ui/i18n/en/history.ts';
import { keyring } from '../../src/ui/i18n/en/keyring.ts';
import { plots } from '../../src/ui/i18n/en/plots.ts';
import { wallet as words } from '../../src/ui/i18n/en/wallet.ts';
import { linkToPage } from '../../src/ui/route.svelte.ts';
import {
  button,
  chooseLater,
  figure,
  goTo,
  mineUntilPaid,
  pause,
  readAddress,
  readVolts,
  recordTexts,
} from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');

let seed: Seed;
let context: BrowserContext;
let page: Page;
let first: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  await page.goto(`${seed.url}#/wallet`);
  // Restored words count as written down.
  await button(page, en.wallet.restore).click();
  const entropy = crypto.getRandomValues(new Uint8Array(32));
  await field(en.restore.words).fill(formatWords(entropy));
  await press(en.restore.go);
  await chooseLater(page);
  first = await readAddress(page);
  await goTo(page, 'pila');
  await mineUntilPaid(page);
  await pause(page);
  await goTo(page, 'wallet');
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const field = (name: string) => dialog().getByLabel(name, { exact: true });
/** Nobody mines but for a moment, so the head grows old: then the person says that the address was compared. */
async function confirm(): Promise<void> {
  const compared = dialog().getByLabel(keyring.payee.sureOfAll, { exact: true });
  const sign = dialog().getByRole('button', { name: en.send.confirm, exact: true });
  const done = dialog().getByRole('button', { name: en.common.done, exact: true });
  // A press that comes too early is none: pressed again until it is done.
  await expect(async () => {
    if (await done.isVisible()) return;
    if (await compared.isVisible()) await compared.check({ timeout: 1_000 });
    await sign.click({ timeout: 2_000 });
    await expect(done).toBeVisible({ timeout: 5_000 });
  }).toPass();
}
const lines = (kind: string) =>
  page.locator('.history > li', { has: page.locator(`[data-kind="${kind}"]`) });
const signedVolts = (text: string): bigint =>
  text.startsWith('-') ? -parseAmount(text.slice(1)) : parseAmount(text);
const accounts = () => page.getByLabel(words.account.label, { exact: true });
const balanceOf = async (address: string) =>
  BigInt((await seed.rpc('getAccount', address)).balance);
const mineABlock = async (isThere: () => Promise<boolean>) => {
  await goTo(page, 'pila');
  await button(page, en.pila.resume).click();
  await expect.poll(isThere).toBe(true);
  await pause(page);
  await goTo(page, 'wallet');
};
async function look(name: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide, `${name}: no scrolling sideways`).toBeLessThanOrEqual(width);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    expect(found, name).toEqual([]);
    await page.screenshot({ path: test.info().outputPath(`${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

/** The balance: one line that fits, its last decimals small, whatever the width and the size of letters. */
async function figureHolds(): Promise<void> {
  const value = figure(page, en.wallet.spendable).locator('.number');
  await expect(value).toHaveText(/^\d+\.\d{7,9}$/);
  for (const [width, size] of [
    [320, '100%'],
    [390, '200%'],
    [640, '200%'],
  ] as const) {
    await page.setViewportSize({ width, height: 900 });
    const found = await value.evaluate((digits, to) => {
      document.documentElement.style.fontSize = to;
      const sizeOf = (element: Element) => parseFloat(getComputedStyle(element).fontSize);
      const place = digits.closest('dd')!.getBoundingClientRect();
      return {
        lines: digits.getClientRects().length,
        fits: digits.getBoundingClientRect().right <= place.right + 1,
        isTailSmall: sizeOf(digits.querySelector('.tail')!) < sizeOf(digits),
        isWide: document.documentElement.scrollWidth > innerWidth,
      };
    }, size);
    expect(found, `${width} px, letters of ${size}`).toEqual({
      lines: 1,
      fits: true,
      isTailSmall: true,
      isWide: false,
    });
  }
  await page.evaluate(() => document.documentElement.style.removeProperty('font-size'));
  await page.setViewportSize({ width: 1280, height: 900 });
}

test('a link fills the form; the payment waits, and is cancelled before a block takes it', async () => {
  const uri = formatUri(OTHER, { amount: 2n * VOLT, label: 'Alessandro', message: 'For zinc' });
  await page.goto(`${seed.url}${linkToPage('pay', uri)}`);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await expect(field(en.send.amount)).toHaveValue('2');
  await expect(dialog().getByText(words.pay.asksAs('Alessandro'))).toBeVisible();
  await expect(dialog().getByText(words.pay.unchecked)).toBeVisible();
  await look('send');
  await press(en.send.review);
  await confirm();
  await press(en.common.done);
  await expect(page.getByText(/valid until block \d+, 1\d\d to go/)).toBeVisible();
  await look('waiting');
  await button(page, words.replace.speedUp).click();
  await expect(dialog().locator('.address')).toHaveText(OTHER);
  await expect(dialog().getByText(words.fee.least('0.0000022'))).toBeVisible();
  await press(en.common.cancel);
  await button(page, words.replace.cancel).click();
  await look('cancel');
  await expect(dialog().getByRole('button', { name: words.replace.keep })).toBeVisible();
  await press(words.replace.cancelGo);
  await expect(dialog().locator('.address')).toHaveText(first);
  await confirm();
  await press(en.common.done);
  await expect(page.getByText(words.replace.cancellation)).toBeVisible();
  await expect(page.getByText(words.replace.rival)).toBeVisible();
  await expect(button(page, words.replace.cancel)).toHaveCount(0);
  await expect(button(page, words.replace.speedUp)).toHaveCount(1);
  const counted = async () => (await seed.rpc('getAccount', first)).txCount === 1;
  await mineABlock(counted);
  // What came to nothing waits no more, and the history calls its cancellation so.
  await expect(page.getByRole('heading', { name: en.wallet.pending })).toHaveCount(0);
  await page.getByText(history.nothing.title(1, '1')).click();
  await expect(page.getByText(en.wallet.pendingState.replaced)).toBeVisible();
  await expect(lines('toSelf')).toContainText(words.replace.cancellation);
  expect(await balanceOf(OTHER)).toBe(0n);
  await figureHolds();
  // Whom nothing has reached was never paid, whatever was once sent: the cancellation is all that is known.
  await button(page, en.wallet.send).click();
  await field(en.send.to).fill(OTHER);
  await field(en.send.amount).fill('2');
  await press(en.send.review);
  // Which of the two depends on how old the head is by then.
  const never = `^(${keyring.payee.never}|${keyring.payee.unseen('1', '1')})$`;
  await expect(dialog().getByText(new RegExp(never))).toBeVisible();
  await expect(dialog().getByText(keyring.payee.paid, { exact: true })).toHaveCount(0);
  await press(en.common.close);
});

test('a payment is sped up, and paid once', async () => {
  await button(page, en.wallet.send).click();
  await field(en.send.to).fill(`pila:${OTHER}?amount=1.25`);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await press(en.send.review);
  await confirm();
  await press(en.common.done);
  await button(page, words.replace.speedUp).click();
  // Blocks have room: what displaces the payment is enough for the next.
  await expect(dialog().getByRole('radio', { name: words.fee.normal })).toBeChecked();
  await expect(dialog().getByRole('radio', { name: words.fee.fast })).toHaveCount(0);
  await press(en.send.review);
  await confirm();
  await field(keyring.payee.remember).fill('Alessandro');
  await press(keyring.payee.keep);
  await press(en.common.done);
  await expect(page.getByText(words.replace.rival)).toBeVisible();
  await mineABlock(async () => (await balanceOf(OTHER)) > 0n);
  expect(await balanceOf(OTHER)).toBe((5n * VOLT) / 4n);
  // The fee is a tenth higher.
  await expect(page.getByText('−1.2500022 VLT')).toBeVisible();
});

test('the history has days, blocks found, names, notes; its table adds up to the balance', async () => {
  const sent = lines('sent');
  await expect(sent).toContainText(history.to('Alessandro'));
  const day = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium' }).format(Date.now());
  await expect(sent.locator('time')).toContainText(day);
  await expect(lines('block').first()).toContainText('+50.0000');
  await expect(lines('block').first().locator('time')).toContainText(day);
  await button(page, history.filters.work).click();
  await expect(sent).toHaveCount(0);
  await expect(lines('block').first()).toBeVisible();
  await button(page, history.filters.payments).click();
  await expect(lines('block')).toHaveCount(0);
  await sent.getByText(history.details).click();
  await sent.getByLabel(history.note.label).fill('zinc for the pile');
  await sent.getByRole('button', { name: history.note.save }).click();
  await look('history');
  await goTo(page, 'pila');
  await goTo(page, 'wallet');
  await expect(sent).toContainText('zinc for the pile');
  await page.getByText(history.sums.title).click();
  const year = String(new Date().getFullYear());
  await expect(page.getByRole('columnheader', { name: year, exact: true })).toBeVisible();
  await expect(page.getByRole('row', { name: history.sums.out })).toContainText('−1.2500044');
  const income = page.getByRole('figure', { name: history.sums.byDay });
  await expect(income.getByRole('img')).toBeVisible();
  await income.getByRole('button', { name: plots.asTable }).click();
  await expect(income.getByRole('row', { name: day })).toContainText(
    /^\D+\d+, \d{4}\s*\d+\s*[\d.,]+$/,
  );
  await look('income-by-day');

  const saved = page.waitForEvent('download');
  await button(page, keyring.csv.save).click();
  const table = readFileSync(await (await saved).path(), 'utf8');
  const [titles, ...rows] = table.slice(1).trimEnd().split('\r\n');
  const at = titles!.split(',').indexOf(keyring.csv.change);
  const sum = rows.reduce((total, row) => total + signedVolts(row.split(',')[at]!), 0n);
  const maturing = figure(page, en.wallet.immature);
  const immature = (await maturing.count()) ? await readVolts(page, en.wallet.immature) : 0n;
  expect(sum).toBe((await readVolts(page, en.wallet.spendable)) + immature);
  expect(table).not.toContain(keyring.csv.rest);
  expect(table).toContain('zinc for the pile');
});

test('a second account of the same words: coins go from one to the other', async () => {
  await button(page, words.account.add).click();
  await field(words.account.name).fill('Savings');
  await look('account');
  await press(words.account.make);
  await expect(accounts().locator('option:checked')).toContainText('Savings');
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(0n);
  const second = await readAddress(page);
  expect(second).not.toBe(first);
  await accounts().selectOption({ index: 0 });
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBeGreaterThan(0n);
  await button(page, words.account.rename).click();
  await field(words.account.name).fill('Daily');
  await press(words.account.save);
  await expect(accounts().locator('option:checked')).toContainText('Daily');
  await button(page, en.wallet.send).click();
  await field(en.send.to).fill(second);
  await field(en.send.amount).fill('3');
  await press(en.send.review);
  await confirm();
  await press(en.common.done);
  await mineABlock(async () => (await balanceOf(second)) > 0n);
  await accounts().selectOption({ index: 1 });
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(3n * VOLT);
  await page.reload();
  await expect(accounts().locator('option:checked')).toContainText('Savings');
  await button(page, en.wallet.send).click();
  await field(en.send.to).fill(first);
  await field(en.send.amount).fill('1');
  await press(en.send.review);
  await confirm();
  await press(en.common.done);
  // Work is paid to the account in use.
  await goTo(page, 'pila');
  await button(page, en.pila.start).click();
  await expect.poll(() => balanceOf(second)).toBeGreaterThan(3n * VOLT);
  await pause(page);
  await goTo(page, 'wallet');
});

test('right after a change of account, the address shown is never that of the one before', async () => {
  const shown = await recordTexts(page, 'dialog .address');
  for (const index of [0, 1]) {
    // Both in one task, as fast as any hand.
    await accounts().evaluate(
      (select: HTMLSelectElement, [value, receive]) => {
        select.value = value;
        select.dispatchEvent(new Event('change', { bubbles: true }));
        const buttons = [...document.querySelectorAll('button')];
        buttons.find((one) => one.textContent.trim() === receive)!.click();
      },
      [String(index), en.wallet.receive] as const,
    );
    await expect(dialog().locator('.address')).toBeVisible();
    await press(en.common.close);
  }
  const second = (await shown()).at(-1)!;
  expect(second).not.toBe(first);
  expect(await shown()).toEqual([first, second]);
});

test('receiving: a link that asks for an amount', async () => {
  await button(page, en.wallet.receive).click();
  await dialog().getByText(words.receive.request).click();
  await field(words.receive.amount).fill('0');
  await expect(dialog().getByText(words.receive.amountWrong)).toBeVisible();
  await field(words.receive.amount).fill('1.5');
  await field(words.receive.label).fill('Ada & co');
  await expect(dialog().locator('.link')).toHaveText(
    /^pila:rpila1.+\?amount=1\.5&label=Ada%20%26%20co$/,
  );
  await look('receive');
  await press(en.common.close);
});

test('watched addresses need no keys', async ({ browser }) => {
  await context.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  await page.goto(`${seed.url}${linkToPage('watch', first)}`);
  await expect(field(words.watch.address)).toHaveValue(first);
  await field(words.watch.name).fill('Alessandro');
  await press(words.watch.go);
  const line = page.getByRole('listitem').filter({ hasText: 'Alessandro' });
  await expect(line).toContainText(/proven at block \d+/);
  await expect(page.getByText(en.wallet.noKeys)).toBeVisible();
  await button(page, words.watch.add).click();
  await field(words.watch.address).fill('nonsense');
  await press(words.watch.go);
  await expect(dialog().getByText(en.forms.ADDRESS_MALFORMED)).toBeVisible();
  await press(en.common.cancel);
  await look('watched');
  await page.reload();
  await expect(line).toContainText(/proven at block \d+/);
  await page.getByRole('button', { name: words.watch.remove(isolated('Alessandro')) }).click();
  await expect(line).toHaveCount(0);
});
