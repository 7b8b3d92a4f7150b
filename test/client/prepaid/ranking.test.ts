import { describe, expect, it } from 'vitest';
import { providersOf, type RankingTerms } from '../../../src/client/prepaid/ranking.ts';
import type { Offer } from '../../../src/core/offer.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { filled } from './answers.ts';

const MODEL = filled(3);

const offer = (key: number, amount: bigint, waitSeconds = 0, more = {}): Offer => ({
  offer: {
    provider: filled(key),
    payee: filled(key + 100),
    peer: utf8(`peer ${key}`),
    models: [{ model: MODEL, price: { type: 'sequence', amount }, window: 0 }],
    queue: 0,
    waitSeconds,
    time: 1,
    ...more,
  },
  signature: filled(0, 64),
});
const terms = (more: Partial<RankingTerms> = {}): RankingTerms => ({
  model: MODEL,
  priceType: 'sequence',
  own: undefined,
  paid: () => 0n,
  answers: () => 0,
  gaveNothing: () => false,
  isDistrusted: () => false,
  ...more,
});
const order = (offers: readonly Offer[], more: Partial<RankingTerms> = {}): number[] =>
  providersOf(offers, terms(more)).map(({ key }) => key[0]!);

describe('providers of a model', () => {
  it('come in the order of price, then wait, then queue', () => {
    const offers = [
      offer(1, 30n),
      offer(2, 20n, 9),
      offer(3, 20n, 2, { queue: 4 }),
      offer(4, 20n, 2, { queue: 1 }),
    ];
    expect(order(offers)).toEqual([4, 3, 2, 1]);
  });

  it('come first where this device has paid them, whatever they ask', () => {
    const paid = (key: Uint8Array) => (key[0] === 1 ? 5n : 0n);
    expect(order([offer(2, 1n), offer(1, 90n)], { paid })).toEqual([1, 2]);
    expect(providersOf([offer(1, 90n)], terms({ paid }))).toEqual([
      {
        key: filled(1),
        payee: filled(101),
        peer: 'peer 1',
        model: MODEL,
        window: 0,
        price: { type: 'sequence', amount: 90n },
        queue: 0,
        waitSeconds: 0,
        paid: 5n,
        answers: 0,
        gaveNothing: false,
      },
    ]);
  });

  it('come last where they gave nothing lately, whatever they ask and were paid', () => {
    const gaveNothing = (key: Uint8Array) => key[0] === 1;
    expect(order([offer(1, 1n), offer(2, 90n)], { gaveNothing, paid: () => 5n })).toEqual([2, 1]);
  });

  it('are no liars, not this device itself, and answer with that model by its own measure', () => {
    const byTokens = offer(4, 1n);
    byTokens.offer.models[0]!.price = { type: 'tokens', amount: 1n };
    const offers = [
      offer(1, 1n),
      offer(2, 2n),
      offer(3, 3n, 0, { models: [] }),
      byTokens,
      offer(5, 5n),
    ];
    const isDistrusted = (key: Uint8Array) => key[0] === 1;
    expect(order(offers, { isDistrusted, own: filled(2) })).toEqual([5]);
    expect(order(offers, { priceType: undefined })).toEqual([1, 4, 2, 5]);
  });
});
