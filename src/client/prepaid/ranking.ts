/** Which providers a person is shown for a model, and in which order. Pure. */
import type { Offer } from '../../core/offer.ts';
import { equal } from '../../lib/bytes.ts';
import type { Provider } from '../api.ts';

export interface RankingTerms {
  readonly model: Uint8Array;
  /** How the model's answers are counted, by its manifest: other prices are for something else. */
  readonly priceType: Provider['price']['type'] | undefined;
  /** This device's own serving key, if it has one. */
  readonly own: Uint8Array | undefined;
  /** nV vouched for to a provider. */
  paid(provider: Uint8Array): bigint;
  answers(provider: Uint8Array): number;
  gaveNothing(provider: Uint8Array): boolean;
  isDistrusted(provider: Uint8Array): boolean;
}

/**
 * Best first: whom this device has paid before, since it gave what it was paid for; then the lower price, then the
 * shorter wait, which anybody can claim. After all others who gave nothing lately: anybody can offer at the lowest price
 * and stay away.
 */
export function providersOf(offers: readonly Offer[], terms: RankingTerms): Provider[] {
  const { model, priceType, own } = terms;
  return offers
    .flatMap(({ offer }) => {
      const { provider: key, payee, peer, queue, waitSeconds } = offer;
      const offered = offer.models.find((each) => equal(each.model, model));
      const isAsked = offered && (priceType === undefined || offered.price.type === priceType);
      if (!isAsked || terms.isDistrusted(key) || (own && equal(own, key))) return [];
      const { price, window } = offered;
      const paid = terms.paid(key);
      return [
        {
          key,
          payee,
          peer: new TextDecoder().decode(peer),
          model,
          price,
          window,
          queue,
          waitSeconds,
          paid,
          answers: terms.answers(key),
          gaveNothing: terms.gaveNothing(key),
        },
      ];
    })
    .sort(
      (a, b) =>
        Number(a.gaveNothing) - Number(b.gaveNothing) ||
        Number(b.paid > 0n) - Number(a.paid > 0n) ||
        compare(a.price.amount, b.price.amount) ||
        a.waitSeconds - b.waitSeconds ||
        a.queue - b.queue,
    );
}

const compare = (a: bigint, b: bigint): number => (a < b ? -1 : Number(a > b));
