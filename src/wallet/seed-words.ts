/** Seed words: BIP-39, 24 English words, no passphrase (docs/protocol.md §2). */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { AppError } from '../lib/errors.ts';
import { isSeedWord, splitWords, WORDS_CHARS_MAX } from './typed-words.ts';
import { WORD_LIST } from './word-list.ts';

export const WORDS_COUNT = 24;
export const ENTROPY_BYTES = 32;

/** 24 words, one space between, of 32 bytes of entropy. */
export const formatWords = (entropy: Uint8Array): string => entropyToMnemonic(entropy, WORD_LIST);

/**
 * The 32 bytes behind 24 words in any case and spacing. Messages name places, never words.
 * @throws WORDS_COUNT, WORDS_UNKNOWN, WORDS_CHECKSUM
 */
export function parseWords(text: string): Uint8Array {
  if (text.length > WORDS_CHARS_MAX) throw new AppError('WORDS_COUNT', 'far too much text');
  const words = splitWords(text);
  if (words.length !== WORDS_COUNT)
    throw new AppError('WORDS_COUNT', `${words.length} words, not ${WORDS_COUNT}`);
  const unknown = words.flatMap((word, i) => (isSeedWord(word) ? [] : [i + 1]));
  if (unknown.length) throw new AppError('WORDS_UNKNOWN', unknown.join(', '));
  try {
    return mnemonicToEntropy(words.join(' '), WORD_LIST);
  } catch {
    // Every word is known: only the checksum is left to be wrong. The cause could quote words.
    throw new AppError('WORDS_CHECKSUM', 'the words do not belong together');
  }
}
