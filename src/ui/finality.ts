/** Whether a payment is final, in words. */
import type { ChainStatus } from '../client/api.ts';

interface Saying {
  readonly words: {
    readonly notFinal: (have: string, need: string) => string;
    readonly neverFinal: string;
  };
  readonly count: (n: number) => string;
}

/** Why a payment in a block of that height is not final; undefined where it is. */
export function doubtOf(
  chain: Pick<ChainStatus, 'height' | 'finalBlocks'> | undefined,
  height: number,
  { words, count }: Saying,
): string | undefined {
  const need = chain?.finalBlocks;
  if (!chain || need === undefined) return words.neverFinal;
  const have = Math.max(0, chain.height - height + 1);
  return have < need ? words.notFinal(count(have), count(need)) : undefined;
}
