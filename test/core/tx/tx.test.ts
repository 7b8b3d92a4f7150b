import { describe, expect, test } from 'vitest';
import { Tx, type SignedTx } from '../../../src/core/formats.ts';
import { txFaults } from '../../../src/core/tx/apply.ts';
import { signTx, spentBy, txId, verifySignature } from '../../../src/core/tx/tx.ts';
import { encode } from '../../../src/core/codec.ts';
import { hash } from '../../../src/core/hash.ts';
import { GENESIS_ID, ALICE, BOB, bytes32, channel, paramsOf, transfer } from '../fixtures.ts';

const check = (signed: SignedTx, height = 100, params = paramsOf()) =>
  params.rules.first(txFaults(params, height, signed))?.fault;

describe('signature', () => {
  const good = transfer(ALICE);
  test('holds for its bytes and its key alone', () => {
    expect(verifySignature(GENESIS_ID, good)).toBe(true);
    expect(verifySignature(GENESIS_ID, { ...good, tx: { ...good.tx, nonce: 1n } })).toBe(false);
    expect(verifySignature(GENESIS_ID, { ...good, tx: { ...good.tx, from: BOB.key } })).toBe(false);
    const signature = good.signature.slice();
    signature[63]! ^= 1;
    expect(verifySignature(GENESIS_ID, { ...good, signature })).toBe(false);
  });
  test('a key off the curve, or zeros, is false and no exception', () => {
    expect(
      verifySignature(GENESIS_ID, { ...good, tx: { ...good.tx, from: new Uint8Array(32) } }),
    ).toBe(false);
    const off = new Uint8Array(32).fill(255);
    expect(verifySignature(GENESIS_ID, { ...good, tx: { ...good.tx, from: off } })).toBe(false);
    expect(verifySignature(GENESIS_ID, { ...good, signature: new Uint8Array(64) })).toBe(false);
  });
  test('an id and a signature are for one network', () => {
    const [here, there] = [GENESIS_ID, bytes32(501)];
    expect(txId(here, good.tx)).toEqual(hash('tx', here, encode(Tx, good.tx)));
    expect(txId(there, good.tx)).not.toEqual(txId(here, good.tx));
    expect(txId(here, good.tx)).toEqual(txId(here.slice(), good.tx));
    expect(verifySignature(there, good)).toBe(false);
    expect(verifySignature(there, signTx(there, good.tx, ALICE.secret))).toBe(true);
  });
  test('signing is a pure function', () => {
    expect(signTx(GENESIS_ID, good.tx, ALICE.secret)).toEqual(good);
    expect(txId(GENESIS_ID, good.tx)).not.toEqual(
      txId(GENESIS_ID, transfer(ALICE, { nonce: 1n }).tx),
    );
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
