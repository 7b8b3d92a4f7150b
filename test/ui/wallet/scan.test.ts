/** What a QR code says goes the way of a typed text: it fills the form, or is refused there. */
import { expect, test } from 'vitest';
import { formatAddress } from '../../../src/core/address.ts';
import { textOf } from '../../../src/ui/wallet/send/scan.ts';
import { formatUri, parseUri } from '../../../src/wallet/uri.ts';

const address = new Uint8Array(32).fill(7);
const link = formatUri(formatAddress(address, 'rpila'), { amount: 1_500_000_000n, label: 'Ada' });
const code = (c: string) => expect.objectContaining({ code: c });

test('a code of capitals is read as the same link in small letters; no other letter is changed', () => {
  const bare = formatUri(formatAddress(address, 'rpila'), { amount: 1_500_000_000n });
  expect(textOf(bare.toUpperCase())).toBe(bare);
  expect(textOf(link)).toBe(link);
  expect(parseUri(textOf(link), 'rpila')).toMatchObject({ address, label: 'Ada' });
});

test('a code that says more than a link holds is cut, and refused', () => {
  const long = textOf(`${link}&message=${'a'.repeat(100_000)}`);
  expect(long.length).toBeLessThan(5000);
  expect(() => parseUri(long, 'rpila')).toThrow(code('URI_MALFORMED'));
  for (const other of ['javascript:alert(1)', 'https://pila.example/#/send', 'BITCOIN:BC1Q'])
    expect(() => parseUri(textOf(other), 'rpila'), other).toThrow(code('ADDRESS_MALFORMED'));
});
