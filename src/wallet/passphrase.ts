/**
 * How hard a passphrase is to guess, roughly and on the low side, and a generator of good ones.
 * scrypt at N = 2^17 costs an attacker about half a core-second per guess: 50 bits stay out of reach.
 */
import { AppError } from '../lib/errors.ts';
import { randomBelow, type RandomSource } from './random.ts';
import { WORD_LIST } from './seed-words.ts';

export const PASSPHRASE_BITS_MIN = 50;
/** Six of 2048 words: 66 bits. */
const GENERATED_WORDS = 6;
const CHARS_MAX = 256;
/** Rank of a word among those that people choose: about the size of the lists that crackers start with. */
const WORD_BITS = 11;
const COMMON_BITS = 3;

const COMMON = new Set(
  `password passwort passphrase contrasena motdepasse qwerty qwertz azerty letmein welcome monkey
   dragon football baseball master shadow superman batman trustno iloveyou princess sunshine login
   admin root user guest test hello secret love money ciao amore juventus napoli milan inter forza
   italia roma andrea francesca giulia bitcoin ethereum crypto wallet satoshi nakamoto blockchain
   pila volta correct horse battery staple computer internet freedom whatever michael jennifer
   jordan thomas charlie hunter ranger buster soccer harley hockey george andrew daniel jessica
   pepper summer winter spring autumn starwars pokemon minecraft google facebook samsung iphone`.split(
    /\s+/,
  ),
);
const ROWS = ['abcdefghijklmnopqrstuvwxyz', '01234567890', 'qwertyuiop', 'asdfghjkl', 'zxcvbnm'];
const LEET: Record<string, string> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a' };

/** What two keyboards type alike must be the same passphrase. */
export const normalizePassphrase = (text: string): string => text.normalize('NFKC');

/** @throws PASSPHRASE_WEAK under 50 bits or over 256 characters */
export function requireStrong(passphrase: string): void {
  if (passphraseBits(passphrase) < PASSPHRASE_BITS_MIN)
    throw new AppError('PASSPHRASE_WEAK', `under ${PASSPHRASE_BITS_MIN} bits, or too long`);
}

/** Estimated bits; 0 for one that is too long to be used. */
export function passphraseBits(passphrase: string): number {
  const text = normalizePassphrase(passphrase);
  if (text.length > CHARS_MAX) return 0;
  const lower = text.toLowerCase();
  const plain = lower.replace(/[013457@]/g, (c) => LEET[c]!);
  // Disguised letters are read as a cracker would: the lower of both readings counts.
  const bits = Math.min(runBits(lower), runBits(plain) + (plain === lower ? 0 : 3));
  return bits + (lower === text ? 0 : 2);
}

/** Sum over different runs of letters, digits and signs: a word said twice counts once. */
function runBits(text: string): number {
  const runs = new Set(collapse(text).match(/\p{L}+|\p{N}+|[^\p{L}\p{N}\s]+/gu) ?? []);
  return [...runs].reduce((sum, run) => sum + bitsOfRun(run), 0);
}

function bitsOfRun(run: string): number {
  if (/^\p{N}/u.test(run)) return /^(19|20)\d\d$/.test(run) ? 6 : run.length * Math.log2(10);
  // A single sign, or the same one again, mostly stands between words.
  if (!/^\p{L}/u.test(run)) return (run.length - 1) * 4 + 1;
  if (COMMON.has(run)) return COMMON_BITS;
  const random = run.length * Math.log2(26);
  return looksSpoken(run) ? Math.min(random, WORD_BITS + Math.max(0, run.length - 8)) : random;
}

/** Random letters nearly always have four consonants in a row before they are eight long. */
const looksSpoken = (run: string): boolean =>
  run.length >= 3 && !/[bcdfghjklmnpqrstvwxz]{4}/.test(run) && /[^bcdfghjklmnpqrstvwxz]/.test(run);

/** Without repeated parts and without steps along the alphabet or a keyboard's row. */
function collapse(text: string): string {
  const chars = [...text.replace(/(.+?)\1+/gu, '$1')];
  const isStep = (a: string, b: string) =>
    ROWS.some((row) => row.includes(a + b) || row.includes(b + a));
  return chars
    .filter((c, i) => i < 2 || !(isStep(chars[i - 1]!, c) && isStep(chars[i - 2]!, chars[i - 1]!)))
    .join('');
}

/** Six random words. */
export function generatePassphrase(source: RandomSource): string {
  for (;;) {
    const words = Array.from(
      { length: GENERATED_WORDS },
      () => WORD_LIST[randomBelow(source, WORD_LIST.length)]!,
    ).join(' ');
    // A draw with a word twice can fall under the bound.
    if (passphraseBits(words) >= PASSPHRASE_BITS_MIN) return words;
  }
}
