/** Slip and target against a plain reading of the text, and what they are for. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  HASH_SPACE,
  headerWork,
  isHopeless,
  slipOf,
  targetOf,
} from '../../../src/core/header/target.ts';
import type { Params } from '../../../src/core/params.ts';
import {
  plainExponent,
  plainSlip,
  plainTarget,
  type PlainRules,
} from '../../oracle/plain-difficulty.ts';
import { GENESIS_MS, paramsOf } from '../fixtures.ts';

const networks = (['main', 'test', 'local', 'e2e'] as const).map((name) => paramsOf(name));
const plainly = (params: Params): PlainRules => ({
  blockTime: BigInt(params.blockTimeMs),
  halfLife: BigInt(params.halfLifeMs),
  lag: BigInt(params.lagMs),
  start: params.targetStart,
  max: params.targetMax,
  genesisTime: BigInt(params.genesis.timeMs),
});

const U48 = 2 ** 48 - 1;
const anyNetwork = fc.constantFrom(...networks);
const anyHeight = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 2 ** 31 }));
/** Near the schedule, and anywhere. */
const anyLateness = (params: Params) =>
  fc.oneof(
    fc.integer({ min: -20 * params.halfLifeMs, max: 20 * params.halfLifeMs }),
    fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  );
const anyBlock = anyNetwork.chain((params) =>
  fc.record({
    params: fc.constant(params),
    height: anyHeight,
    late: anyLateness(params),
    parentSlip: fc.oneof(
      fc.constant(0),
      fc.nat(2 ** 31),
      fc.maxSafeInteger().map((n) => Math.abs(n) % U48),
    ),
  }),
);
const timeOf = (params: Params, height: number, late: number): number =>
  Math.min(U48, Math.max(0, params.genesis.timeMs + params.blockTimeMs * height + late));

test('slip, exponent and target are those of the text, whatever the numbers', () => {
  fc.assert(
    fc.property(anyBlock, ({ params, height, late, parentSlip }) => {
      const time = timeOf(params, height, late);
      const at = { height: BigInt(height), time: BigInt(time) };
      const slip = slipOf(params, { slip: parentSlip }, height, time);
      expect(BigInt(slip)).toBe(plainSlip(plainly(params), BigInt(parentSlip), at));
      // Also of a slip that breaks its rule.
      for (const claimed of [slip, parentSlip]) {
        const header = { height, time, slip: claimed };
        const target = plainTarget(plainly(params), at, BigInt(claimed));
        expect(targetOf(params, header)).toBe(target);
        expect(headerWork(params, header)).toBe(HASH_SPACE / (target + 1n));
        const exponent = plainExponent(plainly(params), at, BigInt(claimed));
        expect(isHopeless(params, header)).toBe(exponent < -8_388_608n);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a target is the start’s times 2 to the half-lives of lateness, to one part in 5,000', () => {
  fc.assert(
    fc.property(
      anyNetwork,
      fc.integer({ min: -40, max: 5 }),
      fc.nat(65_535),
      (params, whole, part) => {
        const late = Math.trunc(((whole * 65_536 + part) * params.halfLifeMs) / 65_536);
        const target = targetOf(params, { height: 7, time: timeOf(params, 7, late), slip: 0 });
        const ratio = Number((target << 64n) / params.targetStart) / 2 ** 64;
        expect(Math.abs(ratio / 2 ** (late / params.halfLifeMs) - 1)).toBeLessThan(2e-4);
      },
    ),
  );
});

describe.each(networks)('on $network', (params) => {
  const { blockTimeMs, halfLifeMs, lagMs, targetStart } = params;
  const at = (height: number, late: number, parentSlip = 0) => {
    const time = timeOf(params, height, late);
    const slip = slipOf(params, { slip: parentSlip }, height, time);
    return { height, time, slip };
  };
  const target = (header: ReturnType<typeof at>) => targetOf(params, header);
  const easiest = targetStart * 64n;

  test('a block on time has the start’s target, whatever its height', () => {
    for (const height of [1, 2, 1000, 10 ** 6]) expect(target(at(height, 0))).toBe(targetStart);
  });

  test('genesis has no work', () => {
    expect(headerWork(params, { height: 0, time: GENESIS_MS, slip: 0 })).toBe(0n);
  });

  test('lateness counts up to the lag; what goes beyond is forgiven to the millisecond', () => {
    expect(at(1, lagMs).slip).toBe(0);
    expect(at(1, lagMs + 1).slip).toBe(1);
    expect(target(at(1, lagMs))).toBe(easiest);
    expect(target(at(1, lagMs - halfLifeMs))).toBe(easiest / 2n);
    const year = 365 * 86_400_000;
    const late = at(1, year);
    expect(late.slip).toBe(year - lagMs);
    expect(target(late)).toBe(easiest);
    // Its child is owed no more than lag: a day's pause is not owed as a day's blocks.
    expect(target(at(2, year, late.slip))).toBe(easiest);
    const inStep = at(1 + (6 * halfLifeMs) / blockTimeMs, year - lagMs, late.slip);
    expect(target(inStep)).toBe(targetStart);
  });

  test('slip never falls, and a later time never makes a target harder', () => {
    fc.assert(
      fc.property(
        anyHeight,
        anyLateness(params),
        fc.nat(2 ** 32),
        fc.nat(2 ** 40),
        (h, late, more, slip) => {
          const [early, later] = [at(h, late, slip), at(h, late + more, slip)];
          expect(early.slip >= slip && later.slip >= early.slip).toBe(true);
          expect(target(later) >= target(early)).toBe(true);
        },
      ),
    );
  });

  test('a block is too soon beyond 128 half-lives, not at them', () => {
    const height = Math.ceil((129 * halfLifeMs) / blockTimeMs);
    expect(isHopeless(params, at(height, -128 * halfLifeMs))).toBe(false);
    // A 65536th of a half-life is the least that counts.
    expect(isHopeless(params, at(height, -128 * halfLifeMs - Math.ceil(halfLifeMs / 65_536)))).toBe(
      true,
    );
    expect(target(at(height, -128 * halfLifeMs))).toBe(targetStart >> 128n);
  });
});
