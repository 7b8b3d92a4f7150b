/**
 * What a provider announces on `/pila/<chain id>/offers/2` (docs/protocol.md §9.1): models and prices, signed by its
 * serving key. Nothing of it binds: a question names its own price, and a provider may refuse it.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { Price } from './price.ts';
import { blob, bytes, encode, hash32, list, struct, u16, u32, u48, type Value } from './codec.ts';
import { hash, ZERO_HASH } from './hash.ts';

/** Models in one offer; a provider with more announces those that are asked for most. */
export const OFFERED_MAX = 16;
/** Offers that a peer is told that asks for them. */
export const OFFERS_TOLD_MAX = 64;
/** Bytes of an offer: 16 models take 1.1 KiB. */
export const OFFER_BYTES_MAX = 2048;

const Unsigned = struct({
  /** Serving key, x-only. */
  provider: hash32,
  /** Address that closes are to pay. */
  payee: hash32,
  /** libp2p's peer id, as text. */
  peer: blob(128),
  models: list(struct({ model: hash32, price: Price, window: u32 }), OFFERED_MAX),
  /** Questions that wait, and seconds until another would begin. */
  queue: u16,
  waitSeconds: u16,
  /** ms since 1970. */
  time: u48,
});
export const Offer = struct({ offer: Unsigned, signature: bytes(64) });
export type Offer = Value<typeof Offer>;
export type UnsignedOffer = Value<typeof Unsigned>;

/** What the serving key signs. */
export const offerHash = (genesis: Uint8Array, offer: UnsignedOffer): Uint8Array =>
  hash('offer', genesis, encode(Unsigned, offer));

/** @param secret of the serving key, 32 bytes */
export const signOffer = (
  genesis: Uint8Array,
  offer: UnsignedOffer,
  secret: Uint8Array,
): Offer => ({
  offer,
  signature: schnorr.sign(offerHash(genesis, offer), secret, ZERO_HASH),
});

export const isSignedOffer = (genesis: Uint8Array, { offer, signature }: Offer): boolean =>
  schnorr.verify(signature, offerHash(genesis, offer), offer.provider);
