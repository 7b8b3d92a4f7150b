/** Asking a model of words for pay: tokens are made here, a seed that mines answers, anybody reads and checks it. */
import { expect, test, type Page } from '@playwright/test';
import { ask as words } from '../src/ui/i18n/en/ask.ts';
import { prepaid } from '../src/ui/i18n/en/prepaid.ts';
import {
  button,
  createKeysWithCoins,
  expectAccessible,
  goTo,
  modelChoice,
  pressToConfirm,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

const MODEL = 'polyglot';
let seed: Seed;
let asker: Page;
/** Path of what was saved to share. */
let shared: string;

test.beforeAll(async ({ browser }) => {
  const args = ['--mine', '--model', MODEL, '--answer-price', '0.01'];
  seed = await startSeed({ args });
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  asker = await context.newPage();
});
test.afterAll(async () => {
  await asker.context().close();
  await seed.kill();
  removeData(seed);
});

const dialog = (page: Page) => page.getByRole('dialog');
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

/** Whoever answers for pay, once the model is chosen. */
const offer = () => asker.getByRole('radio', { name: /VLT a text/ });
const chooseModel = () => modelChoice(asker).selectOption(MODEL);

test('a newcomer finds who answers, and what being answered for pay takes', async () => {
  await asker.goto(`${seed.url}#/ask`);
  await chooseModel();
  await expect(offer()).toBeVisible();
  // Nothing can be paid yet: what is free is proposed.
  await expect(asker.getByRole('radio', { name: prepaid.who.here })).toBeChecked();
  await offer().check();
  await expect(asker.getByText(prepaid.open.noKeys)).toBeVisible();
  await expectAccessible(asker);
  await asker.getByRole('link', { name: prepaid.open.toWallet }).click();
  await createKeysWithCoins(asker);
  await goTo(asker, 'ask');
});

test('a model of words is asked three texts, whose tokens are counted', async () => {
  await chooseModel();
  await expect(offer()).toBeChecked();
  const texts = asker.getByLabel(words.form.texts, { exact: true });
  await texts.fill(`${SAID[0]}\n${'file '.repeat(70)}`);
  await expect(asker.getByText(words.form.overLong('2', '72', '64'))).toBeVisible();
  await texts.fill(`${SAID.join('\n')}\n`);
  await expect(asker.getByText(words.form.tokens('3', '8', '9', '64'))).toBeVisible();
  await asker.getByLabel(prepaid.open.limit).fill('1');
  await expectAccessible(asker);
  await picture(asker, 'form');
  await button(asker, prepaid.open.review).click();
  await pressToConfirm(dialog(asker).getByRole('button', { name: prepaid.review.confirm }));
  await expect(dialog(asker)).toHaveCount(0);
  await expect(asker.getByText(prepaid.ask.most('0.0300'))).toBeVisible();
  await button(asker, prepaid.ask.go).click();
});

test('its answer is embeddings: how alike the texts are, and a copy of the numbers', async () => {
  await expect(button(asker, prepaid.kept.share).first()).toBeVisible();
  const answer = asker.locator('.answer').first();
  for (const text of READ) await expect(asker.locator('ol.input').first()).toContainText(text);
  const pair = (a: string, b: string) =>
    answer.locator('dl.index > div', { hasText: words.answer.pair(a, b) }).locator('dd');
  const alike = Number(await pair('1', '2').innerText());
  // A translation lies nearer than another sentence.
  expect(alike).toBeGreaterThan(Number(await pair('1', '3').innerText()) + 0.2);
  await asker.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(asker, words.answer.copy).first().click();
  await expect(asker.getByText(words.answer.copied)).toBeVisible();
  const copied = JSON.parse(await asker.evaluate(() => navigator.clipboard.readText()));
  expect(copied.embeddings.map((e: any) => e.values.length)).toEqual([128, 128, 128]);
  const [one, two] = copied.embeddings;
  const dot = one.values.reduce((s: number, v: number, i: number) => s + v * two.values[i], 0);
  expect(dot * one.scale * two.scale).toBeCloseTo(alike, 3);
  await expectAccessible(asker);
  await picture(asker, 'answer');
  const [saved] = await Promise.all([
    asker.waitForEvent('download'),
    button(asker, prepaid.kept.share).first().click(),
  ]);
  shared = await saved.path();
});

test('elsewhere its file shows ids, and texts once the words are fetched', async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${seed.url}#/answer/`);
  await page.getByLabel(prepaid.shared.choose).setInputFiles(shared);
  await expect(page.getByText(prepaid.shared.good)).toBeVisible();
  await expect(page.getByText(words.input.idsOnly)).toBeVisible();
  await page.getByRole('button', { name: /^Download the word list/ }).click();
  for (const text of READ) await expect(page.locator('ol.input')).toContainText(text);
  await context.close();
});
