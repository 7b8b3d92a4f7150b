/** Numbers in texts: the forms of words follow them by the rules of the language, in one way. */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../../../src/ui/i18n/languages.ts';
import { inEnglish, inItalian } from '../../../src/ui/i18n/plurals.ts';
import { LOADERS } from '../../../src/ui/i18n/texts.svelte.ts';
import { leavesOf } from './leaves.ts';

it('a form is chosen by the language’s rules', () => {
  const forms = { one: 'one', other: 'other' };
  expect([0, 1, 2, 1.5].map((n) => inEnglish(n, forms))).toEqual([
    'other',
    'one',
    'other',
    'other',
  ]);
  // A million is a form of its own in Italian: without one it is the others'.
  expect([1, 2, 1_000_000].map((n) => inItalian(n, forms))).toEqual(['one', 'other', 'other']);
});

it('no text and no component chooses a form by hand', () => {
  const byHand = /(===|!==|==|!=) ?1n?\s*\?|\b(one|single|plural)\w* ?\? ?['`]/;
  const files = globSync('src/ui/**/*.{ts,svelte}');
  expect(files.length).toBeGreaterThan(150);
  expect(files.filter((file) => byHand.test(readFileSync(file, 'utf8')))).toEqual([]);
});

/** What can be counted on screens: none of it may follow a 1. */
const PLURALS: Readonly<Record<Language, RegExp>> = {
  en: /\b1 (blocks|tokens|texts|transactions|accounts|answers(?! it| the)|proofs|readings|passages|units|runs|payments|questions|coins|words|peers)\b/,
  it: /\b1 (unità|esecuzioni|blocchi|testi|transazioni|conti|risposte|domande|prove|letture|passi|pagamenti|nodi|monete|parole|minuti|ore|giorni)\b/,
};

describe('where one thing is counted', () => {
  it.each(LANGUAGE_NAMES)('no text speaks of many: %s', async (language) => {
    const later = await LOADERS[language]();
    const said = leavesOf({ app: LANGUAGES[language], ...later }).flatMap(([key, text]) => {
      if (typeof text !== 'function') return [];
      const { length } = text as () => void;
      return [[key, (text as (...all: unknown[]) => string)(...Array<number>(length).fill(1))]];
    });
    expect(said.length).toBeGreaterThan(100);
    expect(said.filter(([, sentence]) => PLURALS[language].test(sentence!))).toEqual([]);
  });
});
