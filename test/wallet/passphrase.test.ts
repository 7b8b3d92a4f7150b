import { expect, test } from 'vitest';
import { normalizePassphrase, requireFloor } from '../../src/wallet/passphrase.ts';

test('two ways to type one letter are one passphrase', () => {
  expect(normalizePassphrase('perche\u0301')).toBe(normalizePassphrase('perch\u00e9'));
});

test('the vault refuses what is too short or too long, as it will be used', () => {
  const weak = expect.objectContaining({ code: 'PASSPHRASE_WEAK' });
  for (const length of [0, 11, 257]) expect(() => requireFloor('x'.repeat(length))).toThrow(weak);
  // Twelve signs typed, ten after they are made alike.
  expect(() => requireFloor('e\u0301'.repeat(6))).toThrow(weak);
  for (const length of [12, 256]) requireFloor('x'.repeat(length));
});
