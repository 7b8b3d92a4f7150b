/**
 * One's own texts: 200 put in, searched by meaning, also after a reload with nobody to be reached; stopped, removed.
 * `npm run e2e:models` runs the same with the real model, which then finds what says the same in other words.
 */
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { readFileSync, writeFileSync } from 'node:fs';
import { en } from '../../src/ui/i18n/en/app.ts';
import { search as t } from '../../src/ui/i18n/en/search.ts';
import { button, expectAccessible, untilOpensOffline } from '../support/app.ts';
import { removeData, startSeed, type Seed } from '../support/seed.ts';

test.describe.configure({ mode: 'serial' });
test.use({ viewport: { width: 390, height: 844 } });

/** The real model reads them, which the network of the tests does not admit. */
const isReal = process.env.PILA_PACKAGE !== undefined;
const TEXTS = 200;
/** What the model was made for: messages of programs. */
const SUBJECTS = [
  'file',
  'module',
  'variable',
  'class',
  'type',
  'argument',
  'property',
  'function',
];
const nameOf = (i: number): string => `notes/${String(i).padStart(3, '0')}.md`;
const textOf = (i: number): string =>
  `# Note ${i}\n\nThe ${SUBJECTS[i % SUBJECTS.length]} of number ${i} is not known here.\n\n` +
  `It was looked for in place ${i * 7}.\n`;
const NEEDLE = 'The password of the user has expired and must be changed.';
/** To the real model no word of it is told but "the". */
const QUERY = isReal ? 'Login refused: choose new credentials' : NEEDLE;
const files = Array.from({ length: TEXTS }, (_, i) => ({
  name: nameOf(i).slice('notes/'.length),
  mimeType: 'text/markdown',
  buffer: Buffer.from(i === 137 ? `${textOf(i)}\n${NEEDLE}\n` : textOf(i)),
}));

let seed: Seed;
let context: BrowserContext;
let page: Page;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: isReal ? 'local' : 'e2e' });
  context = await browser.newContext();
  page = await context.newPage();
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const choose = (given: typeof files) =>
  page.locator('input[type=file][multiple]:not([webkitdirectory])').setInputFiles(given);
/** As from a window of files beside it. */
async function drop({ name, buffer }: (typeof files)[number]): Promise<void> {
  const path = test.info().outputPath(name);
  writeFileSync(path, buffer);
  const field = page.getByRole('group', { name: t.add.drop });
  await field.scrollIntoViewIfNeeded();
  const box = (await field.boundingBox())!;
  const cdp = await context.newCDPSession(page);
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await cdp.send('Input.dispatchDragEvent', {
      type,
      x: box.x + box.width / 2,
      y: box.y + 8,
      data: { items: [], files: [path], dragOperationsMask: 1 },
    });
}
const hits = () => page.locator('ol.hits > li');
async function find(query: string): Promise<string[]> {
  await page.getByRole('searchbox').fill(query);
  await page.keyboard.press('Enter');
  await expect(hits().first()).toBeVisible();
  return hits().locator('.note').allInnerTexts();
}
let found: string[];

test('200 texts are put in; what is no text is told by its name; a passage is found by its meaning', async () => {
  await page.goto(`${seed.url}#/ask/search`);
  await expect(page.getByText(t.lead)).toBeVisible();
  await button(page, t.form.go).click();
  await expect(page.getByText(t.form.missing)).toBeVisible();
  await page.getByRole('searchbox').fill('anything');
  await button(page, t.form.go).click();
  await expect(page.getByText(t.form.empty)).toBeVisible();
  const picture = { name: 'a.png', mimeType: 'image/png', buffer: Buffer.of(0x89, 0x50, 0, 0) };
  const latin = { name: 'b.txt', mimeType: 'text/plain', buffer: Buffer.from('perché', 'latin1') };
  await choose([picture, latin, ...files.slice(0, -2)]);
  await expect(page.getByText(t.taken.added(String(TEXTS - 2)))).toBeVisible();
  await expect(page.getByText(en.errors.TEXT_BINARY)).toBeVisible();
  await expect(page.getByText(en.errors.TEXT_ENCODING)).toBeVisible();
  // What comes while these are read is taken at once.
  await expect(button(page, t.progress.stop)).toBeVisible();
  await drop(files.at(-2)!);
  await expect(page.getByText(t.taken.added('1'))).toBeVisible();
  await choose(files.slice(-1));
  await button(page, t.texts.all(String(TEXTS))).click();
  for (const { name } of files.slice(-2))
    await expect(button(page, t.texts.remove(name))).toBeVisible();
  await expect(button(page, t.progress.stop)).toBeVisible();
  await expect(button(page, t.progress.stop)).toBeHidden({ timeout: isReal ? 1_200_000 : 300_000 });
  found = await find(QUERY);
  expect(found[0]).toContain('137.md');
  await expect(page.locator('mark').first()).toHaveText(NEEDLE);
  await expectAccessible(page);
  await page.screenshot({ path: test.info().outputPath('found.png'), fullPage: true });
});

test('after a reload with nobody to be reached the same is found', async () => {
  await untilOpensOffline(page);
  await seed.kill();
  await context.setOffline(true);
  await page.reload();
  await expect(button(page, t.texts.remove('000.md'))).toBeVisible();
  expect(await find(QUERY)).toEqual(found);
  await context.setOffline(false);
});

test('what was found is saved; a text that is removed is found no more, in this tab and in another', async () => {
  const saving = page.waitForEvent('download');
  await button(page, t.found.json).click();
  const saved = JSON.parse(readFileSync(await (await saving).path(), 'utf8')) as {
    query: string;
    passages: { text: string; said: string }[];
  };
  expect(saved.query).toBe(QUERY);
  expect(saved.passages[0]).toMatchObject({ text: '137.md' });
  expect(saved.passages[0]!.said).toContain(NEEDLE);
  await button(page, t.texts.all(String(TEXTS))).click();
  await button(page, t.texts.remove('137.md')).click();
  await expect(page.getByText(t.texts.removed('137.md'))).toBeAttached();
  expect((await find(QUERY)).some((line) => line.includes('137.md'))).toBe(false);
  await page.reload();
  expect((await find(QUERY)).some((line) => line.includes('137.md'))).toBe(false);
});
