/** Seeded random test data, the same on every machine. */
import { blake3 } from '@noble/hashes/blake3.js';

export const randomBytes = (seed: string, size: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(blake3(new TextEncoder().encode(seed), { dkLen: size }));

/** Values of an operand: −63..63. */
export const randomOperand = (seed: string, size: number): Int8Array<ArrayBuffer> =>
  Int8Array.from(randomBytes(seed, size), (b) => (b % 127) - 63);
