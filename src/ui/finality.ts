/** Whether a payment is final, in words. */
import type { ChainStatus } from '../client/api.ts';
import type { Tx } from '../core/formats.ts';
import { bornAt } from '../core/tx/nonce.ts';

interface Saying {
  readonly words: {
    readonly notFinal: (n: number, have: string, need: string) => string;
    readonly youngPayer: string;
    readonly neverFinal: string;
  };
  readonly count: (n: number) => string;
}

/**
 * Why a payment in a block of that height is not final; undefined where it is. Whose payer's account was made within as
 * many blocks hangs on that one too: a branch that makes it in another block gives it other nonces, and this payment
 * does not come back (docs/protocol.md §10.3).
 */
export function doubtOf(
  chain: Pick<ChainStatus, 'height' | 'finalBlocks'> | undefined,
  { height, tx }: { readonly height: number; readonly tx: Pick<Tx, 'type' | 'nonce'> },
  { words, count }: Saying,
): string | undefined {
  const need = chain?.finalBlocks;
  if (!chain || need === undefined) return words.neverFinal;
  const blocksFrom = (first: number): number => Math.max(0, chain.height - first + 1);
  const have = blocksFrom(height);
  if (have >= need) return undefined;
  const born = tx.type === 'close' ? 0 : bornAt(tx.nonce);
  const isYoung = born > 0 && blocksFrom(born) < need;
  return [
    words.notFinal(need, count(have), count(need)),
    ...(isYoung ? [words.youngPayer] : []),
  ].join('; ');
}
