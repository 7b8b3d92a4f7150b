/** Texts longer than the shape that is mined: on the page's own device, over HTTP, and paid for; alike everywhere. */
import { expect, test, type Page } from '@playwright/test';
import { networkOf } from '../../src/client/models/networks.ts';
import { sequenceBytes, tokensMax } from '../../src/core/manifest.ts';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { prepaid } from '../../src/ui/i18n/en/prepaid.ts';
import { button, createKeysWithCoins, goTo, modelChoice, pressToConfirm } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

/** Admits a model that takes texts of several lengths; `e2e` has none. */
const NETWORK = 'local';
const model = [...networkOf(NETWORK).models.values()].find(({ shapes }) => shapes.length > 1)!;
const most = tokensMax(model);
const mined = model.shapes[0]!;
/** A text of so many tokens, with those before and after it. */
const textOf = (tokens: number): string => 'a '.repeat(tokens - 2).trim();

let seed: Seed;
let page: Page;
/** What this device said to the longest text. */
let own: readonly number[];

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({
    network: NETWORK,
    args: ['--mine', '--model', model.name, '--answer-price', '0.01'],
  });
  page = await (await browser.newContext({ viewport: { width: 390, height: 844 } })).newPage();
});
test.afterAll(async () => {
  await page?.context().close();
  await seed?.kill();
  removeData(seed);
});

const texts = () => page.getByLabel(words.form.texts, { exact: true });

/** The numbers of the answer that is shown first. */
async function shownNumbers(): Promise<number[]> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(page, words.answer.copy).first().click();
  await expect(page.getByText(words.answer.copied)).toBeVisible();
  const { embeddings } = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
  return embeddings[0].values;
}

test('a page answers the longest text itself, and refuses a longer one with its tokens', async () => {
  await page.goto(`${seed.url}#/ask`);
  await modelChoice(page).selectOption(model.name);
  await page.getByRole('radio', { name: prepaid.who.here }).check();
  await texts().fill(textOf(most + 1));
  const tooLong = words.form.overLong('1', String(most + 1), String(most));
  await expect(page.getByText(tooLong)).toBeVisible();
  await button(page, prepaid.ask.here).click();
  await expect(page.getByText(words.faults.inputLong)).toBeVisible();
  await texts().fill(textOf(most));
  const counted = words.form.tokens('1', String(mined.sequences), String(most), String(most));
  await expect(page.getByText(counted)).toBeVisible();
  await button(page, prepaid.ask.here).click();
  await expect(page.locator('.answer')).toBeVisible();
  own = await shownNumbers();
  expect(own).toHaveLength(model.answerSize);
});

test('a seed answers it over HTTP with the same numbers, and refuses a longer one', async () => {
  const infer = async (input: string) => {
    const response = await fetch(`${seed.rpcUrl}v1/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: model.name, input, timeoutMs: 120_000 }),
    });
    return { status: response.status, told: await response.json() };
  };
  const { status, told } = await infer(textOf(most));
  expect([status, told.inputHex?.length]).toEqual([200, 2 * sequenceBytes(model)]);
  expect(told.answers[0].embeddings[0].values).toEqual(own);
  const refused = await infer(textOf(most + 1));
  expect([refused.status, refused.told.error.code]).toEqual([400, 'INPUT_LONG']);
  expect(refused.told.error.message).toContain(`${most + 1} tokens, over the ${most}`);
});

test('it is paid for by its length, answered, and checked here', async () => {
  await goTo(page, 'wallet');
  await createKeysWithCoins(page);
  await goTo(page, 'ask');
  await modelChoice(page).selectOption(model.name);
  const offer = page.getByRole('radio', { name: /VLT a text/ });
  await expect(offer).toBeVisible();
  await offer.check();
  await page.getByLabel(prepaid.open.limit).fill('1');
  await button(page, prepaid.open.review).click();
  const confirm = page.getByRole('dialog').getByRole('button', { name: prepaid.review.confirm });
  await pressToConfirm(confirm);
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await texts().fill(textOf(most));
  const times = most / mined.tokens;
  await expect(
    page.getByText(prepaid.ask.longer(String(mined.tokens), String(times))),
  ).toBeVisible();
  const cost = prepaid.ask.most((times / 100).toFixed(4));
  await expect(page.getByText(cost)).toBeVisible();
  await button(page, prepaid.ask.go).click();
  const verify = button(page, prepaid.kept.verify).first();
  await expect(verify).toBeVisible();
  expect(await shownNumbers()).toEqual(own);
  await verify.click();
  await expect(page.getByText(prepaid.kept.equal)).toBeVisible();
});
