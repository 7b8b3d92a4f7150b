/** Offers of providers that were heard lately: one of each serving key, a bounded number in all and through one peer. */
import { fault } from '../../core/faults.ts';
import { isSignedOffer, type Offer } from '../../core/offer.ts';
import { toHex } from '../../lib/bytes.ts';
import { RateLimiter } from '../../net/rate.ts';
import type { Verdict } from '../../net/transport.ts';

/** Offers kept; keys are free, so whoever floods pushes out what came through himself first. */
export const OFFERS_MAX = 512;
/** Of those, offers that came through one peer. */
export const OFFERS_PER_PEER_MAX = 64;
/** An offer is of no use after this, ms: providers come and go like browsers. */
export const OFFER_AGE_MS_MAX = 600_000;
/** How far ahead of this clock an offer may be dated, ms: as blocks. */
const AHEAD_MS_MAX = 120_000;
/** Between two offers of one key, ms. */
export const OFFER_EVERY_MS_MIN = 15_000;
/** ms between two announcements of the own offer among few providers, and for each one heard. */
const ANNOUNCE_MS = 60_000;
const ANNOUNCE_EACH_MS = 1000;
/**
 * Offers whose signature is verified, and so those passed on: as many as a thousand providers tell who know half of
 * each other. And those through one peer, so that one that floods leaves half to the others.
 */
export const OFFER_RATE = { perSecond: 2, burst: 60 };
export const OFFER_PEER_RATE = { perSecond: 1, burst: 30 };

/** What became of an offer; only `kept` is passed on. */
export type Heard = 'kept' | 'old' | 'ahead' | 'soon' | 'full';

export interface OfferBook {
  /** @param isSigned is asked last, since it costs most; `from`: the peer that passed it on */
  hear(offer: Offer, from: string, nowMs: number, isSigned: () => boolean): Heard | 'unsigned';
  /** Those that are not too old, as heard. */
  offers(nowMs: number): readonly Offer[];
  /** Until the own offer is to be told again: all providers together then tell one in a second at most. */
  announceMs(nowMs: number): number;
}

export function createOfferBook(): OfferBook {
  /** In the order in which they were heard, the newest last. */
  const heard = new Map<string, { readonly offer: Offer; readonly from: string }>();
  const all = new RateLimiter(OFFER_RATE);
  const ofPeer = new RateLimiter(OFFER_PEER_RATE);
  const isOld = ({ offer: { time } }: Offer, nowMs: number) => nowMs - time > OFFER_AGE_MS_MAX;

  function makeRoom(from: string, nowMs: number): boolean {
    for (const [key, { offer }] of heard) if (isOld(offer, nowMs)) heard.delete(key);
    const own = [...heard].filter(([, each]) => each.from === from);
    if (own.length >= OFFERS_PER_PEER_MAX) heard.delete(own[0]![0]);
    return heard.size < OFFERS_MAX;
  }

  const offers = (nowMs: number): readonly Offer[] =>
    [...heard.values()].map(({ offer }) => offer).filter((offer) => !isOld(offer, nowMs));

  return {
    hear(offer, from, nowMs, isSigned) {
      const { provider, time } = offer.offer;
      const key = toHex(provider);
      const last = heard.get(key);
      if (isOld(offer, nowMs)) return 'old';
      if (time > nowMs + AHEAD_MS_MAX) return 'ahead';
      if (last && time < last.offer.offer.time + OFFER_EVERY_MS_MIN) return 'soon';
      if (!ofPeer.take(from, 1, nowMs) || !all.take('', 1, nowMs)) return 'full';
      if (!isSigned()) return 'unsigned';
      // What is here already keeps its place, and the peer that it came through first.
      if (!last && !makeRoom(from, nowMs)) return 'full';
      heard.delete(key);
      heard.set(key, { offer, from: last?.from ?? from });
      return 'kept';
    },
    offers,
    announceMs: (nowMs) => Math.max(ANNOUNCE_MS, ANNOUNCE_EACH_MS * offers(nowMs).length),
  };
}

/**
 * Judges a peer's offer into the book. What depends on this node's clock and room costs nothing; who passes on an offer
 * that nobody signed did not look, as every peer has to.
 */
export function judgeOffer(
  book: OfferBook,
  { genesisId, nowMs }: { genesisId: Uint8Array; nowMs: number },
  offer: Offer,
  from: string,
): Verdict {
  const heard = book.hear(offer, from, nowMs, () => isSignedOffer(genesisId, offer));
  if (heard === 'unsigned') return fault('offer.signature', { key: toHex(offer.offer.provider) });
  return heard === 'kept' ? 'accept' : 'ignore';
}
