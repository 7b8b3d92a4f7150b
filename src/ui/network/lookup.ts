/** What a person typed into the explorer's search. Pure. */
import type { NetworkText } from '../i18n/en/network.ts';
import { fromHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { plainText, showsNothing } from '../../wallet/plain-text.ts';
import { parseUri } from '../../wallet/uri.ts';
import { bareAddress } from '../../wallet/address.ts';

export type LookupProblem = keyof NetworkText['search']['problems'];
export type Lookup =
  | { readonly type: 'height'; readonly height: number }
  /** Of a block or a transaction. */
  | { readonly type: 'id'; readonly id: Uint8Array }
  | { readonly type: 'address'; readonly address: Uint8Array }
  | { readonly type: 'problem'; readonly code: LookupProblem };

const HEIGHT_MAX = 2 ** 32 - 1;
const KNOWN = ['ADDRESS_CHECKSUM', 'ADDRESS_NETWORK'] as const;

/** A height, an id in hex, or an address or `pila:` URI of the network with this prefix. */
export function lookupOf(text: string, prefix: string): Lookup {
  const trimmed = text.trim();
  if (!trimmed) return { type: 'problem', code: 'LOOKUP_EMPTY' };
  const id = idOf(trimmed);
  if (id) return { type: 'id', id };
  const height = heightOf(trimmed);
  if (height !== undefined) return { type: 'height', height };
  try {
    return { type: 'address', address: parseUri(trimmed, prefix).address };
  } catch (error) {
    const { code } = AppError.from(error);
    return { type: 'problem', code: KNOWN.find((one) => one === code) ?? 'LOOKUP_MALFORMED' };
  }
}

const ID_CHARS_MAX = 256;
/** 32 bytes in hex, in any case, also as they were copied: in groups, in lines. */
export const idOf = (text: string): Uint8Array | undefined =>
  text.length > ID_CHARS_MAX ? undefined : fromHex(bareAddress(text).toLowerCase(), 32);

/** As it is shown: alone, after a #, or with the marks between thousands of any region. */
const HEIGHT = /^#?(\d{1,10}|\d{1,3}(?:[.,'’\s]\d{2,3}){0,3}[.,'’\s]\d{3})$/;

export function heightOf(text: string): number | undefined {
  const digits = HEIGHT.exec(text.trim())?.[1]?.replace(/\D/g, '');
  const height = digits === undefined ? NaN : Number(digits);
  return height <= HEIGHT_MAX ? height : undefined;
}

/** Text of bytes that a stranger wrote, fit for a screen; undefined when they are none, or nothing would be seen. */
export function textOf(data: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    return showsNothing(text) ? undefined : plainText(text, 'lines');
  } catch {
    return undefined;
  }
}
