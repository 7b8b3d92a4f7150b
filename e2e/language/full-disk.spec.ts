/** The browser gives no more room while a person asks: it is told with its code, and what was kept before stays. */
import { expect, test, type CDPSession, type Page } from '@playwright/test';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { button, modelChoice } from '../support/app.ts';
import { openChatPage, type ChatPage } from '../support/language.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

const { generate: t, chats } = words;
const [BEFORE, DURING, AFTER] = ['Before it was full', 'While it was full', 'With room again'];
let opened: ChatPage;
let page: Page;
let cdp: CDPSession;

test.beforeAll(async ({ browser }) => {
  opened = await openChatPage(browser);
  page = opened.page;
  cdp = await page.context().newCDPSession(page);
  await modelChoice(page).selectOption(opened.name);
  await page.getByText(t.more.title, { exact: true }).click();
  await page.getByLabel(t.more.maxTokens, { exact: true }).fill('4');
});
test.afterAll(() => opened.close());

/** Without a number there is as much as ever. */
async function allow(bytes?: number): Promise<void> {
  const { origin } = new URL(opened.seed.url);
  const quota = bytes === undefined ? {} : { quotaSize: bytes };
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, ...quota });
}
const turns = () => page.locator('.turn');
async function ask(question: string): Promise<void> {
  const before = await turns().count();
  await page.getByLabel(t.question, { exact: true }).fill(question);
  await button(page, t.go).click();
  await expect(turns()).toHaveCount(before + 1);
  await expect(turns().last().getByText(t.ended.length)).toBeVisible();
}
const isFull = () => page.getByText('STORE_FULL');

test('a conversation goes on, says that it is not kept, and is kept whole once there is room', async () => {
  await ask(BEFORE);
  await allow(1);
  // Chromium believes for half a minute what room it saw at a write.
  await expect(async () => {
    await ask(DURING);
    await expect(isFull()).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect(page.getByText(chats.unkept)).toBeVisible();
  await allow();
  await ask(AFTER);
  await expect(isFull()).toBeHidden();
  const count = await turns().count();
  await page.reload();
  await expect(page.getByRole('heading', { name: BEFORE })).toBeVisible();
  await expect(turns()).toHaveCount(count);
});
