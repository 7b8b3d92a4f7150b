/** What the app shows of an address, an id, an amount, a height or the words is read by every field that takes such a thing. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAddress } from '../../src/core/address.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { formatCount, formatVolts, groupsOf, parseVolts } from '../../src/ui/kit/format.ts';
import { lookupOf } from '../../src/ui/network/lookup.ts';
import { linkToPage, locationOf } from '../../src/ui/route.svelte.ts';
import { placeOfShare } from '../../src/ui/shared-link.ts';
import { checkTransfer } from '../../src/ui/wallet/send/transfer.ts';
import { WatchedList } from '../../src/ui/wallet/watched.svelte.ts';
import { addressFrom, readAddress } from '../../src/wallet/address.ts';
import { formatWords, parseWords } from '../../src/wallet/seed-words.ts';
import { formatUri, parseUri } from '../../src/wallet/uri.ts';

const PREFIX = 'rpila';
const LOCALES = [
  'en',
  'en-US',
  'en-GB',
  'en-IN',
  'en-ZA',
  'en-CH',
  'it',
  'it-IT',
  'it-CH',
  'de-AT',
];
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** As an eye, a mouse, an app for messages or a file of Windows hands it on. */
const COPIES: ((text: string) => string)[] = [
  (text) => text,
  (text) => ` ${text}\r\n`,
  (text) => `\ufeff${text}`,
  (text) => groupsOf(text).join(' '),
  (text) => groupsOf(text).join('\n'),
  (text) => groupsOf(text).join('\u00a0'),
  (text) => groupsOf(text).join('\u200b'),
  (text) => text.replace(/(.{30})/g, '$1\r\n'),
  (text) => `“${text}”`,
  (text) => `(${text}).`,
  (text) => `<${text}>,`,
];
const copies = fc.constantFrom(...COPIES);

const spendable = 10n ** 18n;
const ADDRESS_FIELDS: Record<string, (text: string) => Uint8Array | undefined> = {
  send: (to) =>
    checkTransfer(
      { to, amount: '1', fee: '1' },
      { prefix: PREFIX, locale: 'en', spendable, leastFee: 1n },
    ).transfer?.to,
  watch: (text) => new WatchedList(PREFIX, undefined).add(text, '').address,
  contact: (text) => new WatchedList(PREFIX, undefined, 'contacts').add(text, '').address,
  search: (text) => {
    const found = lookupOf(text, PREFIX);
    return found.type === 'address' ? found.address : undefined;
  },
  page: (text) => {
    const found = lookupOf(locationOf(linkToPage('address', text)).about, PREFIX);
    return found.type === 'address' ? found.address : undefined;
  },
  link: (text) => parseUri(text, PREFIX).address,
  flag: (text) => addressFrom(text, PREFIX),
  file: (text) => readAddress(text, PREFIX),
};

describe('an address', () => {
  test.each(Object.entries(ADDRESS_FIELDS))(
    'as it is shown and copied is read by: %s',
    (_, read) => {
      fc.assert(
        fc.property(bytes32, copies, fc.boolean(), (address, copy, loud) => {
          const text = formatAddress(address, PREFIX);
          expect(read(copy(loud ? text.toUpperCase() : text))).toEqual(address);
        }),
      );
    },
  );

  test.each(['watch', 'search', 'page', 'link'])('in a link is read by: %s', (field) => {
    fc.assert(
      fc.property(bytes32, fc.boolean(), (address, web) => {
        const link = formatUri(formatAddress(address, PREFIX), { amount: 5n, label: 'Café' });
        expect(ADDRESS_FIELDS[field]!(web ? `web+${link}` : link)).toEqual(address);
      }),
    );
  });

  test('two texts of which neither is an address do not become one', () => {
    const text = formatAddress(new Uint8Array(32), PREFIX);
    for (const wrong of [`${text}${text}`, `${text} x`, `${text.slice(0, 40)}-${text.slice(40)}`])
      expect(addressFrom(wrong, PREFIX), wrong).toBeUndefined();
  });
});

test('an id as it is shown and copied is read by the search', () => {
  fc.assert(
    fc.property(bytes32, copies, (id, copy) => {
      expect(lookupOf(copy(toHex(id)), PREFIX)).toEqual({ type: 'id', id });
    }),
  );
});

test('a height as it is shown and copied is read by the search', () => {
  const height = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(height, fc.constantFrom(...LOCALES), fc.boolean(), (number, locale, marked) => {
      const shown = `${marked ? '#' : ''}${formatCount(number, locale)}`;
      expect(lookupOf(` ${shown}\n`, PREFIX)).toEqual({ type: 'height', height: number });
      expect(lookupOf(locationOf(linkToPage('block', shown)).about, PREFIX).type).toBe('height');
    }),
  );
});

test('an amount as it is shown and copied is read by the fields for amounts', () => {
  const amount = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n });
  fc.assert(
    fc.property(amount, fc.constantFrom(...LOCALES), (nV, locale) => {
      const shown = formatVolts(nV, locale);
      for (const text of [shown, `${shown} VLT`, `+${shown} VLT`, ` ${shown}\u00a0VLT\n`])
        expect(parseVolts(text, locale), text).toBe(nV);
      expect(parseVolts(`${formatVolts(-nV, locale)} VLT`, locale)).toBe(nV);
    }),
  );
});

test.each([
  '1,234',
  '12,34.5',
  '1,23,4.5',
  ',5',
  '5.',
  '1.2.3',
  '1,234,5.0',
  '',
  'VLT',
  '1e3',
  '-1',
])('an amount that could mean another is none: %s', (text) =>
  expect(parseVolts(text, 'en')).toBeUndefined(),
);

test('the words as they are shown and copied are read by the field for them', () => {
  fc.assert(
    fc.property(bytes32, (entropy) => {
      const words = formatWords(entropy).split(' ');
      for (const text of [
        words.join(' '),
        words.join('\n'),
        words.join(', '),
        words.map((word, i) => `${i + 1}. ${word}`).join('\r\n'),
        words.map((word, i) => `${i + 1}\t${word.toUpperCase()}`).join('\n'),
        `\ufeff${words.join('\u00a0')}.`,
      ])
        expect(parseWords(text), text).toEqual(entropy);
    }),
  );
});

describe('a link in a sentence', () => {
  const address = formatAddress(new Uint8Array(32).fill(7), PREFIX);
  test.each([
    [`Pay me at pila:${address}.`, `pila:${address}`],
    [`(pila:${address}?amount=5).`, `pila:${address}?amount=5`],
    [`pila:${address}, thanks`, `pila:${address}`],
    [`“pila:${address}”`, `pila:${address}`],
    [`Is it pila:${address}?`, `pila:${address}`],
    [`pila:${address}?label=Café)`, `pila:${address}?label=Café`],
    [`see pila:${address}?amount=1.5!…`, `pila:${address}?amount=1.5`],
    [`«web+pila:${address}»`, `web+pila:${address}`],
    [`it is ${address}.`, address],
  ])('ends where it ends: %s', (text, link) => {
    expect(placeOfShare(`?text=${encodeURIComponent(text)}`)).toBe(linkToPage('pay', link));
    expect(parseUri(link, PREFIX).address).toEqual(new Uint8Array(32).fill(7));
  });
});
