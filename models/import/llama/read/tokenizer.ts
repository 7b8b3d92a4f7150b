/** A decoder's tokenizer.json as the package has it: of its vocabulary, quick, and with the ids of its makers. */
import { createTokeniser } from '../../../../src/client/models/tokeniser.ts';
import { utf8 } from '../../../../src/lib/bytes.ts';
import { requireQuickPatterns } from '../../../patterns.ts';
import { objectOf, parseJsonFile, type Json } from '../../checkpoint/json.ts';
import { demandIds } from '../../checkpoint/tokenizer.ts';

const WHAT = 'tokenizer.json';

/** Parts of a text that match stand apart, and so does what lies between them. */
export const split = (Regex: string): Json => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
});
/** Numbers of any script stand apart, each digit or each number, also fractions and powers. */
export const digits = (individual: boolean): Json => split(individual ? '\\p{N}' : '\\p{N}+');

/** The library's own Digits knows 0 to 9 alone, that of the makers (Rust's `is_numeric`) all of Unicode's numbers. */
function withAllDigits(value: unknown): Json {
  const division = Object(value) as Json;
  if (division.type === 'Digits') return digits(division.individual_digits === true);
  const { pretokenizers: parts } = division;
  return Array.isArray(parts) ? { ...division, pretokenizers: parts.map(withAllDigits) } : division;
}

/**
 * @param file of tokenizer.json
 * @returns the same, or one with the same ids where the library would give others
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED
 */
export async function acceptedTokenizer(file: Uint8Array, vocabulary: number): Promise<Uint8Array> {
  const parsed = objectOf(parseJsonFile(file, WHAT), WHAT);
  demandIds(parsed, vocabulary);
  const before = JSON.stringify(parsed.pre_tokenizer);
  const pre_tokenizer = parsed.pre_tokenizer ? withAllDigits(parsed.pre_tokenizer) : null;
  const isSame = JSON.stringify(pre_tokenizer) === before;
  const accepted = isSame ? file : utf8(JSON.stringify({ ...parsed, pre_tokenizer }));
  await requireQuickPatterns(accepted);
  // What it makes of words, of unknown ones too, are ids.
  (await createTokeniser(accepted)).encode('a \u{10FFFF} Z');
  return accepted;
}
