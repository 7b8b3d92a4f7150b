/** What is photographed of the gallery: a state, a screen, and what is pressed on it first. */
import type { Page } from '@playwright/test';
import { formatAddress } from '../../../src/core/address.ts';
import * as enLater from '../../../src/ui/i18n/en/later.ts';
import * as itLater from '../../../src/ui/i18n/it/later.ts';
import { isLanguage, type Language } from '../../../src/ui/i18n/languages.ts';
import type { Text } from '../../../src/ui/i18n/en/app.ts';

/** Texts that come with the later screens. */
const LATER: Readonly<Record<Language, typeof enLater>> = { en: enLater, it: itLater };
const laterOf = ({ code }: Text) => LATER[isLanguage(code) ? code : 'en'];

export interface Shot {
  readonly name: string;
  /** Of `gallery.ts`. */
  readonly state: string;
  readonly at: string;
  readonly act?: (page: Page, t: Text) => Promise<void>;
  /** A screen's face: in both languages and themes, wide too. Else only in two of the four. */
  readonly main?: boolean;
  /** A sheet lies over the screen: as much as the window shows. */
  readonly sheet?: boolean;
}

/** As the trial networks write it. */
const PAYEE = formatAddress(new Uint8Array(32).fill(5), 'rpila');

/** The button that confirms may be pressed. */
const armed = (page: Page): Promise<void> =>
  page.locator('[data-confirms]:not([aria-disabled])').waitFor();
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).first().click();

const typeQuestion = (page: Page): Promise<void> =>
  page.getByRole('textbox').first().fill('La pila di Volta fece scorrere la prima corrente.');

/** A short text and a long one. */
const typeTexts = (words: number) => (page: Page) => {
  const long = Array.from({ length: words }, () => 'pila').join(' ');
  return page.getByRole('textbox').first().fill(`Volta\n${long}`);
};

/** The first of those that answer for pay. */
const pickOffer = (page: Page): Promise<void> =>
  page.getByRole('radio', { name: /VLT/ }).first().check();

async function askForPay(page: Page, t: Text): Promise<void> {
  await typeQuestion(page);
  await press(page, laterOf(t).prepaid.ask.go);
}

/** The newest of the kept answers. */
const openNewest = (page: Page): Promise<void> =>
  page.locator('.kept-answers summary').first().click();

const openMore = (page: Page, t: Text): Promise<void> =>
  page.getByText(laterOf(t).ask.generate.more.title, { exact: true }).click();

async function askWriter(page: Page, t: Text): Promise<void> {
  const asked = t.code === 'it' ? 'Come funziona una pila?' : 'How does a battery work?';
  await page.getByRole('textbox').first().fill(asked);
  await press(page, laterOf(t).ask.generate.go);
}

/** Notes for a search, in the language of the screen. */
const NOTES: Readonly<Record<Language, readonly [string, string, string]>> = {
  en: [
    'On Volta.md',
    '# The pile\n\nVolta stacked discs of zinc and copper. Between every two pairs lay cloth that was wet with brine. ' +
      'He told the Royal Society of it in March 1800.\n\n# Frogs\n\nGalvani had seen the legs of frogs move when two ' +
      'metals touched them. He thought that the current came from the animal.\n',
    'What lay between the discs of copper?',
  ],
  it: [
    'Su Volta.md',
    '# La pila\n\nVolta impilò dischi di zinco e di rame. Fra una coppia e l’altra stava un panno bagnato di acqua ' +
      'salata. Lo scrisse alla Royal Society nel marzo del 1800.\n\n# Le rane\n\nGalvani aveva visto muoversi le zampe ' +
      'delle rane toccate da due metalli. Pensava che la corrente venisse dall’animale.\n',
    'Che cosa stava fra i dischi di rame?',
  ],
};

