/** What a page out of sight tells: rarely, of each kind by itself, and nothing once it was seen. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { APART_MS, Notifier, type Heap, type News } from '../../../src/ui/attention/notifier.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp() {
  const shown: [News, Heap][] = [];
  const cleared: News[] = [];
  const board = {
    show: (news: News, heap: Heap) => void shown.push([news, heap]),
    clear: (news: News) => void cleared.push(news),
  };
  return { notifier: new Notifier(board), shown, cleared };
}
const paid = (amount: bigint, from = 'Anna') => ({ amount, from });

it('what comes within a minute is said together, once', () => {
  const { notifier, shown } = setUp();
  notifier.tell('payment', paid(5n));
  for (let n = 0; n < 100; n++) notifier.tell('payment', paid(1n));
  expect(shown).toEqual([['payment', { count: 1, amount: 5n, from: 'Anna' }]]);
  vi.advanceTimersByTime(APART_MS - 1);
  expect(shown.length).toBe(1);
  vi.advanceTimersByTime(1);
  expect(shown.slice(1)).toEqual([['payment', { count: 101, amount: 105n, from: 'Anna' }]]);
  vi.advanceTimersByTime(APART_MS * 3);
  expect(shown.length).toBe(2);
});

it('names nobody where several have paid', () => {
  const { notifier, shown } = setUp();
  notifier.tell('payment', paid(5n));
  notifier.tell('payment', paid(5n, 'Bruno'));
  notifier.tell('payment', paid(5n));
  vi.advanceTimersByTime(APART_MS);
  expect(shown[1]![1]).toEqual({ count: 3, amount: 15n, from: undefined });
});

it('one kind does not wait for another', () => {
  const { notifier, shown } = setUp();
  notifier.tell('payment', paid(5n));
  notifier.tell('answer');
  notifier.tell('block');
  expect(shown.map(([news]) => news)).toEqual(['payment', 'answer', 'block']);
});

it('once the page was seen nothing of it is left, and looking away often makes no more of them', () => {
  const { notifier, shown, cleared } = setUp();
  notifier.tell('block');
  notifier.tell('block');
  notifier.seen();
  expect(cleared).toEqual(['block']);
  vi.advanceTimersByTime(APART_MS - 1);
  notifier.tell('block');
  expect(shown.length).toBe(1);
  vi.advanceTimersByTime(1);
  expect(shown[1]![1].count).toBe(1);
});
