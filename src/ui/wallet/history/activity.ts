/** Waiting payments as lines to show. Pure. */
import type { PendingTx } from '../../../client/api.ts';
import { addressOf } from '../../../core/address.ts';
import { tryDecode } from '../../../core/codec.ts';
import { SignedTx } from '../../../core/formats.ts';
import { isSamePlace } from '../../../core/tx/tx.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import { historyKindOf, type KindLine } from './kinds.ts';

export interface Line extends KindLine {
  /** Of the transaction, hex. */
  readonly id: string;
  readonly height: number | undefined;
}

/** One of our transactions that is in no block yet. */
export interface WaitingLine extends Line {
  readonly state: PendingTx['state'];
  readonly nonce: bigint;
  /** Last height at which it can be in a block. */
  readonly expiry: number;
  /** Another transaction with its nonce and a higher fee waits too. */
  readonly isRival: boolean;
  /** Id and fields for another in its place; undefined where that is not offered. */
  readonly replaceable: Replaceable | undefined;
}
export interface Replaceable {
  readonly id: Uint8Array;
  readonly to: Uint8Array;
  /** nV. */
  readonly amount: bigint;
  readonly fee: bigint;
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
    .map(({ id, tx, state, height }) => {
      const sameNonce = own.filter((other) => isSamePlace(other.tx, tx));
      const isRival =
        state === 'pending' &&
        sameNonce.some((other) => other.state === 'pending' && other.tx.fee > tx.fee);
      const line = historyKindOf(tx).line(tx, mine);
      const isCancellation = line.kind === 'toSelf' && sameNonce.length > 1;
      const canReplace = state === 'pending' && !isRival;
      const payment = canReplace ? historyKindOf(tx).replaceable(tx) : undefined;
      return {
        ...line,
        kind: isCancellation ? 'cancellation' : line.kind,
        id: toHex(id),
        height,
        state,
        nonce: tx.nonce,
        isRival,
        expiry: tx.expiry,
        replaceable: payment && { id, ...payment, fee: tx.fee },
      };
    });
}
