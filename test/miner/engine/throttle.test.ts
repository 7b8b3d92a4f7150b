/** Rests between units on a clock of the test's own. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Throttle } from '../../../src/miner/engine/throttle.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] }));
afterEach(() => void vi.useRealTimers());

/** ms that a rest takes, up to a limit. */
async function restMs(throttle: Throttle, workedMs: number, ended = () => false): Promise<number> {
  const started = Date.now();
  let overAt: number | undefined;
  void throttle.rest(workedMs, ended).then(() => (overAt = Date.now()));
  await vi.advanceTimersByTimeAsync(60_000);
  return overAt === undefined ? Infinity : overAt - started;
}

it.each([
  [1, 100, 0],
  [0.5, 100, 100],
  [0.25, 100, 300],
  [0.25, 0, 0],
  // Never longer than ten seconds.
  [0.25, 60_000, 10_000],
  [0, 100, Infinity],
  // What is no share is none.
  [7, 100, 0],
  [-1, 100, Infinity],
  [NaN, 100, Infinity],
])('duty %f: after %f ms of work, %f ms of rest', async (duty, workedMs, rest) => {
  const throttle = new Throttle(Date.now);
  throttle.set(duty);
  expect(await restMs(throttle, workedMs)).toBe(rest);
});

it('a new duty holds for who rests, and counts what was rested', async () => {
  const throttle = new Throttle(Date.now);
  throttle.set(0);
  setTimeout(() => throttle.set(0.25), 200);
  expect(await restMs(throttle, 100)).toBe(300);
  throttle.set(0.25);
  setTimeout(() => throttle.set(1), 50);
  expect(await restMs(throttle, 100)).toBe(50);
});

it('ends at once when work does', async () => {
  const throttle = new Throttle(Date.now);
  throttle.set(0);
  let over = false;
  setTimeout(() => {
    over = true;
    throttle.wake();
  }, 70);
  expect(await restMs(throttle, 100, () => over)).toBe(70);
});
