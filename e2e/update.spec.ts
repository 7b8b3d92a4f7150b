/** A new version of the app on the server, while a page of the old one works. */
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { button, goTo, pause, readAddress, sentence, valueOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

const repository = join(import.meta.dirname, '..');
/** An installation of its own, whose page this test may change. */
const root = mkdtempSync(join(tmpdir(), 'pila-root-'));
let seed: Seed;

test.beforeAll(async () => {
  for (const copied of ['src', 'dist', 'package.json'])
    cpSync(join(repository, copied), join(root, copied), { recursive: true });
  for (const linked of ['models', 'node_modules'])
    symlinkSync(join(repository, linked), join(root, linked));
  seed = await startSeed({ network: 'e2e', root });
});
test.afterAll(async () => {
  await seed.kill();
  removeData(seed);
  rmSync(root, { recursive: true });
});

/** What a build of a newer source changes: the page, and so the revision that the worker names. */
function release(version: string): void {
  const edit = (file: string, from: RegExp | string, to: string) => {
    const path = join(root, 'dist', file);
    const old = readFileSync(path, 'utf8');
    const text = old.replace(from, to);
    expect(text, file).not.toBe(old);
    writeFileSync(path, text);
    unlinkSync(`${path}.br`);
  };
  edit('index.html', '<html lang="en">', `<html lang="en" data-version="${version}">`);
  const named = /"revision":"[0-9a-f]{32}","url":"index.html"/;
  edit('sw.js', named, `"revision":"${version}","url":"index.html"`);
}

test('restarts after the unit in work, when the person says so, and keeps what it knows', async ({
  page,
}) => {
  const version = () => page.evaluate(() => document.documentElement.dataset['version']);
  await page.goto(seed.url);
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  const address = await readAddress(page);
  await goTo(page, 'pila');
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active !== null);
  await seed.kill();
  release('next');
  const { port, data } = seed;
  seed = await startSeed({ network: 'e2e', port, data, root });
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await expect(page.getByText(en.update.ready)).toBeVisible();
  // Nothing happens by itself: the old version works on.
  const before = Number(await valueOf(page, en.pila.completed).innerText());
  await expect
    .poll(async () => Number(await valueOf(page, en.pila.completed).innerText()))
    .toBeGreaterThan(before);
  expect(await version()).toBe(undefined);
  await button(page, en.update.goAfter).click();
  await expect.poll(() => version().catch(() => undefined)).toBe('next');
  await expect(page.getByText(en.update.ready)).toHaveCount(0);
  // The new version works only when it is told to.
  await expect(sentence(page)).toHaveText(en.sentence.off);
  expect(await readAddress(page)).toBe(address);
  await goTo(page, 'pila');
  await button(page, en.pila.start).click();
  await expect(valueOf(page, en.pila.completed)).toHaveText(/[1-9]/);
  await pause(page);
});
