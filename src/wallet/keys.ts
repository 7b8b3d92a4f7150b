/** From entropy to a key pair: BIP-39 seed, BIP-32 path, secp256k1, x-only (docs/protocol.md §2). */
import { mnemonicToSeedSync } from '@scure/bip39';
import { schnorr } from '@noble/curves/secp256k1.js';
import { addressOf } from '../core/address.ts';
import { secretAtPath } from './derive.ts';
import { formatWords } from './seed-words.ts';

/** Not in SLIP-44's list as of November 2026; to be registered before a launch. */
export const COIN_TYPE = 7333;

export interface KeyPair {
  /** 32 bytes. Fill with zeros after use. */
  readonly secret: Uint8Array;
  /** x-only, 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly address: Uint8Array;
}

export const keyPath = (account: number, index: number): string =>
  `m/44'/${COIN_TYPE}'/${account}'/0/${index}`;

/** Of the key that signs receipts and closes. Each step is hardened: with it nobody comes nearer to an account. */
export const SERVING_PATH = `m/44'/${COIN_TYPE}'/0'/2'/0'`;

/** Of what vouches for the one channel that it is made for; below 2^31. */
export const signerPath = (index: number): string => `m/44'/${COIN_TYPE}'/0'/3'/${index}'`;

/** Key of an account and index, each below 2^31. */
export const keyFromEntropy = (entropy: Uint8Array, account = 0, index = 0): KeyPair =>
  keysFromEntropy(entropy, [keyPath(account, index)])[0]!;

export const keyAtPath = (entropy: Uint8Array, path: string): KeyPair =>
  keysFromEntropy(entropy, [path])[0]!;

/** Keys of many paths at once: the seed is costly (2048 rounds of HMAC-SHA-512), a path is not. */
export function keysFromEntropy(entropy: Uint8Array, paths: readonly string[]): KeyPair[] {
  const seed = mnemonicToSeedSync(formatWords(entropy));
  const pairs = paths.map((path) => {
    const secret = secretAtPath(seed, path);
    const publicKey = schnorr.getPublicKey(secret);
    return { secret, publicKey, address: addressOf(publicKey) };
  });
  seed.fill(0);
  return pairs;
}
