/** Transactions on their own: id, bytes, signature (docs/protocol.md §4.2). */
import { schnorr } from '@noble/curves/secp256k1.js';
import { encode } from '../codec.ts';
import { SignedTx, Tx } from '../formats.ts';
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
