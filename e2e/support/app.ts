/** The app as a person uses it: screens, numbers and buttons, found by the words on the screen. */
import { AxeBuilder } from '@axe-core/playwright';
import { expect, type CDPSession, type Locator, type Page } from '@playwright/test';
import { parseAddress } from '../../src/core/address.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { en } from '../../src/ui/i18n/en/app.ts';
import { ask } from '../../src/ui/i18n/en/ask.ts';
import type { Seed } from './seed.ts';

/** Address prefix of both trial networks. */
const PREFIX = 'rpila';
/** nV that a seed gives. */
const FAUCET_GIFT = 100n * 10n ** 9n;

export const button = (page: Page | Locator, name: string): Locator =>
  page.getByRole('button', { name, exact: true });

/** axe has nothing against the screen, and on a phone nothing of it has to be scrolled to sideways. */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  expect(found).toEqual([]);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(390);
}

/** The choice of a model on Ask: names of other things there hold that word too. */
export const modelChoice = (page: Page): Locator =>
  page.getByRole('combobox', { name: ask.form.model });

/**
 * Presses a button that confirms, as a person does: what a new block makes another question of, between a look and the
 * press, has to be seen anew; the button says so, and is pressed again.
 */
export async function pressToConfirm(confirms: Locator): Promise<void> {
  for (let isEarly = true; isEarly;) {
    // Looked at within the page: a slow test would see neither the press nor what it was told.
    const pressed = await confirms.evaluateHandle((button) => ({
      isEarly: new Promise<boolean>((resolve) => {
        const look = () => {
          const reason = document.getElementById(button.getAttribute('aria-describedby') ?? '');
          resolve(reason?.role === 'alert');
        };
        button.addEventListener('click', () => setTimeout(look), { once: true });
      }),
    }));
    await confirms.click();
    isEarly = await pressed.evaluate((told) => told.isEarly);
  }
}

export const sentence = (page: Page): Locator => page.locator('h1').getByRole('status');

/** One number on a screen, with its unit and note. */
export const figure = (page: Page, label: string): Locator =>
  page.locator('.figure', { has: page.locator('dt', { hasText: new RegExp(`^${label}`) }) });

export const valueOf = (page: Page, label: string): Locator =>
  figure(page, label).locator('.value');

/** A number such as `12,345`. */
export const countOf = async (page: Page, label: string): Promise<number> =>
  Number((await valueOf(page, label).innerText()).replaceAll(',', ''));

/**
 * What the first sentence says, now and from now on, each time that it changes: a state may be over before one looks
 * again.
 */
export const recordSentences = (page: Page): Promise<() => Promise<string[]>> =>
  recordTexts(page, 'h1 [role=status]');

/** From now on, every text that the first element found by a selector has, each change once. */
export async function recordTexts(page: Page, selector: string): Promise<() => Promise<string[]>> {
  const said = await page.evaluateHandle((wanted) => {
    const said: string[] = [];
    const look = () => {
      const text = document.querySelector(wanted)?.textContent;
      if (text && text !== said.at(-1)) said.push(text);
    };
    look();
    const all = { subtree: true, childList: true, characterData: true };
    new MutationObserver(look).observe(document.body, all);
    return said;
  }, selector);
  return () => said.jsonValue();
}

/** nV from text such as `12.5000 VLT`; undefined before it is known. */
export function voltsIn(text: string): bigint | undefined {
  const found = /([\d,]+)\.(\d{4,9})/.exec(text);
  return found
    ? BigInt(found[1]!.replaceAll(',', '')) * 10n ** 9n + BigInt(found[2]!.padEnd(9, '0'))
    : undefined;
}

export const readVolts = async (page: Page, label: string): Promise<bigint> =>
  voltsIn(await valueOf(page, label).innerText()) ?? -1n;

/** A line of the index below the numbers, such as peers. */
export const indexLine = (page: Page, label: string): Locator =>
  page
    .locator('dl.index > div', {
      has: page.locator('dt').filter({ hasText: new RegExp(`^${label}$`) }),
    })
    .locator('dd');

