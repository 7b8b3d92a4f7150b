/**
 * What every passphrase goes through on its way to a key. How hard one is to guess is judged by the
 * page where it is chosen (strength.ts, with lists of a megabyte); the vault keeps only a floor.
 */
import { AppError } from '../lib/errors.ts';

/** Far below what the page asks: even random letters are guessed below it. */
export const PASSPHRASE_CHARS_MIN = 12;
export const PASSPHRASE_CHARS_MAX = 256;

/** What two keyboards type alike must be the same passphrase. */
export const normalizePassphrase = (text: string): string => text.normalize('NFKC');

/** @throws PASSPHRASE_WEAK under 12 or over 256 characters */
export function requireFloor(passphrase: string): void {
  const { length } = normalizePassphrase(passphrase);
  if (length < PASSPHRASE_CHARS_MIN || length > PASSPHRASE_CHARS_MAX)
    throw new AppError('PASSPHRASE_WEAK', `${length} characters`);
}
