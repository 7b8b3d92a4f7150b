import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AMOUNT_MAX, formatAmount, parseAmount } from '../../src/wallet/amount.ts';

const mark = fc.constantFrom('.' as const, ',' as const);

test('every amount makes the round trip', () => {
  const nV = fc.bigInt({ min: 0n, max: AMOUNT_MAX });
  fc.assert(
    fc.property(nV, mark, fc.nat(9), (n, m, least) => {
      const text = formatAmount(n, m, least);
      expect(parseAmount(text, m)).toBe(n);
      expect((text.split(m)[1] ?? '').length).toBeGreaterThanOrEqual(least);
    }),
  );
});

test.each([
  ['0', '.', 0n],
  ['1', '.', 1_000_000_000n],
  [' 1.5 ', '.', 1_500_000_000n],
  ['0,000000001', ',', 1n],
  ['007.10', '.', 7_100_000_000n],
  ['18446744073.709551615', '.', AMOUNT_MAX],
] as const)('%s with %s', (text, m, nV) => expect(parseAmount(text, m)).toBe(nV));

test.each([
  '',
  ' ',
  '.',
  '.5',
  '5.',
  '1,5',
  '1.2.3',
  '1,234.5',
  '1 000',
  '-1',
  '+1',
  '1e3',
  '0x10',
  '٣',
  'NaN',
  '1.-5',
  '1'.repeat(65),
])('%j has no single reading', (text) =>
  expect(() => parseAmount(text)).toThrow(expect.objectContaining({ code: 'AMOUNT_MALFORMED' })),
);

test('a group mark is never taken for a decimal mark', () => {
  const malformed = expect.objectContaining({ code: 'AMOUNT_MALFORMED' });
  expect(() => parseAmount('1.234', ',')).toThrow(malformed);
  expect(() => parseAmount('1.234,5', ',')).toThrow(malformed);
});

test('too fine or too much', () => {
  expect(() => parseAmount('0.0000000001')).toThrow(
    expect.objectContaining({ code: 'AMOUNT_PRECISION' }),
  );
  expect(() => parseAmount('18446744073.709551616')).toThrow(
    expect.objectContaining({ code: 'AMOUNT_RANGE' }),
  );
});

test('text for people', () => {
  expect(formatAmount(1_000_000_000n, '.', 2)).toBe('1.00');
  expect(formatAmount(-5n)).toBe('-0.000000005');
  expect(formatAmount(50_000_000_000n)).toBe('50');
});

test('any text gives nV or a code', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'0159., -e') }), mark, (text, m) => {
      try {
        const nV = parseAmount(text, m);
        expect(parseAmount(formatAmount(nV, m), m)).toBe(nV);
      } catch (e) {
        expect((e as { code: string }).code).toMatch(/^AMOUNT_(MALFORMED|PRECISION|RANGE)$/);
      }
    }),
  );
});
