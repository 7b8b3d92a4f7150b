/** docs/words.md holds: the words that go stand in no text of any language. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LANGUAGE_NAMES, LANGUAGES, type Language } from '../../../src/ui/i18n/languages.ts';
import { LOADERS } from '../../../src/ui/i18n/texts.svelte.ts';
import { leavesOf } from './leaves.ts';

const DOC = readFileSync('docs/words.md', 'utf8');
/** Under “Words that go”: an item for each language, with commas between words. */
const goneIn = (language: Language): string[] => {
  const line = new RegExp(`^- ${LANGUAGES[language].name}: ([^]*?)(?=\n- |\n*$(?![^]))`, 'm').exec(
    DOC,
  )?.[1];
  return (line ?? '').split(',').map((word) => word.replace(/\s+/g, ' ').trim());
};

/** Texts, and what functions say of letters that are no word. */
async function sentencesOf(language: Language): Promise<[string, string][]> {
  const later = await LOADERS[language]();
  return leavesOf({ app: LANGUAGES[language], ...later }).map(([key, text]) => {
    if (typeof text !== 'function') return [key, String(text)];
    const { length } = text as () => void;
    return [key, (text as (...all: unknown[]) => string)(...Array<number>(length).fill(2))];
  });
}

describe('words that were decided against', () => {
  it.each(LANGUAGE_NAMES)('are in no text: %s', async (language) => {
    const gone = goneIn(language);
    expect(gone.length).toBeGreaterThan(15);
    // A whole word, in the singular as it is written there and with an ending of the plural.
    const word = new RegExp(`(?<![\\p{L}’])(${gone.join('|')})(?!\\p{L})`, 'iu');
    const found = (await sentencesOf(language)).flatMap(([key, text]) => {
      const said = word.exec(text)?.[0];
      return said ? [`${key}: ${said}: ${text}`] : [];
    });
    expect(found).toEqual([]);
  });
});
