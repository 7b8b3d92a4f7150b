/**
 * A conversation with a language model on this device: question after question, kept here alone, gone on with after a
 * reload without a network; what has no room is said; marks of a model's are drawn and never run.
 */
import { expect, test, type Page } from '@playwright/test';
import type { ChatMessage } from '../../src/client/api.ts';
import { encode } from '../../src/core/codec.ts';
import { CHATS_STORE } from '../../src/ui/ask/generate/chats/chats.svelte.ts';
import { KeptChat, newChat, type Turn } from '../../src/ui/ask/generate/chats/kept-chat.ts';
import { ask as words } from '../../src/ui/i18n/en/ask.ts';
import { device } from '../../src/ui/i18n/en/device.ts';
import { plainText } from '../../src/wallet/plain-text.ts';
import {
  button,
  expectAccessible,
  goTo,
  indexLine,
  modelChoice,
  pressToConfirm,
  untilOpensOffline,
} from '../support/app.ts';
import { answerOf, openChatPage, type ChatPage } from '../support/language.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

const [FIRST, SECOND] = ['Why does a battery run down?', 'And who found it?'];
const TOKENS = 12;
/** Tokens of an answer that is not there at once. */
const LONG = 200;
const { generate: t, chats } = words;

let opened: ChatPage;
let page: Page;

test.beforeAll(async ({ browser }) => {
  opened = await openChatPage(browser);
  page = opened.page;
  await modelChoice(page).selectOption(opened.name);
  await page.getByText(t.more.title, { exact: true }).click();
});
test.afterAll(() => opened.close());

const field = (label: string) => page.getByLabel(label, { exact: true });
const turns = () => page.locator('.turn');
const ended = () => page.locator('.turn').last().getByText(t.ended.length);
const list = () => page.getByRole('region', { name: chats.title });

async function ask(question: string, by: string): Promise<void> {
  await field(t.more.seed).fill(by);
  await field(t.more.maxTokens).fill(String(TOKENS));
  await field(t.question).fill(question);
  await button(page, t.go).click();
  await expect(turns().last()).toContainText(question.slice(0, 40));
  await expect(ended()).toBeVisible({ timeout: 300_000 });
}

async function copied(): Promise<string> {
  await turns().last().getByRole('button', { name: t.copy }).click();
  await expect(turns().last().getByText(t.copied, { exact: true })).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}

async function expectSaid(messages: readonly ChatMessage[], by: string): Promise<string> {
  const { text } = await answerOf(opened.folder, messages, { maxTokens: TOKENS, seed: by });
  expect(await copied()).toBe(plainText(text, 'lines'));
  return text;
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });
/** All that was said, as the model said it. */
const said: ChatMessage[] = [];

test('a question is asked together with those before it and their answers, and what the model is told first', async () => {
  await field(t.more.system).fill('You are Volta.');
  said.push({ role: 'system', content: 'You are Volta.' });
  for (const [question, by] of [
    [FIRST, '1'],
    [SECOND, '2'],
  ] as const) {
    await ask(question, by);
    said.push(user(question));
    said.push(assistant(await expectSaid(said, by)));
    await expect(field(t.question)).toHaveValue('');
  }
  await expect(turns()).toHaveCount(2);
  await expectAccessible(page);
});

test('after a reload without a network it goes on where it was; another answer has another seed', async () => {
  await untilOpensOffline(page);
  await opened.seed.kill();
  await page.context().setOffline(true);
  await page.reload();
  await expect(page.getByRole('heading', { name: FIRST })).toBeVisible();
  await expect(turns()).toHaveCount(2);
  const before = await copied();
  await page.getByText(t.more.title, { exact: true }).click();
  await expect(field(t.more.system)).toHaveValue('You are Volta.');
  await expect(field(t.more.maxTokens)).toHaveValue(String(TOKENS));
  await button(page, t.another).click();
  await expect(turns().last()).not.toContainText(t.seeded('2'));
  await expect(ended()).toBeVisible({ timeout: 300_000 });
  await expect(turns()).toHaveCount(2);
  const by = /seed (\d{6})/.exec(await turns().last().innerText())![1]!;
  const { text } = await answerOf(opened.folder, said.slice(0, -1), {
    maxTokens: TOKENS,
    seed: by,
  });
  const shown = plainText(text, 'lines');
  expect(await copied()).toBe(shown);
  expect(shown).not.toBe(before);
  said[said.length - 1] = assistant(text);
});

test('what has no room is said before it is left out, and after', async () => {
  const long = 'A battery of zinc and copper. '.repeat(12);
  await field(t.question).fill(long);
  await expect(page.getByText(t.leavesOut(1, '1'))).toBeVisible();
  await ask(long, '3');
  await expect(turns().last()).toContainText(t.leftOut(1, '1'));
  await expectSaid([said[0]!, ...said.slice(3), user(long)], '3');
});