/** @param times how often the note says it: then there is more to read */
const putNote = (times = 1) =>
  async function (page: Page, t: Text): Promise<void> {
    const { add } = laterOf(t).search;
    const [name, text] = NOTES[isLanguage(t.code) ? t.code : 'en'];
    await page.getByText(add.paste, { exact: true }).click();
    await page.getByLabel(add.name, { exact: true }).fill(name);
    await page.getByLabel(add.text, { exact: true }).fill(text.repeat(times));
    await press(page, add.keep);
  };

/** With a press of the button from the search into a conversation about the note, which is asked there. */
async function askAboutNote(page: Page, t: Text): Promise<void> {
  const { search, ask } = laterOf(t);
  const [name, , query] = NOTES[isLanguage(t.code) ? t.code : 'en'];
  await putNote()(page, t);
  await page.getByRole('button', { name: search.texts.ask(name), exact: true }).click();
  await page.getByLabel(ask.about.which).waitFor();
  await page.getByRole('textbox').first().fill(query);
  await press(page, ask.generate.go);
  await page.locator('ol.read summary').first().click();
}

async function searchNote(page: Page, t: Text): Promise<void> {
  const { search } = laterOf(t);
  const [name, , query] = NOTES[isLanguage(t.code) ? t.code : 'en'];
  await putNote()(page, t);
  await page.getByRole('button', { name: search.texts.remove(name), exact: true }).waitFor();
  await page.getByRole('searchbox').fill(query);
  await press(page, search.form.go);
  await page.locator('mark').nth(1).waitFor();
}

/** The kept conversation is open. */
const shown = (page: Page): Promise<void> => page.locator('.turn').first().waitFor();

async function typeNext(page: Page, t: Text): Promise<void> {
  await shown(page);
  const next = t.code === 'it' ? 'E se l’acido manca?' : 'And without the acid?';
  await page.getByRole('textbox').first().fill(next);
  await page.getByText(laterOf(t).ask.generate.leavesOut(1, '1')).waitFor();
}

async function fillSend(page: Page, t: Text): Promise<void> {
  await press(page, t.wallet.send);
  const fields = page.getByRole('dialog').getByRole('textbox');
  await fields.nth(0).fill(PAYEE);
  await fields.nth(1).fill(t.code === 'it' ? '12,5' : '12.5');
}

async function showWords(page: Page, t: Text): Promise<void> {
  await press(page, t.wallet.backUp);
  await press(page, t.backup.show);
  await page.getByRole('dialog').locator('ol li').nth(23).waitFor();
}

