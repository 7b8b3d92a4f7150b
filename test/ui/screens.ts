/**
 * Photographs the gallery's screens: `npm run screens` writes docs/screens, `npm run visual` compares
 * with it. Clock, data, time zone and motion stand still; only the browser's version can differ, so it
 * is kept beside the pictures, and another version compares nothing.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type Page,
  type Request,
} from '@playwright/test';
import { build, preview } from 'vite';
import { CHROMIUM_FLAGS, findChromium } from '../chromium.ts';
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../../src/ui/i18n/languages.ts';
import { SHOTS, type Shot } from './gallery/shots.ts';
import { decodePng, differenceOf, encodePng, type Picture } from './pictures/png.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    /** Other than the kept ones, for looking. */
    width: { type: 'string' },
    out: { type: 'string', default: 'docs/screens' },
    /** Only one theme and language, such as `light-en`. */
    as: { type: 'string' },
  },
});
const KEPT = 'docs/screens';
const VERSION = join(KEPT, 'chromium.txt');
/** 20 March 1800 is the letter's date; this is the photographs'. */
const NOW = new Date('2026-11-25T10:30:00Z');
const heightOf = (width: number): number => ({ 390: 844, 768: 1024 })[width] ?? 800;
/** Channels may differ by this, of 255: the palette moves colours by less than 10. */
const TOLERANCE = 40;
/** Share of a picture's pixels that may differ by more. */
const DIFFERENT_MAX = 0.0005;

type Theme = 'light' | 'dark';
/** Whose numbers and dates are shown. */
const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', it: 'it-IT' };

interface View {
  readonly shot: Shot;
  readonly width: number;
  readonly theme: Theme;
  readonly language: Language;
}

/** A screen's face in every language and theme; the rest by day in English, by night in Italian. */
function viewsOf(shot: Shot): View[] {
  const widths = values.width ? [Number(values.width)] : shot.main ? [390, 768, 1280] : [390];
  const isFull = (width: number) => shot.main && width !== 768;
  return widths.flatMap((width) =>
    (['light', 'dark'] as const).flatMap((theme) =>
      LANGUAGE_NAMES.filter((language) => !values.as || values.as === `${theme}-${language}`)
        .filter((language) => isFull(width) || (theme === 'light') === (language === 'en'))
        .map((language) => ({ shot, width, theme, language })),
    ),
  );
}

const fileOf = ({ shot, width, theme, language }: View): string =>
  `${shot.name}-${width}-${theme}-${language}.png`;

/** In the page: until nothing in it has changed for a while. */
const untilQuiet = (): Promise<void> =>
  new Promise((resolve) => {
    let timer = setTimeout(resolve, 200);
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(resolve, 200);
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
  });

/** A person of that language, at night or day, with that window. */
const contextOf = (browser: Browser, { width, theme, language }: View): Promise<BrowserContext> =>
  browser.newContext({
    viewport: { width, height: heightOf(width) },
    colorScheme: theme,
    locale: LOCALES[language],
    timezoneId: 'Europe/Rome',
    reducedMotion: 'reduce',
    hasTouch: width < 600,
  });

async function open(context: BrowserContext, url: string, view: View): Promise<Page> {
  const { language, shot } = view;
  const page = await context.newPage();
  const pending = new Set<Request>();
  page.on('request', (request) => pending.add(request));
  page.on('requestfinished', (request) => pending.delete(request));
  page.on('requestfailed', (request) => pending.delete(request));
  page.on('pageerror', (error) => console.log(`  ${fileOf(view)}: ${error.message}`));
  await page.clock.setFixedTime(NOW);
  await page.goto(`${url}?state=${shot.state}${shot.at}`);
  await page.getByRole('main').waitFor();
  await shot.act?.(page, LANGUAGES[language]);
  await page.evaluate(() => document.fonts.ready);
  // What comes late has come: chunks, and what the engine answered.
  do await page.evaluate(untilQuiet);
  while (pending.size > 0);
  return page;
}

async function photograph(context: BrowserContext, url: string, view: View): Promise<Picture> {
  const page = await open(context, url, view);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > view.width) console.log(`  ${fileOf(view)}: ${wide} px wide`);
  await page.mouse.move(0, 0);
  // As high as the page, so that the bar of places is at its end.
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  if (!view.shot.sheet) await page.setViewportSize({ width: view.width, height: tall });
  const file = await page.screenshot({ caret: 'hide' });
  await page.close();
  return decodePng(file);
}

/** What is wrong with it, or nothing. */
function compare(view: View, picture: Picture): string | undefined {
  const path = join(KEPT, fileOf(view));
  if (!existsSync(path)) return 'is not among the kept pictures';
  const kept = decodePng(readFileSync(path));
  const share = differenceOf(kept, picture, TOLERANCE);
  if (share <= DIFFERENT_MAX) return undefined;
  mkdirSync('test-results/screens', { recursive: true });
  writeFileSync(join('test-results/screens', fileOf(view)), encodePng(picture));
  const size = kept.height === picture.height ? '' : `, ${picture.height - kept.height} px taller`;
  return `${(share * 100).toFixed(2)} % differs${size}: see test-results/screens`;
}

const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [...CHROMIUM_FLAGS, '--disable-lcd-text', '--font-render-hinting=none'],
});
const version = browser.version();
const keptVersion = existsSync(VERSION) ? readFileSync(VERSION, 'utf8').trim() : 'none';
if (values.check && version !== keptVersion) {
  console.log(`skipped: the pictures are of Chromium ${keptVersion}, here is ${version}`);
  await browser.close();
  process.exit(0);
}
const root = 'test/ui/gallery';
const outDir = join(process.cwd(), 'test-results/gallery');
await build({ root, configFile: 'test/ui/gallery/vite.config.ts', build: { outDir } });
const server = await preview({
  root,
  configFile: 'test/ui/gallery/vite.config.ts',
  build: { outDir },
  preview: { port: 0, host: '127.0.0.1' },
});
const url = server.resolvedUrls!.local[0]!;
const wanted = SHOTS.filter(
  ({ name }) => !positionals.length || positionals.some((word) => name.includes(word)),
);
if (!values.check) {
  if (values.out === KEPT && !positionals.length) rmSync(KEPT, { recursive: true, force: true });
  mkdirSync(values.out, { recursive: true });
  if (values.out === KEPT) writeFileSync(VERSION, `${version}\n`);
}
let [bytes, count, wrong] = [0, 0, 0];
const contexts = new Map<string, BrowserContext>();
for (const view of wanted.flatMap(viewsOf)) {
  const who = `${view.width} ${view.theme} ${view.language}`;
  const context = contexts.get(who) ?? (await contextOf(browser, view));
  contexts.set(who, context);
  const picture = await photograph(context, url, view);
  count++;
  if (values.check) {
    const problem = compare(view, picture);
    if (problem) console.log(`  ${fileOf(view)} ${problem}`);
    wrong += problem ? 1 : 0;
  } else {
    const file = encodePng(picture);
    bytes += file.length;
    writeFileSync(join(values.out, fileOf(view)), file);
  }
}
await server.close();
await browser.close();
console.log(
  values.check
    ? `${count} pictures compared with Chromium ${version}: ${wrong} differ`
    : `${count} pictures, ${(bytes / 1e6).toFixed(2)} MB, Chromium ${version}`,
);
process.exit(wrong ? 1 : 0);
