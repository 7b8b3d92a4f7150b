/** What is sealed is sealed afresh and to its place, and no secret outlives its use. */
import { hash as hashOf } from '../../src/core/hash.ts';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { encode } from '../../src/core/codec.ts';
import { Tx } from '../../src/core/formats.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { keyFromEntropy, type KeyPair } from '../../src/wallet/keys.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import {
  createDataKey,
  createScryptWrap,
  keyFromPassphrase,
  openByPasskey,
  openDataKey,
  openEntropy,
  sealVault,
  wrapByPasskey,
  type VaultContents,
} from '../../src/wallet/vault/vault-blob.ts';
import { createDeviceKey, type VaultCrypto } from '../../src/wallet/vault/sealing.ts';
import { Safe } from '../../src/wallet/vault/safe.ts';
import { databaseHome } from '../../src/wallet/vault/vault-places.ts';
import {
  createStorage,
  memoryStorage,
  type VaultStorage,
} from '../../src/wallet/vault/vault-storage.ts';
import { createVault, HIDDEN_LOCK_MS, IDLE_LOCK_MS } from '../../src/wallet/vault/vault.ts';
import { CHEAP, code, hash, OTHER, STRONG } from './values.ts';

const contents = (n: number): VaultContents => ({
  entropy: hash(n),
  accounts: [{ name: new Uint8Array(), publicKey: hash(n) }],
  current: 0,
  backedUp: true,
  delegates: null,
});

/** Every secret that keys were made of or that was made, as it lies in memory. */
const inMemory = vi.hoisted((): Uint8Array[] => []);
vi.mock('../../src/wallet/keys.ts', async (original) => {
  const real = await original<typeof import('../../src/wallet/keys.ts')>();
  const keysFromEntropy = (entropy: Uint8Array, paths: readonly string[]): KeyPair[] => {
    const pairs = real.keysFromEntropy(entropy, paths);
    inMemory.push(entropy, ...pairs.map(({ secret }) => secret));
    return pairs;
  };
  const keyAtPath = (entropy: Uint8Array, path: string) => keysFromEntropy(entropy, [path])[0]!;
  return { ...real, keysFromEntropy, keyAtPath };
});

/** What BIP-32 works on goes through HMAC: chain codes, the data of each step, and what comes out. */
vi.mock('@noble/hashes/hmac.js', async (original) => {
  const real = await original<typeof import('@noble/hashes/hmac.js')>();
  const hmac = (...[of, key, message]: Parameters<typeof real.hmac>) => {
    const digest = real.hmac(of, key, message);
    // The first key of all is a public text.
    if (key.length === digest.length / 2) inMemory.push(key);
    inMemory.push(message, digest);
    return digest;
  };
  return { ...real, hmac: Object.assign(hmac, real.hmac) };
});

/** Real cryptography that notes every buffer with which a secret goes in or comes out. */
const watched: VaultCrypto = {
  getRandomValues: (array) => crypto.getRandomValues(array),
  subtle: new Proxy(crypto.subtle, {
    get(subtle, name: keyof SubtleCrypto) {
      const method = (subtle[name] as (...all: unknown[]) => Promise<unknown>).bind(subtle);
      return async (...all: unknown[]) => {
        if (name === 'importKey') inMemory.push(all[1] as Uint8Array);
        if (name === 'encrypt') inMemory.push(all[2] as Uint8Array);
        const result = await method(...all);
        if (name === 'decrypt') inMemory.push(new Uint8Array(result as ArrayBuffer));
        return result;
      };
    },
  }),
};

