import { describe, expect, it } from 'vitest';
import { schnorr } from '@noble/curves/secp256k1.js';
import { encode, tryDecode } from '../../../src/core/codec.ts';
import {
  isSignedOffer,
  Offer,
  OFFER_BYTES_MAX,
  OFFERED_MAX,
  OFFERS_TOLD_MAX,
  signOffer,
  type UnsignedOffer,
} from '../../../src/core/offer.ts';
import {
  createOfferBook,
  judgeOffer,
  OFFER_AGE_MS_MAX,
  OFFER_EVERY_MS_MIN,
  NEW_KEY_PEER_RATE,
  NEW_KEY_RATE,
  OFFERS_MAX,
  QUIET_RESERVE,
  type OfferBook,
} from '../../../src/client/channels/offer-book.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { createRandom } from '../../sim/random.ts';
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
    const later = NOW + OFFER_EVERY_MS_MIN;
    expect(book.hear(of(1), 'a', NOW, yes)).toBe('kept');
    expect(book.hear(of(1), 'b', NOW, yes)).toBe('soon');
    expect(book.hear(of(1, later - 1), 'a', later, yes)).toBe('soon');
    // Dated later, and told at once.
    expect(book.hear(of(1, later), 'a', later - 1, yes)).toBe('soon');
    expect(book.hear(of(1, later), 'a', later, yes)).toBe('kept');
    expect(book.hear(of(2, NOW - OFFER_AGE_MS_MAX - 1), 'a', NOW, yes)).toBe('old');
    expect(book.hear(of(2, NOW + 120_001), 'a', NOW, yes)).toBe('ahead');
    expect(book.offers(NOW)).toEqual([of(1, later)]);
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

  /** Keeps offers of keys from `first` on until so many are kept; a peer each, so slowly that no limit is reached. */
  function fill(book: OfferBook, nowMs: number, { first, size }: { first: number; size: number }) {
    let now = nowMs;
    for (let n = first; book.offers(now).length < size; n++) {
      now += 1000;
      expect(book.hear(of(n, now), `peer ${n}`, now, yes)).toBe('kept');
    }
    return now;
  }

  it('is bounded; a flood of keys takes places of the younger half, never of the older', () => {
    const book = createOfferBook(createRandom(1, 'offers').next);
    let now = fill(book, NOW, { first: 0, size: OFFERS_MAX });
    const older = new Set(book.offers(now).slice(0, OFFERS_MAX / 2));
    for (let n = 10_000; n < 12_000; n++) {
      now += 10;
      book.hear(of(n, now), `flood ${n % 50}`, now, yes);
    }
    expect(book.offers(now)).toHaveLength(OFFERS_MAX);
    expect(book.offers(now).filter((offer) => older.has(offer))).toHaveLength(OFFERS_MAX / 2);
    // Who comes meanwhile has a place too.
    now += 60_000;
    expect(book.hear(of(20_000, now), 'newcomer', now, yes)).toBe('kept');
    expect(book.offers(now)).toContainEqual(of(20_000, now));
  });

  it('hears keys that it has at their own pace, whatever else is told', () => {
    const book = createOfferBook();
    let now = fill(book, NOW, { first: 0, size: 20 });
    let renewed = 0;
    for (let second = 0; second < 300; second++) {
      now += 1000;
      for (let n = 0; n < 100; n++)
        book.hear(of(1000 + 100 * second + n, now), `flood ${n}`, now, yes);
      for (let n = 0; n < 20; n++)
        if (book.hear(of(n, now), 'flood 0', now, yes) === 'kept') renewed++;
    }
    expect(renewed).toBeGreaterThanOrEqual(20);
  });

  it('lets nobody renew more than two offers in a second, with as many keys as it holds', () => {
    const book = createOfferBook();
    const keys = 400;
    let now = NOW;
    for (let n = 0; n < keys; n++) {
      now += 1000;
      expect(book.hear(of(n, NOW - 100_000), `peer ${n}`, now, yes)).toBe('kept');
    }
    let verified = 0;
    const tell = (time: number): void => {
      for (let n = 0; n < keys; n++) book.hear(of(n, time), 'flood', now, () => (verified++, true));
    };
    // Dated far enough apart, and told at once.
    for (const time of [NOW + 110_000, NOW + 320_000, NOW + 519_000]) tell(time);
    expect(verified).toBeLessThanOrEqual(keys);
    verified = 0;
    for (let second = 0; second < 300; second++) {
      now += 1000;
      tell(now + 119_000);
    }
    expect(verified).toBeLessThanOrEqual(2 * 300 + keys);
  });

  it('hears and keeps those whom this device has paid, whatever else is told', () => {
    const book = createOfferBook();
    const paid = new Set([1, 2].map((n) => toHex(of(n).offer.provider)));
    book.favour((provider) => paid.has(toHex(provider)));
    let now = fill(book, NOW, { first: 100, size: OFFERS_MAX });
    for (let n = 10_000; n < 10_500; n++) book.hear(of(n, now), `flood ${n}`, now, yes);
    expect(book.hear(of(20_000, now), 'flood 1', now, yes)).toBe('full');
    for (const n of [1, 2]) expect(book.hear(of(n, now), 'flood 1', now, yes)).toBe('kept');
    for (let n = 20_000; n < 24_000; n++) {
      now += 100;
      book.hear(of(n, now), `flood ${n}`, now, yes);
    }
    for (const n of [1, 2])
      expect(book.offers(now).map(({ offer }) => offer.provider)).toContainEqual(
        of(n).offer.provider,
      );
    expect(book.offers(now).length).toBeLessThanOrEqual(OFFERS_MAX);
  });

  it('verifies so many new keys of a crowd, half of them at most through one peer', () => {
    const book = createOfferBook();
    let verified = 0;
    const count = () => (verified++, true);
    for (let n = 0; n < 300; n++) book.hear(of(n), 'flood', NOW, count);
    expect(verified).toBe(NEW_KEY_PEER_RATE.burst);
    expect(book.hear(of(300), 'honest', NOW, count)).toBe('kept');
    for (let n = 301; n < 600; n++) book.hear(of(n), `peer ${n}`, NOW, count);
    expect(verified).toBe(NEW_KEY_RATE.burst);
    expect(book.hear(of(600), 'late', NOW, count)).toBe('full');
    for (let n = 601; n < 900; n++) book.hear(of(n), `peer ${n}`, NOW + 1000, count);
    expect(verified).toBe(NEW_KEY_RATE.burst + NEW_KEY_RATE.perSecond);
  });

  it('leaves the last of them to peers that told no new key lately', () => {
    const book = createOfferBook();
    const flood = (nowMs: number, first: number) => {
      let kept = 0;
      for (let n = first; n < first + 1000; n++)
        if (book.hear(of(n, nowMs), `flood ${n % 50}`, nowMs, yes) === 'kept') kept++;
      return kept;
    };
    expect(flood(NOW, 0)).toBe(NEW_KEY_RATE.burst - QUIET_RESERVE);
    expect(book.hear(of(5000), 'honest', NOW, yes)).toBe('kept');
    expect(flood(NOW + 1000, 1000)).toBe(0);
    expect(book.hear(of(5001), 'another', NOW + 1000, yes)).toBe('kept');
  });

  it('tells who comes any of them, as many as one answer holds', () => {
    const book = createOfferBook();
    const now = fill(book, NOW, { first: 0, size: 100 });
    const [one, other] = [book.some(now), book.some(now)];
    expect(one).toHaveLength(OFFERS_TOLD_MAX);
    expect(one).not.toEqual(other);
    for (const offer of one) expect(book.offers(now)).toContain(offer);
    expect(createOfferBook().some(now)).toEqual([]);
    const own = one[0]!;
    book.noteOwn(own);
    expect(book.some(now)[0]).toBe(own);
    expect(book.some(now)).toHaveLength(OFFERS_TOLD_MAX);
    expect(book.some(now + 2 * OFFER_AGE_MS_MAX)).toEqual([]);
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
