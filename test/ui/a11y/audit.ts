/**
 * `npm run -s audit:a11y [-- WORD…]`: every screen of the gallery and the built app's own sheets, in
 * English and Italian, on paper and at night, on a phone and on a desk. Ends with `violations 0 in N
 * states`; exits 1 when there are any. With words, only screens whose name holds one of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { chromium, type Browser, type Page } from '@playwright/test';
import { build, preview } from 'vite';
import { createKeys } from '../../../e2e/support/app.ts';
import { removeData, startSeed } from '../../../e2e/support/seed.ts';
import { en } from '../../../src/ui/i18n/en/app.ts';
import { LANGUAGE_NAMES, type Language } from '../../../src/ui/i18n/languages.ts';
import { keyring } from '../../../src/ui/i18n/en/keyring.ts';
import { wallet } from '../../../src/ui/i18n/en/wallet.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../chromium.ts';
import {
  axeFaults,
  focusFaults,
  sharedPlace,
  NARROWEST_PX,
  sidewaysScroll,
  smallTargets,
  unexplainedFigures,
} from './checks.ts';
import { nameOf, PAIRS, screensOf, type Pair, type Screen } from './screens.ts';

const WIDTHS = [390, 1280];
/** At which buttons that ask are compared with those that confirm. */
const PAIR_WIDTHS = [320, 390, 768, 1280, 1366];
/** Two columns are narrowest here. */
const TABLET_PX = 768;
const THEMES = ['light', 'dark'] as const;
/** Pages looked at at the same time. */
const AT_ONCE = 2;

const words = process.argv.slice(2);
const isWanted = (name: string): boolean => !words.length || words.some((w) => name.includes(w));
let states = 0;
let violations = 0;

function report(where: string, faults: readonly string[]): void {
  violations += faults.length;
  for (const fault of faults) console.log(`${where}\n    ${fault.slice(0, 300)}`);
}

