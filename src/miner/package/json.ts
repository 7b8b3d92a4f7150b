/** Readers of parsed JSON of unknown origin: each gives the value's type, or says which place is wrong. */
import { fromHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** Characters of a key from untrusted JSON that are shown in an error message. */
const SHOWN_MAX = 64;

export const corrupt = (message: string, cause?: unknown): AppError =>
  new AppError('MODEL_CORRUPT', message, { cause });

/** The value of a file of a package, named `at`. @throws AppError MODEL_CORRUPT */
export function parseJson(bytes: Uint8Array, at: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    throw corrupt(`${at} is not JSON`, e);
  }
}

type Fields = Record<string, unknown>;
export function object(
  value: unknown,
  at: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt(`${at} is not an object`);
  const found = Object.keys(value);
  const odd =
    found.find((k) => !keys.includes(k) && !optional.includes(k)) ??
    keys.find((k) => !found.includes(k));
  if (odd !== undefined)
    throw corrupt(`${at}: '${odd.slice(0, SHOWN_MAX)}' is missing or not known`);
  return value as Fields;
}
export function array<T>(value: unknown, at: string, item: (x: unknown, at: string) => T): T[] {
  if (!Array.isArray(value)) throw corrupt(`${at} is not a list`);
  return value.map((x, i) => item(x, `${at}[${i}]`));
}
export function number(value: unknown, at: string): number {
  if (typeof value !== 'number') throw corrupt(`${at} is not a number`);
  return value;
}
export function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw corrupt(`${at} is not a text`);
  return value;
}
export function digest(value: unknown, at: string): Uint8Array {
  const bytes = fromHex(text(value, at), 32);
  if (!bytes) throw corrupt(`${at} is not a hash of 64 hex digits`);
  return bytes;
}

/** The named numbers of an object that has these keys and `others`, and no more. */
export function numbers<K extends string, O extends string>(
  value: unknown,
  at: string,
  keys: readonly K[],
  others: readonly O[],
): { readonly found: Record<K, number>; readonly rest: Record<O, unknown> } {
  const f = object(value, at, [...keys, ...others]);
  const found = Object.fromEntries(keys.map((key) => [key, number(f[key], `${at}.${key}`)]));
  return { found: found as Record<K, number>, rest: f as Record<O, unknown> };
}
