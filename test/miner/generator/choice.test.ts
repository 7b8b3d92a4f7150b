/** The choice of a token: its table, the vectors, the naive oracle, and the ends of every range. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainHash } from '../../../src/core/hash.ts';
import { fromHex, toHex } from '../../../src/lib/bytes.ts';
import { Chooser, drawBelow } from '../../../src/miner/generator/choice.ts';
import { WEIGHTS, WEIGHTS_COUNT } from '../../../src/miner/generator/exponential.ts';
import {
  decodeOptions,
  optionsOf,
  seedFromText,
  type Choosing,
  type Options,
} from '../../../src/miner/generator/options.ts';
import { exponential, naiveChoice, ONE, weightOf } from '../../oracle/naive-choice.ts';
import vectors from '../../vectors/generator/choice.json' with { type: 'json' };

const PLAIN: Choosing = { temperature: 256, topK: 0, topP: 65_536, penalty: 256, maxTokens: 64 };
const ZEROS = '00'.repeat(32);

const chosen = (
  logits: readonly number[],
  perNat: number,
  options: Options,
  moment: { place: number; seen: ReadonlySet<number> },
): number => new Chooser(perNat, logits.length).choose(Float64Array.from(logits), options, moment);

describe('weights', () => {
  it('are the nearest whole numbers, none of them near a half', () => {
    expect([...WEIGHTS].map(BigInt)).toEqual(Array.from(WEIGHTS, (_, x) => weightOf(x)));
    expect([WEIGHTS.at(-1), weightOf(WEIGHTS_COUNT)]).toEqual([1, 0n]);
    // The table is made of numbers that are within 2^−81 of the truth, times 2^16.
    const far = ONE >> 64n;
    for (let x = 0; x <= WEIGHTS_COUNT; x++) {
      const fraction = (exponential(x) << 16n) % ONE;
      const fromHalf = fraction - (ONE >> 1n);
      expect(fromHalf < 0n ? -fromHalf : fromHalf, `${x}`).toBeGreaterThan(far);
    }
  });

  it('have the hash of the vectors', () => {
    const bytes = new Uint8Array(4 * WEIGHTS_COUNT);
    WEIGHTS.forEach((weight, x) => new DataView(bytes.buffer).setUint32(4 * x, weight, true));
    expect(toHex(plainHash(bytes))).toBe(vectors.weights.hash);
  });
});

describe('vectors', () => {
  it.each(vectors.seeds)('seed of “$text”', ({ text, seed }) => {
    expect(toHex(seedFromText(text))).toBe(seed);
  });
  const draws = vectors.draws.map(({ total, place, drawn }) => [total, place, drawn] as const);
  it.each(draws)('draw below %d at %d', (total, place, drawn) => {
    expect(drawBelow(total, seedFromText('42'), place)).toBe(drawn);
  });
  const { logits, seen, perNat, choices } = vectors.choice;
  it.each(choices)('$name', ({ options, tokens }) => {
    const read = decodeOptions(fromHex(options)!, PLAIN);
    const found = tokens.map((_, place) =>
      chosen(logits, perNat, read, { place, seen: new Set(seen) }),
    );
    expect(found).toEqual(tokens);
  });
});

describe('a choice', () => {
  const ranges = {
    temperature: fc.oneof(fc.constantFrom(0, 1, 1024), fc.integer({ min: 1, max: 1024 })),
    topK: fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 1, max: 60 })),
    topP: fc.oneof(fc.constantFrom(1, 65_536), fc.integer({ min: 1, max: 65_536 })),
    penalty: fc.oneof(fc.constantFrom(256, 1024), fc.integer({ min: 256, max: 1024 })),
  };
  /** Of a few tokens, so that equals and empty places of the table come about. */
  const logitsOf = (reach: number) =>
    fc.array(fc.integer({ min: -reach, max: reach }), { minLength: 1, maxLength: 48 });

  it.each([
    [3, 2],
    [40, 5],
    [4000, 300],
    [2 ** 41, 2 ** 32],
    [2 ** 41, 2 ** 38],
    [2 ** 30, 1],
  ])('is the naive one of logits within ±%d', (reach, nat) => {
    const perNat = Math.min(nat, 2 ** 32);
    const moment = fc.record({
      seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      ids: fc.array(fc.nat(47), { maxLength: 20 }),
      place: fc.nat(2047),
    });
    const property = fc.property(
      logitsOf(reach),
      fc.record(ranges),
      moment,
      (logits, choosing, { seed, ids, place }) => {
        const options = optionsOf({ ...PLAIN, ...choosing }, { seed });
        const at = { place, seen: new Set(ids.filter((id) => id < logits.length)) };
        const naive = naiveChoice(logits.map(BigInt), perNat, options, at);
        expect(chosen(logits, perNat, options, at)).toBe(naive);
      },
    );
    fc.assert(property, { numRuns: 1500 });
  });

  it('is the lowest token of equals, and of two that differ by one the larger', () => {
    const greedy = optionsOf(PLAIN, { temperature: 0 });
    const moment = { place: 0, seen: new Set<number>() };
    const most = 2 ** 41;
    expect(chosen([0, most, most], 1, greedy, moment)).toBe(1);
    expect(chosen([most - 1, most - 1, most], 1, greedy, moment)).toBe(2);
    const narrow = optionsOf(PLAIN, { topK: 1 });
    expect(chosen([most - 1, most, most], 2 ** 32, narrow, moment)).toBe(1);
  });

  it('falls as often as its weight says', () => {
    // Two nats apart: 65,536 to 8,869.
    const counts = [0, 0];
    const seed = fromHex(ZEROS)!;
    for (let place = 0; place < 20_000; place++)
      counts[chosen([100, 300], 100, optionsOf(PLAIN, { seed }), { place, seen: new Set() })]!++;
    const expected = (20_000 * 8869) / (65_536 + 8869);
    expect(Math.abs(counts[0]! - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });
});
