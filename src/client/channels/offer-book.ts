/** Offers of providers that were heard lately: one of each serving key, a bounded number in all. */
import { fault } from '../../core/faults.ts';
import { isSignedOffer, OFFERS_TOLD_MAX, type Offer } from '../../core/offer.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import { RateLimiter } from '../../net/rate.ts';
import type { Verdict } from '../../net/transport.ts';

/** Offers kept, one of each key. Keys are free: whom was paid from here has a place before all others. */
export const OFFERS_MAX = 512;
/** An offer is of no use after this, ms: providers come and go like browsers. */
export const OFFER_AGE_MS_MAX = 600_000;
/** How far ahead of this clock an offer may be dated, ms: as blocks. */
const AHEAD_MS_MAX = 120_000;
/**
 * Between two offers of one key that is kept, ms: at least, and for each key that is. So all of them together are
 * verified and passed on twice a second at most, and no flood of other keys holds them up.
 */
export const OFFER_EVERY_MS_MIN = 15_000;
export const OFFER_EVERY_MS_EACH = 500;
/** ms between two announcements of the own offer among few providers, and for each one heard. */
const ANNOUNCE_MS = 60_000;
const ANNOUNCE_EACH_MS = 1000;
/** ms that messages may come apart from each other by more than they were sent. */
const REPEAT_SPARE_MS = 1000;
/**
 * Keys that are new here, of which an offer is verified, kept and passed on. A flooder makes as many as he likes, so
 * this is what he can take: half through one peer, and the last tokens only through peers that told no new key in a
 * while, as a provider itself is one.
 */
export const NEW_KEY_RATE = { perSecond: 1, burst: 128 };
export const NEW_KEY_PEER_RATE = { perSecond: 0.5, burst: 64 };
const QUIET_MS = 60_000;
export const QUIET_RESERVE = 32;
/** Peers of whom the last new key is remembered. */
const TELLERS_MAX = 1024;

/** What became of an offer; only `kept` is passed on. */
export type Heard = 'kept' | 'old' | 'ahead' | 'soon' | 'full';

export interface OfferBook {
  /** @param isSigned is asked last, since it costs most; `from`: the peer that passed it on */
  hear(offer: Offer, from: string, nowMs: number, isSigned: () => boolean): Heard | 'unsigned';
  /** Those that are not too old, in the order in which their keys came. */
  offers(nowMs: number): readonly Offer[];
  /** What this node offers itself, as it told it last. */
  noteOwn(offer: Offer): void;
  /** The own one, and any of the others, for a peer that has just come. */
  some(nowMs: number): readonly Offer[];
  /** Until the own offer is to be told again: all providers together then tell one in a second at most. */
  announceMs(nowMs: number): number;
  /** As `announceMs` after the first time: until no peer holds the next to be too soon. */
  repeatMs(nowMs: number): number;
  /** Keys with a history here: no limit of new keys holds them up, and none takes their place. */
  favour(isFavoured: (provider: Uint8Array) => boolean): void;
}

interface Kept {
  readonly offer: Offer;
  readonly heardMs: number;
}

/** @param random from 0 to 1 */
export function createOfferBook(random: () => number = Math.random): OfferBook {
  /** In the order in which the keys came: an offer takes the place of the last one of its key. */
  const heard = new Map<string, Kept>();
  const newKeys = new RateLimiter(NEW_KEY_RATE);
  const newKeysOf = new RateLimiter(NEW_KEY_PEER_RATE);
  const toldMs = new BoundedMap<string, number>(TELLERS_MAX);
  let isFavoured: (provider: Uint8Array) => boolean = () => false;
  let own: Offer | undefined;
  const isOld = ({ offer: { time } }: Offer, nowMs: number) => nowMs - time > OFFER_AGE_MS_MAX;

  function forgetOld(nowMs: number): void {
    for (const [key, { offer }] of heard) if (isOld(offer, nowMs)) heard.delete(key);
  }

  function isSoon(time: number, last: Kept, nowMs: number): boolean {
    const passed = Math.min(time - last.offer.offer.time, nowMs - last.heardMs);
    return passed < Math.max(OFFER_EVERY_MS_MIN, OFFER_EVERY_MS_EACH * heard.size);
  }

  function mayTellNewKey(from: string, nowMs: number): boolean {
    const isQuiet = nowMs - (toldMs.get(from) ?? -Infinity) >= QUIET_MS;
    if (!newKeysOf.take(from, 1, nowMs)) return false;
    if (!newKeys.take('', 1, nowMs, isQuiet ? 0 : QUIET_RESERVE)) return false;
    toldMs.set(from, nowMs);
    return true;
  }

  /**
   * One of the younger half goes, by lot: who was here before a flood stays, and who comes during it stays for as long
   * as the flood's own keys do.
   */
  function makeRoom(): boolean {
    if (heard.size < OFFERS_MAX) return true;
    const strangers = [...heard].filter(([, { offer }]) => !isFavoured(offer.offer.provider));
    const younger = strangers.slice(Math.floor(strangers.length / 2));
    const gone = younger[Math.floor(random() * younger.length)];
    if (gone) heard.delete(gone[0]);
    return gone !== undefined;
  }

  const offers = (nowMs: number): readonly Offer[] =>
    [...heard.values()].map(({ offer }) => offer).filter((offer) => !isOld(offer, nowMs));

  return {
    hear(offer, from, nowMs, isSigned) {
      const { provider, time } = offer.offer;
      const key = toHex(provider);
      if (isOld(offer, nowMs)) return 'old';
      if (time > nowMs + AHEAD_MS_MAX) return 'ahead';
      forgetOld(nowMs);
      const last = heard.get(key);
      if (last && isSoon(time, last, nowMs)) return 'soon';
      if (!last && !isFavoured(provider) && !mayTellNewKey(from, nowMs)) return 'full';
      if (!isSigned()) return 'unsigned';
      if (!last && !makeRoom()) return 'full';
      heard.set(key, { offer, heardMs: nowMs });
      return 'kept';
    },
    offers,
    noteOwn: (offer) => (own = offer),
    repeatMs: (nowMs) =>
      REPEAT_SPARE_MS +
      Math.max(OFFER_EVERY_MS_MIN, OFFER_EVERY_MS_EACH * (offers(nowMs).length + 1)),
    some(nowMs) {
      const first = own && !isOld(own, nowMs) ? [own] : [];
      const all = [...offers(nowMs)];
      while (all.length > OFFERS_TOLD_MAX - first.length)
        all.splice(Math.floor(random() * all.length), 1);
      return [...first, ...all];
    },
    announceMs: (nowMs) => Math.max(ANNOUNCE_MS, ANNOUNCE_EACH_MS * offers(nowMs).length),
    favour: (those) => (isFavoured = those),
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
