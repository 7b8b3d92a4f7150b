/**
 * How hard a passphrase is to guess, on the low side, and a generator of good ones. Loaded only where
 * one is chosen: its lists weigh a megabyte. scrypt at N = 2^17 costs an attacker about half a
 * core-second per guess: 50 bits stay out of reach.
 *
 * zxcvbn knows leaked passwords, keyboards, dates, repetitions and disguised letters. It takes a row of
 * words for nearly random, so that a line of a song passes: words are counted here as well, and the
 * lower of both counts.
 */
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import * as common from '@zxcvbn-ts/language-common';
import * as english from '@zxcvbn-ts/language-en';
import { AppError } from '../lib/errors.ts';
import { normalizePassphrase, requireFloor } from './passphrase.ts';
import { randomBelow, type RandomSource } from './random.ts';
import { WORD_LIST } from './word-list.ts';

export const PASSPHRASE_BITS_MIN = 50;
/** Six of 2048 words: 66 bits. */
const GENERATED_WORDS = 6;
/** The beginning decides: what is strong so far stays so, and the time to judge is bounded. */
const JUDGED_CHARS = 64;
/** The estimator's tries of disguised letters; its own 100 take seconds where all letters could be. */
const DISGUISES_MAX = 16;

/** A word among those that people choose: about the size of the lists that crackers start with. */
const WORD_BITS = 11;
const COMMON_WORD_BITS = 5;
/** The next of a known series, or the next in a list of words. */
const NEXT_BITS = 2;
/** Whatever its length, a sentence that somebody may have said before is in some collection. */
const SENTENCE_BITS_MAX = 40;
/** Digits that a person copies from a well-known number: which one, and where it begins. */
const CONSTANT_BITS = 8;
const DATE_BITS = 14;
const YEAR_BITS = 6;
const UPPER_CASE_BITS = 2;
const DISGUISE_BITS = 3;
const SPACES_BITS = 3;

/** π, e, √2, √3, the golden ratio, Euler's γ; then powers of two, Fibonacci's numbers, primes and squares in a row. */
const CONSTANTS = `
314159265358979323846264338327950288419716939937510582097494
45923078164062862089986280348253421170679

271828182845904523536028747135266249775724709369995957496696
76277240766303535475945713821785251664274

141421356237309504880168872420969807856967187537694807317667
97379907324784621070388503875343276415727

161803398874989484820458683436563811772030917980576286213544
86227052604628189024497072072041893911374

173205080756887729352744634150587236694280525381038062805580

577215664901532860606512090082402431042159335939923598805767

1248163264128256512102420484096819216384327686553613107226214452428810485762097152

112358132134558914423337761098715972584418167651094617711286574636875025

235711131719232931374143475359616771737983899710110310710911312713113713914915

149162536496481100121144169196225256289324361400441484529576625676729784841900`
  .trim()
  .split('\n\n')
  .map((lines) => lines.replace('\n', ''));
/** Parts of constants that are found: a shorter part could be there by chance. */
const CONSTANT_DIGITS_MIN = 6;

const SERIES = [
  'uno due tre quattro cinque sei sette otto nove dieci undici dodici',
  'primo secondo terzo quarto quinto sesto settimo ottavo nono decimo',
  'lunedì martedì mercoledì giovedì venerdì sabato domenica',
  'lunedi martedi mercoledi giovedi venerdi sabato domenica',
  'gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre',
  'rosso arancione giallo verde blu indaco viola rosa marrone nero bianco grigio',
  'red orange yellow green blue indigo violet purple pink brown black white gray grey',
  'primavera estate autunno inverno',
  'spring summer autumn fall winter',
  'north east south west',
  'nord est sud ovest',
  'mercurio venere terra marte giove saturno urano nettuno plutone',
  'alpha bravo charlie delta echo foxtrot golf hotel india juliett kilo lima mike november oscar',
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma',
  'alfa beta gamma delta epsilon zeta eta theta iota kappa lambda mi ni xi omicron pi ro sigma tau',
  'ariete toro gemelli cancro leone vergine bilancia scorpione sagittario capricorno acquario',
  'hydrogen helium lithium beryllium boron carbon nitrogen oxygen fluorine neon sodium magnesium',
  'idrogeno elio litio berillio boro carbonio azoto ossigeno fluoro neon sodio magnesio alluminio',
  'eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf',
  'montag dienstag mittwoch donnerstag freitag samstag sonntag',
  'januar februar märz april mai juni juli august september oktober november dezember',
  'un deux trois quatre cinq six sept huit neuf dix onze douze',
  'lundi mardi mercredi jeudi vendredi samedi dimanche',
  'janvier février mars avril mai juin juillet août septembre octobre novembre décembre',
  'uno dos tres cuatro cinco seis siete ocho nueve diez once doce',
  'lunes martes miércoles jueves viernes sábado domingo',
  'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre',
  'roma milano napoli torino palermo genova bologna firenze bari catania venezia verona',
  'matteo marco luca giovanni atti romani corinzi galati efesini filippesi colossesi',
  // What stands in every book of type and of wallets.
  'lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor incididunt',
  'legal winner thank year wave sausage worth useful legal will thank yellow',
  'letter advice cage absurd amount doctor acoustic avoid letter always',
  'ave maria gratia plena dominus tecum benedicta tu in mulieribus',
  'pater noster qui es in caelis sanctificetur nomen tuum',
].map((line) => line.split(' '));

