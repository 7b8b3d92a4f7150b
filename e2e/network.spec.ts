/** The Network screen and the explorer, on a chain that the page mines itself; then with the seed gone. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { formatAddress } from '../src/core/address.ts';
import { en } from '../src/ui/i18n/en/app.ts';
import { network as words } from '../src/ui/i18n/en/network.ts';
import { network as parole } from '../src/ui/i18n/it/network.ts';
import {
  addressHex,
  button,
  expectAllTaken,
  goTo,
  heightOf,
  indexLine,
  mineUntilPaid,
  minedBy,
  pause,
  readAddress,
  sentence,
  readWords,
  voltsIn,
} from './support/app.ts';
import { removeData, startSeed, type Seed } from './support/seed.ts';

test.describe.configure({ mode: 'serial' });

const VOLT = 10n ** 9n;
const FAUCET_VOLTS = 10_000_000n * VOLT;
const GIFT = 100n * VOLT;

let seed: Seed;
let context: BrowserContext;
let page: Page;
let address: string;
let secretWords: string[];
/** Of the faucet's gift. */
let gift: string;

test.beforeAll(async ({ browser }) => {
  seed = await startSeed({ network: 'e2e' });
  context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  page = await context.newPage();
});
test.afterAll(async () => {
  await context.close();
  await seed.kill();
  removeData(seed);
});

const search = async (text: string): Promise<void> => {
  await page.getByLabel(words.search.label).fill(text);
  await page.keyboard.press('Enter');
};
const title = (): Locator => page.locator('h1');
const fault = (): Locator => page.getByRole('search').locator('.bad');
const evidence = async (): Promise<string> => {
  const details = page.locator('details.evidence').first();
  await details.locator('summary').click();
  return await details.innerText();
};
/** Narrow, and fit for assistive technology, by day and night. */
const look = async (name: string): Promise<void> => {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide, `${name}: no scrolling sideways`).toBeLessThanOrEqual(390);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    expect(found, `${name}, ${colorScheme}`).toEqual([]);
    const path = test.info().outputPath(`${name}-${colorScheme}.png`);
    await page.screenshot({ path, fullPage: true });
  }
  await page.emulateMedia({ colorScheme: 'light' });
};

test('opened without keys it connects, mines nothing, and tells who is there', async ({
  browser,
}) => {
  const visitor = await browser.newContext({ locale: 'it-IT' });
  const other = await visitor.newPage();
  await other.goto(`${seed.url}#/network`);
  await expect(other.locator('.peer .link')).toHaveText([parole.peers.links.websocket]);
  await expect(other.locator('.peer .address')).toContainText('/ws/p2p/12D3');
  await expect(indexLine(other, parole.head.agree)).toHaveText(parole.head.of('1', '1'));
  expect(other.workers().some((worker) => worker.url().includes('miner'))).toBe(false);
  await visitor.close();
});

