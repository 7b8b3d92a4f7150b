/**
 * A language model on this device: fetched from the seed, then asked with nobody to be reached; its answer is written
 * piece by piece, and is the one that Node makes. `npm run e2e:models` runs the same with the real packages.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { en } from '../../src/ui/i18n/en/app.ts';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { models } from '../../src/ui/i18n/en/models.ts';
import { plainText } from '../../src/wallet/plain-text.ts';
import { writeChatty } from '../../test/models/chatty.ts';
import {
  button,
  expectAccessible,
  modelChoice,
  recordTexts,
  untilOpensOffline,
  workersOf,
} from '../support/app.ts';
import { answerOf } from '../support/language.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

/** Folder of a real package; absent: the generated one. */
const given = process.env.PILA_PACKAGE;
const QUESTION = 'Why does a battery run down?';
const SEED = '42';
const TOKENS = 48;
const t = words.generate;

let folder: string;
let name: string;
let seed: Seed;
let context: BrowserContext;
let page: Page;

test.beforeAll(async ({ browser }) => {
  folder = given ?? mkdtempSync(join(tmpdir(), 'pila-chatty-'));
  name = given === undefined ? writeChatty(folder).model.manifest.name : basename(given);
  seed = await startSeed({ network: 'e2e', args: ['--package', folder] });
  context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  page = await context.newPage();
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
  if (given === undefined) rmSync(folder, { recursive: true });
});

const asked = [{ role: 'user', content: QUESTION }] as const;
/** The newest answer as it was said: on the screen its marks are drawn. */
async function copied(): Promise<string> {
  await button(page, t.copy).last().click();
  await expect(page.getByText(t.copied, { exact: true }).last()).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}
/** Seen; who listens is told the same beside it. */
const note = (text: string) => page.locator('p.note', { hasText: text });
const field = (label: string) => page.getByLabel(label, { exact: true });
const question = () => field(t.question);
const miners = () => workersOf(page).filter((url) => url.includes('miner'));

async function ask(maxTokens = TOKENS): Promise<void> {
  await question().fill(QUESTION);
  await field(t.more.seed).fill(SEED);
  await field(t.more.maxTokens).fill(String(maxTokens));
  await button(page, t.go).click();
}

test('the model comes from the seed, and the screen asks it', async () => {
  await page.goto(`${seed.url}#/ask`);
  await button(page, models.fetch(name)).click();
  await expect(page.getByRole('option', { name, exact: true })).toBeAttached({ timeout: 300_000 });
  await modelChoice(page).selectOption(name);
  await expect(question()).toBeVisible();
  await expectAccessible(page);
});

test('with nobody to be reached it is written piece by piece, the same as in Node', async () => {
  await untilOpensOffline(page);
  await seed.kill();
  await context.setOffline(true);
  await page.reload();
  await expect(question()).toBeVisible();
  // It is asked as soon as it is here.
  await expect(modelChoice(page).locator('option:checked')).toHaveText(name);
  await page.getByText(t.more.title, { exact: true }).click();
  // It is loaded while the question is typed.
  expect(miners()).toHaveLength(0);
  await question().fill(QUESTION);
  await expect.poll(miners).toHaveLength(1);
  const pieces = await recordTexts(page, '.answer');
  await ask();
  // The one button, with the focus on it, now stops it.
  await expect(button(page, t.stop)).toBeFocused();
  await expect(note(t.ended.length)).toBeVisible({ timeout: 300_000 });
  await expect(button(page, t.go)).toBeFocused();

  const { text, tokens } = await answerOf(folder, asked, { maxTokens: TOKENS, seed: SEED });
  expect(tokens).toBe(TOKENS);
  const shown = plainText(text, 'lines');
  expect(await copied()).toBe(shown);
  const said = `^${TOKENS} tokens, [\\d.,]+ a second ${name} ${t.seeded(SEED)}$`;
  await expect(page.getByText(new RegExp(said))).toBeVisible();
  expect((await pieces()).length).toBeGreaterThan(5);
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath('answer.png'), fullPage: true });
});

test('another seed is another answer; what is stopped stays, and is not written on', async () => {
  await button(page, words.chats.new).click();
  await field(t.more.temperature).fill('2');
  await question().fill(QUESTION);
  await field(t.more.seed).fill('43');
  await field(t.more.maxTokens).fill('200');
  // Within the page, at the first piece: a slow test would come after the last.
  await page.evaluate(() => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector('.answer[data-running=true]')) return;
      observer.disconnect();
      document.querySelector<HTMLButtonElement>('form > .row > button')!.click();
    });
    observer.observe(document.body, { subtree: true, childList: true });
  });
  await button(page, t.go).click();
  await expect(note(t.ended.stopped)).toBeVisible({ timeout: 300_000 });
  const before = await copied();
  const said = { maxTokens: 200, temperature: 512, seed: '43' };
  const { text } = await answerOf(folder, asked, said);
  const shown = plainText(text, 'lines');
  expect(shown.startsWith(before.replace(/\ufffd*$/, ''))).toBe(true);
  expect(await copied()).toBe(before);
  expect(miners()).toHaveLength(1);
});

test('what does not fit is said with both numbers, and an option that is none at its field', async () => {
  await question().fill(`${QUESTION} `.repeat(given === undefined ? 60 : 400));
  await expect(
    page.getByText(/^This is too long\. Tokens: [\d,]+; the model takes [\d,]+\./),
  ).toBeVisible();
  await question().fill(QUESTION);
  await field(t.more.temperature).fill('9');
  await button(page, t.go).click();
  await expect(page.getByText(en.errors.OPTION_RANGE)).toBeVisible();
  await expect(field(t.more.temperature)).toHaveAttribute('aria-invalid', 'true');
  await expectAccessible(page);
});
