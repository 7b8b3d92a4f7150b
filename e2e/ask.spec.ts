/** A newcomer asks their own device: without keys, without coins, then without anybody to be reached. */
import { expect, test, type Page } from '@playwright/test';
import { en } from '../src/ui/i18n/en/app.ts';
import { ask as words } from '../src/ui/i18n/en/ask.ts';
import { prepaid } from '../src/ui/i18n/en/prepaid.ts';
import { search } from '../src/ui/i18n/en/search.ts';
import { it } from '../src/ui/i18n/it/app.ts';
import { ask as wordsIt } from '../src/ui/i18n/it/ask.ts';
import { prepaid as prepaidIt } from '../src/ui/i18n/it/prepaid.ts';
import { button, changeConfig, expectAccessible, goTo, workersOf } from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

let seed: Seed;
let page: Page;
/** Of somebody who reaches nobody from the beginning. */
let other: Page;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  page = await (await browser.newContext()).newPage();
  other = await (await browser.newContext({ locale: 'it-IT' })).newPage();
});
test.afterAll(async () => {
  for (const one of [page, other]) await one.context().close();
  await seed.kill();
  removeData(seed);
});

const answer = () => page.locator('.answer');

test('the form is there without keys, says what is wrong with a text, and names this device', async () => {
  await page.goto(`${seed.url}#/ask`);
  await expect(page.getByText(words.lead)).toBeVisible();
  await expect(page.getByRole('radio', { name: prepaid.who.here })).toBeChecked();
  await expect(page.getByText(prepaid.who.none)).toBeVisible();
  await expectAccessible(page);
  await button(page, prepaid.ask.here).click();
  await expect(page.getByText(words.faults.inputMissing)).toBeVisible();
  // `tiny` takes two sequences of 16 bytes.
  const field = page.getByLabel(words.form.input, { exact: true });
  const tooMany = 'thirty-three letters, one too many';
  await field.fill(tooMany);
  await button(page, prepaid.ask.here).click();
  await expect(page.getByText(words.faults.inputLong)).toBeVisible();
  // What was begun is there for who looks elsewhere.
  const places = page.getByRole('navigation', { name: words.places.label });
  await places.getByRole('link', { name: words.places.search, exact: true }).click();
  // Search has a field of that name too.
  await expect(page.getByText(search.lead)).toBeVisible();
  await places.getByRole('link', { name: words.places.ask, exact: true }).click();
  await expect(page.getByText(words.lead)).toBeVisible();
  await expect(field).toHaveValue(tooMany);
  await goTo(page, 'network');
  await goTo(page, 'ask');
  await expect(field).toHaveValue(tooMany);
  expect(workersOf(page).filter((url) => url.includes('miner'))).toEqual([]);
});

test('this device fetches the model and answers, a row for each sequence', async () => {
  await page.getByLabel(words.form.input, { exact: true }).fill('Ciao, Alessandro Volta!');
  // Two sequences, and nothing is set aside for one alone.
  await expect(page.getByText(words.form.bytes('23', '32'))).toBeVisible();
  await expect(page.getByText(prepaid.ask.less(1, '1'))).toBeHidden();
  // On a small phone the answer lies below the form: it comes in sight by itself.
  await page.setViewportSize({ width: 390, height: 560 });
  await button(page, prepaid.ask.here).click();
  await expect(answer()).toBeVisible();
  await expect(answer()).toBeInViewport({ ratio: 0.9 });
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(answer().locator('.top')).toHaveCount(2);
  await page.getByText(en.proof.title).last().click();
  await expect(page.getByText(words.proof.here)).toBeVisible();
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath('answer.png'), fullPage: true });
});

test('with nobody to be reached it answers all the same; one without the model is told', async () => {
  await changeConfig(other, { bootstrap: [] });
  await other.goto(`${seed.url}#/ask`);
  await expect(other.getByText(wordsIt.lead)).toBeVisible();
  await expect(other.getByText(prepaidIt.ask.connecting)).toBeVisible();
  await seed.kill();
  await expect(page.getByText(prepaid.ask.offline)).toBeVisible();
  await page.getByLabel(words.form.input, { exact: true }).fill('Ciao, Volta!');
  await button(page, prepaid.ask.here).click();
  await expect(answer().locator('.top')).toHaveCount(1);
  await other.getByLabel(wordsIt.form.input, { exact: true }).fill('Ciao, Volta!');
  await button(other, prepaidIt.ask.here).click();
  // What runs models is not there either, without the page's own server.
  await expect(other.getByText(it.errors.SCREEN_MISSING)).toBeVisible();
  await expectAccessible(other);
});

test('a link to a question of an earlier chain says so, and leads to the form', async () => {
  await page.evaluate((hash) => (location.hash = hash), `#/receipt/${'5e'.repeat(32)}`);
  await expect(page.getByText(words.old.why)).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('link', { name: words.old.ask }).click();
  await expect(page.getByLabel(words.form.input, { exact: true })).toBeVisible();
});
