/** A new version of the app on the server, while a page of the old one works; and hosts that send the wrong thing. */
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { en } from '../../src/ui/i18n/en/app.ts';
import {
  button,
  countOf,
  goTo,
  pause,
  readAddress,
  sentence,
  untilOpensOffline,
  valueOf,
} from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';
import { serveStatic, type StaticHost } from '../support/static-host.ts';

const repository = join(import.meta.dirname, '../..');
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
  await untilOpensOffline(page);
  await seed.kill();
  release('next');
  const { port, data } = seed;
  seed = await startSeed({ network: 'e2e', port, data, root });
  await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
  await expect(page.getByText(en.update.ready)).toBeVisible();
  // Nothing happens by itself: the old version works on.
  const completed = () => countOf(page, en.pila.completed);
  const before = await completed();
  await expect.poll(completed).toBeGreaterThan(before);
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

test.describe('a host that answers what is missing with its page', () => {
  const folder = join(root, 'hosted');
  let host: StaticHost;

  test.beforeEach(async ({ page }) => {
    cpSync(join(repository, 'dist'), folder, { recursive: true });
    const config = JSON.stringify({ network: 'e2e', prefix: 'rpila', bootstrap: [] });
    host = await serveStatic({ folder, config, otherwise: '/index.html' });
    await page.goto(host.url);
    await page.evaluate(async () => {
      await navigator.serviceWorker.register('./sw.js');
      await navigator.serviceWorker.ready;
    });
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  });
  test.afterEach(() => {
    host.stop();
    rmSync(folder, { recursive: true });
  });

  const hashed = (part: string): string =>
    `assets/${readdirSync(join(folder, 'assets')).find((name) => name.startsWith(part) && !name.endsWith('.br'))!}`;
  const typeOf = (page: Page, file: string) =>
    page.evaluate(async (url) => (await fetch(url)).headers.get('content-type'), file);

  test('poisons no name: the file is taken as soon as it is there', async ({ page }) => {
    const runtime = hashed('ort-wasm');
    const late = hashed('page-transport');
    for (const [file, type] of [
      [runtime, runtime.endsWith('.wasm') ? 'application/wasm' : 'text/javascript'],
      [late, 'text/javascript'],
    ] as const) {
      renameSync(join(folder, file), join(folder, 'away'));
      expect(await typeOf(page, file)).toBe('text/html');
      renameSync(join(folder, 'away'), join(folder, file));
      expect(await typeOf(page, file)).toBe(type);
    }
    // It is kept then: the host could be away.
    const isKept = (url: string) => page.evaluate(async (u) => !!(await caches.match(u)), url);
    await expect.poll(() => isKept(late)).toBe(true);
    renameSync(join(folder, late), join(folder, 'away'));
    expect(await typeOf(page, late)).toBe('text/javascript');
    renameSync(join(folder, 'away'), join(folder, late));
  });

  test('keeps the shell ahead, and no model', async ({ page }) => {
    const kept = await page.evaluate(async () => {
      const ahead = (await caches.keys()).filter((name) => name.includes('precache'));
      const lists = ahead.map(async (name) => (await caches.open(name)).keys());
      return (await Promise.all(lists)).flat().map(({ url }) => new URL(url).pathname);
    });
    expect(kept.some((path) => path.endsWith('/index.html'))).toBe(true);
    expect(kept.filter((path) => /\/models\/|\.(bin|onnx|wasm)$/.test(path))).toEqual([]);
  });

  test('nor one that an older worker kept wrongly', async ({ page }) => {
    const late = hashed('page-transport');
    await page.evaluate(async (url) => {
      const cache = await caches.open('pila-runtime');
      await cache.put(url, await fetch('index.html', { cache: 'reload' }));
    }, late);
    expect(await typeOf(page, late)).toBe('text/javascript');
  });

  /** Offers a change of the worker. @returns what becomes of it */
  const offer = async (page: Page, change: (text: string) => string): Promise<string> => {
    const path = join(folder, 'sw.js');
    const old = readFileSync(path, 'utf8');
    expect(change(old)).not.toBe(old);
    writeFileSync(path, change(old));
    return page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const { promise, resolve } = Promise.withResolvers<string>();
      registration.addEventListener('updatefound', () => {
        const worker = registration.installing!;
        worker.addEventListener('statechange', () => {
          if (worker.state === 'installed' || worker.state === 'redundant') resolve(worker.state);
        });
      });
      await registration.update().catch(() => undefined);
      return promise;
    });
  };
  const source = /\b1[6-9]\d{8}\b/g;

  test('brings no version with a page in the place of a file', async ({ page }) => {
    const shell = hashed('Wallet');
    const renamed = shell.replace('Wallet', 'Wallet-next');
    expect(await offer(page, (text) => text.replace(shell, renamed))).toBe('redundant');
    renameSync(join(folder, shell), join(folder, renamed));
    expect(await offer(page, (text) => `${text}\n`)).toBe('installed');
  });

  /** What resolves once the worker that waits is at work: who comes back sooner is still served by the old one. */
  async function watchTurn(page: Page): Promise<() => Promise<void>> {
    const cdp = await page.context().newCDPSession(page);
    const waiting = new Set<string>();
    const turn = Promise.withResolvers<void>();
    cdp.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      for (const { versionId, status } of versions)
        if (status === 'installed') waiting.add(versionId);
        else if (status === 'activated' && waiting.has(versionId)) turn.resolve();
    });
    await cdp.send('ServiceWorker.enable');
    return () => turn.promise;
  }

  test('brings back no older version: neither at once nor at the next visit', async ({ page }) => {
    const text = readFileSync(join(folder, 'sw.js'), 'utf8');
    const builtS = Number(text.match(source)![0]);
    const of = (seconds: number) => (old: string) => old.replaceAll(source, String(seconds));
    expect(await offer(page, of(builtS - 1))).toBe('redundant');
    expect(await offer(page, of(builtS + 1))).toBe('installed');
    // Nobody uses the old one any more: the newer takes over by itself.
    const turned = await watchTurn(page);
    await page.goto('about:blank');
    await turned();
    await page.goto(host.url);
    const isTaken = () =>
      page.evaluate(async () => {
        const { active, waiting } = await navigator.serviceWorker.ready;
        return !waiting && active?.state === 'activated';
      });
    await expect.poll(isTaken).toBe(true);
    expect(await offer(page, of(builtS))).toBe('redundant');
    expect(await offer(page, of(builtS + 2))).toBe('installed');
  });
});
