/** Every screen of the gallery, in every state that changes it; sheets are reached by their buttons. */
import { formatAddress } from '../../../src/core/address.ts';
import { en } from '../../../src/ui/i18n/en/app.ts';
import { ask } from '../../../src/ui/i18n/en/ask.ts';
import { device } from '../../../src/ui/i18n/en/device.ts';
import { history } from '../../../src/ui/i18n/en/history.ts';
import { plots } from '../../../src/ui/i18n/en/plots.ts';
import { prepaid } from '../../../src/ui/i18n/en/prepaid.ts';
import { keyring } from '../../../src/ui/i18n/en/keyring.ts';
import { wallet } from '../../../src/ui/i18n/en/wallet.ts';
import { it } from '../../../src/ui/i18n/it/app.ts';
import { ask as askIt } from '../../../src/ui/i18n/it/ask.ts';
import { device as deviceIt } from '../../../src/ui/i18n/it/device.ts';
import { prepaid as prepaidIt } from '../../../src/ui/i18n/it/prepaid.ts';
import { keyring as keyringIt } from '../../../src/ui/i18n/it/keyring.ts';
import type { Language } from '../../../src/ui/i18n/languages.ts';
import { linkToPage } from '../../../src/ui/route.svelte.ts';
import type { Page } from '@playwright/test';

export interface Screen {
  readonly state: string;
  readonly hash: string;
  /** What a person does there, in English, to see it. */
  readonly act?: (page: Page) => Promise<void>;
  readonly name?: string;
}

const OTHER = formatAddress(new Uint8Array(32).fill(7), 'rpila');
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).last().click();
const presses =
  (...names: string[]) =>
  async (page: Page): Promise<void> => {
    for (const name of names) await press(page, name);
  };
const fill = (page: Page, label: string, text: string): Promise<void> =>
  page.getByRole('dialog').getByLabel(label, { exact: true }).fill(text);

async function review(page: Page): Promise<void> {
  await press(page, en.wallet.send);
  await fill(page, en.send.to, OTHER);
  await fill(page, en.send.amount, '1');
  await press(page, en.send.review);
}

async function faults(page: Page): Promise<void> {
  await presses(en.wallet.send, en.send.review)(page);
}

async function sent(page: Page): Promise<void> {
  await review(page);
  await press(page, en.send.confirm);
}

async function show(page: Page): Promise<void> {
  await press(page, en.wallet.words);
  await fill(page, en.backup.passphrase, 'x');
  await press(page, en.backup.show);
}

async function quiz(page: Page): Promise<void> {
  await show(page);
  await press(page, en.backup.written);
}

async function wrong(page: Page): Promise<void> {
  await press(page, en.wallet.unlock);
  await fill(page, en.unlock.passphrase, 'x');
  await press(page, en.unlock.go);
}

async function askPrepaid(page: Page): Promise<void> {
  await page.locator('main textarea').fill('Quale lingua parlo?');
  await press(page, prepaid.ask.go);
}

async function askWriter(page: Page): Promise<void> {
  await page.locator('main textarea').first().fill('How does a battery work?');
  await press(page, ask.generate.go);
}

const openMore = (page: Page): Promise<void> =>
  page.getByText(ask.generate.more.title, { exact: true }).click();

async function askHere(page: Page): Promise<void> {
  await page.locator('main textarea').fill('Quale lingua parlo?');
  await press(page, prepaid.ask.here);
}

const sheet = (name: string, act: Screen['act'], state = 'owner'): Screen => ({
  state,
  hash: '#/wallet',
  name,
  act: act!,
});

