/** Seed words as a person types or pastes them: which are not of the list, and what they may be meant to be. */
import { WORD_LIST } from './word-list.ts';

/** Longer text is not 24 words of at most 8 letters, however it is spaced. */
export const WORDS_CHARS_MAX = 2000;
/** Letters put in, left out, changed or swapped, up to which a word is like another. */
const SLIPS_MAX = 2;
const ENDINGS_MAX = 4;
/** Letters after which endings are told: before, a quarter of the list fits. */
const BEGUN_MIN = 2;
/** Wrong words for which the list is searched: it takes about a millisecond each, and nobody mends more at once. */
const LIKES_MAX = 3;

const known = new Set(WORD_LIST);
export const isSeedWord = (word: string): boolean => known.has(word);

/** No word has a digit or a mark: lists are copied with their numbers, commas and full stops. */
const BETWEEN = /[\s\p{Cf}\d,;.:)]+/u;

/** The words of a text, in lower case. */
export const splitWords = (text: string): string[] =>
  text.normalize('NFKD').toLowerCase().split(BETWEEN).filter(Boolean);

export interface TypedWords {
  readonly words: readonly string[];
  /** Not in the list; `place` from 1, `like`: the nearest word that is. */
  readonly wrong: readonly { readonly place: number; readonly like: string | undefined }[];
  /** What the last word may become while it is typed, at most four in the list's order. */
  readonly endings: readonly string[];
}

/** @param text what was typed so far; beyond 2,000 characters it is not looked at */
export function lookAtWords(text: string): TypedWords {
  const words = splitWords(text.slice(0, WORDS_CHARS_MAX));
  const last = words.at(-1);
  const isTyped = last !== undefined && !BETWEEN.test(text.at(-1)!);
  const may = isTyped ? WORD_LIST.filter((word) => word.startsWith(last) && word !== last) : [];
  const endings = isTyped && last.length >= BEGUN_MIN ? may.slice(0, ENDINGS_MAX) : [];

  const places = words.flatMap((word, i) => (known.has(word) ? [] : [i]));
  // What can still become a word is not wrong yet.
  const wrong = places.filter((i) => i < words.length - 1 || !may.length);
  return {
    words,
    wrong: wrong.map((i, n) => ({
      place: i + 1,
      like: n < LIKES_MAX ? nearest(words[i]!) : undefined,
    })),
    endings,
  };
}

/** The text with another word at a place from 1, and a blank after it. */
export const withWord = (words: readonly string[], place: number, word: string): string =>
  `${words.with(place - 1, word).join(' ')} `;

/** The word of the list with the fewest slips, among those the one with the longest beginning in common. */
function nearest(word: string): string | undefined {
  let best: { word: string; slips: number; same: number } | undefined;
  for (const one of WORD_LIST) {
    if (Math.abs(one.length - word.length) > SLIPS_MAX) continue;
    const slips = slipsBetween(word, one);
    const same = commonStart(word, one);
    if (
      slips > SLIPS_MAX ||
      (best && (slips > best.slips || (slips === best.slips && same <= best.same)))
    )
      continue;
    best = { word: one, slips, same };
  }
  return best?.word;
}

function commonStart(a: string, b: string): number {
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return n;
}

/** Optimal string alignment: letters put in, left out, changed, or two neighbours swapped. */
function slipsBetween(a: string, b: string): number {
  let [before, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? before[j - 2]! + 1 : Infinity;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, changed, swapped));
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
