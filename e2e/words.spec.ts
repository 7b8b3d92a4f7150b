/** Asking a model of words with texts: tokens are made here, a seed that mines answers, anybody reads it. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { ask as words } from '../src/ui/i18n/en/ask.ts';
import { button, createKeysWithCoins } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

const MODEL = 'polyglot';
let seed: Seed;
let asker: Page;
let receiptUrl: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ args: ['--mine', '--model', MODEL] });
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  asker = await context.newPage();
});
test.afterAll(async () => {
  await asker.context().close();
  await seed.kill();
  removeData(seed);
});

const dialog = (page: Page) => page.getByRole('dialog');
const accessible = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))).toEqual(
    [],
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(390);
};

const SAID = ['The file does not exist.', 'Il file non esiste.', 'A class needs a name.'];
/** As the tokenizer gives them back. */
const READ = SAID.map((text) => text.toLowerCase());

/** At both widths, in both schemes. */
async function picture(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const width of [1280, 390]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 844 });
      const path = test.info().outputPath(`${name}-${width}-${colorScheme}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  await page.emulateMedia({ colorScheme: 'light' });
}

test('an asker has coins and proven words', async () => {
  await asker.goto(`${seed.url}#/wallet`);
  await createKeysWithCoins(asker);
});

test('a model of words is asked three texts, whose tokens are counted and read back', async () => {
  await asker.goto(`${seed.url}#/request/`);
  await asker.getByLabel(words.form.model).selectOption(MODEL);
  const texts = asker.getByLabel(words.form.texts, { exact: true });
  await texts.fill(`${SAID[0]}\n${'file '.repeat(70)}`);
  await expect(asker.getByText(words.form.overLong('2', '72', '64'))).toBeVisible();
  await texts.fill(`${SAID.join('\n')}\n`);
  await expect(asker.getByText(words.form.tokens('3', '7', '9', '64'))).toBeVisible();
  await expect(asker.getByLabel(words.form.reward)).toHaveValue(/[1-9]/);
  await accessible(asker);
  await picture(asker, 'form');
  await button(asker, words.form.review).click();
  for (const text of READ) await expect(dialog(asker)).toContainText(text);
  await expect(dialog(asker)).toContainText(words.review.ids);
  await accessible(asker);
  await picture(asker, 'review');
  await dialog(asker).getByRole('button', { name: words.review.confirm }).click();
  await expect(asker).toHaveURL(/#\/receipt\/[0-9a-f]{64}$/);
  receiptUrl = asker.url();
  for (const text of READ) await expect(asker.locator('ol.input')).toContainText(text);
});

test('its answer is embeddings: how alike the texts are, and a copy of the numbers', async () => {
  const answer = asker.locator('.answer').first();
  await expect(answer).toBeVisible({ timeout: 150_000 });
  const pair = (a: string, b: string) =>
    answer.locator('dl.index > div', { hasText: words.receipt.pair(a, b) }).locator('dd');
  const alike = Number(await pair('1', '2').innerText());
  // A translation lies nearer than another sentence.
  expect(alike).toBeGreaterThan(Number(await pair('1', '3').innerText()) + 0.2);
  await asker.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(asker, words.receipt.copy).first().click();
  await expect(asker.getByText(words.receipt.copied)).toBeVisible();
  const copied = JSON.parse(await asker.evaluate(() => navigator.clipboard.readText()));
  expect(copied.embeddings.map((e: any) => e.values.length)).toEqual([128, 128, 128]);
  const [one, two] = copied.embeddings;
  const dot = one.values.reduce((s: number, v: number, i: number) => s + v * two.values[i], 0);
  expect(dot * one.scale * two.scale).toBeCloseTo(alike, 3);
  await accessible(asker);
  await picture(asker, 'receipt');
  await asker.goto(`${seed.url}#/request/`);
  await expect(asker.getByRole('link', { name: READ.join(' · ') })).toBeVisible();
});

test('elsewhere its receipt shows ids, and texts once the words are fetched', async ({
  browser,
}) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(receiptUrl);
  await expect(page.getByText(words.receipt.idsOnly)).toBeVisible();
  await page.getByRole('button', { name: /^Fetch the words/ }).click();
  for (const text of READ) await expect(page.locator('ol.input')).toContainText(text);
  await page.goto(receiptUrl.replace('receipt', 'tx'));
  await expect(page.getByText(READ.join(' · '))).toBeVisible();
  await context.close();
});
