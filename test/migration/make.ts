/**
 * Makes what the tests of migration begin with: a browser's profile and a seed's data folder of the last build
 * before channels. From a clone of this project:
 *
 *     git worktree add ../old e120940 && (cd ../old && npm ci && npm run build)
 *     node test/migration/make.ts ../old
 *
 * It drives the old page by the old texts. Of the profile only what holds the page's storage is kept, without proofs.
 */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { chromium, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { holds } from '../../e2e/support/profile.ts';
import { removeData, startSeed, type SeedOptions } from '../../e2e/support/seed.ts';
import { formatAddress } from '../../src/core/address.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { CHROMIUM_FLAGS, findChromium } from '../chromium.ts';
import * as person from './old-person.ts';
import { pack } from './packed.ts';

const root = resolve(process.argv[2] ?? '');
const load = (path: string): Promise<any> =>
  import(pathToFileURL(join(root, 'src/ui/i18n/en', path)).href);
const { en } = await load('app.ts');
const { keyring } = await load('keyring.ts');
const { wallet } = await load('wallet.ts');
const { ask } = await load('ask.ts');

/** Of the seed's own chain. */
const BLOCKS = 3;
/** ms for what waits for a block or two. */
const WAIT_MS = 120_000;
/** What Chromium keeps for origins: databases, buckets, `localStorage`. */
const KEPT = /^Default\/(IndexedDB|WebStorage|Local Storage)\//;
const addressText = (address: Uint8Array) => formatAddress(address, 'rpila');

const scratch = mkdtempSync(join(tmpdir(), 'pila-migration-'));
const [profile, slim, data] = ['profile', 'slim', 'data'].map((name) => join(scratch, name)) as [
  string,
  string,
  string,
];
const start = (options: SeedOptions) =>
  startSeed({ root, port: person.PORT, args: ['--mine'], ...options });
const seed = await start({});
let [context, page] = await open(profile);
await addToProfile(page);
// What was chosen last is on the disk seconds later, and a browser that is closed by a program does not wait.
while (!holds(profile, utf8('pila.language'))) await sleep(500);
const databases = await onBlankPage(page, readDatabases);
await context.close();
await seed.kill();
removeData(seed);

// The keys lie in a bucket of its own, and only the browser can read them: they are copied with their files.
for (const part of ['WebStorage', 'Local Storage'])
  cpSync(join(profile, 'Default', part), join(slim, 'Default', part), { recursive: true });
[context, page] = await open(slim);
await onBlankPage(page, writeDatabases, databases);
await context.close();

// Of a few blocks: each is forty kilobytes that nothing packs.
const small = await start({ data });
while ((await small.rpc('status')).height < BLOCKS) await sleep(100);
await small.stop();

const here = import.meta.dirname;
writeFileSync(
  join(here, 'profile.br'),
  pack(slim, (path) => KEPT.test(path)),
);
writeFileSync(
  join(here, 'seed.br'),
  pack(data, () => true),
);
rmSync(scratch, { recursive: true });

async function open(folder: string): Promise<[BrowserContext, Page]> {
  const opened = await chromium.launchPersistentContext(folder, {
    executablePath: findChromium(),
    args: CHROMIUM_FLAGS,
    serviceWorkers: 'block',
  });
  opened.setDefaultTimeout(WAIT_MS);
  return [opened, opened.pages()[0]!];
}

/** On a page of the same origin in which nothing of the app runs. */
async function onBlankPage<A, T>(page: Page, act: (given: A) => Promise<T>, given?: A): Promise<T> {
  await page.route('**/blank', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.goto(`http://localhost:${person.PORT}/blank`);
  return await page.evaluate<T, A>(act as never, given as A);
}

interface Database {
  readonly name: string;
  readonly version: number;
  readonly stores: { readonly name: string; readonly entries: [key: IDBValidKey, hex: string][] }[];
}

/**
 * In the page: all databases beside the vault's, whose values are bytes. Proofs stay out, each of 17 KB that nothing
 * packs: of a chain of another format no more is read than what it says of itself.
 */
async function readDatabases(): Promise<Database[]> {
  const PROOF_BYTES_MIN = 8_000;
  const done = <T>(request: IDBRequest<T>) =>
    new Promise<T>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('no error given'));
    });
  const found: Database[] = [];
  for (const { name, version } of await indexedDB.databases()) {
    const db = await done(indexedDB.open(name!));
    const stores: Database['stores'] = [];
    for (const store of db.objectStoreNames) {
      const entries: [IDBValidKey, string][] = [];
      const keys = await done(db.transaction(store).objectStore(store).getAllKeys());
      for (const key of keys) {
        const value: unknown = await done(db.transaction(store).objectStore(store).get(key));
        if (!(value instanceof Uint8Array)) throw new Error(`${name}: a value that is no bytes`);
        if (value.length >= PROOF_BYTES_MIN) continue;
        const hex = Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
        entries.push([key, hex]);
      }
      stores.push({ name: store, entries });
    }
    db.close();
    found.push({ name: name!, version: version!, stores });
  }
  return found;
}

