/**
 * Asking about one's own texts: a conversation with a language model reads passages that are looked up for each
 * question, shows them under its answer, and keeps them; all on this device, also with nobody to be reached.
 */
import { expect, test, type Page } from '@playwright/test';
import { FROM_PASSAGES } from '../../src/client/texts-index/context.ts';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { search } from '../../src/ui/i18n/en/search.ts';
import { plainText } from '../../src/wallet/plain-text.ts';
import { button, expectAccessible, untilOpensOffline } from '../support/app.ts';
import { answerOf, openChatPage, type ChatPage } from '../support/language.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

const { generate: t, about } = words;
const TOKENS = 8;
const TEXTS = [
  ['keys.md', 'The password of the user has expired.'],
  ['files.md', 'The file of this module was not found.'],
] as const;
const QUESTION = 'Which password has expired?';

let opened: ChatPage;
let page: Page;

test.beforeAll(async ({ browser }) => {
  opened = await openChatPage(browser);
  page = opened.page;
});
test.afterAll(() => opened.close());

const way = (name: string) =>
  page
    .getByRole('navigation', { name: words.places.label })
    .getByRole('link', { name, exact: true });
const turns = () => page.locator('.turn');
const read = () => turns().last().locator('ol.read > li');
const field = (label: string) => page.getByLabel(label, { exact: true });
async function ask(by: string): Promise<void> {
  await field(t.more.seed).fill(by);
  await field(t.more.maxTokens).fill(String(TOKENS));
  await button(page, t.go).click();
  await expect(turns().last().getByText(t.ended.length)).toBeVisible();
}
const contentOf = (...texts: (typeof TEXTS)[number][]) =>
  [...texts.map(([name, text], i) => `[${i + 1}] ${name}\n${text}`), `Question: ${QUESTION}`].join(
    '\n\n',
  );
/** What the model says to a question with passages before it. */
async function expectSaid(by: string, ...texts: (typeof TEXTS)[number][]): Promise<void> {
  const messages = [
    { role: 'system', content: FROM_PASSAGES },
    { role: 'user', content: contentOf(...texts) },
  ] as const;
  const { text } = await answerOf(opened.folder, messages, { maxTokens: TOKENS, seed: by });
  await turns().last().getByRole('button', { name: t.copy }).click();
  await expect
    .poll(() => page.evaluate(() => navigator.clipboard.readText()))
    .toBe(plainText(text, 'lines'));
}

test('from the search a conversation about all texts begins; its answer is that to the passages it shows', async () => {
  await page.goto(`${opened.seed.url}#/ask/search`);
  await page.getByText(search.add.paste, { exact: true }).click();
  for (const [name, text] of TEXTS) {
    await field(search.add.name).fill(name);
    await field(search.add.text).fill(text);
    await button(page, search.add.keep).click();
    await expect(button(page, search.texts.ask(name))).toBeVisible();
  }
  await page.getByRole('searchbox').fill(QUESTION);
  await button(page, search.form.ask).click();
  await expect(field(t.question)).toHaveValue(QUESTION);
  await expect(page.getByLabel(about.which).locator('option')).toHaveText([
    about.all,
    ...TEXTS.map(([name]) => name),
  ]);
  await page.getByText(t.more.title, { exact: true }).click();
  await ask('1');
  await expect(read().locator('summary')).toHaveText(TEXTS.map(([name]) => name));
  await read().first().locator('summary').click();
  await expect(read().first().locator('blockquote')).toHaveText(TEXTS[0][1]);
  await expectSaid('1', ...TEXTS);
  await expectAccessible(page);
});

test('about one text, with nobody to be reached: passages of it alone, which are there after a reload', async () => {
  await untilOpensOffline(page);
  await opened.seed.kill();
  await page.context().setOffline(true);
  await way(words.places.search).click();
  await button(page, search.texts.ask(TEXTS[1][0])).click();
  await expect(turns()).toHaveCount(0);
  await field(t.question).fill(QUESTION);
  await page.getByText(t.more.title, { exact: true }).click();
  await ask('2');
  await expect(read().locator('summary')).toHaveText(TEXTS[1][0]);
  await expectSaid('2', TEXTS[1]);
  await page.reload();
  await expect(read().locator('summary')).toHaveText(TEXTS[1][0]);
  await expect(page.getByLabel(about.which)).toHaveValue(/^[0-9a-f]{32}$/);
});

test('a text that is removed is not read any more; what was read of it stays with its answer', async () => {
  await way(words.places.search).click();
  await button(page, search.texts.remove(TEXTS[1][0])).click();
  await expect(page.getByText(search.texts.removed(TEXTS[1][0]))).toBeAttached();
  await way(words.places.ask).click();
  await expect(read().locator('summary')).toHaveText(TEXTS[1][0]);
  await field(t.question).fill(QUESTION);
  await button(page, t.go).click();
  await expect(page.getByText(about.nothing)).toBeVisible();
  await expect(turns()).toHaveCount(1);
});