const { 'commonWords-en': spoken = [], 'wikipedia-en': written = [] } = english.dictionary;
const { 'passwords-common': leaked = [] } = common.dictionary;

/** On nearly every page, or in nearly every list of passwords. */
const COMMON_WORDS = new Set(
  [spoken.slice(0, 100), written.slice(0, 100), leaked.slice(0, 1000)].flat().map(String),
);
/** Some 50 000 passwords that people had. */
const LEAKED = new Set(leaked.map(String));
/** What a row of letters is taken apart into; of two letters only the commonest are words. */
const SPLITTERS = new Set(
  [spoken.slice(0, 20_000), written.slice(0, 20_000), leaked.slice(0, 1000)]
    .flat()
    .map(String)
    .filter((word) => word.length > 2 || COMMON_WORDS.has(word)),
);
const SPLITTER_CHARS_MAX = 15;
const SPLIT_CHARS_MIN = 9;

/** Accents are often left out. */
const plain = (word: string): string => word.normalize('NFD').replace(/\p{M}/gu, '');
/** The series that a word is of. */
const SERIES_OF = new Map<string, readonly number[]>();
[...SERIES, ...Object.values(english.dictionary).filter((words) => words.length < 100)].forEach(
  (words, series) =>
    new Set(words.map((word) => plain(String(word)))).forEach((word) =>
      SERIES_OF.set(word, [...(SERIES_OF.get(word) ?? []), series]),
    ),
);
const PLACE_IN_LIST = new Map(WORD_LIST.map((word, place) => [word, place]));
/** Words that follow each other so closely in the list were read there, not drawn. */
const NEIGHBOURS = 4;

const estimator = new ZxcvbnFactory({
  dictionary: Object.assign({}, common.dictionary, english.dictionary),
  graphs: common.adjacencyGraphs,
  translations: english.translations,
  l33tMaxSubstitutions: DISGUISES_MAX,
});

/** @throws PASSPHRASE_WEAK under 50 bits, under 12 or over 256 characters */
export function requireStrong(passphrase: string): void {
  requireFloor(passphrase);
  if (passphraseBits(passphrase) < PASSPHRASE_BITS_MIN)
    throw new AppError('PASSPHRASE_WEAK', `under ${PASSPHRASE_BITS_MIN} bits`);
}

/** Estimated bits of its first 64 characters. */
export function passphraseBits(passphrase: string): number {
  const text = normalizePassphrase(passphrase).trim().slice(0, JUDGED_CHARS);
  const lower = text.toLowerCase();
  const unshifted = unshift(lower);
  const unspaced = unspace(lower);
  const undisguised = undisguise(lower);
  const readings = [
    guessBits(text),
    ...(unspaced === lower ? [] : [guessBits(unspaced) + SPACES_BITS]),
    guessBits(unshifted) + (unshifted === text ? 0 : UPPER_CASE_BITS),
    wordBits(lower) + (lower === text ? 0 : UPPER_CASE_BITS),
    wordBits(undisguised) + (undisguised === text ? 0 : DISGUISE_BITS),
  ];
  return Math.min(...readings);
}

const guessBits = (text: string): number => Math.log2(Math.max(1, estimator.check(text).guesses));

