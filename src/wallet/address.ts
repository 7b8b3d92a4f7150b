/** The one reader of addresses that come as text: typed, pasted, written in files and flags. */
import { bech32m } from '@scure/base';
import { parseAddress } from '../core/address.ts';
import { AppError } from '../lib/errors.ts';

/** bech32's alphabet after the last 1, whatever the checksum says. */
const SHAPE = /^[a-z]{1,16}1[02-9ac-hj-np-z]{6,}$/;
/** Of a bare one. */
const TEXT_CHARS_MAX = 128;
/** More than an address has in lines and groups: such text is not looked through. */
const COPIED_CHARS_MAX = 512;

/**
 * What was copied as an address, alone: without blanks, line breaks and invisible signs anywhere, and
 * without quotes, brackets or the end of a sentence around it. No address and no id has such signs.
 * Text far too long for one comes back as it is.
 */
export const bareAddress = (text: string): string =>
  text.length > COPIED_CHARS_MAX
    ? text
    : text.replace(/[\s\p{Cf}\p{Cc}]+/gu, '').replace(/^[\p{P}<>]+|[\p{P}<>]+$/gu, '');

/** The 32 bytes of an address of the network with this prefix, or undefined. */
export const addressFrom = (text: string, prefix: string): Uint8Array | undefined =>
  parseAddress(bareAddress(text), prefix);

/**
 * The 32 bytes of an address of the network with this prefix.
 * @throws ADDRESS_MALFORMED, ADDRESS_NETWORK (right, but of another network), ADDRESS_CHECKSUM
 */
export function readAddress(text: string, prefix: string): Uint8Array {
  const bare = bareAddress(text);
  if (bare.length > TEXT_CHARS_MAX) throw malformed();
  const address = parseAddress(bare, prefix);
  if (address) return address;
  const oneCase = bare === bare.toUpperCase() ? bare.toLowerCase() : bare;
  if (!SHAPE.test(oneCase)) throw malformed();
  const decoded = bech32m.decodeUnsafe(oneCase);
  if (!decoded) throw new AppError('ADDRESS_CHECKSUM', 'a letter is wrong, missing or moved');
  if (decoded.prefix === prefix || bech32m.fromWordsUnsafe(decoded.words)?.length !== 32)
    throw malformed();
  throw new AppError('ADDRESS_NETWORK', `prefix ${decoded.prefix}, not ${prefix}`);
}

const malformed = () => new AppError('ADDRESS_MALFORMED', 'not an address');
