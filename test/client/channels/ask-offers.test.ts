import { describe, expect, it } from 'vitest';
import {
  ASKED_FOR_OFFERS_MAX,
  createOfferSampler,
  tellOffers,
} from '../../../src/client/channels/ask-offers.ts';
import { createOfferBook, judgeOffer } from '../../../src/client/channels/offer-book.ts';
import { OFFERS_TOLD_MAX, signOffer, type Offer } from '../../../src/core/offer.ts';
import type { SyncResponse } from '../../../src/core/messages.ts';
import { filled, GENESIS, MODEL, SERVING, TOKENS } from './pair.ts';
import { schnorr } from '@noble/curves/secp256k1.js';

const NOW = 1_800_000_000_000;
const offerOf = (secret: Uint8Array): Offer =>
  signOffer(
    GENESIS,
    {
      provider: schnorr.getPublicKey(secret),
      payee: filled(5),
      peer: filled(65, 52),
      models: [{ model: MODEL, price: TOKENS, window: 2048 }],
      queue: 0,
      waitSeconds: 0,
      time: NOW,
    },
    secret,
  );

/** A newcomer among peers that answer so. */
function newcomer(answers: Record<string, () => Promise<SyncResponse>>) {
  const book = createOfferBook();
  const asked: string[] = [];
  const charged: string[] = [];
  const sample = createOfferSampler(
    {
      request: async (peer, { type }) => {
        expect(type).toBe('offers');
        asked.push(peer);
        return answers[peer]!();
      },
      charge: (peer, { fault }) => void charged.push(`${peer} ${fault}`),
    },
    (peer, offer) => judgeOffer(book, { genesisId: GENESIS, nowMs: NOW }, offer, peer),
  );
  return { book, asked, charged, meet: (...ids: string[]) => sample(ids.map((id) => ({ id }))) };
}

describe('who has just come', () => {
  it('hears from its first peer what that one knows, and asks each peer once', async () => {
    const seed = createOfferBook();
    const offers = [offerOf(SERVING), offerOf(filled(13))];
    for (const offer of offers) seed.hear(offer, 'x', NOW, () => true);
    const { book, asked, meet } = newcomer({ seed: async () => tellOffers(seed, NOW) });
    await meet('seed');
    await meet('seed');
    expect(book.offers(NOW)).toEqual(offers);
    expect(asked).toEqual(['seed']);
  });

  it('takes from a liar what anybody may tell, and charges what nobody signed', async () => {
    const forged = { ...offerOf(SERVING), signature: filled(1, 64) };
    const { book, charged, meet } = newcomer({
      liar: async () => ({ type: 'offers', offers: [forged, offerOf(filled(13))] }),
      silent: () => Promise.reject(new Error('silent')),
      other: async () => ({ type: 'unavailable', reason: 'busy' }),
      honest: async () => ({ type: 'offers', offers: [offerOf(SERVING)] }),
    });
    await meet('liar', 'silent', 'other', 'honest');
    expect(charged).toEqual(['liar offer.signature']);
    expect(book.offers(NOW)).toEqual([offerOf(SERVING)]);
  });

  it('asks a bounded number of peers, and is told a bounded number', async () => {
    const ids = Array.from({ length: 100 }, (_, i) => `peer ${i}`);
    const nothing = async (): Promise<SyncResponse> => ({ type: 'offers', offers: [] });
    const { asked, meet } = newcomer(Object.fromEntries(ids.map((id) => [id, nothing])));
    await meet(...ids);
    expect(asked).toHaveLength(ASKED_FOR_OFFERS_MAX);

    const book = createOfferBook();
    for (let n = 0; n < 2 * OFFERS_TOLD_MAX; n++) {
      const { offer, signature } = offerOf(SERVING);
      const provider = filled(n);
      book.hear({ offer: { ...offer, provider }, signature }, `peer ${n}`, NOW, () => true);
    }
    const told = tellOffers(book, NOW);
    expect(told.type === 'offers' && told.offers).toHaveLength(OFFERS_TOLD_MAX);
  });
});
