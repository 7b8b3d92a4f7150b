/** Answers with receipts that a provider signed. */
import { schnorr } from '@noble/curves/secp256k1.js';
import {
  answerHash,
  questionHash,
  receiptHash,
  signHash,
  type Receipt,
} from '../../../src/core/channel.ts';
import type { KeptAnswer } from '../../../src/client/prepaid/paid-answer.ts';

export const filled = (fill: number, size = 32): Uint8Array => new Uint8Array(size).fill(fill);
export const GENESIS = filled(1);
export const SERVING = filled(12);
export const PROVIDER = schnorr.getPublicKey(SERVING);

/** The `n`th answer in a channel, said by the provider. */
export function keptAnswer(n: number, more: Partial<KeptAnswer> = {}): KeptAnswer {
  const [salt, options] = [filled(n), filled(8, 3)];
  const { input = Uint8Array.of(n, 2, 3), answer = Uint8Array.of(4, 5, 6, n) } = more;
  const receipt: Receipt = {
    channel: filled(2),
    n,
    model: filled(3),
    question: questionHash(salt, options, input),
    answer: answerHash(salt, answer),
    total: BigInt(n) * 100n,
  };
  const signature = signHash(receiptHash(GENESIS, receipt), SERVING);
  const said = { provider: PROVIDER, receipt, signature, salt, options, input, answer };
  return { ...said, units: 2, timeMs: 1000 + n, verdict: 0, ...more };
}