/** In the page. */
async function writeDatabases(databases: Database[]): Promise<void> {
  for (const { name, version, stores } of databases)
    await new Promise<void>((resolve, reject) => {
      const opening = indexedDB.open(name, version);
      opening.onerror = () => reject(opening.error ?? new Error('no error given'));
      opening.onupgradeneeded = () => {
        for (const { name: store, entries } of stores) {
          const made = opening.result.createObjectStore(store);
          for (const [key, hex] of entries)
            made.put(
              Uint8Array.from(hex.match(/../g) ?? [], (byte) => parseInt(byte, 16)),
              key,
            );
        }
      };
      opening.onsuccess = () => {
        opening.result.close();
        resolve();
      };
    });
}

async function addToProfile(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  const button = (name: string): Locator => page.getByRole('button', { name, exact: true });
  const press = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
  const field = (name: string) => dialog.getByLabel(name, { exact: true });
  const isClosed = () => dialog.waitFor({ state: 'detached' });
  const amount = page.locator('.figure', { hasText: en.wallet.spendable }).locator('.value');

  await person.addPasskeys(page);
  await page.goto(`${seed.url}#/wallet`);
  await button(en.wallet.restore).click();
  await field(en.restore.words).fill(formatWords(person.ENTROPY));
  await press(en.restore.go);
  await field(en.protect.passphrase).fill(person.PASSPHRASE);
  await field(en.protect.repeat).fill(person.PASSPHRASE);
  await press(en.protect.set);
  await isClosed();
  await page.getByLabel(keyring.lock.label).selectOption('60');
  await button(keyring.passkey.add).click();
  await field(en.backup.passphrase).fill(person.PASSPHRASE);
  await press(keyring.passkey.go);
  await page.getByText(keyring.passkey.yes).waitFor();

  await button(wallet.account.rename).click();
  await field(wallet.account.name).fill(person.ACCOUNTS[0]);
  await press(wallet.account.save);
  await isClosed();
  await amount.filter({ hasText: /^0\.0/ }).waitFor();
  await button(en.wallet.faucet).click();
  await amount.filter({ hasText: /^100\.0/ }).waitFor();

  await button(en.wallet.send).click();
  await field(en.send.to).fill(addressText(person.CONTACT.address));
  await field(en.send.amount).fill(person.PAID);
  await press(en.send.review);
  await press(en.send.confirm);
  await field(keyring.payee.remember).fill(person.CONTACT.name);
  await press(keyring.payee.keep);
  await dialog.getByText(keyring.payee.kept).waitFor();
  await press(en.common.done);
  await amount.filter({ hasText: /^94\.9/ }).waitFor();

  await page.goto(`${seed.url}#/ask`);
  await page.getByLabel(ask.form.input, { exact: true }).fill(person.QUESTION);
  await button(ask.form.review).click();
  await press(ask.review.confirm);
  await page.locator('[data-stage=paid]').waitFor();

  await page.goto(`${seed.url}#/wallet`);
  await button(wallet.watch.add).click();
  await field(wallet.watch.address).fill(addressText(person.WATCHED.address));
  await field(wallet.watch.name).fill(person.WATCHED.name);
  await press(wallet.watch.go);
  await isClosed();
  await button(wallet.account.add).click();
  await field(wallet.account.name).fill(person.ACCOUNTS[1]);
  await press(wallet.account.make);
  await isClosed();

  await page.goto(`${seed.url}#/settings`);
  await page.getByLabel(en.settings.themes.dark).check();
  await page.getByLabel(en.care.intensities[50]).check();
  await page.getByLabel('Italiano').check();
}
