/** An account of one secret key, for programs: it signs whatever it is given. People's keys are in the vault. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { Tx } from '../core/formats.ts';
import { signTx, txBytes } from '../core/tx/tx.ts';
import { fromHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';

export interface PlainKey {
  /** x-only, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly address: Uint8Array;
  /**
   * @param genesisId id of block 0 of its network: what is signed names it
   * @param unsigned encoded Tx
   * @returns encoded SignedTx
   * @throws AppError TX_MALFORMED
   */
  sign(genesisId: Uint8Array, unsigned: Uint8Array): Uint8Array;
}

/** @param secret 32 bytes, or their 64 hex digits. @throws AppError KEY_MALFORMED, which does not repeat it */
export function plainKey(secret: Uint8Array | string): PlainKey {
  const bytes = typeof secret === 'string' ? fromHex(secret, 32) : Uint8Array.from(secret ?? []);
  const publicKey = bytes && publicKeyOf(bytes);
  if (!publicKey) throw new AppError('KEY_MALFORMED', 'a key is 64 hex digits, or 32 bytes');
  return {
    publicKey,
    address: addressOf(publicKey),
    sign(genesisId, unsigned) {
      const tx = tryDecode(Tx, unsigned);
      if (!tx) throw new AppError('TX_MALFORMED', 'not a transaction');
      return txBytes(signTx(genesisId, tx, bytes));
    },
  };
}

/** Undefined of bytes that are no key. */
function publicKeyOf(secret: Uint8Array): Uint8Array | undefined {
  try {
    return schnorr.getPublicKey(secret);
  } catch {
    return undefined;
  }
}