test('conversations are listed, renamed, opened and deleted, and stay so after a reload', async () => {
  await button(page, chats.new).click();
  await expect(turns()).toHaveCount(0);
  await ask('Another one', '4');
  await expect(list().getByRole('listitem')).toHaveCount(2);
  await button(page, chats.change).click();
  await field(chats.name).fill('Second');
  await button(page, chats.save).click();
  await list()
    .getByRole('button', { name: new RegExp(`^${FIRST.slice(0, 20)}`) })
    .click();
  await expect(turns()).toHaveCount(3);
  await button(page, chats.change).click();
  const dialog = page.getByRole('dialog');
  await expectAccessible(page);
  await pressToConfirm(dialog.getByRole('button', { name: chats.remove }));
  await expect(turns()).toHaveCount(0);
  await expect(list().getByRole('listitem')).toHaveCount(1);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Second' })).toBeVisible();
  await expect(list().getByRole('listitem')).toHaveCount(1);
});

test('an answer goes on while the person looks elsewhere in the app, and is kept whole', async () => {
  await button(page, chats.new).click();
  await page.getByText(t.more.title, { exact: true }).click();
  await field(t.more.seed).fill('6');
  await field(t.more.maxTokens).fill(String(LONG));
  await field(t.question).fill(FIRST);
  await button(page, t.go).click();
  await expect(turns()).toHaveCount(1);
  await expect(field(t.question)).toHaveValue('');
  await field(t.question).fill(SECOND);
  const places = page.getByRole('navigation', { name: words.places.label });
  await places.getByRole('link', { name: words.places.search, exact: true }).click();
  await goTo(page, 'wallet');
  await goTo(page, 'ask');
  await expect(page.getByRole('heading', { name: FIRST })).toBeVisible();
  await expect(field(t.question)).toHaveValue(SECOND);
  await field(t.question).fill('');
  await expect(ended()).toBeVisible();
  const { text } = await answerOf(opened.folder, [user(FIRST)], { maxTokens: LONG, seed: '6' });
  expect(await copied()).toBe(plainText(text, 'lines'));
});

const HOSTILE = [
  '# Title <img src="https://evil.example/h.png" onerror="window.hit=1">',
  '![p](https://evil.example/p.png) [l](https://ex.example/a) [j](javascript:window.hit=1)',
  '<script>window.hit=1</script>',
  '<iframe srcdoc="<script>parent.hit=1</script>"></iframe>',
  '- **a** `b`\n- <svg onload="window.hit=1">',
  '| a | b |\n|---|---|\n| 1 | 2 |',
  '```\n<b>code</b>\n```',
].join('\n\n');

test('of a model’s marks nothing runs and nothing is loaded', async () => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const answer: NonNullable<Turn['answer']> = {
    text: HOSTILE,
    tokens: 9,
    end: 'stop',
    seed: '5',
    model: 'x',
    unread: 0,
    read: [],
  };
  const turn: Turn = { question: '<b>hostile</b>', answer };
  const kept = { ...newChat(), revision: 1, changedMs: Date.now() + 1e6, turns: [turn] };
  const bytes = [...encode(KeptChat, kept)];
  await page.evaluate(
    ([store, value]) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open(store as string);
        opening.onsuccess = () => {
          const change = opening.result.transaction('kv', 'readwrite');
          change.objectStore('kv').put(Uint8Array.from(value as number[]), 'chat/hostile');
          change.oncomplete = () => (opening.result.close(), resolve());
          change.onerror = () => reject(new Error('not written'));
        };
      }),
    [CHATS_STORE, bytes],
  );
  await page.reload();
  await expect(page.getByRole('heading', { name: '<b>hostile</b>' })).toBeVisible();
  const drawn = page.locator('.answer');
  await expect(drawn.locator('strong')).toHaveText('a');
  await expect(drawn.locator('pre')).toHaveText('<b>code</b>');
  expect(await drawn.locator('script, iframe, img, svg, object, [onerror], [onload]').count()).toBe(
    0,
  );
  const links = await drawn
    .locator('a')
    .evaluateAll((all) =>
      all.map((a) => [a.getAttribute('href'), a.getAttribute('rel'), a.getAttribute('target')]),
    );
  const safe = ['noopener noreferrer nofollow', '_blank'];
  expect(links).toEqual([
    ['https://evil.example/p.png', ...safe],
    ['https://ex.example/a', ...safe],
  ]);
  await expect(drawn).toContainText('l (ex.example)');
  await expect(drawn).toContainText('[j](javascript:window.hit=1)');
  expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBe(undefined);
  expect(asked.filter((url) => url.includes('example'))).toEqual([]);
  await expectAccessible(page);
});

test('the settings say what they take', async () => {
  await goTo(page, 'settings');
  await expect(indexLine(page, device.chats)).toContainText(/^3, [\d.]+\sk?B$/);
});
