import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/core/address.ts';
import { toHex, utf8 } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { Loaded } from '../../src/ui/network/loaded.svelte.ts';
import { heightOf, lookupOf, textOf } from '../../src/ui/network/lookup.ts';
import { ADDRESS } from './memory-engine.ts';

const address = formatAddress(ADDRESS, 'rpila');
const hex = toHex(ADDRESS);

describe('what was typed into the search', () => {
  it('is a height, an id in any case, or an address, with blanks around', () => {
    expect(lookupOf(' 8112 ', 'rpila')).toEqual({ type: 'height', height: 8112 });
    expect(lookupOf(hex.toUpperCase(), 'rpila')).toEqual({ type: 'id', id: ADDRESS });
    for (const text of [
      address,
      address.toUpperCase(),
      `\n${address} `,
      `pila:${address}?amount=1`,
    ])
      expect(lookupOf(text, 'rpila')).toEqual({ type: 'address', address: ADDRESS });
  });

  it('is an id when it has 64 digits, though all of them be decimal', () => {
    expect(lookupOf('1'.repeat(64), 'rpila').type).toBe('id');
  });

  it('or has a code that says what is wrong', () => {
    const wrong = (text: string) => {
      const found = lookupOf(text, 'rpila');
      return found.type === 'problem' ? found.code : found.type;
    };
    expect(wrong('  ')).toBe('LOOKUP_EMPTY');
    const malformed = [
      '4294967296',
      '-1',
      '1.5',
      '8,11',
      '1,2345',
      '81,12,3',
      'hello',
      hex.slice(1),
      `${hex}00`,
      '<b>',
    ];
    for (const text of [...malformed, 'x'.repeat(10_000), 'pila:'])
      expect(wrong(text), text).toBe('LOOKUP_MALFORMED');
    expect(wrong(formatAddress(ADDRESS, 'pila'))).toBe('ADDRESS_NETWORK');
    expect(wrong(address.slice(0, -1) + (address.endsWith('q') ? 'p' : 'q'))).toBe(
      'ADDRESS_CHECKSUM',
    );
  });

  it('never throws, and never takes one address for another', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const found = lookupOf(text, 'rpila');
        if (found.type === 'address') expect(text).toContain(formatAddress(found.address, 'rpila'));
      }),
    );
  });

  it('has heights up to the last that a header can have', () => {
    expect(heightOf('4294967295')).toBe(4_294_967_295);
    expect(heightOf('4294967296')).toBeUndefined();
  });
});

describe('text of strangers', () => {
  it('is shown when it is text, and never with marks that turn a line around', () => {
    expect(textOf(utf8('Quale lingua è questa?\nGrazie'))).toBe('Quale lingua è questa?\nGrazie');
    for (const bad of ['a\u202eb', 'a\u2066b', 'a\u0000b', 'a\u2028b', 'a\u200bb'])
      expect(textOf(utf8(bad))).toBe('a\ufffdb');
    for (const nothing of ['', ' ', '\u3164', '\u0000\u0001'])
      expect(textOf(utf8(nothing))).toBeUndefined();
    expect(textOf(Uint8Array.of(0xff, 0xfe))).toBeUndefined();
  });
});

describe('an answer that is asked for again', () => {
  const later = <T>() => Promise.withResolvers<T>();

  it('stays until the next is there; a late one does not replace a newer', async () => {
    const loaded = new Loaded<number>();
    const [first, second] = [later<number>(), later<number>()];
    const slow = loaded.load(() => first.promise);
    const quick = loaded.load(() => second.promise);
    second.resolve(2);
    await quick;
    first.resolve(1);
    await slow;
    expect([loaded.value, loaded.fresh]).toEqual([2, false]);
  });

  it('keeps the old answer beside a failure, and nothing of another question', async () => {
    const loaded = new Loaded<number>();
    await loaded.load(async () => 1);
    await loaded.load(() => Promise.reject(new AppError('NO_PEERS', 'none')));
    expect([loaded.value, loaded.problem?.code]).toEqual([1, 'NO_PEERS']);
    const pending = later<number>();
    const asked = loaded.load(() => pending.promise);
    loaded.reset();
    pending.resolve(7);
    await asked;
    expect([loaded.value, loaded.problem, loaded.fresh]).toEqual([undefined, undefined, true]);
  });
});
