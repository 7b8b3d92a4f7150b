/** History and waiting payments as lines to show. Pure. */
import type { PendingTx } from '../../../client/api.ts';
import { addressOf } from '../../../core/address.ts';
import { tryDecode } from '../../../core/codec.ts';
import { SignedTx } from '../../../core/formats.ts';
import type { HistoryEntry } from '../../../core/messages.ts';
import { txId } from '../../../core/tx/tx.ts';
import { equal, toHex } from '../../../lib/bytes.ts';

export interface Line {
  /** Of the transaction, hex. */
  readonly id: string;
  readonly kind: 'sent' | 'received' | 'toSelf' | 'cancellation' | 'request' | 'claim' | 'result';
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
  id: toHex(txId(tx.tx)),
  height: position.height,
});

/** One of ours that is in no block. */
export interface WaitingLine extends Line {
  readonly state: PendingTx['state'];
  /** Last height at which it can be in a block. */
  readonly expiry: number;
  /** A dearer one of its nonce waits too. */
  readonly isRival: boolean;
  /** Id and fields for another in its place; undefined where that is not offered. */
  readonly replaceable: Replaceable | undefined;
}
export interface Replaceable {
  readonly id: Uint8Array;
  readonly to: Uint8Array;
  /** nV. */
  readonly amount: bigint;
}

/** Newest first; what its blocks confirm is in the history. */
export function waitingLines(pending: readonly PendingTx[], mine: Uint8Array): WaitingLine[] {
  const own = pending.flatMap((entry) => {
    const signed = tryDecode(SignedTx, entry.bytes);
    const isMine = signed && equal(addressOf(signed.tx.from), mine);
    return isMine ? [{ ...entry, signed, tx: signed.tx }] : [];
  });
  return own
    .filter(({ state }) => state !== 'confirmed')
    .map(({ id, tx, state, height, signed }) => {
      const sameNonce = own.filter((other) => other.tx.nonce === tx.nonce);
      const isRival =
        state === 'pending' &&
        sameNonce.some((other) => other.state === 'pending' && other.tx.fee > tx.fee);
      const line = lineOf(signed, mine);
      const isCancellation = line.kind === 'toSelf' && sameNonce.length > 1;
      const canReplace = state === 'pending' && !isRival && tx.type === 'transfer';
      return {
        ...line,
        ...(isCancellation ? { kind: 'cancellation' as const } : {}),
        ...{ id: toHex(id), height, state, isRival, expiry: tx.expiry },
        replaceable: canReplace ? { id, to: tx.to, amount: tx.amount } : undefined,
      };
    });
}
