/** A wallet file that asks for far more work than usual: asked about, and given up in the middle. */
import { expect, test } from '@playwright/test';
import { en } from '../../src/ui/i18n/en/app.ts';
import { errors } from '../../src/ui/i18n/en/errors.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import { memoryStorage } from '../../src/wallet/vault/vault-storage.ts';
import { button } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

const PASSPHRASE = 'orbit velvet canyon thimble pretzel lagoon';

let seed: Seed;
test.beforeAll(async () => void (seed = await startSeed({ network: 'e2e' })));
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});

/** A whole file, but for the work that it says its seal took. */
async function dearFile(): Promise<string> {
  const vault = createVault({
    storage: memoryStorage(),
    crypto,
    cost: { logN: 10, r: 8, p: 1 },
    clock: { now: Date.now, after: () => () => {} },
  });
  await vault.create(PASSPHRASE);
  const file = JSON.parse(JSON.stringify(await vault.exportFile())) as Record<string, object>;
  Object.assign(file['kdf']!, { logN: 19, p: 4 });
  return JSON.stringify({ format: 'pila-wallet', version: 1, vault: file, labels: {} });
}

test('a dear file is opened only when that is said, and can be given up', async ({ page }) => {
  await page.goto(`${seed.url}#/wallet`);
  await button(page, words.file.import).click();
  const dialog = page.getByRole('dialog');
  const buffer = Buffer.from(await dearFile());
  await dialog
    .getByLabel(words.file.choose, { exact: true })
    .setInputFiles({ name: 'wallet.json', mimeType: 'application/json', buffer });
  await dialog.getByLabel(en.unlock.passphrase, { exact: true }).fill(PASSPHRASE);
  await button(page, words.file.open).click();
  await expect(dialog.getByText(errors.FILE_DEAR)).toBeVisible();
  await button(page, words.file.openDear).click();
  await button(page, words.file.stop).click();
  // Not worked through to its end, where the passphrase would be a wrong one.
  await expect(dialog.getByText(errors.DERIVING_STOPPED)).toBeVisible();
  await expect(button(page, words.file.stop)).toHaveCount(0);
});
