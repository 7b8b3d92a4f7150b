/** Secrets leave the screen: covered when nobody looks, dropped by a lock and by time, and no browser's passwords. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { CHROMIUM_FLAGS, WEBRTC_FLAGS, findChromium } from '../../test/chromium.ts';
import { backUp, button, chooseLater, createKeys, readWords } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const PASSPHRASE = 'cobalt hammock viola tundra zebra quiver';
const WORDS = `${'abandon '.repeat(23)}art`;

let seed: Seed;
let context: BrowserContext;
let page: Page;

const dialog = (of = page) => of.getByRole('dialog');
const press = (name: string, of = page) =>
  dialog(of).getByRole('button', { name, exact: true }).click();
const field = (name: string, of = page) => dialog(of).getByLabel(name, { exact: true });

/** What the page is told when another window lies over it, or the person goes elsewhere. */
const setHidden = (isHidden: boolean) =>
  page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { configurable: true, value });
    document.dispatchEvent(new Event('visibilitychange'));
  }, isHidden);

async function showWords(): Promise<string[]> {
  await button(page, en.wallet.words).click();
  await field(en.backup.passphrase).fill(PASSPHRASE);
  await press(en.backup.show);
  return readWords(page);
}

/** Whether a word of them stands anywhere in the page, field or markup. */
const holds = (text: string) =>
  page.evaluate((secret) => {
    const fields = [...document.querySelectorAll<HTMLInputElement>('input, textarea')];
    const all = [document.documentElement.innerHTML, ...fields.map(({ value }) => value)];
    return all.some((one) => one.includes(secret));
  }, text);

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  await page.clock.install();
  await page.goto(`${seed.url}#/wallet`);
  await createKeys(page);
  await backUp(page);
  await button(page, en.wallet.protect).click();
  await field(en.protect.passphrase).fill(PASSPHRASE);
  await field(en.protect.repeat).fill(PASSPHRASE);
  await press(en.protect.set);
  await expect(page.getByText(en.wallet.protectedYes)).toBeVisible();
  await page.getByLabel(words.lock.label).selectOption('60');
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

test('words are covered after two minutes without a touch, and by one press shown again', async () => {
  const shown = await showWords();
  await page.clock.fastForward('01:55');
  expect(await readWords(page)).toEqual(shown);
  await page.keyboard.press('Shift');
  await page.clock.fastForward('01:55');
  expect(await readWords(page)).toEqual(shown);
  await page.clock.fastForward('00:07');
  await expect(dialog().getByText(en.secret.covered)).toBeVisible();
  await expect(dialog().locator('li')).toHaveCount(0);
  await press(en.secret.show);
  expect(await readWords(page)).toEqual(shown);
});

test('ten minutes after they came they are gone, touched or not', async () => {
  // Four minutes have passed.
  for (let minutes = 4; minutes < 9; minutes++) {
    await page.keyboard.press('Shift');
    await page.clock.fastForward('01:00');
  }
  await expect(dialog().locator('ol li')).toHaveCount(24);
  await page.keyboard.press('Shift');
  await page.clock.fastForward('01:10');
  await expect(dialog()).toHaveCount(0);
});

test('a page that nobody sees covers what it shows, and keeps what is typed out of sight', async () => {
  const shown = await showWords();
  await setHidden(true);
  await expect(dialog().locator('li')).toHaveCount(0);
  await setHidden(false);
  await expect(dialog().getByText(en.secret.covered)).toBeVisible();
  await expect(dialog().locator('li')).toHaveCount(0);
  await press(en.secret.show);
  expect(await readWords(page)).toEqual(shown);
  await press(en.backup.written);
  await expect(dialog().getByRole('radio').first()).toBeVisible();
  await setHidden(true);
  await expect(dialog().getByRole('radio')).toHaveCount(0);
  await setHidden(false);
  await press(en.common.close);

  await button(page, words.passkey.add).click();
  await field(en.backup.passphrase).fill('half a passphr');
  await dialog().getByRole('button', { name: en.protect.show, exact: true }).click();
  await setHidden(true);
  await expect(dialog().locator('.unseen')).toHaveCSS('opacity', '0');
  await setHidden(false);
  await expect(dialog().locator('.unseen')).toHaveCount(0);
  // Still there, to be gone on with; and masked again.
  await expect(field(en.backup.passphrase)).toHaveValue('half a passphr');
  await expect(field(en.backup.passphrase)).toHaveAttribute('type', 'password');
  await page.clock.fastForward('10:01');
  await expect(dialog()).toHaveCount(0);
  expect(await holds('half a passphr')).toBe(false);
});

