/** What tests of the wallet share: passphrases, keys that are no secret, and how a refusal is expected. */
import { expect } from 'vitest';

/** The least that a vault's record may ask for: 1 MiB instead of 128. */
export const CHEAP = { logN: 10, r: 8, p: 1 };
export const STRONG = 'orbit velvet canyon thimble pretzel lagoon';
export const OTHER = 'tunnel maple gravity sponsor ladder wisdom';

/** An error of that code. */
export const code = (c: string) => expect.objectContaining({ code: c });
/** 32 bytes of that value. */
export const hash = (n: number) => new Uint8Array(32).fill(n);
/** What a provider signs of an answer. */
export const RECEIPT = {
  channel: hash(1),
  n: 1,
  model: hash(2),
  question: hash(4),
  answer: hash(5),
  total: 7n,
};