const SHEETS: Screen[] = [
  sheet('receive', presses(en.wallet.receive)),
  sheet('receive an amount', async (page) => {
    await press(page, en.wallet.receive);
    await page.getByText(wallet.receive.request).click();
  }),
  sheet('send', presses(en.wallet.send)),
  sheet('send with faults', faults),
  sheet('send by code', presses(en.wallet.send, keyring.scan.open)),
  sheet('send: review', review),
  sheet('send: done', sent),
  sheet('backup', presses(en.wallet.words)),
  sheet('backup: words', show),
  sheet('backup: quiz', quiz),
  sheet('passphrase', presses(en.wallet.protectChange)),
  sheet('passkey', presses(keyring.passkey.add)),
  sheet('file', presses(keyring.file.export)),
  { ...sheet('prepay: review', presses(prepaid.open.review), 'offers'), hash: '#/ask' },
  { ...sheet('erase everything', presses(device.erase.open)), hash: '#/settings' },
  {
    ...sheet('erase everything, unsaved', presses(device.erase.open), 'stopped'),
    hash: '#/settings',
  },
  sheet('erase', presses(en.wallet.erase)),
  sheet('erase without backup', presses(en.wallet.erase), 'stopped'),
  sheet('account', presses(wallet.account.add)),
  sheet('rename', presses(wallet.account.rename)),
  sheet('watch', presses(wallet.watch.add)),
  sheet('unlock', presses(en.wallet.unlock), 'locked'),
  sheet('unlock: wrong', wrong, 'locked'),
  sheet('create', presses(en.wallet.create), 'fresh'),
  sheet('restore', presses(en.wallet.restore), 'fresh'),
  sheet('open a file', presses(keyring.file.import), 'fresh'),
];

/** A button that asks, and leads to one that confirms with no other act between. */
export interface Pair extends Screen {
  readonly name: string;
  /** The one that asks, by what it is called in each language. */
  readonly asks: Readonly<Record<Language, string>>;
}

export const PAIRS: readonly Pair[] = [
  {
    name: 'send',
    state: 'owner',
    hash: '#/wallet',
    asks: { en: en.send.review, it: it.send.review },
    async act(page) {
      await press(page, en.wallet.send);
      await fill(page, en.send.to, OTHER);
      await fill(page, en.send.amount, '1');
    },
  },
  {
    name: 'prepay',
    state: 'offers',
    hash: '#/ask',
    asks: { en: prepaid.open.review, it: prepaidIt.open.review },
  },
  {
    name: 'conversation',
    state: 'chat',
    hash: '#/ask',
    asks: { en: ask.chats.change, it: askIt.chats.change },
  },
  {
    name: 'erase',
    state: 'owner',
    hash: '#/wallet',
    asks: { en: en.wallet.erase, it: it.wallet.erase },
  },
  {
    name: 'erase everything',
    state: 'owner',
    hash: '#/settings',
    asks: { en: device.erase.open, it: deviceIt.erase.open },
  },
  {
    name: 'erase everything, no keys',
    state: 'fresh',
    hash: '#/settings',
    asks: { en: device.erase.open, it: deviceIt.erase.open },
  },
  {
    name: 'passphrase',
    state: 'owner',
    hash: '#/wallet',
    asks: { en: en.wallet.protectChange, it: it.wallet.protectChange },
  },
  {
    name: 'passkey',
    state: 'owner',
    hash: '#/wallet',
    asks: { en: keyring.passkey.add, it: keyringIt.passkey.add },
  },
  {
    name: 'restore',
    state: 'fresh',
    hash: '#/wallet',
    asks: { en: en.wallet.restore, it: it.wallet.restore },
  },
  {
    name: 'open a dear file',
    state: 'dear file',
    hash: '#/wallet',
    asks: { en: keyring.file.open, it: keyringIt.file.open },
    async act(page) {
      await press(page, keyring.file.import);
      const buffer = Buffer.from('{"format":"pila-wallet","version":1,"vault":{}}');
      const file = { name: 'wallet.json', mimeType: 'application/json', buffer };
      await page.getByLabel(keyring.file.choose, { exact: true }).setInputFiles(file);
      await fill(page, en.unlock.passphrase, 'of no wallet');
    },
  },
];

