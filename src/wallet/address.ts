/** Reads an address that a person typed, and says what is wrong with it. */
import { bech32m } from '@scure/base';
import { parseAddress } from '../core/address.ts';
import { AppError } from '../lib/errors.ts';

/** bech32's alphabet after the last 1, whatever the checksum says. */
const SHAPE = /^[a-z]{1,16}1[02-9ac-hj-np-z]{6,}$/;
const TEXT_CHARS_MAX = 128;

/**
 * The 32 bytes of an address of the network with this prefix.
 * @throws ADDRESS_MALFORMED, ADDRESS_NETWORK (right, but of another network), ADDRESS_CHECKSUM
 */
export function readAddress(text: string, prefix: string): Uint8Array {
  const trimmed = text.trim();
  if (trimmed.length > TEXT_CHARS_MAX) throw malformed();
  const address = parseAddress(trimmed, prefix);
  if (address) return address;
  const oneCase = trimmed === trimmed.toUpperCase() ? trimmed.toLowerCase() : trimmed;
  if (!SHAPE.test(oneCase)) throw malformed();
  const decoded = bech32m.decodeUnsafe(oneCase);
  if (!decoded) throw new AppError('ADDRESS_CHECKSUM', 'a letter is wrong, missing or moved');
  if (decoded.prefix === prefix || bech32m.fromWordsUnsafe(decoded.words)?.length !== 32)
    throw malformed();
  throw new AppError('ADDRESS_NETWORK', `prefix ${decoded.prefix}, not ${prefix}`);
}

const malformed = () => new AppError('ADDRESS_MALFORMED', 'not an address');
