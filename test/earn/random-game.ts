/** Small models with any costs, for rules that hold of all of them. */
import fc from 'fast-check';
import { KINDS, type Counts } from './trace.ts';
import type { Game } from './game.ts';

const amount = fc.integer({ min: 0, max: 1000 });
const counts: fc.Arbitrary<Counts> = fc.record(
  Object.fromEntries(KINDS.map((kind) => [kind, amount])) as Record<keyof Counts, typeof amount>,
);
const step = fc.record({
  k: fc.integer({ min: 1, max: 8 }).map((x) => 128 * x),
  n: fc.integer({ min: 1, max: 32 }).map((x) => 16 * x),
  costs: counts,
  hashed: fc.integer({ min: 1, max: 1000 }),
});

export const games: fc.Arbitrary<Game> = fc
  .array(step, { minLength: 2, maxLength: 5 })
  .map((steps) => ({
    name: 'random',
    vocabulary: 257,
    sequences: 1,
    tokens: 32,
    isCausal: false,
    linears: steps.map(({ k, n }) => ({ k, n, r: 16 })),
    seen: [],
    listedRows: steps.map((_, i) => (i ? 0 : 1)),
    segments: steps.map(({ costs }, i) => ({
      all: costs,
      // A part of the first segment after the first linear, as before an attention.
      listed: Object.fromEntries(
        KINDS.map((kind) => [kind, i === 1 ? Math.floor(costs[kind] / 3) : 0]),
      ) as unknown as Counts,
    })),
    hashed: steps.map(({ hashed }) => ({ all: hashed, listed: 0 })),
  }));
