import { describe, expect, it } from 'vitest';
import { buildTransfer } from '../../../src/wallet/build.ts';
import { decodeTx, summaryFromTx } from '../../../src/wallet/summary.ts';
import type { VaultFile } from '../../../src/wallet/vault/vault-file.ts';
import { textField } from '../../../src/ui/kit/spreadsheet.ts';
import { en } from '../../../src/ui/i18n/en/app.ts';
import { keyring } from '../../../src/ui/i18n/en/keyring.ts';
import { tableCsv } from '../../../src/ui/kit/spreadsheet.ts';
import { summaryLines } from '../../../src/ui/wallet/send/summary.ts';
import {
  FILE_BYTES_MAX,
  formatWalletFile,
  parseWalletFile,
} from '../../../src/ui/wallet/keys/wallet-file.ts';
import { readCsv } from './read-csv.ts';
import { WatchedList } from '../../../src/ui/wallet/watched.svelte.ts';

const PREFIX = 'rpila';
const hash = (n: number) => new Uint8Array(32).fill(n);
const myKey = hash(1);
const base = { chainId: 3, from: myKey, nonce: 4n, expiry: 99, fee: 1000n };
describe('a plot’s table as CSV', () => {
  const rows = [[new Date(Date.UTC(2026, 10, 25, 16, 47)), 41_230_000_000.5, 0]];
  it.each([
    ['it-IT', ';', '41230000000,5'],
    ['en-US', ',', '41230000000.5'],
  ])('has whole numbers, zero too, by the convention of %s', (locale, separator, rate) => {
    const text = tableCsv(['=Ora', 'MAC/s', 'n'], rows, locale);
    expect(readCsv(text.slice(1), separator)).toEqual([
      ["'=Ora", 'MAC/s', 'n'],
      ['2026-11-25 16:47:00', rate, '0'],
    ]);
  });
});

describe('a field of a table', () => {
  it('is no formula to a spreadsheet, whatever stands before its sign or how wide that is', () => {
    const signs = '=+-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b\u2212|%';
    const blanks = ['', ' ', '\u00a0', '\u3000', '\u200b', '\ufeff', '\u2060 \u00a0', '\t', '\r\n'];
    for (const sign of signs)
      for (const blank of blanks) {
        const text = `${blank}${sign}1+1`;
        expect(textField(text).replace(/^"/, ''), JSON.stringify(text)).toMatch(/^'/);
      }
    for (const text of ['\ta', '\ra', '\na']) expect(textField(text)).toMatch(/^"?'/);
    for (const text of ['a=1', 'caffè', '1-2', '']) expect(textField(text)).toBe(text);
  });
});

describe('a wallet file', () => {
  const vault = { cipher: 'aes-256-gcm' } as VaultFile;
  const labels = {
    contacts: [{ address: hash(7), name: 'Ada "L"' }],
    watched: [{ address: hash(8), name: '' }],
  };

  it('says its format and version, and is read back with its names', () => {
    const text = formatWalletFile(vault, labels, PREFIX);
    expect(JSON.parse(text)).toMatchObject({ format: 'pila-wallet', version: 1 });
    expect(parseWalletFile(text, PREFIX)).toEqual({ vault, labels });
    expect(parseWalletFile(text, 'pila').labels).toEqual({ contacts: [], watched: [] });
  });

  it('of another kind or version, or no file at all, is refused', () => {
    const text = formatWalletFile(vault, labels, PREFIX);
    const code = (of: string) => expect.objectContaining({ code: of });
    for (const bad of ['', 'null', '[]', '{}', '{', text + '}', ' '.repeat(FILE_BYTES_MAX + 1)])
      expect(() => parseWalletFile(bad, PREFIX)).toThrow(code('FILE_MALFORMED'));
    const newer = text.replace('"version": 1', '"version": 2');
    expect(() => parseWalletFile(newer, PREFIX)).toThrow(code('FILE_VERSION'));
    const odd = JSON.stringify({
      format: 'pila-wallet',
      version: 1,
      vault: 5,
      labels: { contacts: [1, null, { address: 'x', name: 'y' }], watched: 'z' },
    });
    expect(parseWalletFile(odd, PREFIX)).toEqual({
      vault: 5,
      labels: { contacts: [], watched: [] },
    });
  });
});

it('contacts are kept apart from watched addresses, renamed in place, and are a hundred at most', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const contacts = new WatchedList(PREFIX, storage, 'contacts');
  for (let i = 0; i < 100; i++) contacts.put(hash(i), `n${i}`);
  expect(() => contacts.put(hash(200), 'one more')).toThrow(
    expect.objectContaining({ code: 'CONTACTS_FULL' }),
  );
  contacts.put(hash(3), 'other');
  contacts.merge([
    { address: hash(4), name: 'not this' },
    { address: hash(201), name: 'no room' },
  ]);
  const again = new WatchedList(PREFIX, storage, 'contacts');
  expect(again.entries).toHaveLength(100);
  expect(again.entries.filter(({ name }) => name === 'other' || name === 'n4')).toHaveLength(2);
  expect(new WatchedList(PREFIX, storage).entries).toEqual([]);
});

it('a name that shows nothing is refused, and left out where a file brings it', () => {
  const contacts = new WatchedList(PREFIX, undefined, 'contacts');
  for (const name of ['\u3164', '\u2800', '\u202e\u200b'])
    expect(() => contacts.put(hash(1), name)).toThrow(
      expect.objectContaining({ code: 'NAME_BLANK' }),
    );
  expect(contacts.put(hash(1), ' Ada\u202e').name).toBe('Ada\ufffd');
  contacts.merge([{ address: hash(2), name: '\u3164' }]);
  expect(contacts.entries.map(({ name }) => name)).toEqual(['Ada\ufffd', '']);
});

describe('what is confirmed', () => {
  const words = keyring.summary;
  const linesOf = (bytes: Uint8Array) =>
    new Map(
      summaryLines(summaryFromTx(decodeTx(bytes)), {
        locale: 'en',
        prefix: PREFIX,
        t: en,
        words,
        accountName: 'Savings',
      }),
    );

  it('holds every field of a transfer that the vault read', () => {
    const lines = linesOf(
      buildTransfer(base, { to: hash(7), amount: 5n, memo: 'caff\u00e8\u202e' }),
    );
    expect(lines.get(words.amount)).toBe('0.000000005 VLT');
    expect(lines.get(words.fee)).toBe('0.000001 VLT');
    expect(lines.get(en.send.total)).toBe('0.000001005 VLT');
    expect(lines.get(words.memo)).toBe('\u2068caff\u00e8\ufffd\u2069');
    expect(lines.get(words.from)).toMatch(/^\u2068Savings\u2069 …[a-z0-9]{6}$/);
    expect(lines.get(words.nonce)).toBe('5');
    expect(lines.get(en.send.expiry)).toBe('99');
    expect(lines.get(en.settings.network)).toBe('local, chain 3');
  });

  it('names a chain that it does not know', () => {
    const lines = linesOf(buildTransfer({ ...base, chainId: 77 }, { to: hash(7), amount: 8n }));
    expect(lines.get(words.amount)).toBe('0.000000008 VLT');
    expect(lines.get(en.settings.network)).toBe('unknown, chain 77');
  });
});
