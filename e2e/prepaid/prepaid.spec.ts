/**
 * Prepaid answers between browsers: one works and answers for pay, one asks, and the seed is not needed for it; a third
 * checks what was shared.
 */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../../src/ui/i18n/en/app.ts';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { prepaid } from '../../src/ui/i18n/en/prepaid.ts';
import {
  button,
  createKeysWithCoins,
  expectAccessible,
  goTo,
  indexLine,
  leaveAlone,
  mineUntilPaid,
  pressToConfirm,
  readVolts,
  voltsIn,
  workersOf,
} from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
/** `tiny` takes it in two sequences of 16 bytes: an answer of two parts, each paid for. */
const TEXT = 'Ciao, Alessandro Volta!';
/**
 * VLT: what four texts cost at most, and some. The price is a pass's share of a block, on a chain that has fallen back to
 * its easiest 16 passes a block: 3.28 a text, more than the 10 that are allowed at first.
 */
const LIMIT = '20';
const PASSPHRASE = 'cobalt hammock viola tundra zebra quiver';

let seed: Seed;
const contexts: BrowserContext[] = [];
let provider: Page;
let asker: Page;
/** Of what was shared. */
let link: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  const open = async () => {
    const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
    contexts.push(context);
    return await context.newPage();
  };
  [provider, asker] = [await open(), await open()];
});
test.afterAll(async () => {
  for (const context of contexts) await context.close();
  await seed.kill();
  removeData(seed);
});

const dialog = (page: Page) => page.getByRole('dialog');
/** In the page: how many rows of an answer were shown, each time that others were, from now on. */
function countRows(): number[] {
  const seen: number[] = [];
  new MutationObserver(() => {
    const shown = document.querySelectorAll('.answer .top').length;
    if (shown > 0 && shown !== seen.at(-1)) seen.push(shown);
  }).observe(document.body, { subtree: true, childList: true });
  return seen;
}

test('one works, and answers for pay from now on', async () => {
  await provider.goto(seed.url);
  await mineUntilPaid(provider);
  await provider.getByRole('checkbox', { name: prepaid.provide.label }).check();
  await expect(provider.getByText(prepaid.provide.on)).toBeVisible();
});

test('with its keys locked it goes on answering', async () => {
  await goTo(provider, 'wallet');
  await button(provider, en.wallet.protect).click();
  for (const field of [en.protect.passphrase, en.protect.repeat])
    await dialog(provider).getByLabel(field, { exact: true }).fill(PASSPHRASE);
  await button(provider, en.protect.set).click();
  await expect(dialog(provider)).toHaveCount(0);
  await button(provider, en.wallet.lock).click();
  await expect(provider.getByText(en.wallet.locked)).toBeVisible();
  await goTo(provider, 'pila');
});

test('one with coins asks this device, while nobody is heard yet', async () => {
  await asker.goto(`${seed.url}#/wallet`);
  await createKeysWithCoins(asker);
  await goTo(asker, 'settings');
  await asker.getByLabel(prepaid.limit.label).fill(LIMIT);
  await button(asker, prepaid.limit.save).click();
  await expect(asker.getByText(prepaid.limit.saved)).toBeVisible();
  await asker.goto(`${seed.url}#/ask`);
  await expect(asker.getByText(prepaid.who.title, { exact: true })).toBeVisible();
  await expectAccessible(asker);
  await expect(
    asker.getByText(new RegExp(`${words.lately.nobody}|${words.lately.offered(1, '')}`)),
  ).toBeVisible();
  await asker.getByRole('radio', { name: prepaid.who.here }).check();
  await asker.getByLabel(words.form.input, { exact: true }).fill(TEXT);
  // From now on it has the model, and what runs it.
  await button(asker, prepaid.ask.here).click();
  await expect(asker.locator('.answer')).toBeVisible();
});

test('coins are set aside by one confirmation', async () => {
  const offers = asker.getByRole('radio', { name: /VLT a text/ });
  await expect(offers.first()).toBeVisible();
  // Beside the model: that it is offered, after what wait, from what price; nobody has answered yet.
  const lately = asker.locator('span.note', { hasText: words.lately.offered(1, '') });
  await expect(lately).toContainText(
    /from [\d.,]+ VLT a text (answers at once|the first in about)/,
  );
  await expect(lately).not.toContainText(/Last answered/);
  await offers.first().check();
  await asker.getByLabel(words.form.input, { exact: true }).fill(TEXT);
  await asker.getByLabel(prepaid.open.limit).fill(LIMIT);
  await button(asker, prepaid.open.review).click();
  await expect(dialog(asker)).toContainText(`${LIMIT}.0000 VLT`);
  await expectAccessible(asker);
  await pressToConfirm(dialog(asker).getByRole('button', { name: prepaid.review.confirm }));
  await expect(dialog(asker)).toHaveCount(0);
  await expect(asker.locator('[data-state=open]')).toBeVisible();
});

