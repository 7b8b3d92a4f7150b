/** Transactions on their own: id, bytes, signature (docs/protocol.md §4.2). */
import { schnorr } from '@noble/curves/secp256k1.js';
import { encode } from '../codec.ts';
import { SignedTx, Tx, type TxOf } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import type { Manifest } from '../manifest.ts';

/** Manifests of admitted models by id in hex. */
export type Models = ReadonlyMap<string, Manifest>;

/** What the signature covers, too. */
export const txId = (tx: Tx): Uint8Array => hash('tx', encode(Tx, tx));

export const txBytes = (signed: SignedTx): Uint8Array => encode(SignedTx, signed);

/** `secret`: 32 bytes. Auxiliary randomness is zero, so that signing is a pure function. */
export const signTx = (tx: Tx, secret: Uint8Array): SignedTx => ({
  tx,
  signature: schnorr.sign(txId(tx), secret, ZERO_HASH),
});

/** BIP-340; false also for a key that is no point of the curve. */
export const verifySignature = (signed: SignedTx): boolean =>
  schnorr.verify(signed.signature, txId(signed.tx), signed.tx.from);

/**
 * nV that leave the sender beside the fee. A table of its own, for the keyring shows it before it signs
 * and executes nothing: it need not load what transactions do (kinds.ts).
 */
const SPENDS: { readonly [K in Tx['type']]: (tx: TxOf<K>) => bigint } = {
  transfer: (tx) => tx.amount,
  request: (tx) => tx.reward,
  claim: () => 0n,
  result: () => 0n,
};

/** nV that leave the sender: fee and what goes with it. */
export const spentBy = (tx: Tx): bigint =>
  // The type of `SPENDS[tx.type]` forgets that the row is this very transaction's.
  tx.fee + (SPENDS[tx.type] as (tx: Tx) => bigint)(tx);
