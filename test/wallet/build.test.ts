import { expect, test } from 'vitest';
import { decode } from '../../src/core/codec.ts';
import { Tx } from '../../src/core/formats.ts';
import { utf8 } from '../../src/lib/bytes.ts';
import { AMOUNT_MAX } from '../../src/wallet/amount.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import { buildChannel, buildClose, buildTransfer } from '../../src/wallet/build.ts';
import { code, hash } from './values.ts';

const base = { chainId: 3, from: hash(1), nonce: 2n, expiry: 50, fee: 10n };

test('bytes hold exactly the fields', () => {
  expect(decode(Tx, buildTransfer(base, { to: hash(2), amount: 1n, memo: 'é' }))).toEqual({
    type: 'transfer',
    ...base,
    to: hash(2),
    amount: 1n,
    memo: utf8('é'),
  });
});

test('what is prepaid and what is taken of it, at and over the bounds', () => {
  const ends = { provider: hash(7), payee: hash(8), signer: hash(9) };
  const channel = { ...ends, limit: ACCOUNT_MIN, lifetime: 60 };
  expect(decode(Tx, buildChannel(base, channel))).toEqual({ type: 'channel', ...base, ...channel });
  buildChannel(base, { ...channel, limit: AMOUNT_MAX - 10n, lifetime: 20_160 });
  const refused = (fields: Partial<typeof channel>) =>
    expect(() => buildChannel(base, { ...channel, ...fields }));
  refused({ limit: ACCOUNT_MIN - 1n }).toThrow(code('PREPAID_RANGE'));
  refused({ limit: AMOUNT_MAX - 9n }).toThrow(code('AMOUNT_RANGE'));
  for (const lifetime of [59, 20_161, 60.5, NaN])
    refused({ lifetime }).toThrow(code('PREPAID_RANGE'));

  const { nonce: _, ...unordered } = base;
  const close = { channel: hash(4), amount: 10n, voucher: new Uint8Array(64) };
  const expected = { type: 'close', ...unordered, nonce: 0n, ...close };
  expect(decode(Tx, buildClose(unordered, close))).toEqual(expected);
  for (const amount of [9n, AMOUNT_MAX + 1n])
    expect(() => buildClose(unordered, { ...close, amount })).toThrow(code('AMOUNT_RANGE'));
  expect(() => buildClose({ ...unordered, fee: -1n }, close)).toThrow(code('AMOUNT_RANGE'));
});

test('amounts at and over the bound', () => {
  const to = hash(2);
  expect(buildTransfer(base, { to, amount: AMOUNT_MAX - 10n }).length).toBe(98);
  for (const amount of [0n, -1n, AMOUNT_MAX - 9n])
    expect(() => buildTransfer(base, { to, amount })).toThrow(code('AMOUNT_RANGE'));
  expect(() => buildTransfer({ ...base, fee: -1n }, { to, amount: 5n })).toThrow(
    code('AMOUNT_RANGE'),
  );
});

test('a memo at and over the bound', () => {
  const transfer = { to: hash(2), amount: 1n };
  expect(buildTransfer(base, { ...transfer, memo: 'é'.repeat(32) }).length).toBeGreaterThan(100);
  expect(() => buildTransfer(base, { ...transfer, memo: 'é'.repeat(33) })).toThrow(
    code('MEMO_LONG'),
  );
});