const hex = (byte: string): string => byte.repeat(32);

const PAGES: Screen[] = [
  {
    state: 'many',
    hash: '#/',
    name: 'plots as tables',
    async act(page) {
      const name = new RegExp(`^${plots.asTable}`);
      const buttons = page.getByRole('button', { name });
      // Each pressed one is another button then.
      for (let n = await buttons.count(); n > 0; n--) await buttons.first().click();
    },
  },
  ...['#/wallet', '#/ask', '#/network', '#/settings'].flatMap((hash) => [
    { state: 'fresh', hash },
    { state: 'owner', hash },
    { state: 'running', hash },
  ]),
  ...['ask offline', 'nobody offers', 'offers', 'prepaid', 'prepaid troubles'].map((state) => ({
    state,
    hash: '#/ask',
  })),
  { state: 'prepaid locked', hash: '#/ask' },
  ...['offered', 'elsewhere', 'fetching', 'waiting', 'stopped', 'failing', 'without room'].map(
    (state) => ({ state: `language model ${state}`, hash: '#/ask' }),
  ),
  ...['fresh', 'compares', 'compares and writes'].map((state) => ({ state, hash: '#/ask/search' })),
  { state: 'language model here', hash: '#/settings' },
  ...['prepaid no coins', 'prepaid no keys'].map((state) => ({
    state,
    hash: '#/ask',
    name: 'somebody is to answer',
    act: (page: Page) => page.getByRole('radio', { name: /VLT/ }).first().check(),
  })),
  ...['writer', 'writer at work', 'writer done', 'writer too long'].map((state) => ({
    state,
    hash: '#/ask',
    act: askWriter,
  })),
  { state: 'chat', hash: '#/ask', act: openMore },
  { state: 'chat full', hash: '#/ask' },
  { state: 'chat', hash: '#/ask', name: 'conversation: sheet', act: presses(ask.chats.change) },
  { state: 'nobody offers', hash: '#/ask', name: 'asked here', act: askHere },
  ...['prepaid', 'prepaid arriving', 'prepaid gone'].map((state) => ({
    state,
    hash: '#/ask',
    name: 'a question is asked',
    act: askPrepaid,
  })),
  {
    state: 'prepaid',
    hash: '#/ask',
    name: 'a kept answer',
    act: (page: Page) => page.locator('.kept-answers summary').first().click(),
  },
  { state: 'prepaid', hash: '#/settings' },
  { state: 'fresh', hash: '#/what', name: 'what is this' },
  { state: 'fresh', hash: '#/answer/', name: 'a shared answer, none yet' },
  { state: 'fresh', hash: '#/answer/YSBzaGFyZWQgYW5zd2Vy', name: 'a shared answer' },
  { state: 'stopped', hash: '#/wallet' },
  { state: 'locked', hash: '#/wallet' },
  { state: 'nopeers', hash: '#/wallet' },
  {
    state: 'owner',
    hash: '#/wallet',
    name: 'sums of the history',
    act: (page) => page.getByText(history.sums.title, { exact: true }).click(),
  },
  { state: 'fresh', hash: linkToPage('receipt', hex('5e')), name: 'a link of an earlier chain' },
  { state: 'owner', hash: linkToPage('block', 8101) },
  { state: 'owner', hash: linkToPage('block', 999_999), name: 'unknown block' },
  { state: 'owner', hash: linkToPage('tx', hex('00')), name: 'unknown transaction' },
  { state: 'owner', hash: linkToPage('address', OTHER) },
];

/** @param states of the gallery, each looked at on the first place */
export const screensOf = (states: readonly string[]): Screen[] => [
  ...states.map((state) => ({ state, hash: '#/' })),
  ...PAGES,
  ...SHEETS,
];

export const nameOf = ({ state, hash, name }: Screen): string =>
  name ? `${name} (${state})` : `${state} ${hash.slice(0, 24)}`;
