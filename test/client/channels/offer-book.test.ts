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
  judgeOffer,
  OFFER_AGE_MS_MAX,
  OFFER_EVERY_MS_MIN,
  OFFER_PEER_RATE,
  OFFER_RATE,
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
    let now = NOW;
    /** After a second, so that no rate is reached. */
    const hear = (n: number, from: string) => book.hear(of(n, now), from, (now += 1000), yes);
    hear(0, 'honest');
    for (let n = 1; n <= 2 * OFFERS_PER_PEER_MAX; n++) expect(hear(n, 'flood')).toBe('kept');
    expect(book.offers(now)).toHaveLength(1 + OFFERS_PER_PEER_MAX);
    expect(book.offers(now)[0]).toEqual(of(0));

    now += 2 * OFFER_AGE_MS_MAX;
    for (let n = 1000; book.offers(now).length < OFFERS_MAX; n++)
      expect(hear(n, `peer ${n}`)).toBe('kept');
    expect(hear(5000, 'late')).toBe('full');
    now += OFFER_AGE_MS_MAX;
    expect(hear(5000, 'late')).toBe('kept');
  });

  it('verifies so many of a crowd, and half of them at most through one peer', () => {
    const book = createOfferBook();
    let verified = 0;
    const count = () => (verified++, true);
    for (let n = 0; n < 200; n++) book.hear(of(n), 'flood', NOW, count);
    expect(verified).toBe(OFFER_PEER_RATE.burst);
    expect(book.hear(of(200), 'honest', NOW, count)).toBe('kept');
    for (let n = 201; n < 400; n++) book.hear(of(n), `peer ${n}`, NOW, count);
    expect(verified).toBe(OFFER_RATE.burst);
    expect(book.hear(of(400), 'late', NOW, count)).toBe('full');
    for (let n = 401; n < 600; n++) book.hear(of(n), `peer ${n}`, NOW + 1000, count);
    expect(verified).toBe(OFFER_RATE.burst + OFFER_RATE.perSecond);
  });

  it('says how often to tell the own: a network of providers tells one in a second', () => {
    const book = createOfferBook();
    expect(book.announceMs(NOW)).toBe(60_000);
    for (let n = 0; n < 100; n++) book.hear(of(n, NOW), `peer ${n}`, NOW + 1000 * n, yes);
    expect(book.announceMs(NOW + 100_000)).toBe(100_000);
    expect(book.announceMs(NOW + 2 * OFFER_AGE_MS_MAX)).toBe(60_000);
    expect(1000 * OFFERS_MAX).toBeLessThan(OFFER_AGE_MS_MAX);
  });

  it('has what is kept passed on; charges an offer that nobody signed, and nothing else', () => {
    const judge = (book = createOfferBook(), offer: Offer, nowMs = NOW) =>
      judgeOffer(book, { genesisId: GENESIS, nowMs }, offer, 'a');
    const book = createOfferBook();
    const signed = signOffer(GENESIS, unsigned(), SERVING);
    expect(judge(book, signed)).toBe('accept');
    expect(judge(book, signed)).toBe('ignore');
    expect(judge(undefined, signed, NOW + 2 * OFFER_AGE_MS_MAX)).toBe('ignore');
    const forged = { ...signed, offer: unsigned({ payee: filled(9) }) };
    const foreign = signOffer(filled(9), unsigned(), SERVING);
    for (const offer of [forged, foreign, of(1)])
      expect(judge(undefined, offer)).toMatchObject({ fault: 'offer.signature' });
  });
});
