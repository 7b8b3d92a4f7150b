/**
 * Transactions on their own: id, signature, and every rule that needs no state
 * (docs/protocol.md §4.2).
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { toHex } from '../../lib/bytes.ts';
import { encode } from '../codec.ts';
import { fault, type Fault } from '../faults.ts';
import { SignedTx, Tx } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import { inputTokens, type Manifest } from '../manifest.ts';
import {
  EXPIRY_BLOCKS_MAX,
  REQUEST_LIFETIME_MAX,
  REQUEST_LIFETIME_MIN,
  type Params,
} from '../params.ts';

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

/** nV that leave the sender: fee and what goes with it. */
export function spentBy(tx: Tx): bigint {
  if (tx.type === 'transfer') return tx.fee + tx.amount;
  return tx.type === 'request' ? tx.fee + tx.reward : tx.fee;
}

/** Faults that show without state in a block of `height`, but for the signature's: it is dear. */
export function* txFaults(
  params: Params,
  models: Models,
  height: number,
  { tx }: SignedTx,
): Generator<Fault, void> {
  if (tx.chainId !== params.chainId) yield fault('tx.chain', { chainId: tx.chainId });
  if (tx.expiry < height) yield fault('tx.expired', { expiry: tx.expiry, height });
  if (tx.expiry > height + EXPIRY_BLOCKS_MAX)
    yield fault('tx.expiry-far', { expiry: tx.expiry, height });
  if (tx.type === 'transfer' && tx.amount < 1n) yield fault('tx.amount', { amount: tx.amount });
  if (tx.type === 'request') {
    const model = admittedModel(params, models, tx.modelId);
    if (!model) yield fault('tx.request-model', { modelId: toHex(tx.modelId) });
    if (model && !inputTokens(tx.input, model))
      yield fault('tx.request-input', { bytes: tx.input.length });
    if (tx.lifetime < REQUEST_LIFETIME_MIN || tx.lifetime > REQUEST_LIFETIME_MAX)
      yield fault('tx.request-lifetime', { lifetime: tx.lifetime });
  }
}

function admittedModel(params: Params, models: Models, id: Uint8Array): Manifest | undefined {
  const hex = toHex(id);
  return params.models.includes(hex) ? models.get(hex) : undefined;
}