test('a lock by another tab takes words, questions and what is typed from the screen', async () => {
  const other = await context.newPage();
  await other.goto(`${seed.url}#/wallet`);
  const lockThere = async () => {
    await button(other, en.wallet.unlock).click();
    await field(en.unlock.passphrase, other).fill(PASSPHRASE);
    await press(en.unlock.go, other);
    await expect(dialog(other)).toHaveCount(0);
    await button(other, en.wallet.lock).click();
  };
  const unlockHere = async () => {
    await button(page, en.wallet.unlock).click();
    await field(en.unlock.passphrase).fill(PASSPHRASE);
    await press(en.unlock.go);
    await expect(dialog()).toHaveCount(0);
  };
  await showWords();
  await lockThere();
  await expect(dialog()).toHaveCount(0);
  await expect(page.getByText(en.wallet.locked)).toBeVisible();
  await unlockHere();
  await showWords();
  await press(en.backup.written);
  await expect(dialog().getByRole('radio').first()).toBeVisible();
  await lockThere();
  await expect(dialog()).toHaveCount(0);
  await unlockHere();
  await button(page, en.wallet.protectChange).click();
  await field(en.protect.passphrase).fill('half a passphr');
  await lockThere();
  await expect(dialog()).toHaveCount(0);
  expect(await holds('half a passphr')).toBe(false);
  await other.close();
});

test('the words are no password to the browser: it offers to keep none of them', async () => {
  const profile = mkdtempSync(join(tmpdir(), 'pila-profile-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: [...CHROMIUM_FLAGS, ...WEBRTC_FLAGS],
    // The password manager is a part of Chromium that tests are started without.
    ignoreDefaultArgs: [
      '--disable-component-extensions-with-background-pages',
      '--password-store=basic',
    ],
  });
  const log = browser.pages()[0]!;
  await log.goto('chrome://password-manager-internals/');
  const logged = () => log.locator('body').innerText();
  page = await browser.newPage();

  await page.goto(`${seed.url}#/wallet`);
  await button(page, en.wallet.restore).click();
  const typed = field(en.restore.words);
  await typed.click();
  await page.keyboard.type(WORDS);
  await expect(typed).toHaveJSProperty('tagName', 'TEXTAREA');
  await expect(typed).toHaveCSS('-webkit-text-security', 'disc');
  await expect(dialog().locator('input')).toHaveCount(0);
  await expect(dialog().locator('form')).toHaveCount(0);
  await press(en.restore.go);
  await chooseLater(page);
  await expect(button(page, en.wallet.receive)).toBeVisible();
  expect(await logged()).not.toMatch(/Show password prompt|Decision: ASK/);

  // That the log would tell: a site's own login, in the same browser.
  await page.route('**/login', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<form action="done"><input name="user"><input type="password"><button>Go</button></form>',
    }),
  );
  await page.route('**/done*', (route) => route.fulfill({ contentType: 'text/html', body: 'in' }));
  await page.goto(new URL('login', seed.url).href);
  await page.locator('input').first().fill('ada');
  await page.locator('input').last().fill('a-secret-of-hers');
  await page.getByRole('button').click();
  await expect(page.getByText('in')).toBeVisible();
  await expect.poll(logged).toMatch(/Show password prompt|Decision: ASK/);
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
});
