/** Keys that can be trusted: locks, passkeys, files, warnings, codes, and secrets that stay where they are. */
import { readFileSync, writeFileSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { formatAddress, parseAddress } from '../../src/core/address.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { network } from '../../src/ui/i18n/en/network.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { wallet as walletWords } from '../../src/ui/i18n/en/wallet.ts';
import { qrPath } from '../../src/ui/wallet/qr.ts';
import { linkToPage } from '../../src/ui/route.svelte.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import { formatUri } from '../../src/wallet/uri.ts';
import type { StorageBuckets } from '../../src/wallet/vault/vault-places.ts';
import { parseWords } from '../../src/wallet/seed-words.ts';
import {
  addAuthenticator,
  backUp,
  button,
  createKeys,
  goTo,
  pause,
  readAddress,
  readVolts,
  readWords,
  valueOf,
  workGently,
} from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
const prefix = 'rpila';
const bytesOf = (n: number) => new Uint8Array(32).fill(n);
const OTHER = formatAddress(bytesOf(7), prefix);
/** Ends as OTHER begins: what a search for a look-alike finds. */
const ALIKE = formatAddress(bytesOf(7).fill(9, 4), prefix);

let seed: Seed;
let context: BrowserContext;
let page: Page;
let passphrase: string;
let file: string;
/** What the pages told the console, and where they asked. */
const told: string[] = [];
const asked: string[] = [];

async function open(fragment = '#/wallet'): Promise<void> {
  page = await context.newPage();
  page.on('console', (message) => told.push(message.text()));
  page.on('pageerror', (error) => told.push(String(error.stack)));
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${seed.url}${fragment}`);
}

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await open();
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const field = (name: string) => dialog().getByLabel(name, { exact: true });
const spendable = () => readVolts(page, en.wallet.spendable);

/** A screen that axe has nothing against, and its picture at both widths. */
async function look(name: string): Promise<void> {
  for (const width of [1280, 390]) {
    await page.setViewportSize({ width, height: 900 });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    expect(found, name).toEqual([]);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    expect(wide, `${name}: no scrolling sideways`).toBeLessThanOrEqual(width);
    await page.screenshot({ path: test.info().outputPath(`${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}

async function unlock(): Promise<void> {
  await button(page, en.wallet.unlock).click();
  await field(en.unlock.passphrase).fill(passphrase);
  await press(en.unlock.go);
  await expect(dialog()).toHaveCount(0);
}

test('keys with coins, written down, sealed by a suggested passphrase of six words', async () => {
  await createKeys(page);
  await expect.poll(spendable).toBe(0n);
  await button(page, en.wallet.faucet).click();
  await backUp(page);
  await button(page, en.wallet.protect).click();
  const suggestion = dialog().locator('.suggestion');
  await expect(suggestion).toHaveText(/^([a-z]+ ){5}[a-z]+$/);
  passphrase = (await suggestion.innerText()).trim();
  await field(en.protect.passphrase).fill(passphrase);
  await field(en.protect.repeat).fill(passphrase);
  await press(en.protect.set);
  await expect(page.getByText(en.wallet.protectedYes)).toBeVisible();
  await expect.poll(spendable).toBe(100n * VOLT);
});

test('spending locks by itself after the chosen minute, and mining goes on', async () => {
  await page.getByLabel(words.lock.label).selectOption('1');
  await expect(page.getByLabel(words.lock.label)).toHaveValue('1');
  await goTo(page, 'pila');
  await workGently(page);
  await button(page, en.pila.start).click();
  await expect(button(page, en.pila.pause)).toBeVisible();
  await goTo(page, 'wallet');
  await expect(page.getByText(en.wallet.locked)).toBeVisible();
  await look('locked');
  await goTo(page, 'pila');
  const units = async () => Number((await page.title()).replace(/\D/g, ''));
  const before = await units();
  await expect.poll(units).toBeGreaterThan(before);
  await pause(page);
  await goTo(page, 'wallet');
  await unlock();
  await page.getByLabel(words.lock.label).selectOption('60');
  await expect(page.getByLabel(words.lock.label)).toHaveValue('60');
});

async function review(to: string, amount: string): Promise<void> {
  await button(page, en.wallet.send).click();
  await field(en.send.to).fill(to);
  await field(en.send.amount).fill(amount);
  await press(en.send.review);
  await expect(dialog().getByRole('heading', { name: en.send.confirmTitle })).toBeVisible();
}

test('a payee who was never paid is told, is known the next time, and gets a name', async () => {
  await review(OTHER, '1');
  await expect(dialog().getByText(words.payee.never)).toBeVisible();
  await expect(dialog().locator('svg.seal path')).toHaveCount(1);
  await expect(dialog().getByText(/chain \d+/)).toBeVisible();
  await look('never-paid');
  await press(en.send.confirm);
  await field(words.payee.remember).fill('Alessandro');
  await press(words.payee.keep);
  await expect(dialog().getByText(words.payee.kept)).toBeVisible();
  await press(en.common.done);
  await expect(page.getByRole('heading', { name: words.contacts.title })).toBeVisible();
  await button(page, en.wallet.send).click();
  await field(words.payee.pick).selectOption('Alessandro');
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await field(en.send.amount).fill('1');
  await press(en.send.review);
  await expect(dialog().getByText(words.payee.contact('Alessandro'))).toBeVisible();
  await expect(dialog().getByText(words.payee.paid)).toBeVisible();
  await expect(dialog().getByText(words.payee.never)).toHaveCount(0);
  await press(en.common.close);
  // By the same name where the chain is looked at.
  await page.goto(`${seed.url}${linkToPage('address', OTHER)}`);
  await expect(page.getByText(network.address.contact('Alessandro'))).toBeVisible();
  await look('named-address');
  await goTo(page, 'wallet');
});

test('an address that looks like a contact’s is told, and cannot be paid without a second look', async () => {
  expect(ALIKE.slice(0, 11)).toBe(OTHER.slice(0, 11));
  await review(ALIKE, '1');
  const warning = dialog().getByRole('alert');
  await expect(warning).toContainText(words.payee.alike('“Alessandro”'));
  await expect(warning.locator('.address')).toHaveText(OTHER);
  expect(await dialog().locator('.address .differs').count()).toBeGreaterThan(4);
  const sign = dialog().getByRole('button', { name: en.send.confirm, exact: true });
  await expect(sign).toBeDisabled();
  await look('look-alike');
  await dialog().getByRole('checkbox', { name: words.payee.sure }).check();
  await expect(sign).toBeEnabled();
  await press(en.common.close);
});

test('links reach the form: from the protocol handler and from the share target', async () => {
  const uri = formatUri(OTHER, { amount: 2n * VOLT });
  await page.goto(`${seed.url}${linkToPage('pay', `web+${uri}`)}`);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await expect(field(en.send.amount)).toHaveValue('2');
  // Another page load: its vault is locked.
  await page.goto(`${seed.url}?text=${encodeURIComponent(`for you: ${uri} thanks`)}`);
  await field(en.unlock.passphrase).fill(passphrase);
  await press(en.unlock.go);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  expect(new URL(page.url()).search).toBe('');
  await press(en.common.cancel);
  const link = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = await (await page.request.get(new URL(link!, page.url()).href)).json();
  expect(manifest.protocol_handlers).toEqual([{ protocol: 'web+pila', url: './#/pay/%s' }]);
  expect(manifest.share_target).toMatchObject({ action: './', method: 'GET' });
});

/** A code as a page shows it. */
async function pictureOf(text: string, path: string, ground = '#fff'): Promise<void> {
  const { side, path: drawing } = qrPath(text);
  const other = await context.newPage();
  await other.setContent(
    `<svg width="330" height="330" viewBox="0 0 ${side} ${side}"><rect width="100%" height="100%" fill="${ground}"/><path d="${drawing}"/></svg>`,
  );
  await other.evaluate(() => (document.body.style.background = 'none'));
  await other.locator('svg').screenshot({ path, omitBackground: true });
  await other.close();
}

test('a QR code is read from a picture; one without a code says so', async () => {
  const [code, none] = [test.info().outputPath('code.png'), test.info().outputPath('none.png')];
  await pictureOf(formatUri(OTHER, { amount: 3n * VOLT }), code);
  await page.screenshot({ path: none, clip: { x: 0, y: 0, width: 50, height: 50 } });
  await button(page, en.wallet.send).click();
  await press(words.scan.open);
  await field(words.scan.picture).setInputFiles(none);
  await expect(dialog().getByText(en.errors.QR_NONE)).toBeVisible();
  await look('scan');
  await field(words.scan.picture).setInputFiles(code);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await expect(field(en.send.amount)).toHaveValue('3');
  // Drawn on nothing, as some apps hand their pictures on.
  const bare = test.info().outputPath('bare.png');
  await pictureOf(formatUri(OTHER, { amount: 4n * VOLT }), bare, 'none');
  await press(words.scan.open);
  await field(words.scan.picture).setInputFiles(bare);
  await expect(field(en.send.amount)).toHaveValue('4');
  await press(en.common.cancel);
});

test('a passkey opens the keys beside the passphrase, and can be removed', async () => {
  const { cdp, authenticatorId } = await addAuthenticator(page);
  await button(page, words.passkey.add).click();
  await look('passkey');
  await field(en.backup.passphrase).fill('not the passphrase at all');
  await press(words.passkey.go);
  await expect(dialog().getByText(en.errors.PASSPHRASE_WRONG)).toBeVisible();
  await field(en.backup.passphrase).fill(passphrase);
  await press(words.passkey.go);
  await expect(page.getByText(words.passkey.yes)).toBeVisible();
  await button(page, en.wallet.lock).click();
  await button(page, en.wallet.unlock).click();
  await press(words.passkey.unlock);
  await expect(dialog()).toHaveCount(0);
  await expect(button(page, en.wallet.lock)).toBeVisible();
  // Deleted on the device: the passphrase still opens.
  await button(page, en.wallet.lock).click();
  await cdp.send('WebAuthn.clearCredentials', { authenticatorId });
  await button(page, en.wallet.unlock).click();
  await press(words.passkey.unlock);
  await expect(dialog().getByText(en.errors.PASSKEY_REFUSED)).toBeVisible();
  await field(en.unlock.passphrase).fill(passphrase);
  await press(en.unlock.go);
  await expect(dialog()).toHaveCount(0);
  await button(page, words.passkey.remove).click();
  await expect(page.getByText(words.passkey.yes)).toHaveCount(0);
  await cdp.detach();
});

async function download(start: () => Promise<void>): Promise<string> {
  const [saved] = await Promise.all([page.waitForEvent('download'), start()]);
  return readFileSync(await saved.path(), 'utf8');
}

test('history as a table, the wallet as a file', async () => {
  await expect(page.getByText(en.wallet.sent, { exact: true })).toBeVisible();
  const table = await download(() => button(page, words.csv.save).click());
  const rows = table.slice(1).trimEnd().split('\r\n');
  const when = /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d,\d+,/.source;
  const paid = /Sent,-1\.000002,0\.000002,rpila1[a-z0-9]+,Alessandro,/.source;
  expect(rows.filter((row) => new RegExp(when + paid).test(row))).toHaveLength(1);
  await button(page, words.file.export).click();
  await look('file');
  file = await download(() => press(words.file.save));
  expect(JSON.parse(file)).toMatchObject({
    format: 'pila-wallet',
    version: 1,
    vault: { kdf: { name: 'scrypt', logN: 17 } },
    labels: { contacts: [{ name: 'Alessandro', address: OTHER }] },
  });
  await press(en.common.close);
});

test('no secret is in the page, in storage in the clear, in a message or in a request', async () => {
  // The words as they are shown: the moment of display is over when they are looked for.
  await button(page, en.wallet.words).click();
  await field(en.backup.passphrase).fill(passphrase);
  await press(en.backup.show);
  const seedWords = await readWords(page);
  await press(en.common.close);
  await expect(dialog()).toHaveCount(0);
  const entropy = parseWords(seedWords.join(' '));
  const { secret } = keyFromEntropy(entropy);
  const hidden = [toHex(entropy), toHex(secret), passphrase];
  const places = await page.evaluate(dumpOf);
  expect(places.length).toBeGreaterThan(10);
  const all = [...places, ...told, ...asked, ...seed.log, file].map((text) => text.toLowerCase());
  // Four in a row: single words of the list stand in every text.
  const rows = seedWords.slice(3).map((_, i) => seedWords.slice(i, i + 4).join(' '));
  const found = all.filter((text) => [...hidden, ...rows].some((one) => text.includes(one)));
  expect(found.map((text) => text.slice(0, 80))).toEqual([]);
  // That the search would find them: the public key lies in the vault's record.
  const key = toHex(keyFromEntropy(entropy).publicKey);
  expect(places.some((text) => text.includes(key))).toBe(true);
});

/** In the page: its markup, what fields hold, and all storage, with bytes as hex. */
async function dumpOf(): Promise<string[]> {
  const out = [document.documentElement.outerHTML];
  for (const x of document.querySelectorAll('input, textarea')) out.push((x as any).value);
  for (const store of [localStorage, sessionStorage]) out.push(JSON.stringify({ ...store }));
  const text = (x: unknown): string => {
    if (x instanceof ArrayBuffer) return text(new Uint8Array(x));
    if (ArrayBuffer.isView(x)) {
      const bytes = new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
      return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
    }
    if (typeof x === 'object' && x !== null)
      return Object.entries(x)
        .map(([k, v]) => `${k}: ${text(v)}`)
        .join('\n');
    return String(x);
  };
  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('no error given'));
    });
  const factories = [indexedDB];
  const buckets = (navigator as { storageBuckets?: StorageBuckets }).storageBuckets;
  for (const name of (await buckets?.keys()) ?? [])
    factories.push((await buckets!.open(name)).indexedDB);
  for (const factory of factories)
    for (const { name } of await factory.databases()) {
      const db = await done(factory.open(name!));
      for (const store of db.objectStoreNames)
        for (const value of await done(db.transaction(store).objectStore(store).getAll()))
          out.push(`${name} ${store}\n${text(value)}`);
      db.close();
    }
  return out;
}

