/** Two offer answers for pay and the cheaper one lies: it is found out, proven, left out, and the other one is asked. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { prepaid } from '../../src/ui/i18n/en/prepaid.ts';
import { button, createKeysWithCoins, mineUntilPaid, pressToConfirm } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const TEXT = 'Ciao, Volta!';

let liar: Seed;
const contexts: BrowserContext[] = [];
let honest: Page;
let asker: Page;

test.beforeAll(async ({ browser }) => {
  liar = await startSeed({
    network: 'e2e',
    entry: 'e2e/support/lying-seed.ts',
    args: ['--mine', '--answer-price', '0.000000001'],
  });
  const open = async () => {
    const context = await browser.newContext();
    contexts.push(context);
    return await context.newPage();
  };
  [honest, asker] = [await open(), await open()];
});
test.afterAll(async () => {
  for (const context of contexts) await context.close();
  await liar.kill();
  removeData(liar);
});

const offers = () => asker.getByRole('radio', { name: /VLT a text/ });

/** Asks whoever is the best now, with coins set aside, and has the answer run here. */
async function askAndVerify(): Promise<void> {
  await offers().first().check();
  await asker.getByLabel(words.form.input, { exact: true }).fill(TEXT);
  await asker.getByLabel(prepaid.open.limit).fill('1');
  await button(asker, prepaid.open.review).click();
  const dialog = asker.getByRole('dialog');
  await pressToConfirm(dialog.getByRole('button', { name: prepaid.review.confirm }));
  await expect(dialog).toHaveCount(0);
  await button(asker, prepaid.ask.go).click({ timeout: 120_000 });
  await button(asker, prepaid.kept.verify).first().click({ timeout: 120_000 });
}

test('two answer for pay, and one with coins hears of both', async () => {
  await honest.goto(liar.url);
  await mineUntilPaid(honest);
  await honest.getByRole('checkbox', { name: prepaid.provide.label }).check();
  await asker.goto(`${liar.url}#/wallet`);
  await createKeysWithCoins(asker);
  await asker.goto(`${liar.url}#/ask`);
  await expect(offers()).toHaveCount(2, { timeout: 180_000 });
});

test('the cheaper one’s answer is false: its receipt proves it, and it is offered no more', async () => {
  await askAndVerify();
  await expect(asker.getByText(prepaid.kept.false).first()).toBeVisible({ timeout: 120_000 });
  await expect(offers()).toHaveCount(1);
  await expect(asker.getByText(prepaid.who.falseOnes('1'))).toBeVisible();
});

test('the other one’s is what the model gives', async () => {
  await askAndVerify();
  await expect(asker.getByText(prepaid.kept.equal).first()).toBeVisible({ timeout: 120_000 });
});
