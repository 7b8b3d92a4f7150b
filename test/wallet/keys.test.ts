import { schnorr } from '@noble/curves/secp256k1.js';
import { HDKey } from '@scure/bip32';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf } from '../../src/core/address.ts';
import { signTx, txId, verifySignature } from '../../src/core/tx/tx.ts';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { secretAtPath } from '../../src/wallet/derive.ts';
import { COIN_TYPE, keyAtPath, keyFromEntropy, keyPath } from '../../src/wallet/keys.ts';
import { formatWords, parseWords } from '../../src/wallet/seed-words.ts';

test('NIP-06: 24 words, BIP-32 path and x-only key of a public vector', () => {
  const words =
    'what bleak badge arrange retreat wolf trade produce cricket blur garlic valid proud rude strong choose busy staff weather area salt hollow arm fade';
  const { secret, publicKey, address } = keyAtPath(parseWords(words), "m/44'/1237'/0'/0/0");
  expect(toHex(secret)).toBe('c15d739894c81a2fcfd3a2df85a0d2c0dbc47a280d092799f144d73d7ae78add');
  expect(toHex(publicKey)).toBe('d41b22899549e1f3d335a31002cfd382174006e166d3e658e3a5eecdb6463573');
  expect(address).toEqual(addressOf(publicKey));
});

test('BIP-32 test vector 1, as the pinned library derives it', () => {
  const root = HDKey.fromMasterSeed(fromHex('000102030405060708090a0b0c0d0e0f')!);
  expect(root.derive("m/0'/1/2'/2/1000000000").privateExtendedKey).toBe(
    'xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76',
  );
});

test('keys of any seed and path are those of @scure/bip32', () => {
  const index = fc.integer({ min: 0, max: 2 ** 31 - 1 });
  const step = fc.tuple(index, fc.boolean()).map(([n, hard]) => `${n}${hard ? "'" : ''}`);
  const seeds = fc.uint8Array({ minLength: 64, maxLength: 64 });
  const steps = fc.array(step, { maxLength: 5 });
  fc.assert(
    fc.property(seeds, steps, (seed, parts) => {
      const path = ['m', ...parts].join('/');
      const { privateKey } = HDKey.fromMasterSeed(seed).derive(path);
      expect(toHex(secretAtPath(seed, path))).toBe(toHex(privateKey!));
    }),
    { numRuns: 25 },
  );
  for (const path of ['', '44', 'm/x', 'm/2147483648', "m/1''"])
    expect(() => secretAtPath(new Uint8Array(64), path)).toThrow('assertion');
});

test.each([
  // secret, public key, auxiliary, message, signature: BIP-340's test-vectors.csv, rows 0 to 2
  [
    '0000000000000000000000000000000000000000000000000000000000000003',
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
  ],
  [
    'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef',
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '0000000000000000000000000000000000000000000000000000000000000001',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
  ],
  [
    'c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9',
    'dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8',
    'c87aa53824b4d7ae2eb035a2b5bbbccc080e76cdc6d1692c4b0b62d798e6d906',
    '7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c',
    '5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1bab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7',
  ],
])('BIP-340 vector with key %s', (...hexes) => {
  const [secret, publicKey, auxiliary, message, signature] = hexes.map((h) => fromHex(h)!);
  expect(toHex(schnorr.getPublicKey(secret!))).toBe(toHex(publicKey!));
  expect(toHex(schnorr.sign(message!, secret!, auxiliary))).toBe(toHex(signature!));
  expect(schnorr.verify(signature!, message!, publicKey!)).toBe(true);
});

test('a signed transaction is the BIP-340 signature of its id with zero auxiliary bytes', () => {
  const { secret, publicKey } = keyFromEntropy(new Uint8Array(32));
  const tx = {
    type: 'transfer' as const,
    chainId: 3,
    from: publicKey,
    nonce: 0n,
    expiry: 9,
    fee: 0n,
    to: new Uint8Array(32),
    amount: 1n,
    memo: new Uint8Array(),
  };
  const signed = signTx(new Uint8Array(32).fill(9), tx, secret);
  expect(signed.signature).toEqual(
    schnorr.sign(txId(new Uint8Array(32).fill(9), tx), secret, new Uint8Array(32)),
  );
  expect(verifySignature(new Uint8Array(32).fill(9), signed)).toBe(true);
});

test('accounts and indices have their own paths and keys', () => {
  expect([COIN_TYPE, keyPath(1, 2)]).toEqual([7333, "m/44'/7333'/1'/0/2"]);
  const entropy = new Uint8Array(32).fill(5);
  const all = [keyFromEntropy(entropy), keyFromEntropy(entropy, 1), keyFromEntropy(entropy, 0, 1)];
  expect(new Set(all.map((k) => toHex(k.address))).size).toBe(3);
});

test('the words alone give the same address again', () => {
  const entropy = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(entropy, (e) => {
      expect(keyFromEntropy(parseWords(formatWords(e)))).toEqual(keyFromEntropy(e));
    }),
    { numRuns: 5 },
  );
});
