/** What a caller pays at most who names no price. */
import { expect, test } from 'vitest';
import { networkOf } from '../../../src/client/models/networks.ts';
import { fairPrice, miningNow } from '../../../src/client/providing/prices.ts';
import { KIND, modelId, type Manifest } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { ANSWERING_OFF } from '../../../src/miner/engine/miner-api.ts';
import { createPriceOf } from '../../../src/node/seed/answer-prices.ts';
import { emptyChain } from '../../client/channels/shop.ts';

test('honest providers on slow devices are within it, and one that asks for much more is not', async () => {
  const network = networkOf('local');
  const mined = [...network.models.values()].find(({ kind }) => kind !== KIND.generator)!;
  const speaker: Manifest = { ...mined, name: 'speaker', kind: KIND.generator, vocabulary: 512 };
  const models = new Map([[toHex(modelId(mined)), mined]]);
  const chain = await emptyChain();
  const priceOf = createPriceOf({
    chain,
    network: { ...network, models },
    packages: { isWhole: () => false },
    prepaid: { providers: async () => [] },
  });
  const mostOf = async (manifest: Manifest) =>
    (await priceOf({ name: manifest.name, id: modelId(manifest), manifest })).most;
  const fairOf = (manifest: Manifest, tokenMs?: number): bigint => {
    const measured: Record<string, number> = tokenMs ? { speaker: tokenMs } : {};
    const answering = { ...ANSWERING_OFF, tokenMs: measured };
    const device = { backend: 'cpu', macsPerSecond: 1e9, answering } as const;
    return fairPrice(manifest, miningNow(chain.params, chain.head().header, models, device)).amount;
  };

  expect(await mostOf(mined)).toBe(2n * fairOf(mined));
  // By its multiplications; a step of so many ms is worth as much.
  const counted = fairOf(speaker);
  const msCounted = (1000 * Number(counted)) / Number(fairOf(speaker, 1000));
  expect(fairOf(speaker, Math.floor(3.9 * msCounted))).toBeLessThanOrEqual(await mostOf(speaker));
  expect(fairOf(speaker, Math.ceil(4.5 * msCounted))).toBeGreaterThan(await mostOf(speaker));
});
