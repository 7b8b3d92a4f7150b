import { describe, expect, it } from 'vitest';
import { schnorr } from '@noble/curves/secp256k1.js';
import { encode, tryDecode } from '../../../src/core/codec.ts';
import {
  isSignedOffer,
  Offer,
  OFFER_BYTES_MAX,
  OFFERED_MAX,
  signOffer,
  type UnsignedOffer,
} from '../../../src/core/offer.ts';
import {
  createOfferBook,
  OFFER_AGE_MS_MAX,
  OFFER_EVERY_MS_MIN,
  OFFERS_MAX,
  OFFERS_PER_PEER_MAX,
} from '../../../src/client/channels/offer-book.ts';
import { filled, GENESIS, MODEL, SERVING, TOKENS } from './pair.ts';

const PROVIDER = schnorr.getPublicKey(SERVING);
const NOW = 1_800_000_000_000;
const unsigned = (more: Partial<UnsignedOffer> = {}): UnsignedOffer => ({
  provider: PROVIDER,
  payee: filled(5),
  peer: filled(65, 52),
  models: [{ model: MODEL, price: TOKENS, window: 2048 }],
  queue: 3,
  waitSeconds: 20,
  time: NOW,
  ...more,
});
/** An offer of another key, whose signature nobody looks at here. */
const of = (n: number, time = NOW): Offer => ({
  offer: unsigned({ provider: Uint8Array.of(...filled(1, 30), n >> 8, n & 255), time }),
  signature: filled(1, 64),
});
const yes = () => true;

describe('an offer', () => {
  it('is signed by its provider for one network, and every field of it', () => {
    const offer = signOffer(GENESIS, unsigned(), SERVING);
    expect(isSignedOffer(GENESIS, offer)).toBe(true);
    expect(isSignedOffer(filled(9), offer)).toBe(false);
    for (const more of [
      { provider: schnorr.getPublicKey(filled(13)) },
      { payee: filled(9) },
      { peer: filled(66, 52) },
      { models: [] },
      { queue: 0 },
      { waitSeconds: 0 },
      { time: NOW + 1 },
    ])
      expect(isSignedOffer(GENESIS, { ...offer, offer: unsigned(more) })).toBe(false);
  });

  it('fits its bound at the largest, and comes back the same', () => {
    const models = Array.from({ length: OFFERED_MAX }, () => unsigned().models[0]!);
    const offer = signOffer(GENESIS, unsigned({ models, peer: filled(65, 128) }), SERVING);
    const bytes = encode(Offer, offer);
    expect(bytes.length).toBeLessThanOrEqual(OFFER_BYTES_MAX);
    expect(tryDecode(Offer, bytes)).toEqual(offer);
    const more = { models: [...models, models[0]!] };
    expect(() => signOffer(GENESIS, unsigned(more), SERVING)).toThrow();
  });
});

describe('the book of offers', () => {
  it('keeps the newest of each key, not too often, too old or ahead', () => {
    const book = createOfferBook();
    expect(book.hear(of(1), 'a', NOW, yes)).toBe('kept');
    expect(book.hear(of(1), 'b', NOW, yes)).toBe('soon');
    expect(book.hear(of(1, NOW + OFFER_EVERY_MS_MIN - 1), 'a', NOW, yes)).toBe('soon');
    expect(book.hear(of(1, NOW + OFFER_EVERY_MS_MIN), 'a', NOW, yes)).toBe('kept');
    expect(book.hear(of(2, NOW - OFFER_AGE_MS_MAX - 1), 'a', NOW, yes)).toBe('old');
    expect(book.hear(of(2, NOW + 120_001), 'a', NOW, yes)).toBe('ahead');
    expect(book.offers(NOW)).toEqual([of(1, NOW + OFFER_EVERY_MS_MIN)]);
    expect(book.offers(NOW + 2 * OFFER_AGE_MS_MAX)).toEqual([]);
  });

  it('takes none whose signature is wrong, and asks for it last', () => {
    const book = createOfferBook();
    expect(book.hear(of(1), 'a', NOW, () => false)).toBe('unsigned');
    expect(book.offers(NOW)).toEqual([]);
    const never = (): boolean => {
      throw new Error('asked');
    };
    expect(book.hear(of(1, 0), 'a', NOW, never)).toBe('old');
  });

  it('is bounded in all and through one peer, who pushes out his own', () => {
    const book = createOfferBook();
    book.hear(of(0), 'honest', NOW, yes);
    for (let n = 1; n <= 3 * OFFERS_PER_PEER_MAX; n++) book.hear(of(n), 'flood', NOW, yes);
    expect(book.offers(NOW)).toHaveLength(1 + OFFERS_PER_PEER_MAX);
    expect(book.offers(NOW)[0]).toEqual(of(0));
    for (let n = 1000; book.offers(NOW).length < OFFERS_MAX; n++)
      expect(book.hear(of(n), `peer ${n}`, NOW, yes)).toBe('kept');
    expect(book.hear(of(5000), 'late', NOW, yes)).toBe('full');
    expect(
      book.hear(of(5000, NOW + OFFER_AGE_MS_MAX), 'late', NOW + OFFER_AGE_MS_MAX + 1, yes),
    ).toBe('kept');
  });
});
