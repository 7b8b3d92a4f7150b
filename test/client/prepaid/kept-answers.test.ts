import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import {
  ANSWERS_BYTES_MAX,
  ANSWERS_MAX,
  openKeptAnswers,
} from '../../../src/client/prepaid/kept-answers.ts';
import { filled, keptAnswer } from './answers.ts';

const numbers = (kept: Awaited<ReturnType<typeof openKeptAnswers>>): number[] =>
  kept.all().map(({ receipt }) => receipt.n);

describe('answers that were paid for', () => {
  it('are there after a restart, the newest first', async () => {
    const store = createMemoryStore();
    const kept = await openKeptAnswers(store);
    for (const n of [1, 3, 2]) await kept.put(keptAnswer(n));
    expect(numbers(kept)).toEqual([3, 2, 1]);
    expect((await openKeptAnswers(store)).all()).toEqual(kept.all());
    expect(kept.find(filled(2), 2)).toEqual(keptAnswer(2));
    expect(kept.find(filled(3), 2)).toBeUndefined();
  });

  it('are written again with a verdict in the same place, also at another time', async () => {
    const store = createMemoryStore();
    const kept = await openKeptAnswers(store);
    for (const n of [1, 2]) await kept.put(keptAnswer(n));
    await kept.put(keptAnswer(1, { verdict: 2 }));
    expect(numbers(kept)).toEqual([2, 1]);
    await kept.put(keptAnswer(1, { verdict: 2, timeMs: 5000 }));
    expect(numbers(await openKeptAnswers(store))).toEqual([1, 2]);
    expect(kept.find(filled(2), 1)).toMatchObject({ verdict: 2 });
  });

  it('of a channel have a last number, also once it made room, until the channel is over', async () => {
    const store = createMemoryStore();
    const kept = await openKeptAnswers(store);
    const [one, other] = [keptAnswer(1), keptAnswer(3)];
    await kept.put(one);
    const channel = filled(6);
    for (let n = 1; n <= ANSWERS_MAX; n++)
      await kept.put({ ...other, timeMs: 2000 + n, receipt: { ...other.receipt, channel, n } });
    const again = await openKeptAnswers(store);
    expect(again.find(filled(2), 1)).toBeUndefined();
    expect([again.kept(filled(2)), again.kept(channel)]).toEqual([1, ANSWERS_MAX]);
    await again.forget(channel);
    // A verdict on an old one says nothing of what is to come.
    await again.put({ ...again.all()[0]!, verdict: 1 });
    const last = await openKeptAnswers(store);
    expect([last.kept(filled(2)), last.kept(channel)]).toEqual([1, 0]);
  });

  it('are bounded in number: the oldest goes', async () => {
    const store = createMemoryStore();
    const kept = await openKeptAnswers(store);
    const one = keptAnswer(1);
    for (let n = 1; n <= ANSWERS_MAX + 2; n++)
      await kept.put({ ...one, timeMs: n, receipt: { ...one.receipt, n } });
    expect(numbers(kept)).toHaveLength(ANSWERS_MAX);
    expect(numbers(kept).at(-1)).toBe(3);
    expect(await store.range('prepaid/answers/', 'prepaid/answers0')).toHaveLength(ANSWERS_MAX);
  });

  it('are bounded in bytes, and the newest is there whatever its size', async () => {
    const store = createMemoryStore();
    const kept = await openKeptAnswers(store);
    const one = keptAnswer(1);
    const large = (n: number) => ({
      ...one,
      receipt: { ...one.receipt, n },
      timeMs: n,
      answer: new Uint8Array(ANSWERS_BYTES_MAX / 2 - 1000),
    });
    for (const n of [1, 2]) await kept.put(large(n));
    expect(numbers(kept)).toEqual([2, 1]);
    await kept.put(large(3));
    expect(numbers(await openKeptAnswers(store))).toEqual([3, 2]);
  });
});
