/** What a provider asks: as much as mining would earn in the time. */
import { expect, test } from 'vitest';
import { networkOf } from '../../../src/client/models/networks.ts';
import { subsidyPerPass } from '../../../src/client/mining/subsidy.ts';
import { fairPrice, PRICE_MIN, type MeasuredDevice } from '../../../src/client/providing/prices.ts';
import { KIND, unitMacs } from '../../../src/core/manifest.ts';
import { ANSWERING_OFF } from '../../../src/miner/engine/miner-api.ts';

const models = [...networkOf('local').models.values()];
/** A block a minute of a thousand computers, or so. */
const target = (1n << 256n) / 1_000_000_000_000n;
const at = { models, target, height: 10 };

test('no answer costs less than mining the best model would earn in the time of its pass', () => {
  for (const model of models) {
    const { amount } = fairPrice(model, at);
    for (const mined of models) {
      const earned = subsidyPerPass(mined, target, 10);
      // In multiplications: earned·macs(model)/macs(mined), and a twentieth more.
      expect(amount * unitMacs(mined) * 100n).toBeGreaterThanOrEqual(
        earned * unitMacs(model) * 105n,
      );
    }
    expect(amount).toBeLessThan(2n * subsidyPerPass(model, target, 10));
  }
});

test('a token costs what this processor would have mined in the time that its step takes', () => {
  const [mined] = models;
  const speaker = { ...mined!, name: 'speaker', kind: KIND.generator, vocabulary: 512 };
  const amountOf = (tokenMs: number, change: Partial<MeasuredDevice> = {}): bigint => {
    const answering = { ...ANSWERING_OFF, tokenMs: { speaker: tokenMs } };
    const device = { backend: 'cpu' as const, macsPerSecond: 2e9, answering, ...change };
    return fairPrice(speaker, { ...at, models: [mined!], device }).amount;
  };
  // A thousand tokens of 50 ms are 50 s, and a twentieth more.
  const earned = subsidyPerPass(mined!, target, 10) * 50n * 2_000_000_000n * 105n;
  expect(amountOf(50)).toBe((earned + unitMacs(mined!) * 100n - 1n) / (unitMacs(mined!) * 100n));
  expect(Number(amountOf(500)) / Number(amountOf(50))).toBeCloseTo(10, 3);
  // As estimated where either was not measured, or the GPU goes on mining beside.
  const { amount } = fairPrice(speaker, { ...at, models: [mined!] });
  for (const change of [
    { answering: ANSWERING_OFF },
    { macsPerSecond: 0 },
    { backend: 'webgpu' as const },
  ])
    expect(amountOf(50, change)).toBe(amount);
});

test('it follows the difficulty, and never falls to nothing', () => {
  const [model] = models;
  const dear = fairPrice(model!, at).amount;
  const cheap = fairPrice(model!, { ...at, target: target / 1000n }).amount;
  expect(Number(dear) / Number(cheap)).toBeCloseTo(1000, -1);
  expect(fairPrice(model!, { ...at, target: 1n }).amount).toBe(PRICE_MIN);
});
