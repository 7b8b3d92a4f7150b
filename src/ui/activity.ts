/** History and waiting payments as lines to show. Pure. */
import type { PendingTx } from '../client/api.ts';
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { SignedTx } from '../core/formats.ts';
import type { HistoryEntry } from '../core/messages.ts';
import { equal, toHex } from '../lib/bytes.ts';

export interface Line {
  readonly id: string;
  readonly kind: 'sent' | 'received' | 'toSelf' | 'request' | 'claim' | 'result';
  /** nV: what the balance lost (fee included) or gained. */
  readonly amount: bigint;
  /** The other side's address; undefined where there is none. */
  readonly other: Uint8Array | undefined;
  readonly height: number | undefined;
}

function lineOf({ tx }: SignedTx, mine: Uint8Array): Omit<Line, 'id' | 'height'> {
  const sender = addressOf(tx.from);
  const isMine = equal(sender, mine);
  if (tx.type === 'request')
    return { kind: 'request', amount: -(tx.reward + tx.fee), other: undefined };
  if (tx.type !== 'transfer') return { kind: tx.type, amount: -tx.fee, other: undefined };
  if (!isMine) return { kind: 'received', amount: tx.amount, other: sender };
  if (equal(tx.to, mine)) return { kind: 'toSelf', amount: -tx.fee, other: undefined };
  return { kind: 'sent', amount: -(tx.amount + tx.fee), other: tx.to };
}

export const historyLine = ({ position, tx }: HistoryEntry, mine: Uint8Array): Line => ({
  ...lineOf(tx, mine),
  id: `${position.height}/${position.index}`,
  height: position.height,
});

/** Undefined when its bytes are no transaction. */
export function pendingLine(pending: PendingTx, mine: Uint8Array): Line | undefined {
  const signed = tryDecode(SignedTx, pending.bytes);
  return signed && { ...lineOf(signed, mine), id: toHex(pending.id), height: pending.height };
}
