import fc from 'fast-check';
import { bech32, bech32m } from '@scure/base';
import { expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/core/address.ts';
import { ALICE } from './fixtures.ts';

test('text and bytes are each other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (address) => {
      for (const prefix of ['pila', 'tpila', 'rpila']) {
        const text = formatAddress(address, prefix);
        expect(parseAddress(text, prefix)).toEqual(address);
        expect(parseAddress(text.toUpperCase(), prefix)).toEqual(address);
      }
    }),
  );
});

const good = formatAddress(ALICE.address, 'pila');
const words = bech32m.toWords(ALICE.address);
test.each([
  ['another network', formatAddress(ALICE.address, 'tpila')],
  ['a wrong letter', good.slice(0, -1) + (good.endsWith('q') ? 'p' : 'q')],
  ['mixed case', good.slice(0, -1) + good.slice(-1).toUpperCase() + 'Q'],
  ['bech32 instead of bech32m', bech32.encode('pila', words)],
  ['31 bytes', bech32m.encode('pila', bech32m.toWords(ALICE.address.slice(1)))],
  ['33 bytes', bech32m.encode('pila', bech32m.toWords(new Uint8Array(33)))],
  ['bits in the padding', bech32m.encode('pila', [...words.slice(0, -1), words.at(-1)! | 1])],
  ['nothing', ''],
  ['no separator', 'pila'],
  ['a space', good + ' '],
])('%s is not an address', (_, text) => expect(parseAddress(text, 'pila')).toBeUndefined());

test('any text parses to nothing or to itself', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const address = parseAddress(text, 'pila');
      if (address) expect(formatAddress(address, 'pila')).toBe(text.toLowerCase());
    }),
  );
});
