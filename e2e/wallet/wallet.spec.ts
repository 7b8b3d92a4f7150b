/** The wallet's whole life: coins in, words written down, a passphrase, coins out, erased, restored. */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { formatAddress } from '../../src/core/address.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { keyring } from '../../src/ui/i18n/en/keyring.ts';
import { wallet as words } from '../../src/ui/i18n/en/wallet.ts';
import { formatUri } from '../../src/wallet/uri.ts';
import {
  backupQuestions,
  button,
  choiceOf,
  chooseLater,
  createKeys,
  goTo,
  pressToConfirm,
  readAddress,
  readVolts,
  readWords,
  untilOpensOffline,
  wordAsked,
} from '../support/app.ts';
import { BLOCKS_WHEN_NEEDED, removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
const FEE = 2_000n;
/** Somebody else. */
const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');
const PASSPHRASE = 'lusab-babad-gutih-tugad-hosaf';

let seed: Seed;
let context: BrowserContext;
let page: Page;
let address: string;
let seedWords: string[];

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e', args: BLOCKS_WHEN_NEEDED });
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(`${seed.url}#/wallet`);
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const dialog = () => page.getByRole('dialog');
const inDialog = (name: string) => dialog().getByRole('button', { name, exact: true });
const field = (name: string) => dialog().getByLabel(name, { exact: true });
const spendable = () => readVolts(page, en.wallet.spendable);

test('keys are made, and trial coins arrive', async () => {
  await expect(page.getByText(en.wallet.noKeys)).toBeVisible();
  await createKeys(page);
  await expect(page.getByText(en.wallet.notBackedUp)).toBeVisible();
  address = await readAddress(page);
  expect(address).toMatch(/^rpila1[a-z0-9]{50,}$/);
  await expect.poll(spendable).toBe(0n);
  // Nobody mines: the seed makes the block that brings them.
  expect((await seed.rpc('status')).height).toBe(0);
  await button(page, en.wallet.faucet).click();
  await expect.poll(spendable).toBe(100n * VOLT);
  // What was asked for is told as come, and no longer as on its way.
  await expect(page.getByText(words.gift.come('100.0000'))).toBeVisible();
  await expect(page.getByText(words.gift.asked)).toHaveCount(0);
  await expect(page.locator('.history').getByText(en.wallet.received)).toBeVisible();
  // The seed gives to an address only now and then.
  await button(page, en.wallet.faucet).click();
  await expect(page.getByText(en.errors.FAUCET_LATER)).toBeVisible();
  await button(page, en.common.dismiss).click();
});

test('after a first visit the wallet opens without a network', async () => {
  await expect.poll(spendable).toBe(100n * VOLT);
  await untilOpensOffline(page);
  await context.setOffline(true);
  await page.reload();
  await expect.poll(spendable).toBe(100n * VOLT);
  expect(await readAddress(page)).toBe(address);
  const told = page.getByRole('banner').getByText(en.headLine.offline, { exact: true });
  await expect(told).toBeVisible();
  const [before, after] = en.pila.offline('|').split('|');
  await expect(page.getByText(before!)).toContainText(after!);
  await context.setOffline(false);
  await page.reload();
  await expect(page.getByRole('banner').getByText(/peer/)).toBeVisible();
  await expect(told).toHaveCount(0);
});

test('Back closes a sheet, and a sheet that was closed leaves nothing to go back to', async () => {
  await goTo(page, 'network');
  await goTo(page, 'wallet');
  await button(page, en.wallet.receive).click();
  await expect(dialog()).toBeVisible();
  await page.goBack();
  await expect(dialog()).toHaveCount(0);
  expect(new URL(page.url()).hash).toBe('#/wallet');
  await button(page, en.wallet.receive).click();
  await inDialog(en.common.close).click();
  await expect(dialog()).toHaveCount(0);
  await expect(button(page, en.wallet.receive)).toBeFocused();
  await expect.poll(() => page.evaluate(() => history.state as unknown)).toBeNull();
  await page.goBack();
  expect(new URL(page.url()).hash).toBe('#/network');
  await goTo(page, 'wallet');
});

test('a link is shown before the words are written down, and why it cannot be paid yet', async () => {
  const link = formatUri(OTHER, { amount: 5n * VOLT, label: 'Ann' });
  await page.evaluate((to) => (location.hash = `#/pay/${encodeURIComponent(to)}`), link);
  await expect(field(en.send.to)).toHaveValue(OTHER);
  await expect(field(en.send.amount)).toHaveValue('5');
  await expect(dialog().getByText(/Ann/)).toBeVisible();
  await expect(dialog().getByText(words.hindered.words)).toBeVisible();
  await expect(inDialog(en.send.review)).toBeDisabled();
  await inDialog(en.common.cancel).click();
});

test('sending opens once the words are written down', async () => {
  await expect(button(page, en.wallet.send)).toBeDisabled();
  await expect(page.getByText(words.hindered.words).first()).toBeVisible();
  await button(page, en.wallet.backUp).click();
  await inDialog(en.backup.show).click();
  seedWords = await readWords(page);
  await inDialog(en.backup.written).click();
  await answer((right, choices) => choices.find((word) => word !== right)!);
  await expect(dialog().getByText(en.errors.BACKUP_WRONG)).toBeVisible();
  // Other questions, none answered.
  await expect(dialog().getByRole('radio', { checked: true })).toHaveCount(0);
  await expect(button(page, en.wallet.send)).toBeDisabled();
  await answer((right) => right);
  await expect(dialog().getByText(en.backup.doneWhy)).toBeVisible();
  await inDialog(en.common.done).click();
  await expect(page.getByText(en.wallet.backedUpYes)).toBeVisible();
  await expect(button(page, en.wallet.send)).toBeEnabled();
});

/** Answers the three questions about the words and presses Check. */
async function answer(pick: (right: string, choices: string[]) => string): Promise<void> {
  for (const question of await backupQuestions(page)) {
    const right = await wordAsked(question, seedWords);
    const choices = await question
      .getByRole('radio')
      .evaluateAll((radios) => radios.map((radio) => (radio as HTMLInputElement).value));
    await choiceOf(question, pick(right, choices)).check();
  }
  await inDialog(en.backup.check).click();
}

test('a passphrase locks spending, not the balance', async () => {
  await button(page, en.wallet.protect).click();
  await field(en.protect.passphrase).fill('password1');
  await field(en.protect.repeat).fill('password2');
  await inDialog(en.protect.set).click();
  await expect(dialog().getByText(en.protect.differs)).toBeVisible();
  await field(en.protect.repeat).fill('password1');
  await inDialog(en.protect.set).click();
  await expect(dialog().getByText(en.errors.PASSPHRASE_WEAK)).toBeVisible();
  await field(en.protect.passphrase).fill(PASSPHRASE);
  await field(en.protect.repeat).fill(PASSPHRASE);
  await inDialog(en.protect.set).click();
  await expect(page.getByText(en.wallet.protectedYes)).toBeVisible();
  await expect(dialog()).toHaveCount(0);
  await button(page, en.wallet.lock).click();
  await expect(page.getByText(en.wallet.locked)).toBeVisible();
  expect(await spendable()).toBe(100n * VOLT);
  await page.reload();
  await expect(page.getByText(en.wallet.locked)).toBeVisible();
  await expect.poll(spendable).toBe(100n * VOLT);
  await button(page, en.wallet.send).click();
  await field(en.unlock.passphrase).fill('not the passphrase at all');
  await inDialog(en.unlock.go).click();
  await expect(dialog().getByText(en.errors.PASSPHRASE_WRONG)).toBeVisible();
  await field(en.unlock.passphrase).fill(PASSPHRASE);
  await inDialog(en.unlock.go).click();
  await expect(page.getByText(en.wallet.locked)).toHaveCount(0);
  // On to what was asked for.
  await expect(field(en.send.to)).toBeVisible();
  await inDialog(en.common.cancel).click();
});

test('a payment: wrong input is told, a right one is confirmed on the chain', async () => {
  await button(page, en.wallet.send).click();
  await expect(dialog().getByRole('radio', { name: words.fee.normal })).toBeChecked();
  await expect(dialog().getByText('0.000002 VLT', { exact: true })).toBeVisible();
  await dialog().getByRole('radio', { name: words.fee.custom }).check();
  await field(en.send.fee).fill('0.000000999');
  const refused = async (to: string, amount: string, ...sentences: string[]) => {
    await field(en.send.to).fill(to);
    await field(en.send.amount).fill(amount);
    await inDialog(en.send.review).click();
    for (const text of sentences) await expect(dialog().getByText(text)).toBeVisible();
  };
  await refused('', '', en.forms.ADDRESS_MISSING, en.forms.AMOUNT_MALFORMED);
  await refused(OTHER.replace(/.$/, 'q'), '0', en.forms.ADDRESS_MALFORMED, en.forms.AMOUNT_ZERO);
  await refused(formatAddress(new Uint8Array(32), 'pila'), '1', en.forms.ADDRESS_NETWORK);
  await refused(OTHER, '100', en.forms.AMOUNT_OVER);
  await refused(OTHER, '1,5', en.forms.AMOUNT_MALFORMED, en.forms.FEE_LOW);
  await dialog().getByRole('radio', { name: words.fee.normal }).check();
  await refused(OTHER, '12.345');
  await expect(dialog().getByRole('heading', { name: en.send.confirmTitle })).toBeVisible();
  await expect(dialog().locator('.address')).toHaveText(OTHER);
  await expect(dialog().getByText('12.345', { exact: false }).first()).toBeVisible();
  await pressToConfirm(inDialog(en.send.confirm));
  await expect(dialog().getByText(en.send.doneWhy)).toBeVisible();
  await inDialog(en.common.done).click();
  await expect
    .poll(async () => (await seed.rpc('getAccount', OTHER)).balance)
    .toBe(String((12_345n * VOLT) / 1000n));
  await expect.poll(spendable).toBe((87_655n * VOLT) / 1000n - FEE);
  await expect(page.getByText(en.wallet.sent, { exact: true })).toBeVisible();
  await expect(page.getByText(en.wallet.pendingState.pending)).toHaveCount(0);
  await page.screenshot({ path: test.info().outputPath('wallet.png'), fullPage: true });
});

test('erased keys are gone from this device', async () => {
  await button(page, en.wallet.erase).click();
  await expect(inDialog(en.erase.go)).toBeDisabled();
  await dialog().getByRole('checkbox').check();
  await inDialog(en.erase.go).click();
  await expect(page.getByText(en.wallet.noKeys)).toBeVisible();
  await page.reload();
  await expect(page.getByText(en.wallet.noKeys)).toBeVisible();
});

test('the 24 words give the same address and balance on another device', async ({ browser }) => {
  await context.close();
  context = await browser.newContext();
  page = await context.newPage();
  await page.goto(`${seed.url}#/wallet`);
  await button(page, en.wallet.restore).click();
  const typed = field(en.restore.words);
  const go = inDialog(en.restore.go);
  await typed.fill(seedWords.slice(1).join(' '));
  await expect(dialog().getByText(en.errors.WORDS_COUNT)).toBeVisible();
  await expect(go).toBeDisabled();
  const numbered = (words: readonly string[]) => words.map((word, i) => `${i + 1}. ${word},`);
  // Named by its place; what it is like is told while the words are shown, and put in by one press.
  await typed.fill(numbered(seedWords.with(16, `${seedWords[16]}x`)).join('\n'));
  await expect(dialog().getByText(keyring.restore.unknown(1, '17'))).toBeVisible();
  await expect(go).toBeDisabled();
  await inDialog(en.protect.show).click();
  await inDialog(seedWords[16]!).click();
  await expect(typed).toHaveValue(`${seedWords.join(' ')} `);
  const last = seedWords.at(-1) === 'zoo' ? 'abandon' : 'zoo';
  await typed.fill([seedWords.slice(1), last].flat().join(' '));
  await go.click();
  await expect(dialog().getByText(en.errors.WORDS_CHECKSUM)).toBeVisible();
  await field(en.restore.words).fill(seedWords.join('  ').toUpperCase());
  await inDialog(en.restore.go).click();
  await chooseLater(page);
  await expect.poll(spendable).toBe((87_655n * VOLT) / 1000n - FEE);
  expect(await readAddress(page)).toBe(address);
});
