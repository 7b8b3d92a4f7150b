/** By what a peer's word about an account's history is checked, once body and leaf are here. Pure. */
import type { Body } from '../../core/formats.ts';
import type { HistoryEntry } from '../../core/messages.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';

/** Whether that transaction stands at its place of its block's body. */
export function isThere(
  genesis: Uint8Array,
  body: Pick<Body, 'transactions'> | undefined,
  { position, tx }: HistoryEntry,
): boolean {
  const there = body?.transactions[position.index];
  return there !== undefined && equal(txId(genesis, there.tx), txId(genesis, tx.tx));
}

/**
 * Whether none is missing above an account's oldest entry that is known.
 * @param below how many the account had before that one, by its leaf before the block; undefined: nobody proved it
 * @param left how many of all that its newest leaf counts are not among the known ones
 */
export const noneMissing = (below: number | undefined, left: number): boolean => below === left;
