import { bech32, bech32m } from '@scure/base';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAddress } from '../../src/core/address.ts';
import { AppError } from '../../src/lib/errors.ts';
import { readAddress } from '../../src/wallet/address.ts';
import { AMOUNT_MAX } from '../../src/wallet/amount.ts';
import { plainText, showsNothing } from '../../src/wallet/plain-text.ts';
import { formatUri, isLink, parseUri } from '../../src/wallet/uri.ts';
import { code } from './values.ts';

const bytes = Uint8Array.from({ length: 32 }, (_, i) => i * 7);
const text = formatAddress(bytes, 'pila');

test('addresses in either case, never mixed', () => {
  expect(readAddress(` ${text}\n`, 'pila')).toEqual(bytes);
  expect(readAddress(text.toUpperCase(), 'pila')).toEqual(bytes);
  expect(() => readAddress(`P${text.slice(1)}`, 'pila')).toThrow(code('ADDRESS_MALFORMED'));
});

test('what is wrong with an address', () => {
  expect(() => readAddress(formatAddress(bytes, 'tpila'), 'pila')).toThrow(code('ADDRESS_NETWORK'));
  for (const junk of ['', 'hello', 'pila1', 'a'.repeat(5000), text.replace('1', '!'), `${text}b`])
    expect(() => readAddress(junk, 'pila'), junk).toThrow(code('ADDRESS_MALFORMED'));
  for (const typo of [`${text}q`, text.slice(0, -1), `pila1${text.slice(7)}`])
    expect(() => readAddress(typo, 'pila'), typo).toThrow(code('ADDRESS_CHECKSUM'));
  const short = bech32m.encode('pila', bech32m.toWords(bytes.slice(0, 20)));
  expect(() => readAddress(short, 'pila')).toThrow(code('ADDRESS_MALFORMED'));
  const old = bech32.encode('pila', bech32.toWords(bytes));
  expect(() => readAddress(old, 'pila')).toThrow(code('ADDRESS_CHECKSUM'));
});

test('one wrong letter is always caught', () => {
  const letters = [...'qpzry9x8gf2tvdw0s3jn54khce6mua7l'];
  const at = fc.integer({ min: 5, max: text.length - 1 });
  fc.assert(
    fc.property(at, fc.constantFrom(...letters), (i, letter) => {
      fc.pre(text[i] !== letter);
      const wrong = text.slice(0, i) + letter + text.slice(i + 1);
      expect(() => readAddress(wrong, 'pila')).toThrow(code('ADDRESS_CHECKSUM'));
    }),
  );
});

test('a link is read with what stood around it in a text', () => {
  const link = `pila:${text}?amount=5`;
  const around = ['“%”', '(%).', '<%>', '%.', '%, ', '\u200b%!', '«%»;', '„%“?', '\n‘%’)…'];
  for (const [found, amount] of [
    [link, 5_000_000_000n],
    [`pila:${text}`, undefined],
    [`web+${link}`, 5_000_000_000n],
  ] as const)
    for (const sentence of around) {
      const copied = sentence.replace('%', found);
      expect(isLink(copied), copied).toBe(true);
      expect(parseUri(copied, 'pila'), copied).toMatchObject({ address: bytes, amount });
    }
  for (const other of [text, `“${text}”`, 'a pila: of stones', ''])
    expect(isLink(other)).toBe(false);
  // A link that we write keeps its full stop.
  const named = formatUri(text, { label: 'Stones & co.' });
  expect(parseUri(`(${named}).`, 'pila').label).toBe('Stones & co.');
});

test('a URI makes the round trip, also in capitals for QR codes', () => {
  const words = fc.option(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).map(plainText),
    { nil: undefined },
  );
  const amount = fc.option(fc.bigInt({ min: 1n, max: AMOUNT_MAX }), { nil: undefined });
  // What shows nothing, such as one blank, is read as no text.
  const shown = (words: string | undefined) => (showsNothing(words ?? '') ? undefined : words);
  fc.assert(
    fc.property(amount, words, words, (nV, label, message) => {
      expect(parseUri(formatUri(text, { amount: nV, label, message }), 'pila')).toEqual({
        address: bytes,
        amount: nV,
        label: shown(label),
        message: shown(message),
      });
    }),
    { examples: [[undefined, ' ', undefined]] },
  );
  expect(parseUri(`PILA:${text.toUpperCase()}?AMOUNT=1.5`, 'pila').amount).toBe(1_500_000_000n);
  expect(parseUri(`web+pila://${text}`, 'pila').address).toEqual(bytes);
  expect(parseUri(text, 'pila').amount).toBe(undefined);
  expect(formatUri(text, { amount: 1_500_000_000n, label: 'Caffè & co.' })).toBe(
    `pila:${text}?amount=1.5&label=Caff%C3%A8%20%26%20co%2E`,
  );
});

test.each([
  ['req-lightning=1', 'URI_REQUIRED'],
  ['REQ-x=1&amount=1', 'URI_REQUIRED'],
  ['%72eq-x=1', 'URI_REQUIRED'],
  ['amount=1&amount=2', 'URI_MALFORMED'],
  ['amount=1&AMOUNT=2', 'URI_MALFORMED'],
  ['label=%', 'URI_MALFORMED'],
  ['label=%ff', 'URI_MALFORMED'],
  [`label=${'a'.repeat(201)}`, 'URI_MALFORMED'],
  [`x=${'a'.repeat(3000)}`, 'URI_MALFORMED'],
  ['amount=1,5', 'AMOUNT_MALFORMED'],
  ['amount=', 'AMOUNT_MALFORMED'],
  ['amount=0', 'AMOUNT_RANGE'],
  ['amount=99999999999', 'AMOUNT_RANGE'],
  ['amount=0.0000000001', 'AMOUNT_PRECISION'],
])('%s is refused', (query, expected) =>
  expect(() => parseUri(`pila:${text}?${query}`, 'pila')).toThrow(code(expected)),
);

test('unknown fields are ignored, and texts cannot turn or hide what stands beside', () => {
  const uri = `pila:${text}?pop=javascript:alert(1)&somethingelse&label=a%E2%80%AEb%00c`;
  expect(parseUri(uri, 'pila')).toEqual({
    address: bytes,
    amount: undefined,
    label: 'a\ufffdb\ufffdc',
    message: undefined,
  });
  expect(() => parseUri(`bitcoin:${text}`, 'pila')).toThrow(code('ADDRESS_MALFORMED'));
  expect(() => parseUri(`javascript:alert(1)`, 'pila')).toThrow(code('ADDRESS_MALFORMED'));
});

test('any text is read or refused with a code', () => {
  const part = fc.oneof(
    fc.constantFrom('pila:', text, '?', '&', 'amount=', '1.5', 'label=', 'req-', '%', '=', '%00'),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const anything = fc.array(part, { maxLength: 10 });
  // Of those that begin rightly more is read.
  const begun = anything.map((parts) => ['pila:', text, '?', ...parts]);
  fc.assert(
    fc.property(fc.oneof(anything, begun), (parts) => {
      try {
        expect(parseUri(parts.join(''), 'pila').address).toEqual(bytes);
      } catch (e) {
        expect(e).toBeInstanceOf(AppError);
        expect((e as AppError).code).toMatch(/^(URI|ADDRESS|AMOUNT)_/);
      }
    }),
    { numRuns: 500 },
  );
});
