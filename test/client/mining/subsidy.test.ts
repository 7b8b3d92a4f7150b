/** What mining earns against what it means: tickets drawn and counted. */
import { expect, test } from 'vitest';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { subsidyPerPass } from '../../../src/client/mining/subsidy.ts';
import { unitLinears, unitMacs } from '../../../src/core/manifest.ts';
import { HALVING_BLOCKS, SUBSIDY } from '../../../src/core/params.ts';
import { ticketLimits, tileCount } from '../../../src/core/pow/transcript.ts';
import { HASH_SPACE } from '../../../src/core/header/target.ts';

const network = networkOf('e2e');
const models = ['tiny', 'lingua'].map((name) => modelNamed(network, name)!.manifest);

/** Draws every tile's ticket of that many passes: how many win, by a generator with a seed. */
function drawn(model: (typeof models)[0], target: bigint, passes: number): number {
  const limits = ticketLimits(target, model).map((l) => Number((l << 52n) / HASH_SPACE));
  let state = 12345;
  const random52 = (): number => {
    const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
    return (next() >>> 6) * 2 ** 26 + (next() >>> 6);
  };
  let wins = 0;
  for (let pass = 0; pass < passes; pass++)
    for (const [i, linear] of unitLinears(model).entries())
      for (let tile = 0; tile < tileCount(linear); tile++) if (random52() <= limits[i]!) wins++;
  return wins;
}

test('it is the subsidy times the winning tickets of passes that were drawn', () => {
  const model = models[0]!;
  const [target, passes] = [network.params.targetMax, 4000];
  const expected = Number(subsidyPerPass(model, target, 1)) / Number(SUBSIDY);
  // At the easiest target a pass wins once in 16: 250 wins, and their deviation is 16.
  expect(expected * passes).toBeCloseTo(passes / 16, -1);
  expect(Math.abs(drawn(model, target, passes) - expected * passes)).toBeLessThan(5 * 16);
});

test('it is W ÷ difficulty of the subsidy, and halves with it', () => {
  for (const model of models) {
    const target = network.params.targetMax / 1000n;
    const p = subsidyPerPass(model, target, 1);
    const plain = (SUBSIDY * unitMacs(model) * target) / HASH_SPACE;
    expect(Number(p) / Number(plain)).toBeCloseTo(1, 3);
    const later = subsidyPerPass(model, target, HALVING_BLOCKS + 1);
    expect(Number(later) / Number(p)).toBeCloseTo(0.5, 3);
  }
});
