/** Asks a seed for coins, on networks whose genesis has a faucet. */
import type { Gift } from '../api.ts';
import { AppError, readError } from '../../lib/errors.ts';

/** `url`: address of the seed's faucet. @throws AppError FAUCET_LATER, FAUCET_OFF, and errors that the seed answers */
export async function askFaucet(url: string, address: string): Promise<Gift> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address }),
  }).catch((cause: unknown) => {
    throw new AppError('FAUCET_LATER', 'the faucet cannot be reached', { cause });
  });
  const { error, mining, amount } = (await response.json().catch(() => ({}))) as {
    error?: { code: string; message: string };
    mining?: unknown;
    amount?: unknown;
  };
  // A seed of an older version does not say whether somebody mines.
  if (response.ok) return { mining: mining !== false, amount: readAmount(amount) };
  throw error?.code ? readError(error) : new AppError('FAUCET_OFF', `HTTP ${response.status}`);
}

/** nV from digits; undefined where they are no amount. */
const readAmount = (text: unknown): bigint | undefined =>
  typeof text === 'string' && /^\d{1,19}$/.test(text) ? BigInt(text) : undefined;
