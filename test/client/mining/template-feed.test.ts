import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createTemplateFeed } from '../../../src/client/mining/template-feed.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('many transactions make one template, a head makes one at once', () => {
  let made = 0;
  const count = () => void made++;
  const feed = createTemplateFeed(() => undefined, count, 60_000);
  for (let i = 0; i < 100; i++) feed.refreshSoon();
  expect(made).toBe(0);
  vi.advanceTimersByTime(1000);
  expect(made).toBe(1);
  feed.refreshSoon();
  feed.refresh();
  expect(made).toBe(2);
  // What was due soon is in it.
  vi.advanceTimersByTime(1000);
  expect(made).toBe(2);
  feed.refreshSoon();
  feed.stop();
  vi.advanceTimersByTime(120_000);
  expect(made).toBe(2);
});
