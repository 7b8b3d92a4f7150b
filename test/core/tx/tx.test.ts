import { describe, expect, test } from 'vitest';
import type { SignedTx } from '../../../src/core/formats.ts';
import { txFaults } from '../../../src/core/tx/apply.ts';
import { signTx, spentBy, txId, verifySignature } from '../../../src/core/tx/tx.ts';
import { ALICE, BOB, channel, paramsOf, transfer } from '../fixtures.ts';

const check = (signed: SignedTx, height = 100, params = paramsOf()) =>
  params.rules.first(txFaults(params, height, signed))?.fault;

describe('signature', () => {
  const good = transfer(ALICE);
  test('holds for its bytes and its key alone', () => {
    expect(verifySignature(good)).toBe(true);
    expect(verifySignature({ ...good, tx: { ...good.tx, nonce: 1 } })).toBe(false);
    expect(verifySignature({ ...good, tx: { ...good.tx, from: BOB.key } })).toBe(false);
    const signature = good.signature.slice();
    signature[63]! ^= 1;
    expect(verifySignature({ ...good, signature })).toBe(false);
  });
  test('a key off the curve, or zeros, is false and no exception', () => {
    expect(verifySignature({ ...good, tx: { ...good.tx, from: new Uint8Array(32) } })).toBe(false);
    const off = new Uint8Array(32).fill(255);
    expect(verifySignature({ ...good, tx: { ...good.tx, from: off } })).toBe(false);
    expect(verifySignature({ ...good, signature: new Uint8Array(64) })).toBe(false);
  });
  test('signing is a pure function', () => {
    expect(signTx(good.tx, ALICE.secret)).toEqual(good);
    expect(txId(good.tx)).not.toEqual(txId(transfer(ALICE, { nonce: 1 }).tx));
  });
});

test('what leaves the sender', () => {
  expect(spentBy(transfer(ALICE, { fee: 3n, amount: 4n }).tx)).toBe(7n);
  expect(spentBy(channel(ALICE, { fee: 3n, limit: 9n }).tx)).toBe(12n);
});

describe('rules without state', () => {
  test.each([
    ['a transfer', transfer(ALICE), undefined],
    ['another network', transfer(ALICE, { chainId: 4 }), 'tx.chain'],
    ['last block of its life', transfer(ALICE, { expiry: 100 }), undefined],
    ['past its life', transfer(ALICE, { expiry: 99 }), 'tx.expired'],
    ['longest life', transfer(ALICE, { expiry: 1540 }), undefined],
    ['too long a life', transfer(ALICE, { expiry: 1541 }), 'tx.expiry-far'],
    ['nothing sent', transfer(ALICE, { amount: 0n }), 'tx.amount'],
  ])('%s', (_, signed, code) => expect(check(signed)).toBe(code));
});
