/** Transactions on their own: id, bytes, signature (docs/protocol.md §4.2). */
import { schnorr } from '@noble/curves/secp256k1.js';
import { encode } from '../codec.ts';
import { SignedTx, Tx, type TxOf } from '../formats.ts';
import { hash, onceFor, ZERO_HASH } from '../hash.ts';
import type { Manifest } from '../manifest.ts';

/** Manifests of admitted models by id in hex. */
export type Models = ReadonlyMap<string, Manifest>;

/** The id of a transaction, which is also what the signature covers. */
export const txId = onceFor((tx: Tx): Uint8Array => hash('tx', encode(Tx, tx)));

export const txBytes = (signed: SignedTx): Uint8Array => encode(SignedTx, signed);

/** `secret`: 32 bytes. Auxiliary randomness is zero, so that signing is a pure function. */
export const signTx = (tx: Tx, secret: Uint8Array): SignedTx => ({
  tx,
  signature: schnorr.sign(txId(tx), secret, ZERO_HASH),
});

/** BIP-340 verification; false also for a key that is not a point of the curve. */
export const verifySignature = (signed: SignedTx): boolean =>
  schnorr.verify(signed.signature, txId(signed.tx), signed.tx.from);

/**
 * nV that leave the sender besides the fee. This is a table of its own, because the keyring shows the amount
 * before it signs but executes nothing: it need not load what transactions do (kinds.ts).
 */
const SPENDS: { readonly [K in Tx['type']]: (tx: TxOf<K>) => bigint } = {
  transfer: (tx) => tx.amount,
  request: (tx) => tx.reward,
  claim: () => 0n,
  result: () => 0n,
};

/** nV that leave the sender: the fee and all other coins. */
export const spentBy = (tx: Tx): bigint =>
  // The cast is needed: the type of `SPENDS[tx.type]` does not say that the row belongs to this transaction's type.
  tx.fee + (SPENDS[tx.type] as (tx: Tx) => bigint)(tx);