/** Signs back to the digits of their keys on an American keyboard: «!QAZ» is «1qaz» with a finger more. */
const unshift = (lower: string): string =>
  lower.replace(/[!@#$%^&*()]/g, (sign) => String(('!@#$%^&*()'.indexOf(sign) + 1) % 10));

/** Letters with something between them, as «q w e r t y», in a row. */
const unspace = (lower: string): string =>
  lower.replace(
    /(?<![\p{L}\p{N}])([\p{L}\p{N}])[^\p{L}\p{N}]+(?=[\p{L}\p{N}](?![\p{L}\p{N}]))/gu,
    '$1',
  );

const LETTERS: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't' };
const undisguise = (lower: string): string =>
  lower
    .replace(/[013457]/g, (c) => LETTERS[c]!)
    .replace(/[@$!|]/g, (c) => 'asil'['@$!|'.indexOf(c)]!);

/** Sum over different words, numbers and signs: one said twice counts once. */
function wordBits(lower: string): number {
  const runs = lower.match(/[\p{L}\p{M}]+|\p{N}+|[^\p{L}\p{M}\p{N}\s]+/gu) ?? [];
  const pieces = runs.flatMap((run) => (isLetters(run) ? splitRun(run) : [run]));
  const seen = new Set<string>();
  const costs = pieces.map((piece, i) => {
    if (seen.has(piece)) return 0;
    seen.add(piece);
    return isNext(pieces[i - 1], piece) ? NEXT_BITS : bitsOfPiece(piece);
  });
  const bits = costs.reduce((sum, cost) => sum + cost, 0);
  return isSentence(pieces) ? Math.min(bits, SENTENCE_BITS_MAX + numberBits(pieces)) : bits;
}

const isLetters = (piece: string): boolean => /^\p{L}/u.test(piece);
const isDigits = (piece: string): boolean => /^\p{N}/u.test(piece);

function isNext(before: string | undefined, word: string): boolean {
  if (before === undefined) return false;
  const series = SERIES_OF.get(plain(word));
  if (SERIES_OF.get(plain(before))?.some((one) => series?.includes(one))) return true;
  const [from, to] = [PLACE_IN_LIST.get(before), PLACE_IN_LIST.get(word)];
  return from !== undefined && to !== undefined && Math.abs(to - from) <= NEIGHBOURS;
}

/** More than a third of small words: somebody said it, in whatever language. */
function isSentence(pieces: readonly string[]): boolean {
  const words = pieces.filter(isLetters);
  const small = words.filter((word) => word.length <= 3 || COMMON_WORDS.has(word));
  return words.length >= 4 && small.length * 3 > words.length && words.some((w) => w.length > 3);
}

/** Numbers in a sentence are not of it; one number is little. */
const numberBits = (pieces: readonly string[]): number =>
  pieces.filter(isDigits).length > 1 ? WORD_BITS : 0;

function bitsOfPiece(piece: string): number {
  if (isDigits(piece)) return bitsOfDigits(piece);
  // A sign mostly stands between words.
  if (!isLetters(piece)) return 2 + (piece.length - 1) * Math.log2(10);
  const random = new Set(piece).size === 1 ? COMMON_WORD_BITS : piece.length * Math.log2(26);
  if (COMMON_WORDS.has(piece)) return Math.min(COMMON_WORD_BITS, random);
  if (LEAKED.has(piece)) return Math.min(spokenBits(Math.min(piece.length, 8)), random);
  return looksSpoken(piece) ? Math.min(random, spokenBits(piece.length)) : random;
}

/** There are few short words. */
function spokenBits(letters: number): number {
  if (letters <= 3) return COMMON_WORD_BITS;
  return letters === 4 ? WORD_BITS - 3 : WORD_BITS + Math.max(0, letters - 8);
}

function bitsOfDigits(digits: string): number {
  if (/^(19|20)\d\d$/.test(digits)) return YEAR_BITS;
  if (/^((19|20)\d\d[01]\d[0-3]\d|[0-3]\d[01]\d(19|20)\d\d)$/.test(digits)) return DATE_BITS;
  const rest = withoutConstants(digits);
  const copied = rest.length < digits.length ? CONSTANT_BITS : 0;
  return copied + Math.min(rest.length * Math.log2(10), rest ? guessBits(rest) : 0);
}

function withoutConstants(digits: string): string {
  let rest = '';
  for (let at = 0; at < digits.length;) {
    let end = digits.length;
    while (end - at >= CONSTANT_DIGITS_MIN && !isOfConstant(digits.slice(at, end))) end--;
    if (end - at >= CONSTANT_DIGITS_MIN) at = end;
    else rest += digits[at++];
  }
  return rest;
}

const isOfConstant = (digits: string): boolean =>
  CONSTANTS.some((constant) => constant.includes(digits));

/** Random letters nearly always have four consonants in a row before they are eight long. */
const looksSpoken = (run: string): boolean =>
  !/[bcdfghjklmnpqrstvwxz]{4}/.test(run) && /[^bcdfghjklmnpqrstvwxz]/.test(run);

/** A row of letters as the cheapest row of known words, or as it is where a part is none. */
function splitRun(run: string): string[] {
  if (run.length < SPLIT_CHARS_MIN || LEAKED.has(run)) return [run];
  const best: ({ bits: number; words: string[] } | undefined)[] = [{ bits: 0, words: [] }];
  for (let end = 1; end <= run.length; end++)
    for (let from = Math.max(0, end - SPLITTER_CHARS_MAX); from < end; from++) {
      const before = best[from];
      const word = run.slice(from, end);
      if (!before || !SPLITTERS.has(word)) continue;
      const bits = before.bits + bitsOfPiece(word);
      if (bits < (best[end]?.bits ?? Infinity))
        best[end] = { bits, words: before.words.concat(word) };
    }
  return best[run.length]?.words ?? [run];
}

/** Six random words. */
export function generatePassphrase(source: RandomSource): string {
  for (;;) {
    const words = Array.from(
      { length: GENERATED_WORDS },
      () => WORD_LIST[randomBelow(source, WORD_LIST.length)]!,
    ).join(' ');
    // A draw with a word twice, or one that happens to read as a sentence, can fall under the bound.
    if (passphraseBits(words) >= PASSPHRASE_BITS_MIN) return words;
  }
}
