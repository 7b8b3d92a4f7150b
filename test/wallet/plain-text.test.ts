/** Texts of strangers, made fit for a screen: nothing hidden, nothing turned, no towers, and names that show something. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isolated, plainText, shownName, showsNothing } from '../../src/wallet/plain-text.ts';

/** First and last of each range that a screen draws as nothing, or that turns what stands beside. */
const HIDDEN: readonly (readonly [number, number])[] = [
  [0x0000, 0x001f],
  [0x007f, 0x009f],
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x061c, 0x061c],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x13441, 0x13442],
  [0x16fe4, 0x16fe4],
  [0x1bca0, 0x1bca3],
  [0xfffc, 0xfffc],
  [0x1d159, 0x1d159],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe01ef],
  [0xe000, 0xe000],
  [0xd800, 0xd800],
  [0x10ffff, 0x10ffff],
];
const hidden = HIDDEN.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, i) => String.fromCodePoint(first + i)),
);

describe('a text of a stranger', () => {
  it('shows a box for each character that hides or turns something', () => {
    expect(hidden.length).toBeGreaterThan(500);
    for (const one of hidden) {
      const where = one.codePointAt(0)!.toString(16);
      expect(plainText(`a${one}b`), where).toBe('a\ufffdb');
      expect(showsNothing(one), where).toBe(true);
    }
  });

  it('stays as it is where people write so', () => {
    for (const text of [
      'Caffè, 3 € – “grazie”',
      'שלום עולם',
      'مرحبا',
      'สวัสดี',
      'नमस्ते',
      '日本語のテキスト',
      'Việt Nam',
      'ok 👍🏽',
    ])
      expect(plainText(text)).toBe(text.normalize('NFC'));
    expect(plainText('e\u0301')).toBe('\u00e9');
    expect(plainText('\u2764\ufe0f')).toBe('\u2764');
    expect(plainText('a\u00a0b\u3000c\u2003d')).toBe('a b c d');
  });

  it('has at most two marks in a row, and none before its first letter', () => {
    const tower = `Z${'\u0336\u0324\u0345'.repeat(40)}algo`;
    expect(plainText(tower)).toMatch(/^\P{M}\p{M}{2}algo$/u);
    expect(plainText('\u0301\u0301\u0301a')).toBe('\ufffda');
  });

  it('keeps line ends and tabs where it may have more than one line, and nothing else', () => {
    expect(plainText('a\n\tb\r')).toBe('a\ufffd\ufffdb\ufffd');
    expect(plainText('a\n\tb\r\u0000', 'lines')).toBe('a\n\tb\ufffd\ufffd');
  });

  it('of any kind is plain after one pass, and holds no isolate of its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const plain = plainText(text);
        expect(plainText(plain)).toBe(plain);
        expect(plain).not.toMatch(/[\p{C}\p{DI}\u2028\u2029]|\p{M}{3}/u);
        expect(isolated(plain).split('\u2069')).toHaveLength(2);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a name', () => {
  it('that shows nothing is none', () => {
    for (const name of [
      '',
      '  ',
      '\u3164',
      '\u2800\u2800',
      '\ufffc',
      '\u00a0',
      '\u0301',
      '\u202e\u0301 \ufeff',
    ])
      expect(shownName(name), JSON.stringify(name)).toBe('');
    expect(shownName(' Ada\u202e ')).toBe('Ada\ufffd');
  });
});
