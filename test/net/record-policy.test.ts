/** The policy of records on its own, with times and random numbers of the test. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  AGAIN_MS,
  ANNOUNCE_EACH_MS,
  ANNOUNCE_MS,
  AUTHORS_MAX,
  RECORD_MS,
  RECORD_RATE,
  RecordPolicy,
  RELAY_RATE,
} from '../../src/net/records/record-policy.ts';
import { startTelling } from '../../src/net/records/record-teller.ts';

/** Hears that many authors, each once, one after another over that time. @returns when the last came */
function hear(policy: RecordPolicy, authors: number, overMs: number, fromMs = 0): number {
  for (let i = 0; i < authors; i++) {
    const nowMs = fromMs + (overMs * (i + 1)) / authors;
    policy.judge(`author ${i}`, nowMs, nowMs);
  }
  return fromMs + overMs;
}

describe('the own record', () => {
  it('is told every fifteen seconds in a small network, and two in three seconds by the whole of a large one', () => {
    const policy = new RecordPolicy();
    expect(policy.announceMs(0)).toBe(ANNOUNCE_MS);
    let nowMs = hear(policy, 10, 10_000);
    expect(policy.announceMs(nowMs)).toBe(ANNOUNCE_MS);
    nowMs = hear(policy, 1000, 100_000, nowMs);
    expect(policy.announceMs(nowMs)).toBe(1000 * ANNOUNCE_EACH_MS);
  });

  it('counts each author once, none that is stale, and at most AUTHORS_MAX', () => {
    const policy = new RecordPolicy();
    let nowMs = hear(policy, 20, 1000);
    nowMs = hear(policy, 20, 1000, nowMs);
    expect(policy.authors(nowMs)).toBe(20);
    // In a small network for two minutes, in one of a thousand for three announcements of each.
    expect(policy.authors(nowMs + RECORD_MS - 1000)).toBe(20);
    expect(policy.authors(nowMs + RECORD_MS + 1)).toBe(0);
    nowMs = hear(policy, 1000, 1_000_000, nowMs);
    expect(policy.authors(nowMs)).toBe(1000);
    expect(policy.recordMs(nowMs)).toBe(3000 * ANNOUNCE_EACH_MS);
    hear(policy, AUTHORS_MAX + 1, 1_000, nowMs);
    expect(policy.authors(nowMs + 1_000)).toBe(AUTHORS_MAX);
  });

  it('is due after its period, longer or shorter by a quarter at random', () => {
    const policy = new RecordPolicy();
    expect(policy.isDue(0)).toBe(true);
    for (const [random, factor] of [
      [0, 0.75],
      [1, 1.25],
    ] as const) {
      policy.told(0, random);
      expect(policy.isDue(factor * ANNOUNCE_MS - 1)).toBe(false);
      expect(policy.isDue(factor * ANNOUNCE_MS)).toBe(true);
    }
  });

  it('waits a quarter of its period when something changed, and four seconds in a small network', () => {
    const policy = new RecordPolicy();
    expect(policy.waitMs(0)).toBe(0);
    policy.told(0, 0);
    expect(policy.waitMs(1000)).toBe(AGAIN_MS - 1000);
    const nowMs = hear(policy, 1000, 1000);
    expect(policy.waitMs(nowMs)).toBe(250 * ANNOUNCE_EACH_MS - nowMs);
  });
});

describe('telling', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  /** How often the record is told in that time; `changes`: how often something changed meanwhile. */
  function toldIn(ms: number, authors: number, changes = 0): number {
    const policy = new RecordPolicy();
    hear(policy, authors, 1000, Date.now() - 1000);
    const stopped = new AbortController();
    let told = 0;
    const tellSoon = startTelling(policy, () => ++told > 0, stopped.signal);
    for (let i = 0; i < changes; i++) {
      tellSoon();
      vi.advanceTimersByTime(ms / changes);
    }
    if (!changes) vi.advanceTimersByTime(ms);
    stopped.abort();
    vi.advanceTimersByTime(ms);
    return told;
  }

  it('goes by the size of the network', () => {
    expect(toldIn(1_200_000, 4)).toBeGreaterThanOrEqual(1200 / 15 / 1.5);
    expect(toldIn(1_200_000, 400)).toBeLessThanOrEqual(5);
  });

  it('of changes is soon, and not more often than a record may be told', () => {
    expect(toldIn(1000, 4, 1)).toBe(1);
    const often = toldIn(1_200_000, 4, 10_000);
    expect(often).toBeLessThanOrEqual(1_200_000 / AGAIN_MS);
    expect(often).toBeGreaterThan(200);
    expect(toldIn(1_200_000, 400, 10_000)).toBeLessThanOrEqual(1200 / 100 + 1);
  });

  it('goes on asking while there is nothing to tell', () => {
    const stopped = new AbortController();
    let asked = 0;
    startTelling(new RecordPolicy(), () => ++asked > 3, stopped.signal);
    vi.advanceTimersByTime(ANNOUNCE_MS);
    expect(asked).toBe(4);
    stopped.abort();
  });
});

describe('records of others', () => {
  it('are passed on at RELAY_RATE at most, and heard all the same', () => {
    const policy = new RecordPolicy();
    const verdicts = Array.from({ length: 1000 }, (_, i) => policy.judge(`author ${i}`, 0, 0));
    expect(verdicts.filter((verdict) => verdict === 'relay')).toHaveLength(RELAY_RATE.burst);
    expect(verdicts.filter((verdict) => verdict === 'hear')).toHaveLength(1000 - RELAY_RATE.burst);
    expect(policy.authors(0)).toBe(1000);
    expect(policy.judge('late', 2000, 2000)).toBe('relay');
    expect(policy.judge('later', 2000, 2000)).toBe('hear');
  });

  it('of an author go on again after a while, and leave room for those not heard of lately', () => {
    const policy = new RecordPolicy();
    expect(policy.judge('ann', 0, 0)).toBe('relay');
    expect(policy.judge('ann', 1, AGAIN_MS / 2 - 1)).toBe('hear');
    expect(policy.judge('ann', 2, AGAIN_MS / 2)).toBe('relay');
    // Others take half of what there is: the rest is for them.
    const nowMs = AGAIN_MS;
    let others = 0;
    while (policy.judge(`author ${others}`, nowMs, nowMs) === 'relay' && others < 9) others++;
    expect(policy.judge('ann', 3, nowMs)).toBe('hear');
    expect(policy.judge('bob', nowMs, nowMs)).toBe('relay');
  });

  it('are dropped when stale, from the future, or not newer than the last of their author', () => {
    const policy = new RecordPolicy();
    expect(policy.judge('ann', RECORD_MS, 0)).toBe('relay');
    expect(policy.judge('bob', RECORD_MS + 1, 0)).toBe('drop');
    expect(policy.judge('cat', 0, RECORD_MS)).toBe('relay');
    expect(policy.judge('dan', 0, RECORD_MS + 1)).toBe('drop');
    expect(policy.judge('cat', 0, RECORD_MS)).toBe('drop');
  });

  it('come from one peer at a bounded rate', () => {
    const policy = new RecordPolicy();
    for (let i = 0; i < RECORD_RATE.burst; i++) expect(policy.mayCome('relay', 0)).toBe(true);
    expect(policy.mayCome('relay', 0)).toBe(false);
    expect(policy.mayCome('another', 0)).toBe(true);
    expect(policy.mayCome('relay', 1000)).toBe(true);
  });
});