/** One screen in one language: both themes and widths, the narrowest, and the way of the focus. */
async function look(page: Page, name: string, language: Language): Promise<void> {
  for (const width of WIDTHS)
    for (const colorScheme of THEMES) {
      await page.setViewportSize({ width, height: width > 1000 ? 800 : 844 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      const where = `${name}, ${language}, ${colorScheme}, ${width} px`;
      report(where, await axeFaults(page));
      report(where, [...(await smallTargets(page)), ...(await sidewaysScroll(page))]);
      states++;
    }
  for (const width of [NARROWEST_PX, TABLET_PX]) {
    await page.setViewportSize({ width, height: 640 });
    report(`${name}, ${language}, ${width} px`, await sidewaysScroll(page));
  }
  await page.setViewportSize({ width: WIDTHS[0]!, height: 844 });
  report(`${name}, ${language}`, await unexplainedFigures(page));
  report(`${name}, ${language}, by Tab`, await focusFaults(page));
}

/** By the button itself, over which a sheet may lie, so that its texts are fetched first. */
async function speak(page: Page, language: Language): Promise<void> {
  const button = page.locator(`button[lang=${language}]`);
  // What is left of a page that was erased speaks one language.
  if (!(await button.count())) return;
  await button.dispatchEvent('click');
  await page.locator(`html[lang=${language}]`).waitFor();
}

async function lookAt(page: Page, url: string, screen: Screen): Promise<void> {
  await page.setViewportSize({ width: 1280, height: 800 });
  // Another query is another load; a fragment alone is none.
  await page.goto(
    `${url}?state=${screen.state}&of=${encodeURIComponent(nameOf(screen))}${screen.hash}`,
  );
  await page.locator('main :is(h1, .caption)').first().waitFor({ state: 'attached' });
  await page.waitForLoadState('networkidle');
  await screen.act?.(page);
  for (const language of LANGUAGE_NAMES) {
    await speak(page, language);
    await look(page, nameOf(screen), language);
  }
}

/** Each pair of buttons in every size and language: none confirms where another one asked. */
async function lookAtPair(page: Page, url: string, pair: Pair): Promise<void> {
  for (const language of LANGUAGE_NAMES)
    for (const width of PAIR_WIDTHS) {
      const where = `${pair.name}: asks and confirms, ${language}, ${width} px`;
      await page.setViewportSize({ width, height: 800 });
      const of = encodeURIComponent(where);
      await page.goto(`${url}?state=${pair.state}&of=${of}${pair.hash}`);
      await page.locator('main :is(h1, .caption)').first().waitFor({ state: 'attached' });
      await page.waitForLoadState('networkidle');
      await pair.act?.(page);
      await speak(page, language);
      const asks = page.getByRole('button', { name: pair.asks[language], exact: true }).last();
      await asks.scrollIntoViewIfNeeded();
      const place = (await asks.boundingBox())!;
      await asks.click();
      const confirms = page.locator('[data-confirms]');
      await confirms.waitFor();
      // One that waits for something else to be done first is not the next that a hand can press.
      const isNext = (await confirms.getAttribute('data-confirms')) === 'next';
      if (isNext) report(where, sharedPlace(place, (await confirms.boundingBox())!));
      states++;
    }
}

async function auditGallery(browser: Browser): Promise<void> {
  const outDir = mkdtempSync(join(tmpdir(), 'pila-gallery-'));
  const root = join(import.meta.dirname, '../gallery');
  const publicDir = join(import.meta.dirname, '../../../public');
  const common = { root, publicDir, configFile: false, logLevel: 'warn' } as const;
  const plugins = [svelte({ configFile: false })];
  await build({
    ...common,
    plugins,
    build: { outDir, emptyOutDir: true, target: 'esnext' },
    worker: { format: 'es' },
  });
  const server = await preview({
    ...common,
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0 },
  });
  const url = server.resolvedUrls!.local[0]!;
  const first = await browser.newPage();
  await first.goto(url);
  const queue = screensOf(await first.evaluate<string[]>('gallery.states'));
  await first.close();
  const wanted = queue.filter((screen) => isWanted(nameOf(screen)));
  const walk = async (): Promise<void> => {
    const page = await browser.newPage();
    for (let screen = wanted.shift(); screen; screen = wanted.shift())
      await lookAt(page, url, screen).catch((error: unknown) =>
        report(nameOf(screen), [`not reached: ${String(error)}`]),
      );
    await page.close();
  };
  const pairs = PAIRS.filter(({ name }) => isWanted(`${name}: asks and confirms`));
  const page = pairs.length ? await browser.newPage() : undefined;
  for (const pair of pairs)
    await lookAtPair(page!, url, pair).catch((error: unknown) =>
      report(pair.name, [`not reached: ${String(error)}`]),
    );
  await page?.close();
  await Promise.all(Array.from({ length: AT_ONCE }, walk));
  await new Promise<void>((resolve) => server.httpServer.close(() => resolve()));
  rmSync(outDir, { recursive: true, force: true });
}

/** Sheets of the built app over a real vault, by what opens them. */
const SHEETS = [
  en.wallet.receive,
  en.wallet.words,
  en.wallet.protect,
  keyring.file.export,
  wallet.account.add,
  wallet.watch.add,
  en.wallet.erase,
];

async function auditApp(browser: Browser): Promise<void> {
  if (!SHEETS.some((name) => isWanted(`app: ${name}`))) return;
  const seed = await startSeed({ network: 'e2e' });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${seed.url}#/wallet`);
  await createKeys(page);
  for (const name of SHEETS.filter((n) => isWanted(`app: ${n}`))) {
    for (const language of LANGUAGE_NAMES) {
      await page.setViewportSize({ width: 1280, height: 800 });
      const order = SHEETS.indexOf(name);
      await page.getByRole('button', { name: 'EN', exact: true }).click();
      const opener = page.getByRole('button', { name: SHEETS[order]!, exact: true });
      const handle = await opener.elementHandle();
      await page.getByRole('button', { name: language.toUpperCase(), exact: true }).click();
      await handle.click();
      await page.getByRole('dialog').waitFor();
      await look(page, `app: ${name}`, language);
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
  }
  await page.close();
  await seed.kill();
  removeData(seed);
}

const executablePath = findChromium();
const browser = await chromium.launch({ executablePath, args: CHROMIUM_FLAGS });
await auditGallery(browser);
await auditApp(browser);
await browser.close();
console.log(`violations ${violations} in ${states} states`);
// Words that fit no state have shown nothing.
process.exit(violations || !states ? 1 : 0);