/** The app opens offline once its service worker is active, and keeps what the page was told. */
export async function untilOpensOffline(page: Page): Promise<void> {
  const opens = () =>
    page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      return active !== null && (await caches.match('/config.json')) !== undefined;
    });
  await expect.poll(opens).toBe(true);
}

/** The place's link in the frame: a screen may have ways of its own, called alike. */
export const placeLink = (page: Page, place: keyof typeof en.nav, nav: typeof en.nav = en.nav) =>
  page
    .getByRole('navigation', { name: nav.label })
    .getByRole('link', { name: new RegExp(`^${nav[place]}`) });

export async function goTo(
  page: Page,
  place: 'pila' | 'ask' | 'wallet' | 'network' | 'settings',
): Promise<void> {
  const link = placeLink(page, place);
  await link.click();
  await expect(link).toHaveAttribute('aria-current', 'page');
  // A screen's code and texts come when it is first opened.
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
}

/** The address as the Receive sheet shows it; ends on the wallet. */
export async function readAddress(page: Page): Promise<string> {
  await goTo(page, 'wallet');
  await button(page, en.wallet.receive).click();
  const text = await page.getByRole('dialog').locator('.address').innerText();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  return text.replace(/\s+/g, '');
}

/** An address in hex, as the chain's records write it. */
export const addressHex = (text: string): string => toHex(parseAddress(text, PREFIX)!);

/** Heights of blocks that this address mined. */
export async function minedBy(seed: Seed, address: string): Promise<number[]> {
  const { height } = await seed.rpc('status');
  const own: number[] = [];
  for (let h = 1; h <= height; h++)
    if ((await seed.rpc('getHeader', h)).miner === addressHex(address)) own.push(h);
  return own;
}

export const heightOf = async (seed: Seed): Promise<number> => (await seed.rpc('status')).height;

/**
 * Has the page work a quarter of the time, as if another tab had been told so: nothing is shown by more blocks, and a
 * page at full power takes the time of all other tests.
 */
export async function workGently(page: Page): Promise<void> {
  await page.evaluate(() => {
    localStorage.setItem('pila.intensity', '25');
    dispatchEvent(new StorageEvent('storage', { key: 'pila.intensity' }));
  });
}

/** Presses Start and waits until the page is paid: a proven balance that can be spent. */
export async function mineUntilPaid(page: Page): Promise<void> {
  await workGently(page);
  await button(page, en.pila.start).click();
  await expect.poll(() => readVolts(page, en.pila.balance)).toBeGreaterThan(0n);
}

export async function pause(page: Page): Promise<void> {
  await button(page, en.pila.pause).click();
  await expect(sentence(page)).toHaveText(en.sentence.paused);
}

/** Number of blocks that the page, at its first screen, says it has found since it was opened. */
export const foundBy = (page: Page): Promise<number> => countOf(page, en.pila.blocks);

/**
 * At the page's first screen, once mining is paused: waits until the seed has every block that the page found.
 * The seed replays each block in full and may be some blocks behind; the page itself may still be checking
 * the last one.
 * @param before blocks of this address that the seed had when the page was opened
 */
export async function expectAllTaken(
  page: Page,
  seed: Seed,
  address: string,
  before = 0,
): Promise<void> {
  const missing = async () =>
    before + (await foundBy(page)) - (await minedBy(seed, address)).length;
  await expect.poll(missing).toBe(0);
  const { height } = await seed.rpc('status');
  await expect(indexLine(page, en.pila.head)).toContainText(new RegExp(`\\b${height},`));
}

/** The three questions of the backup, once the vault has asked them. */
export async function backupQuestions(page: Page): Promise<Locator[]> {
  const groups = page.getByRole('dialog').getByRole('group');
  await expect(groups).toHaveCount(3);
  return groups.all();
}

/** The 24 words, as the sheet shows them. */
export async function readWords(page: Page): Promise<string[]> {
  const items = page.getByRole('dialog').locator('ol li');
  await expect(items).toHaveCount(24);
  return (await items.allInnerTexts()).map((text) => text.replace(/^\d+\s*/, '').trim());
}

