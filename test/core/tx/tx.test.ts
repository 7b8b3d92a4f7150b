import { describe, expect, test } from 'vitest';
import type { SignedTx } from '../../../src/core/formats.ts';
import { inputBytesMax, type Manifest } from '../../../src/core/manifest.ts';
import { REQUEST_LIFETIME_MAX, REQUEST_LIFETIME_MIN } from '../../../src/core/params.ts';
import { txFaults } from '../../../src/core/tx/apply.ts';
import { signTx, spentBy, txId, verifySignature } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import {
  ALICE,
  BOB,
  bytes32,
  MANIFEST,
  MODEL,
  MODELS,
  paramsOf,
  request,
  transfer,
} from '../fixtures.ts';

const check = (signed: SignedTx, height = 100, params = paramsOf()) =>
  params.rules.first(txFaults(params, MODELS, height, signed))?.fault;

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
  expect(spentBy(request(ALICE, { fee: 3n, reward: 9n }).tx)).toBe(12n);
});

describe('rules without state', () => {
  const roomy = new Uint8Array(inputBytesMax(MANIFEST));
  test.each([
    ['a transfer', transfer(ALICE), undefined],
    ['another network', transfer(ALICE, { chainId: 4 }), 'tx.chain'],
    ['last block of its life', transfer(ALICE, { expiry: 100 }), undefined],
    ['past its life', transfer(ALICE, { expiry: 99 }), 'tx.expired'],
    ['longest life', transfer(ALICE, { expiry: 1540 }), undefined],
    ['too long a life', transfer(ALICE, { expiry: 1541 }), 'tx.expiry-far'],
    ['nothing sent', transfer(ALICE, { amount: 0n }), 'tx.amount'],
    ['a request', request(ALICE), undefined],
    ['a request without reward', request(ALICE, { reward: 0n }), undefined],
    ['another model', request(ALICE, { modelId: bytes32(9) }), 'tx.request-model'],
    ['the longest input', request(ALICE, { input: roomy }), undefined],
    ['too long', request(ALICE, { input: new Uint8Array(roomy.length + 1) }), 'tx.request-input'],
    ['short', request(ALICE, { lifetime: REQUEST_LIFETIME_MIN }), undefined],
    ['too short', request(ALICE, { lifetime: REQUEST_LIFETIME_MIN - 1 }), 'tx.request-lifetime'],
    ['long', request(ALICE, { lifetime: REQUEST_LIFETIME_MAX }), undefined],
    ['too long', request(ALICE, { lifetime: REQUEST_LIFETIME_MAX + 1 }), 'tx.request-lifetime'],
  ])('%s', (_, signed, code) => expect(check(signed)).toBe(code));

  test('token ids that the model does not have', () => {
    const words: Manifest = { ...MANIFEST, packing: 'u16', vocabulary: 300 };
    const models = new Map([[toHex(MODEL), words]]);
    const faultOf = (...input: number[]) =>
      txFaults(paramsOf(), models, 100, request(ALICE, { input: Uint8Array.from(input) })).next()
        .value?.fault;
    expect(faultOf(43, 1)).toBeUndefined();
    expect(faultOf(44, 1)).toBe('tx.request-input');
    expect(faultOf(43)).toBe('tx.request-input');
  });

  test('a model whose manifest is known but that is not admitted', () => {
    expect(check(request(ALICE), 100, { ...paramsOf(), models: [] })).toBe('tx.request-model');
  });
});
