import fc from 'fast-check';
import { isStale } from '../../../src/core/header/stale.ts';
import { describe, expect, it } from 'vitest';
import {
  editVolts,
  formatAge,
  formatDuration,
  formatSi,
  formatVolts,
  groupsOf,
  isDead,
  parseVolts,
} from '../../../src/ui/kit/format.ts';

const amounts = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const locales = fc.constantFrom('en-GB', 'it-IT');

describe('amounts', () => {
  it('are shown exactly, with four decimals or as many as they have', () => {
    expect(formatVolts(1_307_000_000n, 'it-IT')).toBe('1,3070');
    expect(formatVolts(1n, 'en-GB')).toBe('0.000000001');
    expect(formatVolts(0n, 'en-GB')).toBe('0.0000');
    expect(formatVolts(-2_500_100_000n, 'en-GB')).toBe('−2.5001');
    expect(formatVolts((1n << 64n) - 1n, 'en-GB')).toBe('18,446,744,073.709551615');
  });

  it('are read back from what the edit field shows', () => {
    fc.assert(
      fc.property(amounts, locales, (amount, locale) => {
        expect(parseVolts(editVolts(amount, locale), locale)).toBe(amount);
      }),
    );
  });

  it('are refused where a mark could mean thousands, or the chain could not hold them', () => {
    for (const text of [
      '1,5',
      '1.000,5',
      '1,000.5',
      '',
      '.',
      '1.',
      '.5',
      '-1',
      '1e3',
      '1 000',
      '٣',
    ])
      expect(parseVolts(text, 'en-GB'), text).toBeUndefined();
    expect(parseVolts('1.5', 'it-IT')).toBeUndefined();
    expect(parseVolts('1.0000000001', 'en-GB')).toBeUndefined();
    expect(parseVolts('18446744073.709551615', 'en-GB')).toBe((1n << 64n) - 1n);
    expect(parseVolts('18446744073.709551616', 'en-GB')).toBeUndefined();
    expect(parseVolts(' 1,5 ', 'it-IT')).toBe(1_500_000_000n);
  });
});

describe('measures', () => {
  it('have three significant digits and the fitting prefix', () => {
    expect(formatSi(0, 'MAC/s', 'en-GB')).toBe('0\u00a0MAC/s');
    expect(formatSi(41_230_000_000, 'MAC/s', 'it-IT')).toBe('41,2\u00a0GMAC/s');
    expect(formatSi(999.6, 'B', 'en-GB')).toBe('1\u00a0kB');
  });

  it('ages never lie in the future', () => {
    expect(formatAge(-5000, 'en-GB')).toBe(formatAge(0, 'en-GB'));
    expect(formatAge(59_999, 'en-GB')).toContain('59');
    expect(formatAge(3_600_000, 'it-IT')).toContain('1');
  });

  it('a head is old only where a healthy chain hardly ever is: after twelve blocks, and two minutes', () => {
    expect(isStale(1000, 121_000, 5000)).toBe(false);
    expect(isStale(1000, 121_001, 5000)).toBe(true);
    expect(isStale(0, 121_001, 5000)).toBe(false);
    expect(isStale(1000, 721_000, 60_000)).toBe(false);
    expect(isStale(1000, 721_001, 60_000)).toBe(true);
  });

  it('and alarming only after ten', () => {
    expect(isDead(1000, 601_000, 5000)).toBe(false);
    expect(isDead(1000, 601_001, 5000)).toBe(true);
    expect(isDead(1000, 721_000, 60_000)).toBe(false);
  });
});

it('spans are told in each language, in units of which there are two', () => {
  expect(formatDuration(95_000, 'en')).toBe('95 seconds');
  expect(formatDuration(150_000, 'it')).toBe('2,5 minuti');
  expect(formatDuration(3 * 86_400_000, 'en')).toBe('3 days');
  expect(formatDuration(400, 'en')).toBe('0.4 seconds');
});

it('groups lose no character of an address', () => {
  fc.assert(
    fc.property(
      fc.string(),
      (text) => groupsOf(text).join('') === text.replace(/[\n\r\u2028\u2029]/g, ''),
    ),
  );
});
