/** What may be spent in a day, and what is known of it after a restart. */
import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { DAY_MS, openSpendings, SPENDINGS_MAX } from '../../../src/node/http/spending.ts';

const START_MS = 1_800_000_000_000;
const content = new Uint8Array(32);
const asked = (n: number) => ({ channel: new Uint8Array(32).fill(7), n });
const limited = expect.objectContaining({ code: 'SPEND_LIMIT' });
const open = (store: Store, clock: { ms: number }) => openSpendings(store, 100n, () => clock.ms);

describe('spendings', () => {
  it('keep to the limit and not one nV more, until a day has passed', async () => {
    const clock = { ms: START_MS };
    const spendings = await open(createMemoryStore(), clock);
    spendings.reserve(100n)();
    await spendings.keep('a', content, 60n, asked(1));
    expect(() => spendings.reserve(41n)).toThrow(limited);
    spendings.reserve(40n)();
    clock.ms += DAY_MS - 1;
    expect(spendings.total()).toBe(60n);
    clock.ms += 1;
    expect(spendings.total()).toBe(0n);
    expect(await spendings.find('a', content)).toBeUndefined();
  });

  it('that are only set aside count together, until they are given back', async () => {
    const spendings = await open(createMemoryStore(), { ms: START_MS });
    const [first, second] = [spendings.reserve(60n), spendings.reserve(40n)];
    expect(() => spendings.reserve(1n)).toThrow(limited);
    expect(spendings.total()).toBe(0n);
    first();
    first();
    expect(() => spendings.reserve(61n)).toThrow(limited);
    spendings.reserve(60n)();
    await spendings.keep('a', content, 60n, asked(1));
    expect(() => spendings.reserve(1n)).toThrow(limited);
    second();
    spendings.reserve(40n)();
  });

  it('know a key again after a restart, and refuse it for anything else', async () => {
    const [store, clock] = [createMemoryStore(), { ms: START_MS }];
    const before = await open(store, clock);
    await before.keep('key', content, 60n, asked(1));
    await before.keep('key', content, 50n, asked(1));
    await before.keep('other', content, 1n, asked(2));
    await before.drop('other');
    const spendings = await open(store, clock);
    expect(spendings.total()).toBe(50n);
    expect(await spendings.find('key', content)).toEqual({ ...asked(1), cost: 50n });
    expect(await spendings.find('other', content)).toBeUndefined();
    await expect(spendings.find('key', new Uint8Array(32).fill(1))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_REUSED',
    });
  });

  it('of one key keep to its own limit too, and know its own calls alone', async () => {
    const [store, clock] = [createMemoryStore(), { ms: START_MS }];
    const spender = (n: number, spendMax?: bigint) => ({
      id: new Uint8Array(32).fill(n),
      spendMax,
    });
    const [small, other] = [spender(1, 50n), spender(2)];
    const before = await open(store, clock);
    await before.keep('a', content, 30n, { ...asked(1), by: small });
    const spendings = await open(store, clock);
    expect(() => spendings.reserve(21n, small)).toThrow(limited);
    const release = spendings.reserve(20n, small);
    expect(() => spendings.reserve(1n, small)).toThrow(limited);
    release();
    // What others spend is none of its own, but all of them keep to the node's.
    spendings.reserve(50n, other);
    spendings.reserve(20n, small);
    expect(() => spendings.reserve(1n, other)).toThrow(limited);
    expect(await spendings.find('a', new Uint8Array(32).fill(1), other)).toBeUndefined();
    expect(await spendings.find('a', content, small)).toEqual({ ...asked(1), cost: 30n });
    await spendings.drop('a', other);
    expect(spendings.total()).toBe(30n);
    await spendings.drop('a', small);
    expect(spendings.total()).toBe(0n);
  });

  it('of one key leave as many to each other one, whatever they cost; who runs the node has no such bound', async () => {
    const spendings = await open(createMemoryStore(), { ms: START_MS });
    const by = (n: number) => ({ id: new Uint8Array(32).fill(n), spendMax: undefined });
    const take = (n: number): number => {
      for (let taken = 0; ; taken++)
        try {
          spendings.reserve(0n, by(n));
        } catch {
          return taken;
        }
    };
    for (let i = 0; i < SPENDINGS_MAX - 8; i++) await spendings.keep(`${i}`, content, 0n, asked(i));
    expect([take(1), take(2), take(3), take(1), take(4)]).toEqual([4, 2, 1, 0, 1]);
    expect(() => spendings.reserve(0n)).toThrow(limited);
    const free = await open(createMemoryStore(), { ms: START_MS });
    for (let i = 0; i < SPENDINGS_MAX; i++) free.reserve(0n);
  });

  it('are no more than so many in a day, whatever they cost', async () => {
    const spendings = await open(createMemoryStore(), { ms: START_MS });
    for (let i = 0; i < SPENDINGS_MAX - 2; i++) await spendings.keep(`${i}`, content, 0n, asked(i));
    const release = spendings.reserve(0n);
    await spendings.keep('last', content, 0n, asked(1));
    expect(() => spendings.reserve(0n)).toThrow(limited);
    release();
    spendings.reserve(0n);
  });
});
