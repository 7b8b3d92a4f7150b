import { expect, test } from 'vitest';
import {
  generatePassphrase,
  normalizePassphrase,
  passphraseBits,
  PASSPHRASE_BITS_MIN,
  requireStrong,
} from '../../src/wallet/passphrase.ts';

test.each([
  '',
  'password',
  'P@ssw0rd123!',
  'Password2024!Password2024!',
  'correct horse battery staple',
  'letmein-letmein-letmein-letmein-letmein',
  'qwertyuiopasdfghjklzxcvbnm',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '1234567890123456789012345678901234567890',
  'la mia banca 1987',
  '!!!!!!!!!!!!!!!!!!!!!!!!',
  'x'.repeat(5000),
])('%j is refused', (weak) => {
  expect(passphraseBits(weak)).toBeLessThan(PASSPHRASE_BITS_MIN);
  expect(() => requireStrong(weak)).toThrow(expect.objectContaining({ code: 'PASSPHRASE_WEAK' }));
});

test.each([
  'hT7$kQ9!zR2@mX5v',
  'xkqzvwpjtmghbdfl',
  'orbit velvet canyon thimble pretzel lagoon',
  'Ogni-mattina-Zefiro-ruba-tredici-biscotti',
  '8402957163058271946',
])('%j is accepted', (strong) => {
  expect(passphraseBits(strong)).toBeGreaterThanOrEqual(PASSPHRASE_BITS_MIN);
  requireStrong(strong);
});

test('generated ones are six words and pass', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 50; i++) {
    const phrase = generatePassphrase(crypto);
    expect(phrase.split(' ').length).toBe(6);
    requireStrong(phrase);
    seen.add(phrase);
  }
  expect(seen.size).toBe(50);
});

test('two ways to type one letter are one passphrase', () => {
  expect(normalizePassphrase('perche\u0301')).toBe(normalizePassphrase('perch\u00e9'));
});
