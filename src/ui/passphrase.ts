/**
 * Passphrases that can be spoken: proquints (arXiv:0901.4016), 16 bits in five letters. Five of
 * them are 80 bits, out of reach for guessing behind scrypt N = 2^17.
 */
const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
export const PASSPHRASE_QUINTS = 5;

export const quintOf = (word: number): string =>
  CONSONANTS[(word >> 12) & 15]! +
  VOWELS[(word >> 10) & 3]! +
  CONSONANTS[(word >> 6) & 15]! +
  VOWELS[(word >> 4) & 3]! +
  CONSONANTS[word & 15]!;

/** @param random as many u16 as words are wanted. */
export const passphraseFrom = (random: Uint16Array): string => [...random].map(quintOf).join('-');

export const newPassphrase = (): string =>
  passphraseFrom(crypto.getRandomValues(new Uint16Array(PASSPHRASE_QUINTS)));
