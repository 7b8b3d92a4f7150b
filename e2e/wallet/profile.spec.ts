/** What the files of the browser's profile hold, once the page has said that a secret is sealed or gone. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, expect, test, type BrowserContext, type Page } from '@playwright/test';
import { device as deviceWords } from '../../src/ui/i18n/en/device.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring as words } from '../../src/ui/i18n/en/keyring.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { addAuthenticator, button, chooseLater, sentence } from '../support/app.ts';
import { holds, keysIn, opens, searchProfile, type Found } from '../support/profile.ts';
import config from '../playwright.config.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

// Each has a profile of its own, and is long: they need not wait for each other.
test.describe.configure({ mode: 'parallel' });

const PASSPHRASE = 'cobalt hammock viola tundra zebra quiver';
const OTHER = 'tunnel maple gravity sponsor ladder wisdom';

let seed: Seed;
let profile: string;
let context: BrowserContext;
let page: Page;
let entropy: Uint8Array;

test.beforeAll(async () => {
  seed = await startSeed({ network: 'e2e' });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
});
test.beforeEach(async () => {
  profile = mkdtempSync(join(tmpdir(), 'pila-profile-'));
  entropy = crypto.getRandomValues(new Uint8Array(32));
  await start();
});
test.afterEach(async () => {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
});

async function start(): Promise<void> {
  context = await chromium.launchPersistentContext(profile, {
    headless: true,
    ...config.use!.launchOptions,
  });
  page = context.pages()[0]!;
  await page.goto(`${seed.url}#/wallet`);
}

const dialog = () => page.getByRole('dialog');
const press = (name: string) => dialog().getByRole('button', { name, exact: true }).click();
const field = (name: string) => dialog().getByLabel(name, { exact: true });

async function restore(passphrase?: string): Promise<void> {
  await button(page, en.wallet.restore).click();
  await field(en.restore.words).fill(formatWords(entropy));
  await press(en.restore.go);
  if (passphrase === undefined) await chooseLater(page);
  else await choose(passphrase);
  await expect(button(page, en.wallet.receive)).toBeVisible();
}

async function choose(passphrase: string): Promise<void> {
  await field(en.protect.passphrase).fill(passphrase);
  await field(en.protect.repeat).fill(passphrase);
  await press(en.protect.set);
  await expect(dialog()).toHaveCount(0);
}

async function protect(): Promise<void> {
  await button(page, en.wallet.protect).click();
  await choose(PASSPHRASE);
}

/** What is said once nothing but the sealed record may be there, with the key of what signs unattended. */
function expectSealed(found: Found, scrypt = 1): void {
  const { keys, device, opened } = found;
  expect({ keys: keys.length, device: device.length, opened: opened.length }).toEqual({
    keys: scrypt,
    device: 0,
    opened: 0,
  });
  expect(found.scrypt.length).toBe(scrypt);
}

/** While it is open, after it is closed, and after one more start, or three where that is said. */
async function always(check: () => Promise<void>, starts = 1): Promise<void> {
  await check();
  await context.close();
  await check();
  for (let i = 0; i < starts; i++) {
    await start();
    await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
    await check();
    await context.close();
  }
  await check();
}

test('a key that begins with the number of its bytes is one key', () => {
  const key = Buffer.alloc(32, 0x20);
  // AES-GCM of 256 bits, its usages in one byte or two, and how many bytes follow.
  for (const usages of [[0x06], [0x86, 0x01]])
    expect(keysIn(Buffer.from([0x4b, 1, 9, 32, ...usages, 32, ...key, 0]))).toHaveLength(1);
});

test('the search finds the words of keys that no passphrase seals', async () => {
  await restore();
  const found = await searchProfile(profile);
  // One for the words, one for what signs with nobody there.
  expect(found.keys.length).toBe(2);
  expect(found.device.length).toBe(1);
  expect(opens(found, entropy)).toBe(true);
});

test('a passphrase: no key of this device is left, nor a record that it opens', async () => {
  await restore();
  await protect();
  await always(async () => {
    expectSealed(await searchProfile(profile));
    expect(holds(profile, entropy)).toBe(false);
  }, 3);
});

test('a passphrase chosen before the keys are stored: they were never there without it', async () => {
  await button(page, en.wallet.create).click();
  await choose(PASSPHRASE);
  await expect(button(page, en.wallet.receive)).toBeVisible();
  await always(async () => expectSealed(await searchProfile(profile)));
});

