/** A stored record that somebody else changed, its checksum made right again. */
import fc from 'fast-check';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../src/core/address.ts';
import { encode } from '../../src/core/codec.ts';
import { Tx } from '../../src/core/formats.ts';
import { plainHash } from '../../src/core/hash.ts';
import { fromHex, utf8 } from '../../src/lib/bytes.ts';
import { keyFromEntropy, SERVING_PATH } from '../../src/wallet/keys.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import type { VaultApi, VaultStatus } from '../../src/wallet/vault/vault-api.ts';
import {
  decodeVault,
  encodeVault,
  macOf,
  type VaultBlob,
} from '../../src/wallet/vault/vault-blob.ts';
import { sealDelegate } from '../../src/wallet/vault/delegates-blob.ts';
import { createDeviceKey, encrypt } from '../../src/wallet/vault/sealing.ts';
import { databaseHome } from '../../src/wallet/vault/vault-places.ts';
import { createStorage, type VaultStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import old from './old-vaults.json' with { type: 'json' };
import { CHEAP, code, hash, STRONG } from './values.ts';

const WORDS = formatWords(hash(3));
const EVIL = keyFromEntropy(hash(66)).publicKey;
const clock = { now: () => 1e12, after: () => () => {} };

let storage: VaultStorage;
let said: VaultStatus[];
const newVault = () =>
  createVault({ storage, crypto, clock, cost: CHEAP, onChange: (status) => said.push(status) });
let vault: VaultApi;
beforeEach(async () => {
  storage = createStorage([databaseHome(new IDBFactory())]);
  said = [];
  vault = newVault();
  await vault.restore(WORDS);
  await vault.addAccount('Savings');
  await vault.newSigner();
});

/** Who can use this device's keys, as a script of the page's origin could, makes the MAC right as well. */
type Forger = 'of the disk' | 'with the key of the MAC';

async function forge(change: (blob: VaultBlob) => VaultBlob, forger: Forger): Promise<void> {
  const record = (await storage.load())!;
  const blob = encodeVault(change(decodeVault(record.blob)));
  const mac = await macOf(crypto, record.macKey!, blob);
  const forged = forger === 'of the disk' ? { ...record, blob } : { ...record, blob, mac };
  expect(await storage.save(forged, record.blob)).toBe(true);
}

type Account = VaultBlob['accounts'][0];
const withAccounts = (change: (accounts: Account[]) => Account[]) => (blob: VaultBlob) => {
  const accounts = change(blob.accounts);
  const current = Math.min(blob.current, accounts.length - 1);
  return { ...blob, accounts, current, address: addressOf(accounts[0]!.publicKey) };
};
/** Of what the keys say something. */
const OWNED: [string, (blob: VaultBlob) => VaultBlob][] = [
  ['the first account', withAccounts(([a, b]) => [{ ...a!, publicKey: EVIL }, b!])],
  ['the account in use', withAccounts(([a, b]) => [a!, { ...b!, publicKey: EVIL }])],
  ['an account too many', withAccounts((all) => [...all, { ...all[0]!, publicKey: EVIL }])],
  ['an account too few', withAccounts(([a]) => [a!])],
  ['the order of the accounts', withAccounts(([a, b]) => [b!, a!])],
  ['a name', withAccounts(([a, b]) => [a!, { ...b!, name: utf8('Daily') }])],
  ['the time until it locks', (blob) => ({ ...blob, lockMinutes: 60 })],
  ['that the words were written down', (blob) => ({ ...blob, backedUp: 1 - blob.backedUp })],
];
/** Of what the keys say something, and this device alone has the secrets of. */
type Delegates = NonNullable<VaultBlob['delegates']>;
const withDelegates =
  (change: (delegates: Delegates) => Partial<Delegates>) => (blob: VaultBlob) => {
    const delegates = blob.delegates!;
    return { ...blob, delegates: { ...delegates, ...change(delegates) } };
  };
OWNED.push(
  [
    'the serving key',
    withDelegates(({ serving }) => ({ serving: { ...serving, publicKey: EVIL } })),
  ],
  ['the limit of all channels', withDelegates(() => ({ channelsLimit: (1n << 64n) - 1n }))],
);
/** Of what only this device knows something. */
const FREE: [string, (blob: VaultBlob) => VaultBlob][] = [
  ['which account is in use', (blob) => ({ ...blob, current: 0 })],
  ['the tag', (blob) => ({ ...blob, tag: hash(1) })],
  ['that there is no tag', (blob) => ({ ...blob, tag: null })],
  ['which signer is next', withDelegates(() => ({ nextSigner: 7 }))],
  ['that no signer was made', withDelegates(() => ({ signers: [] }))],
];

const nothing = {
  exists: true,
  locked: true,
  address: undefined,
  publicKey: undefined,
  accounts: [],
};
const FORGERS: Forger[] = ['of the disk', 'with the key of the MAC'];

describe.each([...OWNED, ...FREE])('%s, changed on the disk', (_, change) => {
  test('is said at once: locked', async () => {
    await vault.protect(STRONG);
    await vault.lock();
    await forge(change, 'of the disk');
    for (const one of [vault, newVault()])
      expect(await one.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
    await expect(newVault().unlock(STRONG)).rejects.toThrow(code('VAULT_TAMPERED'));
  });

  test('is said at once: open, and then it is locked', async () => {
    await vault.protect(STRONG);
    await forge(change, 'of the disk');
    said = [];
    await expect(vault.addAccount('Next')).rejects.toThrow(code('VAULT_TAMPERED'));
    expect(said).toMatchObject([{ ...nothing, problem: 'VAULT_TAMPERED' }]);
    expect(await vault.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
  });

  test('is said at once: without a passphrase', async () => {
    await forge(change, 'of the disk');
    for (const one of [vault, newVault()])
      expect(await one.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
  });
});

describe.each(OWNED)('%s, changed with the key of the MAC', (_, change) => {
  test('is found out by the keys at unlock, and is no wrong passphrase', async () => {
    await vault.protect(STRONG);
    await vault.lock();
    await forge(change, 'with the key of the MAC');
    const later = newVault();
    await expect(later.unlock(STRONG)).rejects.toThrow(code('VAULT_TAMPERED'));
    expect(await later.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
    await expect(later.unlock(STRONG)).rejects.toThrow(code('VAULT_TAMPERED'));
  });

  test('is found out at once where no passphrase keeps the keys away, and where it is open', async () => {
    await forge(change, 'with the key of the MAC');
    expect(await newVault().status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
    expect(await vault.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
  });
});

describe('a key that signs unattended, with its secret exchanged', () => {
  const receipt = {
    channel: hash(1),
    n: 1,
    model: hash(2),
    question: hash(3),
    answer: hash(4),
    total: 5n,
  };
  const refused = async (one: VaultApi) => {
    await one.openFor({ network: 'local', genesis: 'ab'.repeat(64) });
    await expect(one.signReceipt(receipt)).rejects.toThrow(code('VAULT_TAMPERED'));
  };

  test('signs nothing: by whoever has the key that seals it', async () => {
    const { delegatesKey } = (await storage.load())!;
    const evil = await sealDelegate(crypto, delegatesKey!, hash(66), SERVING_PATH);
    const exchange = withDelegates(({ serving }) => ({
      serving: { ...serving, secret: evil.secret },
    }));
    await forge(exchange, 'with the key of the MAC');
    await refused(newVault());
    const key = (await newVault().servingKey())!;
    const bound = await encrypt(crypto, delegatesKey!, key, keyFromEntropy(hash(66)).secret);
    const forged = withDelegates(({ serving }) => ({ serving: { ...serving, secret: bound } }));
    await forge(forged, 'with the key of the MAC');
    await refused(newVault());
  });

  test('signs nothing: by whoever exchanges the key that seals it, or deletes it', async () => {
    const record = (await storage.load())!;
    for (const delegatesKey of [await createDeviceKey(crypto), undefined]) {
      expect(await storage.save({ ...record, delegatesKey }, record.blob)).toBe(true);
      await refused(newVault());
    }
  });

  test('is not believed without what the words or this device say of it', async () => {
    const evil = withDelegates(({ serving }) => ({ serving: { ...serving, publicKey: EVIL } }));
    const forgeUntagged = async (isMarked: boolean) => {
      const { mac: _, macKey, ...record } = (await storage.load())!;
      const blob = encodeVault({ ...evil(decodeVault(record.blob)), tag: null });
      const marks = isMarked ? { macKey, mac: await macOf(crypto, macKey!, blob) } : {};
      expect(await storage.save({ ...record, ...marks, blob }, record.blob)).toBe(true);
      const later = newVault();
      expect(await later.status()).toMatchObject({ ...nothing, problem: 'VAULT_TAMPERED' });
      await expect(later.servingKey()).rejects.toThrow(code('VAULT_TAMPERED'));
    };
    await forgeUntagged(true);
    await vault.erase();
    await vault.restore(WORDS);
    await forgeUntagged(false);
    await vault.erase();
    await vault.restore(WORDS, STRONG);
    await forgeUntagged(false);
  });

  test('nor does a channel get a signer of other words', async () => {
    await forge(
      withDelegates(({ signers }) => ({ signers: [{ ...signers[0]!, publicKey: EVIL }] })),
      'with the key of the MAC',
    );
    const later = newVault();
    await later.openFor({ network: 'local', genesis: 'ab'.repeat(64) });
    const { publicKey: from } = await later.useAccount(0);
    const opening = encode(Tx, {
      type: 'channel',
      chainId: 3,
      from: from!,
      nonce: 0n,
      expiry: 9,
      fee: 1n,
      provider: hash(1),
      payee: hash(2),
      signer: EVIL,
      limit: 5n,
      lifetime: 100,
    });
    await expect(later.sign(opening)).rejects.toThrow(code('VAULT_TAMPERED'));
  });
});

test.each(FORGERS)('the keys of a changed vault are not lost: %s', async (forger) => {
  for (const passphrase of [undefined, STRONG]) {
    if (passphrase) await vault.protect(passphrase);
    const { blob } = (await storage.load())!;
    await forge(OWNED[0]![1], forger);
    const later = newVault();
    if (passphrase) {
      await expect(later.unlock(passphrase)).rejects.toThrow(code('VAULT_TAMPERED'));
      await expect(later.words(undefined)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    }
    expect((await later.status()).protected).toBe(passphrase !== undefined);
    expect(await later.words(passphrase)).toBe(WORDS);
    await forge(() => decodeVault(blob), 'with the key of the MAC');
    expect(await newVault().status()).toMatchObject({ exists: true, problem: undefined });
  }
  await vault.erase();
  expect(await vault.restore(WORDS)).toMatchObject({ problem: undefined, verified: true });
});

test('any byte of a record of this version, under its checksum, shows no address', async () => {
  await vault.protect(STRONG);
  const record = (await storage.load())!;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(record.blob.length - 33),
      fc.integer({ min: 1, max: 255 }),
      async (at, flip) => {
        const data = record.blob.slice(0, -32);
        data[at]! ^= flip;
        const blob = Uint8Array.of(...data, ...plainHash(data));
        expect(await storage.save({ ...record, blob }, record.blob)).toBe(true);
        const { problem, address } = await newVault().status();
        expect({ isSaid: problem !== undefined, address }).toEqual({
          isSaid: true,
          address: undefined,
        });
        expect(await storage.save(record, blob)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('a record put back to an older version, without a MAC, shows no address and is found out', async () => {
  await storage.erase();
  const stored = fromHex(old.version3Protected)!;
  const blob = decodeVault(stored);
  // As version 3 stored it, with another key for the second account.
  const at = stored.findIndex((_, i) =>
    blob.accounts[1]!.publicKey.every((byte, j) => stored[i + j] === byte),
  );
  stored.set(EVIL, at);
  stored.set(plainHash(stored.slice(0, -32)), stored.length - 32);
  await storage.save({ blob: stored, deviceKey: undefined }, undefined);
  const later = newVault();
  expect(await later.status()).toMatchObject({ ...nothing, problem: undefined });
  await expect(later.unlock(old.passphrase)).rejects.toThrow(code('VAULT_TAMPERED'));
  expect(await later.words(old.passphrase)).toBe(WORDS);
});

test('a tab is told when another finds it out', async () => {
  await vault.protect(STRONG);
  await vault.lock();
  await forge(OWNED[0]![1], 'with the key of the MAC');
  said = [];
  await expect(vault.unlock(STRONG)).rejects.toThrow(code('VAULT_TAMPERED'));
  expect(said).toMatchObject([{ problem: 'VAULT_TAMPERED' }]);
});