describe('what is sealed', () => {
  const wrapOf = async () => ({
    wrap: { type: 'device' } as const,
    wrapKey: await createDeviceKey(crypto),
  });

  test('twice by the same keys has other nonces and another salt each time', async () => {
    const dataKey = createDataKey(crypto);
    const wrap = await wrapOf();
    const passkey = { credential: hash(1), salt: hash(2), output: hash(3) };
    const nonces: string[] = [];
    for (let i = 0; i < 3; i++) {
      const blob = await sealVault(crypto, contents(5), wrap, dataKey);
      const { wrappedKey } = await wrapByPasskey(crypto, passkey, blob, dataKey);
      nonces.push(...[blob.wrappedKey, blob.entropy, wrappedKey].map(({ iv }) => toHex(iv)));
    }
    expect(new Set(nonces).size).toBe(9);
    const salts = Array.from({ length: 3 }, () => toHex(createScryptWrap(crypto, CHEAP).salt));
    expect(new Set(salts).size).toBe(3);
  });

  test('belongs to its vault: not even one of the same keys takes it over', async () => {
    const dataKey = createDataKey(crypto);
    const wrap = await wrapOf();
    const of = (n: number): VaultContents => ({
      ...contents(n),
      accounts: [{ name: new Uint8Array(), publicKey: keyFromEntropy(hash(n)).publicKey }],
    });
    const one = await sealVault(crypto, of(5), wrap, dataKey);
    const two = await sealVault(crypto, of(6), wrap, dataKey);
    expect(await openDataKey(crypto, one, wrap.wrapKey)).toEqual(dataKey);

    const safe = new Safe({ storage: memoryStorage(), crypto });
    expect((await safe.keysOf({ blob: one }, dataKey)).entropy).toEqual(hash(5));
    const moved = { ...two, entropy: one.entropy, wrappedKey: one.wrappedKey };
    const renamed = { ...one, accounts: [{ ...one.accounts[0]!, name: hash(1) }] };
    for (const blob of [moved, renamed])
      await expect(safe.keysOf({ blob }, dataKey)).rejects.toThrow(code('VAULT_TAMPERED'));
  });

  test('belongs to its wrapping: another cost is another key, and opens nothing', async () => {
    const dataKey = createDataKey(crypto);
    const wrap = createScryptWrap(crypto, CHEAP);
    const wrapKey = await keyFromPassphrase(crypto, STRONG, wrap);
    const blob = await sealVault(crypto, contents(5), { wrap, wrapKey }, dataKey);
    expect(await openDataKey(crypto, blob, wrapKey)).toEqual(dataKey);
    const cheaper = { ...blob, wrap: { ...wrap, p: 2 } };
    await expect(openDataKey(crypto, cheaper, wrapKey)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    await expect(openEntropy(crypto, cheaper, dataKey)).rejects.toThrow(code('VAULT_CORRUPT'));
  });

  test('by a passkey belongs to its credential, its salt and its vault', async () => {
    const dataKey = createDataKey(crypto);
    const wrap = await wrapOf();
    const blob = await sealVault(crypto, contents(5), wrap, dataKey);
    const other = await sealVault(crypto, contents(6), wrap, dataKey);
    const output = hash(3);
    const which = { credential: hash(1), salt: hash(2), output };
    const passkey = await wrapByPasskey(crypto, which, blob, dataKey);
    expect(await openByPasskey(crypto, blob, passkey, output)).toEqual(dataKey);
    for (const [vault, moved] of [
      [other, passkey],
      [blob, { ...passkey, credential: hash(4) }],
      [blob, { ...passkey, salt: hash(4) }],
    ] as const)
      await expect(openByPasskey(crypto, vault, moved, output)).rejects.toThrow(
        code('PASSKEY_WRONG'),
      );
  });
});

describe('what is left in memory', () => {
  let storage: VaultStorage;
  let nowMs: number;
  let tell: (what: unknown) => void;
  const clock = { now: () => nowMs, after: () => () => {} };
  const newVault = () =>
    createVault({
      storage,
      crypto: watched,
      clock,
      cost: CHEAP,
      others: { send: () => {}, onMessage: (listener) => (tell = listener) },
    });
  const left = () => inMemory.filter((bytes) => bytes.some((byte) => byte !== 0)).length;
  beforeEach(() => {
    storage = createStorage([databaseHome(new IDBFactory())]);
    nowMs = 1e12;
    inMemory.splice(0);
  });

  test('is nothing after a lock, by a person, by time, by another tab, and after erasing', async () => {
    const vault = newVault();
    await vault.create();
    await vault.protect(STRONG);
    await vault.addAccount('Savings');
    const locks: [string, () => Promise<unknown>][] = [
      ['a person', () => vault.lock()],
      ['time', async () => ((nowMs += IDLE_LOCK_MS), vault.status())],
      ['another tab', async () => (tell('lock'), vault.status())],
      ['erasing', () => vault.erase()],
    ];
    for (const [who, lock] of locks) {
      await vault.unlock(STRONG);
      // Open: the words, and the keys of both accounts.
      expect(left(), who).toBeGreaterThan(2);
      await lock();
      expect(left(), who).toBe(0);
    }
    // The watch saw something: keys, pairs, data keys and what scrypt made.
    expect(inMemory.length).toBeGreaterThan(20);
  });

  test('is nothing after a lock of keys that another tab made more', async () => {
    const vault = newVault();
    await vault.create();
    await vault.protect(STRONG);
    const other = newVault();
    await other.unlock(STRONG);
    await other.addAccount('Savings');
    await other.lock();
    expect((await vault.status()).accounts).toHaveLength(2);
    await vault.lock();
    expect(left()).toBe(0);
  });

  test('is the open keys alone after a passphrase is changed, and none where a place was taken', async () => {
    const vault = newVault();
    await vault.restore(formatWords(hash(3)));
    await vault.protect(STRONG);
    await vault.protect(OTHER, STRONG);
    const secrets = inMemory.filter((bytes) => bytes.some((byte) => byte !== 0)).map(toHex);
    const { secret } = keyFromEntropy(hash(3));
    expect(new Set(secrets)).toEqual(new Set([toHex(hash(3)), toHex(secret)]));
    await vault.lock();
    inMemory.splice(0);
    await expect(newVault().restore(formatWords(hash(4)))).rejects.toThrow(code('VAULT_EXISTS'));
    expect(inMemory.length).toBeGreaterThan(1);
    expect(left()).toBe(0);
  });

  test('is nothing of a key that signed with nobody there', async () => {
    const vault = newVault();
    const genesis = 'ab'.repeat(64);
    const part = new Uint8Array(32).fill(0xab);
    const genesisId = hashOf('block', hashOf('header', part), part);
    await vault.openFor({ network: 'local', genesis });
    const { publicKey: from } = await vault.restore(formatWords(hash(3)));
    await vault.protect(STRONG);
    const signer = await vault.newSigner();
    const [common, ends] = [{ chainId: 3, from: from!, nonce: 0n, expiry: 9, fee: 1n }, hash(1)];
    const terms = { provider: ends, payee: ends, signer, limit: 5n, lifetime: 100 };
    const channel: Tx = { type: 'channel', ...common, ...terms };
    await vault.sign(encode(Tx, channel));
    const secrets = inMemory.filter((bytes) => bytes.some((byte) => byte !== 0)).map(toHex);
    expect(new Set(secrets)).toEqual(new Set([hash(3), keyFromEntropy(hash(3)).secret].map(toHex)));
    await vault.lock();
    inMemory.splice(0);
    const of = {
      channel: txId(genesisId, channel),
      model: hash(2),
      question: hash(4),
      answer: hash(5),
    };
    await vault.signReceipt({ ...of, n: 1, total: 7n });
    await vault.signVoucher(of.channel, 5n);
    expect(inMemory.length).toBe(2);
    expect(left()).toBe(0);
  });
});

test('the bounds of an open vault, in numbers', () => {
  expect(IDLE_LOCK_MS).toBe(5 * 60_000);
  expect(HIDDEN_LOCK_MS).toBe(60_000);
});
