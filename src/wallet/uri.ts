/**
 * Payment URIs after BIP-321: `pila:<address>?amount=1.5&label=…&message=…`. Amounts are VLT with a
 * point. A parameter that starts with `req-` and that we do not know makes the whole URI void.
 */
import { AppError } from '../lib/errors.ts';
import { readAddress } from './address.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { plainText, showsNothing } from './plain-text.ts';

export interface PaymentRequest {
  readonly address: Uint8Array;
  /** nV, at least 1. */
  readonly amount: bigint | undefined;
  /** Who is paid, in the payee's words: anybody can write anything here. */
  readonly label: string | undefined;
  readonly message: string | undefined;
}

const URI_CHARS_MAX = 2048;
const TEXT_CHARS_MAX = 200;
/** A quote or a bracket that was copied with it. */
const BEFORE_LINK = /^[\s\p{P}\p{Cf}<]{1,8}(?=(?:web\+)?pila:)/iu;
/** And after it: what closes them, or the sentence. A link that we write ends in none of these. */
const AFTER_LINK = /(?<![\s\p{Cf}>]|(?![%&/_-])\p{P})(?:[\s\p{Cf}>]|(?![%&/_-])\p{P})+$/u;
/** `web+pila` is what a browser lets us register. */
const SCHEME = /^(?:web\+)?pila:(?:\/\/)?/i;

/** The link alone, as it was copied. Text far too long for one comes back as it is. */
const bareLink = (text: string): string =>
  text.length > URI_CHARS_MAX ? text : text.trim().replace(BEFORE_LINK, '').replace(AFTER_LINK, '');

/** Whether it is to be read as a payment link, and not as a bare address. */
export const isLink = (text: string): boolean => SCHEME.test(bareLink(text));

/**
 * Reads a URI, or a bare address.
 * @throws URI_MALFORMED, URI_REQUIRED, and the codes of readAddress and parseAmount
 */
export function parseUri(text: string, prefix: string): PaymentRequest {
  const trimmed = bareLink(text);
  if (trimmed.length > URI_CHARS_MAX) throw malformed('too long');
  const [path, query = ''] = splitOnce(trimmed.replace(SCHEME, ''), '?');
  const address = readAddress(path, prefix);
  const fields = parseQuery(query);
  const amount = fields.get('amount');
  return {
    address,
    amount: amount === undefined ? undefined : positive(parseAmount(amount)),
    label: readText(fields.get('label')),
    message: readText(fields.get('message')),
  };
}

/** @param address text, as formatAddress gives it */
export function formatUri(
  address: string,
  { amount, label, message }: Partial<Omit<PaymentRequest, 'address'>> = {},
): string {
  const fields = Object.entries({
    amount: amount === undefined ? undefined : formatAmount(amount),
    label,
    message,
  }).filter(([, value]) => value !== undefined && value !== '');
  const query = fields
    .map(([name, value]) => `${name}=${encoded(value!.toWellFormed())}`)
    .join('&');
  return `pila:${address}${query && '?'}${query}`;
}

/** Brackets and quotes too, and a full stop at the end: readers of texts take them for the end of a link. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replace(
    /[!'()*]|\.$/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );

function parseQuery(query: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const part of query.split('&').filter(Boolean)) {
    const [name, value = ''] = splitOnce(part, '=').map(unescape);
    const key = name!.toLowerCase();
    if (key.startsWith('req-')) throw new AppError('URI_REQUIRED', 'it asks for more than we know');
    if (fields.has(key)) throw malformed('a field stands twice');
    fields.set(key, value);
  }
  return fields;
}

function splitOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

function unescape(text: string | undefined): string {
  try {
    return decodeURIComponent(text ?? '');
  } catch {
    throw malformed('a % is not followed by UTF-8');
  }
}

/** Text that a stranger wrote: short, without controls and without marks that turn its direction. */
function readText(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  if (text.length > TEXT_CHARS_MAX) throw malformed('a text is too long');
  return showsNothing(text) ? undefined : plainText(text);
}

function positive(amount: bigint): bigint {
  if (amount === 0n) throw new AppError('AMOUNT_RANGE', 'nothing to pay');
  return amount;
}

const malformed = (why: string) => new AppError('URI_MALFORMED', why);
