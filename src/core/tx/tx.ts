/** Transactions on their own: id, bytes, signature (docs/protocol.md §4.2). */
import { schnorr } from '@noble/curves/secp256k1.js';
import { equal } from '../../lib/bytes.ts';
import { encode } from '../codec.ts';
import { SignedTx, Tx, type TxOf } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';

/** By transaction, which is never changed: its id is asked for at each step of a block. */
const ids = new WeakMap<Tx, { readonly genesis: Uint8Array; readonly id: Uint8Array }>();

/**
 * The id of a transaction, which is also what the signature covers. It is not to be written into. @param genesis id of
 * the network's block 0: a chain id names a kind of network, and two of a kind must not take each other's transactions
 */
export function txId(genesis: Uint8Array, tx: Tx): Uint8Array {
  const known = ids.get(tx);
  if (known && equal(known.genesis, genesis)) return known.id;
  const id = hash('tx', genesis, encode(Tx, tx));
  ids.set(tx, { genesis, id });
  return id;
}

export const txBytes = (signed: SignedTx): Uint8Array => encode(SignedTx, signed);

/** `secret`: 32 bytes. Auxiliary randomness is zero, so that signing is a pure function. */
export const signTx = (genesis: Uint8Array, tx: Tx, secret: Uint8Array): SignedTx => ({
  tx,
  signature: schnorr.sign(txId(genesis, tx), secret, ZERO_HASH),
});

/** BIP-340 verification; false also for a key that is not a point of the curve. */
export const verifySignature = (genesis: Uint8Array, signed: SignedTx): boolean =>
  schnorr.verify(signed.signature, txId(genesis, signed.tx), signed.tx.from);

/**
 * What pays for a transaction and orders it: its sender's account, by its nonces, or a channel, which takes one
 * transaction and is gone. Transactions of one line wait in their order, and of two at one nonce one is valid.
 */
export interface Line {
  readonly of: 'account' | 'channel';
  /** x-only key of the account, or id of the channel. */
  readonly id: Uint8Array;
}

interface Payment<T extends Tx> {
  readonly line: (tx: T) => Line;
  /** nV that leave the sender's account besides the fee. */
  readonly amount: (tx: T) => bigint;
}

const account = ({ from }: Tx): Line => ({ of: 'account', id: from });

/**
 * This is a table of its own, because the keyring shows the amount before it signs but executes nothing: it need not
 * load what transactions do (kinds.ts).
 */
const PAYMENTS: { readonly [K in Tx['type']]: Payment<TxOf<K>> } = {
  transfer: { line: account, amount: (tx) => tx.amount },
  channel: { line: account, amount: (tx) => tx.limit },
  close: { line: (tx) => ({ of: 'channel', id: tx.channel }), amount: () => 0n },
};

// The cast is needed: the type of `PAYMENTS[tx.type]` does not say that the row belongs to this transaction's type.
const paymentOf = (tx: Tx): Payment<Tx> => PAYMENTS[tx.type] as Payment<Tx>;

export const lineOf = (tx: Tx): Line => paymentOf(tx).line(tx);

/** nV that leave the sender's account besides the fee. */
export const amountOf = (tx: Tx): bigint => paymentOf(tx).amount(tx);

/** nV that leave the sender's account: the fee, if it pays that, and all other coins. */
export const spentBy = (tx: Tx): bigint =>
  amountOf(tx) + (lineOf(tx).of === 'account' ? tx.fee : 0n);

/** Whether at most one of the two can be in the chain: they stand in one place of one line. */
export function isSamePlace(a: Tx, b: Tx): boolean {
  if (a.nonce !== b.nonce) return false;
  const [one, other] = [lineOf(a), lineOf(b)];
  return one.of === other.of && equal(one.id, other.id);
}
