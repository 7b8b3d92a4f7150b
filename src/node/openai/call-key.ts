/** The key under which a call may be made again. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../lib/errors.ts';

/** @throws AppError IDEMPOTENCY_MALFORMED */
export function callKey({ headers }: IncomingMessage): { key: string; isKeyed: boolean } {
  const said = headers['idempotency-key'];
  const key = String(said ?? randomUUID());
  if (!/^[!-~]{1,255}$/.test(key))
    throw new AppError('IDEMPOTENCY_MALFORMED', 'an Idempotency-Key has 1 to 255 characters');
  return { key, isKeyed: said !== undefined };
}
