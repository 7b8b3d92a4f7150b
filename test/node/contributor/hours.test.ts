/** Hours of the day in which a contributor works: over midnight too. */
import { expect, it } from 'vitest';
import { opensAt, parseHours } from '../../../src/node/contributor/hours.ts';

const at = (day: number, hour: number, minute = 0) =>
  new Date(2026, 11, day, hour, minute).getTime();

it('reads two hours that differ', () => {
  expect(parseHours('22-6')).toEqual({ from: 22, to: 6 });
  expect(parseHours('0-24')).toBeUndefined();
  expect(parseHours('18-24')).toEqual({ from: 18, to: 0 });
  for (const wrong of ['', '22', '6-6', '24-1', '1-25', '-1-5', '1.5-2', '22–6', ' 1-2'])
    expect(parseHours(wrong), wrong).toBeUndefined();
});

it('works from the first to before the last, and waits for the next first', () => {
  const night = parseHours('22-6')!;
  for (const now of [at(2, 22), at(2, 23, 59), at(3, 0), at(3, 5, 59)])
    expect(opensAt(night, now)).toBe(now);
  expect(opensAt(night, at(2, 6))).toBe(at(2, 22));
  expect(opensAt(night, at(2, 21, 59))).toBe(at(2, 22));
  const day = parseHours('9-17')!;
  expect(opensAt(day, at(2, 12))).toBe(at(2, 12));
  expect(opensAt(day, at(2, 8))).toBe(at(2, 9));
  expect(opensAt(day, at(31, 17))).toBe(new Date(2027, 0, 1, 9).getTime());
});
