/** The keys with which callers may spend this node's coins from anywhere: read once, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import { textFromBytes } from '../../lib/text-file.ts';
import { parseAmount } from '../../wallet/amount.ts';
import type { Spender } from './spending.ts';

/** Least characters of a key: nobody guesses as many at the rate to which callers are limited. */
const KEY_CHARS_MIN = 16;
const KEY_CHARS_MAX = 512;
const KEYS_MAX = 64;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** For whom a caller may spend. @throws AppError ASKING_OFF (there is no key), API_KEY_WRONG */
export type KeyGuard = (request: IncomingMessage) => Spender;

const wrong = (message: string): AppError => new AppError('WRONG_FLAG', message);

/**
 * @param file a key a line, and after it, if anything, VLT that may be spent with it in 24 hours; `fallback`: the same
 * from the environment, without a file. @throws AppError WRONG_FLAG
 */
export async function openKeyGuard(
  file: string | undefined,
  fallback: string | undefined,
): Promise<KeyGuard> {
  const text = file === undefined ? fallback : await readKeys(file);
  if (text === undefined)
    return () => {
      throw new AppError('ASKING_OFF', 'no --api-key-file: only the RPC listener may spend');
    };
  const spenders = spendersOf(text);
  return ({ headers }) => {
    const given = /^Bearer ([!-~]{1,512})$/i.exec(headers.authorization ?? '')?.[1];
    const said = given === undefined ? undefined : digest(given);
    // All are compared, whichever it is.
    const [spender] = spenders.filter(({ id }) => said && timingSafeEqual(said, id));
    if (!spender) throw new AppError('API_KEY_WRONG', 'send Authorization: Bearer <key>');
    return spender;
  };
}

function spendersOf(text: string): Spender[] {
  const lines = text.trim().split(/\s*\n\s*/);
  if (lines.length > KEYS_MAX) throw wrong(`${lines.length} API keys; ${KEYS_MAX} are the most`);
  const keys = lines.map((line) => line.split(/\s+/));
  for (const [key = '', , ...more] of keys)
    if (key.length < KEY_CHARS_MIN || key.length > KEY_CHARS_MAX || !isPlain(key) || more.length)
      throw wrong(
        `an API key is ${KEY_CHARS_MIN} to ${KEY_CHARS_MAX} printable characters without spaces`,
      );
  if (new Set(keys.map(([key]) => key)).size < keys.length)
    throw wrong('an API key stands there twice');
  return keys.map(([key, most]) => ({
    id: digest(key!),
    spendMax: most === undefined ? undefined : amountOf(most),
  }));
}

const isPlain = (key: string): boolean => /^[!-~]+$/.test(key);

function amountOf(text: string): bigint {
  try {
    return parseAmount(text);
  } catch {
    throw wrong('after an API key stands an amount of VLT such as 12.5, or nothing');
  }
}

async function readKeys(path: string): Promise<string> {
  try {
    return textFromBytes(await readFile(path));
  } catch (cause) {
    throw new AppError('WRONG_FLAG', `--api-key-file: ${path} cannot be read`, { cause });
  }
}