export const SHOTS: readonly Shot[] = [
  { name: 'pila-first', state: 'fresh', at: '#/', main: true },
  { name: 'what', state: 'fresh', at: '#/what', main: true },
  { name: 'pila-stopped', state: 'stopped', at: '#/' },
  { name: 'pila-loading', state: 'loading', at: '#/' },
  { name: 'pila-working', state: 'running', at: '#/', main: true },
  { name: 'pila-window', state: 'running', at: '#/', sheet: true },
  { name: 'pila-install', state: 'install', at: '#/' },
  { name: 'pila-many', state: 'many', at: '#/' },
  { name: 'pila-paused', state: 'paused', at: '#/' },
  { name: 'pila-paused-for', state: 'paused for a time', at: '#/' },
  { name: 'pila-no-peers', state: 'nopeers', at: '#/' },
  { name: 'pila-old-head', state: 'old head', at: '#/' },
  { name: 'pila-inexact', state: 'inexact', at: '#/' },
  { name: 'rules-changing', state: 'rules changing', at: '#/' },
  { name: 'rules-ended', state: 'rules ended', at: '#/wallet' },
  { name: 'weak-network', state: 'weak network', at: '#/wallet' },
  { name: 'pila-far-block', state: 'far block', at: '#/' },
  { name: 'pila-failed', state: 'failed', at: '#/' },
  { name: 'pila-models-behind', state: 'models behind', at: '#/' },
  { name: 'pila-models-asked', state: 'models asked', at: '#/' },
  { name: 'pila-models-declined', state: 'models declined', at: '#/' },
  { name: 'pila-model-waited-for', state: 'model waited for', at: '#/' },
  { name: 'wallet-no-keys', state: 'fresh', at: '#/wallet' },
  { name: 'wallet-new', state: 'stopped', at: '#/wallet' },
  { name: 'wallet', state: 'owner', at: '#/wallet', main: true },
  { name: 'wallet-offline', state: 'nopeers', at: '#/wallet' },
  {
    name: 'wallet-sums',
    state: 'owner',
    at: '#/wallet',
    act: (page, t) => page.getByText(laterOf(t).history.sums.title, { exact: true }).click(),
  },
  {
    name: 'wallet-gift-waits',
    state: 'nobody mines',
    at: '#/wallet',
    act: (page, t) => press(page, t.wallet.faucet),
  },
  {
    name: 'wallet-receive',
    state: 'owner',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, t.wallet.receive),
  },
  {
    name: 'wallet-send',
    state: 'owner',
    at: '#/wallet',
    sheet: true,
    act: fillSend,
  },
  {
    name: 'wallet-send-review',
    state: 'owner',
    at: '#/wallet',
    sheet: true,
    async act(page, t) {
      await fillSend(page, t);
      await press(page, t.send.review);
      await armed(page);
    },
  },
  {
    name: 'wallet-backup',
    state: 'stopped',
    at: '#/wallet',
    sheet: true,
    act: showWords,
  },
  {
    name: 'wallet-backup-covered',
    state: 'stopped',
    at: '#/wallet',
    sheet: true,
    async act(page, t) {
      await showWords(page, t);
      await page.evaluate('gallery.session.hidden = true');
      await page.getByRole('button', { name: t.secret.show }).waitFor();
      await page.evaluate('gallery.session.hidden = false');
    },
  },
  {
    name: 'wallet-create',
    state: 'fresh',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, t.wallet.create),
  },
  {
    name: 'wallet-open-file',
    state: 'fresh',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, laterOf(t).keyring.file.import),
  },
  {
    name: 'wallet-restore',
    state: 'fresh',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, t.wallet.restore),
  },
  {
    name: 'wallet-restore-wrong',
    state: 'fresh',
    at: '#/wallet',
    sheet: true,
    async act(page, t) {
      await press(page, t.wallet.restore);
      await page.getByLabel(t.restore.words, { exact: true }).fill('1. hamster 2. diagarm 3. pri');
      await press(page, t.protect.show);
    },
  },
  {
    name: 'wallet-backup-check',
    state: 'stopped',
    at: '#/wallet',
    sheet: true,
    async act(page, t) {
      await press(page, t.wallet.backUp);
      await press(page, t.backup.show);
      await press(page, t.backup.written);
      await page.getByRole('dialog').getByRole('group').nth(2).waitFor();
    },
  },
  {
    name: 'wallet-passphrase',
    state: 'stopped',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, t.wallet.protect),
  },
  {
    name: 'wallet-unlock',
    state: 'locked',
    at: '#/wallet',
    sheet: true,
    act: (page, t) => press(page, t.wallet.unlock),
  },
  { name: 'prepaid-nobody', state: 'nobody offers', at: '#/ask' },
  { name: 'prepaid-offers', state: 'offers', at: '#/ask', act: typeQuestion },
  {
    name: 'prepaid-review',
    state: 'offers',
    at: '#/ask',
    sheet: true,
    async act(page, t) {
      await press(page, laterOf(t).prepaid.open.review);
      await armed(page);
    },
  },
  {
    name: 'prepaid-answer',
    state: 'prepaid',
    at: '#/ask',
    main: true,
    act: askForPay,
  },
  {
    name: 'prepaid-arriving',
    state: 'prepaid arriving',
    at: '#/ask',
    act: askForPay,
  },
  {
    name: 'prepaid-gone',
    state: 'prepaid gone',
    at: '#/ask',
    act: askForPay,
  },
  { name: 'prepaid-instead', state: 'prepaid instead', at: '#/ask', act: askForPay },
  { name: 'opinion', state: 'another opinion', at: '#/ask', act: openNewest },
  { name: 'opinion-against', state: 'another opinion against', at: '#/ask', act: openNewest },
  { name: 'opinions-against', state: 'two opinions against', at: '#/ask', act: openNewest },
  { name: 'ask-model-not-here', state: 'model not here', at: '#/ask' },
  { name: 'prepaid-long', state: 'words', at: '#/ask', act: typeTexts(150) },
  { name: 'ask-over-long', state: 'words', at: '#/ask', act: typeTexts(300) },
  { name: 'prepaid-troubles', state: 'prepaid troubles', at: '#/ask' },
  { name: 'prepaid-no-coins', state: 'prepaid no coins', at: '#/ask', act: pickOffer },
  { name: 'prepaid-shared', state: 'fresh', at: '#/answer/YSBzaGFyZWQgYW5zd2Vy' },
  {
    name: 'ask',
    state: 'fresh',
    at: '#/ask',
    main: true,
    async act(page, t) {
      await typeQuestion(page);
      await press(page, laterOf(t).prepaid.ask.here);
    },
  },
  { name: 'ask-writer', state: 'writer', at: '#/ask', act: openMore },
  { name: 'ask-writer-at-work', state: 'writer at work', at: '#/ask', main: true, act: askWriter },
  { name: 'ask-writer-done', state: 'writer done', at: '#/ask', act: askWriter },
  { name: 'ask-chat', state: 'chat', at: '#/ask', main: true, act: typeNext },
  { name: 'ask-chat-full', state: 'chat full', at: '#/ask', act: shown },
  {
    name: 'ask-chat-sheet',
    state: 'chat',
    at: '#/ask',
    sheet: true,
    async act(page, t) {
      await shown(page);
      await press(page, laterOf(t).ask.chats.change);
      await armed(page);
    },
  },
  { name: 'ask-writer-too-long', state: 'writer too long', at: '#/ask', act: askWriter },
  { name: 'search-new', state: 'compares', at: '#/ask/search' },
  { name: 'search', state: 'compares', at: '#/ask/search', main: true, act: searchNote },
  {
    name: 'search-answer',
    state: 'compares and writes',
    at: '#/ask/search',
    act: askAboutNote,
  },
  { name: 'search-reading', state: 'compares slowly', at: '#/ask/search', act: putNote(90) },
  { name: 'ask-new', state: 'fresh', at: '#/ask' },
  { name: 'ask-model-offered', state: 'language model offered', at: '#/ask' },
  { name: 'ask-model-elsewhere', state: 'language model elsewhere', at: '#/ask' },
  { name: 'ask-model-fetching', state: 'language model fetching', at: '#/ask' },
  { name: 'ask-model-waiting', state: 'language model waiting', at: '#/ask' },
  { name: 'ask-model-stopped', state: 'language model stopped', at: '#/ask' },
  { name: 'ask-model-failing', state: 'language model failing', at: '#/ask' },
  { name: 'ask-model-no-room', state: 'language model without room', at: '#/ask' },
  { name: 'settings-model-here', state: 'language model here', at: '#/settings' },
  { name: 'ask-no-keys', state: 'prepaid no keys', at: '#/ask', act: pickOffer },
  { name: 'ask-offline', state: 'ask offline', at: '#/ask' },
  { name: 'ask-old-link', state: 'fresh', at: `#/receipt/${'5e'.repeat(32)}` },
  { name: 'network', state: 'owner', at: '#/network', main: true },
  { name: 'block', state: 'owner', at: '#/block/8112', main: true },
  { name: 'address', state: 'owner', at: `#/address/${PAYEE}` },
  { name: 'settings', state: 'owner', at: '#/settings', main: true },
  {
    name: 'erase-all',
    state: 'stopped',
    at: '#/settings',
    sheet: true,
    act: (page, t) => press(page, laterOf(t).device.erase.open),
  },
  { name: 'erased', state: 'erased', at: '#/', sheet: true },
  {
    name: 'diagnostics',
    state: 'owner',
    at: '#/network',
    async act(page, t) {
      await press(page, laterOf(t).network.report.make);
      await page.locator('pre').waitFor();
    },
  },
];
