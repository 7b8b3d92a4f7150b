/** Words bring back every account that was used, on a device that never saw them. */
import { expect, test, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { wallet as words } from '../../src/ui/i18n/en/wallet.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { formatUri } from '../../src/wallet/uri.ts';
import { button, chooseLater, expectAccessible, readVolts } from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

const GIFT = 100n * 10n ** 9n;
const entropy = crypto.getRandomValues(new Uint8Array(32));
const addressOfAccount = (index: number) =>
  formatAddress(keyFromEntropy(entropy, index).address, 'rpila');

let seed: Seed;
test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

async function give(address: string): Promise<void> {
  const asked = await fetch(`${seed.url}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
  });
  expect(asked.ok).toBe(true);
  await expect.poll(async () => (await seed.rpc('getAccount', address)).balance).toBe(String(GIFT));
}

async function restore(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await button(page, en.wallet.restore).click();
  await dialog.getByLabel(en.restore.words, { exact: true }).fill(formatWords(entropy));
  await button(dialog, en.restore.go).click();
  await chooseLater(page);
}

test('a restore finds the third account, though the second was never used', async ({ page }) => {
  await give(addressOfAccount(0));
  await give(addressOfAccount(2));
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${seed.url}#/wallet`);
  await restore(page);
  await expect(page.getByText(words.account.found(2))).toBeVisible();
  const choice = page.getByLabel(words.account.label, { exact: true });
  const tail = (index: number) => addressOfAccount(index).slice(-6);
  await expect(choice.locator('option')).toContainText([0, 1, 2].map(tail));
  await expect(choice.locator('option:checked')).toContainText(tail(0));
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath('found.png'), fullPage: true });
  await button(page, en.common.dismiss).click();
  await choice.selectOption({ index: 2 });
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(GIFT);
  // Looked for once, and the accounts stay.
  await page.reload();
  await expect(choice.locator('option')).toHaveCount(3);
  await expect(page.getByText(words.account.found(2))).toHaveCount(0);
});

test('a new account has a name to begin with', async ({ page }) => {
  await page.goto(`${seed.url}#/wallet`);
  await restore(page);
  await expect(page.getByText(words.account.found(2))).toBeVisible();
  const dialog = page.getByRole('dialog');
  await button(page, words.account.add).click();
  await expect(dialog.getByLabel(words.account.name, { exact: true })).toHaveValue(
    words.account.first('4'),
  );
  await button(dialog, words.account.make).click();
  await expect(
    page.getByLabel(words.account.label, { exact: true }).locator('option:checked'),
  ).toContainText(words.account.first('4'));
  // Empty as yet: that is said before anything is filled in, and a link is shown all the same.
  await expect(page.getByText(words.hindered.nothing)).toBeVisible();
  await expect(button(page, en.wallet.send)).toBeDisabled();
  const link = formatUri(addressOfAccount(0), { amount: GIFT });
  await page.evaluate((to) => (location.hash = `#/pay/${encodeURIComponent(to)}`), link);
  await expect(dialog.getByLabel(en.send.amount, { exact: true })).toHaveValue('100');
  await expect(dialog.getByText(words.hindered.nothing)).toBeVisible();
  await expect(button(dialog, en.send.review)).toBeDisabled();
  // What comes meanwhile can be spent at once.
  await give(addressOfAccount(3));
  await expect(button(dialog, en.send.review)).toBeEnabled();
  await expect(dialog.getByText(words.hindered.nothing)).toHaveCount(0);
});

test('who only wants to look at a balance is asked for its address', async ({ page }) => {
  await page.goto(seed.url);
  await page.getByRole('link', { name: en.pila.watch }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('heading', { name: words.watch.add })).toBeVisible();
  await dialog.getByLabel(words.watch.address, { exact: true }).fill(addressOfAccount(0));
  await button(dialog, words.watch.go).click();
  await expect(page.getByText('100.0000').first()).toBeVisible();
});
