/** Trial coins that were asked for: whether they have come. Pure. */
import type { AccountEntry, Gift } from '../../client/api.ts';
import { equal } from '../../lib/bytes.ts';

export interface Asked extends Gift {
  readonly to: Uint8Array;
  /** Number of the last block when they were asked for. */
  readonly above: number;
}

/** Whether a block has brought a payment of that amount since. */
export const hasCome = ({ to, above, amount }: Asked, entries: readonly AccountEntry[]): boolean =>
  entries.some(
    ({ position, tx: { tx } }) =>
      position.height > above &&
      tx.type === 'transfer' &&
      equal(tx.to, to) &&
      tx.amount === (amount ?? tx.amount),
  );