test('another passphrase, a passkey, and its removal: the record before is gone each time', async () => {
  await restore(PASSPHRASE);
  const [first] = (await searchProfile(profile)).scrypt;
  await button(page, en.wallet.protectChange).click();
  await field(en.backup.passphrase).fill(PASSPHRASE);
  await choose(OTHER);
  const changed = await searchProfile(profile);
  expectSealed(changed);
  expect(changed.scrypt[0]!.wrappedKey).not.toEqual(first!.wrappedKey);
  expect(holds(profile, first!.wrappedKey.data)).toBe(false);

  await addAuthenticator(page);
  await button(page, words.passkey.add).click();
  await field(en.backup.passphrase).fill(OTHER);
  await press(words.passkey.go);
  await expect(page.getByText(words.passkey.yes)).toBeVisible();
  const added = await searchProfile(profile);
  expectSealed(added);
  const byPasskey = added.scrypt[0]!.passkey!.wrappedKey.data;
  expect(holds(profile, byPasskey)).toBe(true);
  await button(page, words.passkey.remove).click();
  await expect(page.getByText(words.passkey.yes)).toHaveCount(0);
  await always(async () => {
    expectSealed(await searchProfile(profile));
    expect(holds(profile, byPasskey)).toBe(false);
  });
});

test('a wallet from a file: sealed as it is stored', async () => {
  await restore(PASSPHRASE);
  await button(page, words.file.export).click();
  const [saved] = await Promise.all([page.waitForEvent('download'), press(words.file.save)]);
  const file = readFileSync(await saved.path(), 'utf8');
  await context.close();
  rmSync(profile, { recursive: true, force: true });
  profile = mkdtempSync(join(tmpdir(), 'pila-profile-'));
  await start();
  const path = test.info().outputPath('wallet.json');
  writeFileSync(path, file);
  await button(page, words.file.import).click();
  await field(words.file.choose).setInputFiles(path);
  await field(en.unlock.passphrase).fill(PASSPHRASE);
  await press(words.file.open);
  await expect(button(page, en.wallet.receive)).toBeVisible();
  await always(async () => expectSealed(await searchProfile(profile)));
});

async function eraseKeys(): Promise<void> {
  await button(page, en.wallet.erase).click();
  await dialog().getByRole('checkbox').check();
  await press(en.erase.go);
  await expect(button(page, en.wallet.create)).toBeVisible();
}

async function eraseAll(): Promise<void> {
  await page.goto(`${seed.url}#/settings`);
  await button(page, deviceWords.erase.open).click();
  await dialog().getByRole('checkbox').check();
  await press(deviceWords.erase.go);
  await expect(sentence(page)).toHaveText(deviceWords.erase.done);
}

for (const [what, erase] of [
  ['the keys are erased', eraseKeys],
  ['everything is erased', eraseAll],
] as const)
  for (const [how, seal] of [
    ['without a passphrase', async () => {}],
    ['under a passphrase', protect],
  ] as const)
    test(`${what}, ${how}: neither keys nor records of any kind are left`, async () => {
      await restore();
      await seal();
      await erase();
      await always(async () => {
        expectSealed(await searchProfile(profile), 0);
        expect(holds(profile, entropy)).toBe(false);
      });
    });

/** Kills the browser with all its processes: nothing of it can end what it began. */
async function kill(): Promise<void> {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' });
  const own = stdout.split('\n').filter((line) => line.includes(profile));
  for (const line of own) {
    const pid = Number.parseInt(line, 10);
    if (pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended with its parent.
    }
  }
  await context.close().catch(() => undefined);
}

/** The vault's worker stops for good where it writes the sealed record, or deletes the one before. */
async function stopAt(step: 'put' | 'delete'): Promise<{ reached: Promise<void> }> {
  const vault = page.workers().find((worker) => worker.url().includes('vault.worker'))!;
  await vault.evaluate((at) => {
    const all = globalThis as any;
    all.reached = new Promise<void>((resolve) => {
      if (at === 'put') {
        const { put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.put = function (this: IDBObjectStore, ...args: [any]) {
          resolve();
          return put.apply(this, args);
        };
      } else
        Object.getPrototypeOf(all.navigator.storageBuckets).delete = () => {
          resolve();
          return new Promise(() => {});
        };
    });
  }, step);
  return { reached: vault.evaluate(() => (globalThis as any).reached as Promise<void>) };
}

test('killed while a passphrase is set: the keys open, and no replaced secret after the next start', async () => {
  await restore();
  for (const step of ['put', 'delete'] as const) {
    const { reached } = await stopAt(step);
    await button(page, en.wallet.protect).click();
    await field(en.protect.passphrase).fill(PASSPHRASE);
    await field(en.protect.repeat).fill(PASSPHRASE);
    await press(en.protect.set);
    await reached;
    await kill();
    await start();
    await expect(button(page, en.wallet.receive)).toBeVisible();
    const found = await searchProfile(profile);
    const isSealed = await page.getByText(en.wallet.protectedYes).isVisible();
    // Both records were there: the sealed one counts.
    if (step === 'delete') expect(isSealed).toBe(true);
    if (isSealed) {
      expectSealed(found);
      // One that was killed before it had looked for accounts offers that above, by a button of the same name.
      await button(page, en.wallet.unlock).last().click();
      await field(en.unlock.passphrase).fill(PASSPHRASE);
      await press(en.unlock.go);
      await expect(button(page, en.wallet.lock)).toBeVisible();
      if (step === 'delete') return;
      await eraseKeys();
      await restore();
    } else {
      expect(opens(found, entropy)).toBe(true);
      expect([found.device.length, found.scrypt.length]).toEqual([1, 0]);
    }
  }
});
