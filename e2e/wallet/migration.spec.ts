/**
 * A browser's profile and a seed's folder of the last build before channels (test/migration/make.ts), opened by this
 * one: the chain begins anew and says so, and all that a person has is there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { it as words } from '../../src/ui/i18n/it/app.ts';
import { keyring } from '../../src/ui/i18n/it/keyring.ts';
import { wallet } from '../../src/ui/i18n/it/wallet.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import * as person from '../../test/migration/old-person.ts';
import { unpack } from '../../test/migration/packed.ts';
import config from '../playwright.config.ts';
import { button, minedBy, pressToConfirm } from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const made = join(import.meta.dirname, '../../test/migration');
const scratch = mkdtempSync(join(tmpdir(), 'pila-migration-'));
const addressText = (address: Uint8Array) => formatAddress(address, 'rpila');
/** Of both accounts, in their order. */
const ADDRESSES = [0, 1].map((account) =>
  addressText(keyFromEntropy(person.ENTROPY, account).address),
);

let seed: Seed;
let context: BrowserContext;
let page: Page;
const said: string[] = [];
const [data, profile] = [join(scratch, 'data'), join(scratch, 'profile')];
const start = async (...args: string[]) => {
  seed = await startSeed({ network: 'e2e', data, port: person.PORT, args });
};

test.beforeAll(async () => {
  unpack(join(made, 'seed.br'), data);
  unpack(join(made, 'profile.br'), profile);
  await start('--mine');
  context = await chromium.launchPersistentContext(profile, {
    headless: true,
    ...config.use!.launchOptions,
  });
  page = context.pages()[0]!;
  page.on('pageerror', (error) => said.push(String(error.stack)));
  await person.addPasskeys(page);
  await page.goto(`${seed.url}#/wallet`);
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  rmSync(scratch, { recursive: true, force: true });
});

const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const field = (name: string) => dialog().getByLabel(name, { exact: true });
const accounts = () => page.getByLabel(wallet.account.label, { exact: true });
const amount = () => page.locator('.figure', { hasText: words.wallet.spendable }).locator('.value');

async function readAddress(): Promise<string> {
  await button(page, words.wallet.receive).click();
  const text = await dialog().locator('.address').innerText();
  await press(words.common.close);
  return text.replace(/\s+/g, '');
}

test('the chain begins anew, in the page and in the seed, and one sentence says so', async () => {
  await expect(page.getByText(words.errors.STORE_OLD)).toHaveCount(1);
  expect(seed.log.filter((line) => line.includes('chain.anew'))).toHaveLength(1);
  await expect.poll(async () => (await seed.rpc('status')).height).toBeGreaterThan(0);
  // Of the old chain's coins nothing is shown, nor of what waited for its blocks.
  await expect(amount()).toHaveText(/^0,0/);
  await expect(page.getByText(words.wallet.pending, { exact: true })).toHaveCount(0);
  // No block more is asked for, and at half its pace the page would seldom win beside a seed that mines.
  await seed.kill();
  await start();
  // Read, and put away: what lies below it stays where it is from now on.
  await button(page, words.common.dismiss).click();
  await expect(page.getByText(words.errors.STORE_OLD)).toHaveCount(0);
});

test('both accounts are there, the one in use is paid, and passphrase and passkey open them', async () => {
  await expect(accounts().locator('option')).toContainText([...person.ACCOUNTS]);
  await expect(accounts().locator('option:checked')).toContainText(person.ACCOUNTS[1]);
  expect(await readAddress()).toBe(ADDRESSES[1]);

  await button(page, words.wallet.unlock).click();
  await field(words.unlock.passphrase).fill(person.PASSPHRASE);
  await press(words.unlock.go);
  await expect(button(page, words.wallet.lock)).toBeVisible();
  await button(page, words.wallet.lock).click();
  await button(page, words.wallet.unlock).click();
  await press(keyring.passkey.unlock);
  await expect(button(page, words.wallet.lock)).toBeVisible();
  await expect(page.getByLabel(keyring.lock.label)).toHaveValue('60');
});

test('names, contacts and settings are there', async () => {
  await expect(page.getByRole('link', { name: person.CONTACT.name })).toBeVisible();
  await expect(page.getByRole('link', { name: person.WATCHED.name })).toBeVisible();
  await page.goto(`${seed.url}#/settings`);
  await expect(page.getByLabel('Italiano')).toBeChecked();
  await expect(page.getByLabel(words.settings.themes.dark)).toBeChecked();
  await expect(page.getByLabel(words.care.intensities[50]('50%'))).toBeChecked();
});

test('work is paid to the account that it was paid to', async () => {
  await page.goto(`${seed.url}#/pila`);
  await button(page, words.pila.start).click();
  await expect.poll(async () => (await minedBy(seed, ADDRESSES[1]!)).length).toBeGreaterThan(0);
  await button(page, words.pila.pause).click();
  await seed.kill();
  await start(...BLOCKS_WHEN_NEEDED);
});

test('the first account pays on the new chain, with a payee known from the old one', async () => {
  await page.goto(`${seed.url}#/wallet`);
  await accounts().selectOption({ index: 0 });
  expect(await readAddress()).toBe(ADDRESSES[0]);
  await button(page, words.wallet.faucet).click();
  await expect(amount()).toHaveText(/^100,0/);
  await button(page, words.wallet.send).click();
  await field(words.send.to).fill(addressText(person.CONTACT.address));
  await field(words.send.amount).fill('1');
  await press(words.send.review);
  await expect(dialog().getByText(keyring.payee.contact(person.CONTACT.name))).toBeVisible();
  await pressToConfirm(dialog().getByRole('button', { name: words.send.confirm, exact: true }));
  await expect(amount()).toHaveText(/^98,9/);
  expect(said).toEqual([]);
});
