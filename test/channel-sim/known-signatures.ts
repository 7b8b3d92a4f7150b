/** secp256k1 as the core uses it; what was signed or verified before in this process costs nothing. */
import { schnorr as real } from '@noble/curves/secp256k1.js';
import { BoundedMap } from '../../src/lib/bounded.ts';
import { toHex } from '../../src/lib/bytes.ts';

type Signature = ReturnType<typeof real.sign>;
const signed = new BoundedMap<string, Signature>(100_000);
const verified = new BoundedMap<string, boolean>(100_000);
const keyOf = (...parts: Uint8Array[]): string => parts.map(toHex).join();

export const schnorr: Pick<typeof real, 'sign' | 'verify' | 'getPublicKey'> = {
  getPublicKey: real.getPublicKey,
  sign(message, secret, auxiliary) {
    const key = keyOf(message, secret);
    const signature = signed.get(key) ?? real.sign(message, secret, auxiliary);
    signed.set(key, signature);
    return signature;
  },
  verify(signature, message, publicKey) {
    const key = keyOf(signature, message, publicKey);
    const verdict = verified.get(key) ?? real.verify(signature, message, publicKey);
    verified.set(key, verdict);
    return verdict;
  },
};
