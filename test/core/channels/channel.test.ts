import { describe, expect, it } from 'vitest';
import { schnorr } from '@noble/curves/secp256k1.js';
import {
  answerHash,
  questionHash,
  receiptHash,
  signHash,
  verifyHash,
  voucherHash,
} from '../../../src/core/channel.ts';

const bytes = (fill: number) => new Uint8Array(32).fill(fill);
const receipt = {
  channel: bytes(2),
  n: 1,
  model: bytes(3),
  question: bytes(4),
  answer: bytes(5),
  total: 7n,
};

describe('what the ends of a channel sign', () => {
  it('names network, channel and amount in a voucher', () => {
    const own = voucherHash(bytes(1), bytes(2), 3n);
    expect(voucherHash(bytes(9), bytes(2), 3n)).not.toEqual(own);
    expect(voucherHash(bytes(1), bytes(9), 3n)).not.toEqual(own);
    expect(voucherHash(bytes(1), bytes(2), 4n)).not.toEqual(own);
    expect(() => voucherHash(bytes(1), bytes(2), 1n << 64n)).toThrow();
  });

  it('keeps options and input of a question apart', () => {
    const one = questionHash(bytes(1), Uint8Array.of(1), Uint8Array.of(2, 3));
    expect(questionHash(bytes(1), Uint8Array.of(1, 2), Uint8Array.of(3))).not.toEqual(one);
    expect(questionHash(bytes(2), Uint8Array.of(1), Uint8Array.of(2, 3))).not.toEqual(one);
    expect(answerHash(bytes(1), Uint8Array.of(1))).not.toEqual(
      answerHash(bytes(2), Uint8Array.of(1)),
    );
  });

  it('names every field of a receipt', () => {
    const own = receiptHash(bytes(1), receipt);
    expect(receiptHash(bytes(9), receipt)).not.toEqual(own);
    for (const other of [
      { channel: bytes(9) },
      { n: 2 },
      { model: bytes(9) },
      { question: bytes(9) },
      { answer: bytes(9) },
      { total: 8n },
    ])
      expect(receiptHash(bytes(1), { ...receipt, ...other })).not.toEqual(own);
  });

  it('is verified with the key that signed it and with no other', () => {
    const hashed = receiptHash(bytes(1), receipt);
    const signature = signHash(hashed, bytes(7));
    const key = schnorr.getPublicKey(bytes(7));
    expect(verifyHash(hashed, signature, key)).toBe(true);
    expect(verifyHash(hashed, signature, schnorr.getPublicKey(bytes(8)))).toBe(false);
    expect(verifyHash(voucherHash(bytes(1), bytes(2), 7n), signature, key)).toBe(false);
    expect(verifyHash(hashed, signature, bytes(0))).toBe(false);
  });
});
