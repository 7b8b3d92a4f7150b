/** Offers are told once in minutes: who has just come asks its first peers for those that they know. */
import { isFault } from '../../core/faults.ts';
import type { SyncResponse } from '../../core/messages.ts';
import type { Offer } from '../../core/offer.ts';
import type { PeerInfo, Transport, Verdict } from '../../net/transport.ts';
import type { OfferBook } from './offer-book.ts';

/** Peers that are asked, each once: what they tell is judged as gossip is, and the network tells the rest. */
export const ASKED_FOR_OFFERS_MAX = 8;

export const tellOffers = (book: OfferBook, nowMs: number): SyncResponse => ({
  type: 'offers',
  offers: [...book.some(nowMs)],
});

/** @param hear judges an offer that a peer told */
export function createOfferSampler(
  transport: Pick<Transport, 'request' | 'charge'>,
  hear: (peer: string, offer: Offer) => Verdict,
): (peers: readonly Pick<PeerInfo, 'id'>[]) => Promise<void> {
  const asked = new Set<string>();
  return async (peers) => {
    for (const { id } of peers) {
      if (asked.has(id) || asked.size >= ASKED_FOR_OFFERS_MAX) continue;
      asked.add(id);
      const answer = await transport.request(id, { type: 'offers' }).catch(() => undefined);
      if (answer?.type !== 'offers') continue;
      for (const offer of answer.offers) {
        const verdict = hear(id, offer);
        if (!isFault(verdict)) continue;
        transport.charge(id, verdict);
        break;
      }
    }
  };
}