test('all that is asked for comes from the page’s own origin, and the vault can reach nobody', async () => {
  const origin = new URL(seed.url).origin;
  const strange = asked.filter((url) => {
    const { protocol, origin: from } = new URL(url);
    return from !== origin && !['blob:', 'data:'].includes(protocol);
  });
  expect(asked.length).toBeGreaterThan(20);
  expect(strange).toEqual([]);
  const vault = page.workers().find((worker) => worker.url().includes('vault.worker'))!;
  // What its policy refuses is tried in e2e/host/policy.spec.ts: a call that asks is not even there.
  expect(await vault.evaluate(() => typeof fetch)).toBe('undefined');
});

test('the file and its passphrase are the same wallet elsewhere, contacts included', async ({
  browser,
}) => {
  const address = await readAddress(page);
  await context.close();
  context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  await open();
  const path = test.info().outputPath('wallet.json');
  writeFileSync(path, file);
  await button(page, words.file.import).click();
  await field(words.file.choose).setInputFiles({
    name: 'x.json',
    mimeType: 'application/json',
    buffer: Buffer.from('{}'),
  });
  await field(en.unlock.passphrase).fill(passphrase);
  await press(words.file.open);
  await expect(dialog().getByText(en.errors.FILE_MALFORMED)).toBeVisible();
  await field(words.file.choose).setInputFiles(path);
  await field(en.unlock.passphrase).fill('not the passphrase at all');
  await press(words.file.open);
  await expect(dialog().getByText(en.errors.PASSPHRASE_WRONG)).toBeVisible();
  await look('import');
  await field(en.unlock.passphrase).fill(passphrase);
  await press(words.file.open);
  await expect(dialog()).toHaveCount(0);
  expect(await readAddress(page)).toBe(address);
  expect(parseAddress(address, prefix)).toBeDefined();
  await expect(page.getByRole('link', { name: 'Alessandro' })).toBeVisible();
  await expect(valueOf(page, en.wallet.spendable)).toHaveText(/^\d+\.\d+/);
  await expect(page.getByRole('button', { name: walletWords.account.rename })).toBeVisible();
});
