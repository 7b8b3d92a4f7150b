/** What went wrong is told where it was caused, in sight, and no longer than it holds. */
import { expect, test, type Locator, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring } from '../../src/ui/i18n/en/keyring.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { button, chooseLater, createKeysWithCoins, expectAccessible } from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');

let seed: Seed;
test.use({ viewport: { width: 390, height: 700 } });
test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

const dialog = (page: Page) => page.getByRole('dialog');
const field = (page: Page, name: string) => dialog(page).getByLabel(name, { exact: true });

/** Pixels between two things, from above to below. */
async function apart(upper: Locator, lower: Locator): Promise<number> {
  const [a, b] = [(await upper.boundingBox())!, (await lower.boundingBox())!];
  return b.y - (a.y + a.height);
}

test('a phone sees why a second gift is refused, right under what it pressed', async ({ page }) => {
  await page.addInitScript((address) => {
    const contacts = JSON.stringify([{ address, name: 'Ann' }]);
    localStorage.setItem('pila.contacts.rpila', contacts);
  }, OTHER);
  await page.goto(`${seed.url}#/wallet`);
  await createKeysWithCoins(page);
  const asks = button(page, en.wallet.faucet);
  await asks.click();
  const told = page.getByText(en.errors.FAUCET_LATER);
  await expect(told).toBeInViewport({ ratio: 1 });
  await expect(told).toHaveCount(1);
  expect(await apart(asks, told)).toBeLessThan(120);
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath('beside.png') });

  // A fault goes with what it was found in, whoever puts another text there.
  await button(page, en.wallet.send).click();
  await field(page, en.send.to).fill(formatAddress(new Uint8Array(32).fill(7), 'pila'));
  await field(page, en.send.amount).fill('1');
  await button(dialog(page), en.send.review).click();
  const foreign = dialog(page).getByText(en.forms.ADDRESS_NETWORK);
  await expect(foreign).toBeVisible();
  await dialog(page).getByLabel(keyring.payee.pick).selectOption({ label: 'Ann' });
  await expect(field(page, en.send.to)).toHaveValue(OTHER);
  await expect(foreign).toHaveCount(0);
  await page.keyboard.press('Escape');

  // Without a place of its own it follows the page.
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.evaluate(() => (location.hash = '#/pay/nonsense'));
  await expect(page.getByRole('alert')).toBeInViewport({ ratio: 1 });
  await page.screenshot({ path: test.info().outputPath('floats.png') });
  await button(page, en.common.dismiss).click();
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('what a sheet says of words goes once they are typed anew', async ({ page }) => {
  await page.goto(`${seed.url}#/wallet`);
  await button(page, en.wallet.restore).click();
  const right = formatWords(new Uint8Array(32).fill(3));
  const words = right.split(' ');
  await field(page, en.restore.words).fill([...words.slice(0, 23), 'zoo'].join(' '));
  await button(dialog(page), en.restore.go).click();
  const told = dialog(page).getByText(en.errors.WORDS_CHECKSUM);
  await expect(told).toBeInViewport({ ratio: 1 });
  await field(page, en.restore.words).fill(right);
  await expect(told).toHaveCount(0);
  await button(dialog(page), en.restore.go).click();
  await chooseLater(page);
});
