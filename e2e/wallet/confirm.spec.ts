/** What is asked is what is confirmed: no click too many, no other nonce, no link's words beside another address. */
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { linkToPage } from '../../src/ui/route.svelte.ts';
import { formatUri } from '../../src/wallet/uri.ts';
import { button, createKeysWithCoins, pressToConfirm, readVolts } from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');
const THIRD = formatAddress(new Uint8Array(32).fill(9), 'rpila');
const SIZES = [
  [320, 640],
  [390, 844],
  [768, 1024],
  [1280, 900],
  [1366, 768],
] as const;

let seed: Seed;
let context: BrowserContext;
let page: Page;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  await page.goto(`${seed.url}#/wallet`);
  await createKeysWithCoins(page);
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const dialogOf = (of: Page) => of.getByRole('dialog');
const inDialog = (of: Page, name: string) =>
  dialogOf(of).getByRole('button', { name, exact: true });
const field = (of: Page, name: string) => dialogOf(of).getByLabel(name, { exact: true });
const title = (of: Page) => dialogOf(of).getByRole('heading', { level: 2 });
const waiting = (of: Page) =>
  of.locator('section', { has: of.getByRole('heading', { name: en.wallet.pending, exact: true }) });

async function fill(of: Page, to: string, amount: string): Promise<void> {
  await button(of, en.wallet.send).click();
  await field(of, en.send.to).fill(to);
  await field(of, en.send.amount).fill(amount);
}

async function boxOf(target: Locator) {
  const box = await target.boundingBox();
  if (!box) throw new Error(`${String(target)} is not drawn`);
  return box;
}

test.describe('a double click on the button before', () => {
  for (const [width, height] of SIZES)
    test(`confirms nothing, ${width} px wide`, async () => {
      await page.setViewportSize({ width, height });
      await fill(page, OTHER, '3');
      const review = inDialog(page, en.send.review);
      await expect(review).toBeEnabled();
      await review.scrollIntoViewIfNeeded();
      const box = await boxOf(review);
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      await page.mouse.click(x, y, { clickCount: 2, delay: 40 });
      await expect(title(page)).toHaveText(en.send.confirmTitle);
      const confirm = inDialog(page, en.send.confirm);
      // Whatever is scrolled: the two have no place in common.
      const after = await boxOf(confirm);
      expect(after.x).toBeGreaterThanOrEqual(box.x + box.width);
      await confirm.scrollIntoViewIfNeeded();
      await expect(confirm).not.toHaveAttribute('aria-disabled');
      await expect(title(page)).toHaveText(en.send.confirmTitle);
      await inDialog(page, en.common.close).click();
      await expect(waiting(page)).toHaveCount(0);
    });
});

test('too early a press says why, and keys confirm as a hand does', async () => {
  await page.setViewportSize({ width: 1280, height: 900 });
  await fill(page, OTHER, '1');
  await inDialog(page, en.send.review).click();
  const confirm = inDialog(page, en.send.confirm);
  // In the page, in one go: no test's own slowness lets the time pass.
  const told = await page.evaluate(async () => {
    const button = await new Promise<HTMLElement>((resolve) => {
      const look = () => {
        const found = document.querySelector<HTMLElement>('[data-confirms]');
        if (found) resolve(found);
        else requestAnimationFrame(look);
      };
      look();
    });
    const reason = document.getElementById(button.getAttribute('aria-describedby') ?? '');
    return { off: button.getAttribute('aria-disabled'), reason: reason?.textContent };
  });
  // Where the page was slow the time may be over; then there is no reason any more.
  if (told.off) expect(told.reason).toBe(en.confirm.soon);
  await expect(confirm).not.toHaveAttribute('aria-disabled');
  await confirm.focus();
  await page.keyboard.press('Enter');
  await expect(title(page)).toHaveText(en.send.done);
  await inDialog(page, en.common.done).click();
});

test('of two tabs with one nonce the second shows its payment again, and both are paid', async () => {
  const other = await context.newPage();
  await other.goto(`${seed.url}#/wallet`);
  await expect.poll(() => readVolts(other, en.wallet.spendable)).toBeGreaterThan(90n * VOLT);
  await fill(page, OTHER, '10');
  await inDialog(page, en.send.review).click();
  await fill(other, THIRD, '20');
  await inDialog(other, en.send.review).click();
  await expect(title(other)).toHaveText(en.send.confirmTitle);
  await pressToConfirm(inDialog(page, en.send.confirm));
  await expect(title(page)).toHaveText(en.send.done);
  await inDialog(page, en.common.done).click();
  await pressToConfirm(inDialog(other, en.send.confirm));
  const changed = dialogOf(other).getByRole('alert');
  await expect(changed).toContainText(words.changed.again);
  await expect(changed).toContainText(words.changed.nonce);
  await expect(title(other)).toHaveText(en.send.confirmTitle);
  await pressToConfirm(inDialog(other, en.send.confirm));
  await expect(title(other)).toHaveText(en.send.done);
  await other.close();
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBeLessThan(70n * VOLT);
  await expect(page.getByText(en.wallet.pendingState.replaced)).toHaveCount(0);
});

test('a link’s words and amount go with its address', async () => {
  const uri = formatUri(OTHER, { amount: 5n * VOLT, label: 'Red Cross', message: 'Thank you' });
  await page.evaluate((hash) => (location.hash = hash), linkToPage('pay', uri));
  await expect(field(page, en.send.to)).toHaveValue(OTHER);
  await expect(field(page, en.send.amount)).toHaveValue('5');
  await expect(dialogOf(page)).toContainText('Red Cross');
  await field(page, en.send.to).fill(THIRD);
  await expect(dialogOf(page)).not.toContainText('Red Cross');
  await expect(dialogOf(page)).not.toContainText('Thank you');
  await expect(field(page, en.send.amount)).toHaveValue('');
  // Gone: the address alone does not bring them back.
  await field(page, en.send.to).fill(OTHER);
  await expect(dialogOf(page)).not.toContainText('Red Cross');
  // Of two links that are pasted, only the second one's.
  await field(page, en.send.to).fill(uri);
  await expect(field(page, en.send.amount)).toHaveValue('5');
  await field(page, en.send.to).fill(formatUri(THIRD, { label: 'Ada' }));
  await expect(dialogOf(page)).toContainText('Ada');
  await expect(dialogOf(page)).not.toContainText('Red Cross');
  await expect(field(page, en.send.amount)).toHaveValue('');
  await inDialog(page, en.common.close).click();
});
