/** The key with which a caller may spend this node's coins from anywhere: read once, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/errors.ts';
import { textFromBytes } from '../../lib/text-file.ts';

/** Least characters of a key: nobody guesses as many at the rate to which callers are limited. */
const KEY_CHARS_MIN = 16;
const KEY_CHARS_MAX = 512;

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Whether a caller may spend. @throws AppError ASKING_OFF (there is no key), API_KEY_WRONG */
export type KeyGuard = (request: IncomingMessage) => void;

/** @param file holds the key; `fallback`: the key from the environment, without a file. @throws AppError WRONG_FLAG */
export async function openKeyGuard(
  file: string | undefined,
  fallback: string | undefined,
): Promise<KeyGuard> {
  const text = file === undefined ? fallback : await readKey(file);
  if (text === undefined)
    return () => {
      throw new AppError('ASKING_OFF', 'no --api-key-file: only the RPC listener may spend');
    };
  const key = text.trim();
  const usable = key.length >= KEY_CHARS_MIN && key.length <= KEY_CHARS_MAX && /^[!-~]+$/.test(key);
  if (!usable)
    throw new AppError(
      'WRONG_FLAG',
      `an API key is ${KEY_CHARS_MIN} to ${KEY_CHARS_MAX} printable characters without spaces`,
    );
  const wanted = digest(key);
  return ({ headers }) => {
    const given = /^Bearer ([!-~]{1,512})$/i.exec(headers.authorization ?? '')?.[1];
    if (given === undefined || !timingSafeEqual(digest(given), wanted))
      throw new AppError('API_KEY_WRONG', 'send Authorization: Bearer <key>');
  };
}

async function readKey(path: string): Promise<string> {
  try {
    return textFromBytes(await readFile(path));
  } catch (cause) {
    throw new AppError('WRONG_FLAG', `--api-key-file: ${path} cannot be read`, { cause });
  }
}