test('the provider loads its page again, with its keys locked: whoever paid it finds it', async () => {
  await provider.reload();
  await button(provider, en.pila.start).click();
  await goTo(asker, 'ask');
  await asker.getByLabel(words.form.input, { exact: true }).fill('Di nuovo qui');
  await button(asker, prepaid.ask.go).click();
  await expect(asker.locator('.answer .top')).toHaveCount(1);
  await expect(button(asker, prepaid.kept.verify)).toHaveCount(1);
});

test('another tab of the asker, which runs nothing itself, is answered through the first', async () => {
  const follower = await asker.context().newPage();
  await follower.goto(`${seed.url}#/ask`);
  await follower
    .getByRole('radio', { name: /VLT a text/ })
    .first()
    .check();
  await follower.getByLabel(words.form.input, { exact: true }).fill('Altra scheda');
  await button(follower, prepaid.ask.go).click();
  await expect(follower.locator('.answer .top')).toHaveCount(1);
  expect(workersOf(follower).filter((url) => /client\.worker|miner\.worker/.test(url))).toEqual([]);
  // The first tab has it too.
  await expect(asker.locator('.kept-answers > li')).toHaveCount(2);
  await follower.close();
});

test('the seed is gone', async () => {
  await leaveAlone(seed, [provider, asker]);
  await goTo(asker, 'ask');
  await asker.getByLabel(words.form.input, { exact: true }).fill(TEXT);
});

test('what was set aside pays for an answer, which is what the model gives', async () => {
  const rows = await asker.evaluateHandle(countRows);
  await button(asker, prepaid.ask.go).click();
  await expect(button(asker, prepaid.kept.verify).first()).toBeVisible();
  await expect(asker.locator('.answer .top')).toHaveCount(2);
  expect(await rows.jsonValue()).toEqual([1, 2]);
  await expect(asker.getByText(/Last answered for you .+, by .+, for [\d.,]+ VLT\./)).toBeVisible();
  await button(asker, prepaid.kept.verify).first().click();
  await expect(asker.getByText(prepaid.kept.equal).first()).toBeVisible();
  await expectAccessible(asker);
  await asker.screenshot({ path: test.info().outputPath('answer.png'), fullPage: true });
  await asker.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(asker, prepaid.kept.link).first().click();
  await expect(asker.getByText(prepaid.kept.copied)).toBeVisible();
  link = await asker.evaluate(() => navigator.clipboard.readText());
});

test('the asker stops, and what was not used comes back', async () => {
  await goTo(asker, 'wallet');
  const before = await readVolts(asker, en.wallet.spendable);
  await goTo(asker, 'ask');
  const said = await asker.getByText(new RegExp(`^${LIMIT}\\.0000 VLT, [\\d.]+ used$`)).innerText();
  const used = voltsIn(said.slice(said.indexOf(',')))!;
  expect(used).toBeGreaterThan(0n);
  await asker.getByRole('button', { name: new RegExp(`^${prepaid.list.close}`) }).click();
  await goTo(asker, 'wallet');
  // To the last nV.
  const after = before + BigInt(LIMIT) * VOLT - used;
  await expect.poll(() => readVolts(asker, en.wallet.spendable)).toBe(after);
  await goTo(provider, 'pila');
  await expect(indexLine(provider, prepaid.provide.answered)).toHaveText('4');
  await expect(indexLine(provider, prepaid.provide.earned)).toHaveText(/[1-9]/);
  await goTo(provider, 'wallet');
  await expect(provider.getByText(en.wallet.locked)).toBeVisible();
});

test('a third, without keys, opens what was shared and verifies it', async ({ browser }) => {
  // Somebody has to serve the page and the model.
  seed = await startSeed({ network: 'e2e', data: seed.data, port: seed.port });
  const context = await browser.newContext();
  contexts.push(context);
  const third = await context.newPage();
  await third.goto(link);
  await expect(third.getByText(prepaid.shared.good)).toBeVisible();
  await expect(third.getByText(TEXT)).toBeVisible();
  await button(third, prepaid.kept.verify).click();
  await expect(third.getByText(prepaid.kept.equal)).toBeVisible();
});