/** The word that a question of the backup asks for. */
export async function wordAsked(question: Locator, words: readonly string[]): Promise<string> {
  const place = Number(/\d+/.exec(await question.locator('legend').innerText())![0]);
  return words[place - 1]!;
}

/** One of the words to choose from. */
export const choiceOf = (question: Locator, word: string): Locator =>
  question.getByRole('radio', { name: word, exact: true });

/** At the wallet: writes the 24 words down and chooses the right ones, as sending asks for. */
export async function backUp(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  const press = (name: string) => dialog.getByRole('button', { name, exact: true }).click();
  await button(page, en.wallet.backUp).first().click();
  await press(en.backup.show);
  const words = await readWords(page);
  await press(en.backup.written);
  for (const question of await backupQuestions(page))
    await choiceOf(question, await wordAsked(question, words)).check();
  await press(en.backup.check);
  await press(en.common.done);
}

/** At the wallet without keys: makes new ones, without a passphrase for now. */
export async function createKeys(page: Page): Promise<void> {
  await button(page, en.wallet.create).click();
  await chooseLater(page);
}

/** At the wallet without keys: makes new ones, has the faucet's coins, and proves the words. */
export async function createKeysWithCoins(page: Page): Promise<void> {
  await createKeys(page);
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(0n);
  await button(page, en.wallet.faucet).click();
  await expect.poll(() => readVolts(page, en.wallet.spendable)).toBe(FAUCET_GIFT);
  await backUp(page);
}

/** At the question for a passphrase before keys are stored. */
export async function chooseLater(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: en.protect.later, exact: true }).click();
  await expect(dialog).toHaveCount(0);
}

/** Urls of the page's workers. */
export const workersOf = (page: Page): string[] => page.workers().map((worker) => worker.url());

/** Most presses of Tab until everything on a screen is reached. */
const TABS_MAX = 60;

/** Runs in the page: why a person could not see that the element has the focus; undefined if it is visible. */
function hidesFocus(element: HTMLElement | SVGElement): string | undefined {
  const { outlineStyle, boxShadow } = getComputedStyle(element);
  if (!element.matches(':focus-visible')) return 'is not marked as focused';
  if (outlineStyle === 'none' && boxShadow === 'none') return 'draws no mark of focus';
  // A link over two lines has a box on each.
  for (const { x, y, width, height } of element.getClientRects()) {
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    if (!top || !element.contains(top)) return `is covered by ${top?.outerHTML.slice(0, 80)}`;
  }
  return undefined;
}

/** Presses Tab until the target has the focus, and checks that a person can see it. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  // Screens load at their first use, and Tab skips disabled elements.
  await expect(target).toBeEnabled();
  for (let presses = 0; presses < TABS_MAX; presses++) {
    await page.keyboard.press('Tab');
    if (!(await target.evaluate((element) => element === document.activeElement))) continue;
    expect(await target.evaluate(hidesFocus), String(target)).toBe(undefined);
    return;
  }
  throw new Error(`Tab does not reach ${String(target)}`);
}

/** Changes the `config.json` that the page's server sends. */
export const changeConfig = (page: Page, change: object) =>
  page.route('**/config.json', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), ...change } });
  });

/** A passkey of this device whose person always agrees. `cdp` takes it away again, by its `authenticatorId`. */
export async function addAuthenticator(
  page: Page,
): Promise<{ cdp: CDPSession; authenticatorId: string }> {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = {
    ...({ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal' } as const),
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    hasPrf: true,
  };
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
  return { cdp, authenticatorId };
}

/** Ends the seed once both pages are linked to each other, and waits until neither has another peer. */
export async function leaveAlone(seed: Seed, pages: readonly [Page, Page]): Promise<void> {
  for (const page of pages) {
    await goTo(page, 'network');
    await expect(page.locator('.peer[data-link="webrtc"]')).toHaveCount(1);
  }
  await seed.kill();
  for (const page of pages) await expect(page.locator('.peer')).toHaveCount(1);
}
