/** Amounts between nV and decimal VLT text. Strict: one reading or none, since money depends on it. */
import { NANOVOLTS } from '../core/params.ts';
import { AppError, assert } from '../lib/errors.ts';

/** Decimal separator of the person's language. Group separators are never read: 1.234 could be either. */
export type DecimalMark = '.' | ',';

const DECIMALS = 9;
/** What the u64 of a transaction can hold. */
export const AMOUNT_MAX = (1n << 64n) - 1n;
/** More text than any amount needs. */
const TEXT_CHARS_MAX = 64;

/**
 * nV of `12.5`-like text: digits, and at most nine more after the mark. Spaces around it are ignored.
 * @throws AMOUNT_MALFORMED, AMOUNT_PRECISION (more than nine decimals), AMOUNT_RANGE (over 2^64−1 nV)
 */
export function parseAmount(text: string, mark: DecimalMark = '.'): bigint {
  const trimmed = text.trim();
  const [whole, decimals = '', ...rest] = trimmed.split(mark);
  const digits = /^[0-9]+$/;
  const valid =
    digits.test(whole!) && (decimals !== '' ? digits.test(decimals) : whole === trimmed);
  if (!valid || rest.length || trimmed.length > TEXT_CHARS_MAX)
    throw new AppError('AMOUNT_MALFORMED', `not an amount with decimal mark ${mark}`);
  if (decimals.length > DECIMALS)
    throw new AppError('AMOUNT_PRECISION', `more than ${DECIMALS} decimals`);
  const nV = BigInt(whole!) * NANOVOLTS + BigInt(decimals.padEnd(DECIMALS, '0'));
  if (nV > AMOUNT_MAX) throw new AppError('AMOUNT_RANGE', 'more than there can be');
  return nV;
}

/** VLT text of nV, without needless zeros but at least `decimalsMin` decimals: what parseAmount reads. */
export function formatAmount(nV: bigint, mark: DecimalMark = '.', decimalsMin = 0): string {
  assert(decimalsMin <= DECIMALS, 'nine decimals are all there are');
  const size = nV < 0n ? -nV : nV;
  const decimals = String(size % NANOVOLTS)
    .padStart(DECIMALS, '0')
    .replace(/0+$/, '')
    .padEnd(decimalsMin, '0');
  return `${nV < 0n ? '-' : ''}${size / NANOVOLTS}${decimals && mark}${decimals}`;
}
