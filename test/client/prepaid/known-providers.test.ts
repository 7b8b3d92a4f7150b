import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { KNOWN_MAX, openKnownProviders } from '../../../src/client/prepaid/known-providers.ts';
import { filled } from './answers.ts';

const key = (n: number): Uint8Array => Uint8Array.of(...filled(7, 28), 0, 0, n >> 8, n);

describe('what is remembered of providers', () => {
  it('counts a channel once, also where the process died before the channel was gone', async () => {
    const store = createMemoryStore();
    const known = await openKnownProviders(store, () => 1);
    await known.addPaid(key(1), filled(1), 30n);
    await known.addPaid(key(1), filled(1), 30n);
    await known.addPaid(key(1), filled(2), 5n);
    const again = await openKnownProviders(store, () => 1);
    expect([again.paid(key(1)), again.paid(key(2))]).toEqual([35n, 0n]);
  });

  it('says where one was, and whom to ask no more, the newest first', async () => {
    const store = createMemoryStore();
    let now = 0;
    const known = await openKnownProviders(store, () => ++now);
    await known.met(key(1), '12D3KooW');
    await known.distrust(key(1), 'PROVIDER_FALSE');
    await known.distrust(key(2), 'ANSWER_FALSE');
    await known.met(key(3), 'other');
    const again = await openKnownProviders(store, () => 9);
    expect([1, 2, 3].map((n) => again.peer(key(n)))).toEqual(['12D3KooW', undefined, 'other']);
    expect([1, 2, 3].map((n) => again.isDistrusted(key(n)))).toEqual([true, true, false]);
    expect(again.distrusted()).toEqual([
      { key: key(2), code: 'ANSWER_FALSE', timeMs: 3 },
      { key: key(1), code: 'PROVIDER_FALSE', timeMs: 2 },
    ]);
  });

  it('is bounded: who was met longest ago is forgotten, and a liar last', async () => {
    const store = createMemoryStore();
    let now = 0;
    const known = await openKnownProviders(store, () => ++now);
    await known.distrust(key(0), 'ANSWER_FALSE');
    for (let n = 1; n <= KNOWN_MAX; n++) await known.met(key(n), `peer ${n}`);
    expect([known.isDistrusted(key(0)), known.peer(key(1)), known.peer(key(2))]).toEqual([
      true,
      undefined,
      'peer 2',
    ]);
    expect(await store.range('prepaid/known/', 'prepaid/known0')).toHaveLength(KNOWN_MAX);
  });
});