test('the head, the coins and the newest blocks, live while the page mines', async () => {
  await page.goto(seed.url);
  await mineUntilPaid(page);
  address = await readAddress(page);
  await button(page, en.wallet.backUp).click();
  await button(page, en.backup.show).click();
  secretWords = await readWords(page);
  await page.keyboard.press('Escape');
  const asked = await fetch(`${seed.url}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
  });
  expect(asked.ok).toBe(true);
  await expect.poll(async () => (await seed.rpc('getAccount', address)).txCount).toBe(1);
  await goTo(page, 'network');
  await expect(page.locator('.newest li').first()).toContainText(words.newest.mine);
  const shownHeight = async () =>
    Number(
      /[\d,]+/.exec(await indexLine(page, words.head.height).innerText())![0].replace(',', ''),
    );
  const before = await shownHeight();
  await expect.poll(shownHeight).toBeGreaterThan(before);
  await goTo(page, 'pila');
  await pause(page);
  await expectAllTaken(page, seed, address);
  await goTo(page, 'network');
  await expect.poll(shownHeight).toBe(await heightOf(seed));
  await expect(indexLine(page, words.state.title)).toHaveText(words.state.yes);
  const { issued, accounts } = await seed.rpc('getSupply');
  const coins = async (label: string) => voltsIn(await indexLine(page, label).innerText());
  for (const label of [words.supply.issued, words.supply.held])
    await expect.poll(() => coins(label)).toBe(BigInt(issued) + FAUCET_VOLTS);
  await expect(indexLine(page, words.supply.held)).toContainText(
    words.supply.heldWhy(accounts, String(accounts)),
  );
  await look('network');
});

test('its own block, by a click and by its id, down to the proof', async () => {
  const height = (await minedBy(seed, address)).at(-1)!;
  await page.getByRole('link', { name: words.newest.block(String(height)), exact: true }).click();
  await expect(title()).toHaveText(words.block.title(String(height)));
  await expect(indexLine(page, words.block.miner)).toHaveText(address);
  const known = await evidence();
  expect(known).toContain(words.block.chained);
  expect(known).toMatch(
    /checked on this device: [\d,]{3,} bytes, about one piece of the multiplications/,
  );
  await look('block');
  const id = await indexLine(page, words.block.id).innerText();
  await search(id.toUpperCase());
  await expect(page).toHaveURL(new RegExp(`#/block/${id}$`));
  await expect(title()).toHaveText(words.block.title(String(height)));
  await search('0');
  await expect(title()).toHaveText(words.block.genesis);
});

test('its address: what it owns, and a history that is complete', async () => {
  await search(address);
  await expect(title()).toHaveText(words.address.title);
  await expect(page.getByText(words.address.complete('1'))).toBeVisible();
  const { balance } = await seed.rpc('getAccount', address);
  const shown = await indexLine(page, words.address.spendable).innerText();
  expect(voltsIn(shown)).toBe(BigInt(balance));
  expect(await evidence()).toMatch(/proof of [\d,]+ bytes/);
  await look('address');
  await page.locator('.transactions li a').first().click();
  await expect(title()).toHaveText(words.tx.kinds.transfer);
});

test('its transaction: who, how much, and in which block', async () => {
  gift = (await indexLine(page, words.block.id).innerText()).trim();
  expect(voltsIn(await indexLine(page, words.tx.amount).innerText())).toBe(GIFT);
  await expect(indexLine(page, words.tx.to)).toHaveText(address);
  await expect(indexLine(page, words.tx.state)).toHaveText(
    /^block \d+, position 1(; not final yet: \d of 6 blocks(; from an account as new.*)?)?$/,
  );
  expect(await evidence()).toContain(words.tx.inBody);
  await look('transaction');
  await indexLine(page, words.tx.state).getByRole('link').click();
  await expect(page.locator('.transactions li')).toHaveCount(1);
});

test('what is no height, id or address is told as what it is', async () => {
  await goTo(page, 'network');
  const foreign = formatAddress(new Uint8Array(32).fill(7), 'pila');
  const misspelt = address.slice(0, -1) + (address.endsWith('q') ? 'p' : 'q');
  const { problems } = words.search;
  for (const [text, told] of [
    ['', problems.LOOKUP_EMPTY],
    ['hello', problems.LOOKUP_MALFORMED],
    ['9'.repeat(11), problems.LOOKUP_MALFORMED],
    ['0'.repeat(64), problems.LOOKUP_UNKNOWN],
    [foreign, problems.ADDRESS_NETWORK],
    [misspelt, problems.ADDRESS_CHECKSUM],
  ] as const) {
    await search(text);
    await expect(fault()).toHaveText(told);
  }
  await search('999999999');
  await expect(page.getByText(words.page.noBlock)).toBeVisible();
  await page.goto(`${seed.url}#/tx/nonsense`);
  await expect(page.getByText(words.page.badId)).toBeVisible();
});

test('the report for bugs is shown, saved as shown, and holds no secret', async () => {
  await goTo(page, 'network');
  await button(page, words.report.make).click();
  const text = await page.getByLabel(words.report.all).innerText();
  const report = JSON.parse(text);
  expect(report).toMatchObject({ network: 'e2e', holdsState: true, miner: { state: 'paused' } });
  expect(report.peers.map(({ address: at }: { address: string }) => at)).toEqual([
    expect.stringMatching(/^\/(ip4|dns4)\/tcp\/ws\/p2p$/),
  ]);
  const secrets = [address, addressHex(address), String(seed.port), gift];
  for (const secret of secrets) expect(text).not.toContain(secret);
  // Words may be part of honest names: three in a row are not.
  for (let i = 0; i + 3 <= secretWords.length; i++)
    expect(text).not.toMatch(new RegExp(secretWords.slice(i, i + 3).join('\\W+')));
  // No key in any form: of long hexadecimal runs only the ids of two blocks, and no bytes.
  const ids = [report.genesis, report.head.id];
  expect((text.match(/[0-9a-fA-F]{32,}/g) ?? []).filter((hex) => !ids.includes(hex))).toEqual([]);
  expect(text).not.toMatch(/"\d+":/);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    button(page, words.report.download).click(),
  ]);
  expect(download.suggestedFilename()).toBe('pila-report.json');
  expect(readFileSync(await download.path(), 'utf8')).toBe(text);
  await look('report');
});

test('with the seed gone, what is held here is still found and known', async () => {
  const height = await heightOf(seed);
  await seed.kill();
  await expect(page.getByText(words.peers.none)).toBeVisible();
  await expect(indexLine(page, words.head.sync)).toHaveText(words.head.syncs.offline);
  await search(gift);
  await expect(title()).toHaveText(words.tx.kinds.transfer);
  await search(address);
  await expect(page.getByText(words.address.complete('1'))).toBeVisible();
  await search(String(height));
  await expect(title()).toHaveText(words.block.title(String(height)));
  await search('0'.repeat(64));
  await expect(fault()).toHaveText(words.search.problems.LOOKUP_UNKNOWN);
  await goTo(page, 'pila');
  await expect(sentence(page)).toHaveText(en.sentence.paused);
});
