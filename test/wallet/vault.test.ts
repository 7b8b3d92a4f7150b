import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { Header, SignedTx, Tx } from '../../src/core/formats.ts';
import { genesisPoint } from '../../src/core/header/header.ts';
import { plainHash } from '../../src/core/hash.ts';
import { verifySignature } from '../../src/core/tx/tx.ts';
import { concat, fromHex, toHex } from '../../src/lib/bytes.ts';
import { connect, expose, type Port } from '../../src/lib/rpc.ts';
import { ACCOUNT_MIN, createParams } from '../../src/core/params.ts';
import { buildChannel, buildClose, buildTransfer } from '../../src/wallet/build.ts';
import { keyAtPath, keyFromEntropy, SERVING_PATH } from '../../src/wallet/keys.ts';
import { WALLET_KINDS } from '../../src/wallet/kinds.ts';
import type { VaultApi, VaultStatus } from '../../src/wallet/vault/vault-api.ts';
import { decodeVault, encodeVault } from '../../src/wallet/vault/vault-blob.ts';
import { databaseHome } from '../../src/wallet/vault/vault-places.ts';
import {
  createStorage,
  memoryStorage,
  type VaultStorage,
} from '../../src/wallet/vault/vault-storage.ts';
import { createVault, HIDDEN_LOCK_MS, IDLE_LOCK_MS } from '../../src/wallet/vault/vault.ts';
import { formatWords, parseWords } from '../../src/wallet/seed-words.ts';
import old from './old-vaults.json' with { type: 'json' };
import { CHEAP, code, hash, OTHER, RECEIPT, STRONG } from './values.ts';

const oldDeviceKey = () =>
  crypto.subtle.importKey('raw', fromHex(old.deviceKey)! as BufferSource, 'AES-GCM', false, [
    'encrypt',
    'decrypt',
  ]);

/** What version 4 stored beside its record. */
const oldMac = async (mac: string) => ({
  mac: fromHex(mac)!,
  macKey: await crypto.subtle.importKey(
    'raw',
    fromHex(old.macKey)! as BufferSource,
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  ),
});

/** Time that stands still until it is told to go on. */
function createClock() {
  let timeMs = 1e12;
  const timers = new Map<() => void, number>();
  return {
    now: () => timeMs,
    after(ms: number, run: () => void) {
      const key = () => run();
      timers.set(key, timeMs + ms);
      return () => void timers.delete(key);
    },
    advance(ms: number, fire = true) {
      timeMs += ms;
      for (const [run, at] of timers) if (fire && at <= timeMs && timers.delete(run)) run();
    },
  };
}

const GENESIS_POINT = genesisPoint(createParams('local', []), 1e12);
const GENESIS = toHex(encode(Header, GENESIS_POINT.header));
const GENESIS_ID = GENESIS_POINT.id;

let storage: VaultStorage;
let clock: ReturnType<typeof createClock>;
let changes: VaultStatus[];
let vault: VaultApi;
function newVault(cost = CHEAP): VaultApi {
  const made = createVault({ storage, crypto, clock, cost, onChange: (s) => changes.push(s) });
  void made.openFor({ network: 'local', genesis: GENESIS });
  return made;
}
beforeEach(() => {
  storage = createStorage([databaseHome(new IDBFactory())]);
  clock = createClock();
  changes = [];
  vault = newVault();
});

const base = (from: Uint8Array) => ({ chainId: 3, from, nonce: 4n, expiry: 99, fee: 1000n });
const transferOf = (from: Uint8Array) =>
  buildTransfer(base(from), { to: hash(7), amount: 5n, memo: 'caffè\u202e' });
/** Other tabs hear of it a little later. */
const until = (isTrue: () => boolean) => expect.poll(isTrue, { timeout: 30_000 }).toBe(true);
async function backUp(): Promise<VaultStatus> {
  const words = (await vault.words(STRONG)).split(' ');
  const quiz = await vault.backupQuiz();
  return vault.proveBackup(quiz.map((q) => words[q.place - 1]!));
}

describe('a new vault', () => {
  test('there is none at first', async () => {
    expect(await vault.status()).toEqual({
      exists: false,
      locked: false,
      protected: false,
      backedUp: false,
      address: undefined,
      publicKey: undefined,
      accounts: [],
      verified: false,
      current: 0,
      lockMinutes: 5,
      passkey: undefined,
      problem: undefined,
    });
    for (const call of [vault.words(undefined), vault.sign(transferOf(hash(1))), vault.unlock('x')])
      await expect(call).rejects.toThrow(code('VAULT_MISSING'));
  });

  test('is made once, has 24 words, and opens again on this device', async () => {
    const status = await vault.create();
    expect(status).toMatchObject({
      exists: true,
      locked: false,
      protected: false,
      backedUp: false,
    });
    const words = await vault.words(undefined);
    expect(keyFromEntropy(parseWords(words)).address).toEqual(status.address);
    await expect(vault.create()).rejects.toThrow(code('VAULT_EXISTS'));
    await expect(vault.restore(words)).rejects.toThrow(code('VAULT_EXISTS'));
    const later = newVault();
    expect(await later.status()).toEqual(status);
    expect(await later.words(undefined)).toBe(words);
    await later.lock();
    expect(await later.words(undefined)).toBe(words);
  });

  test('of two made at once one wins', async () => {
    const results = await Promise.allSettled([vault.create(), newVault().create()]);
    expect(results.filter((r) => r.status === 'fulfilled').length).toBe(1);
  });

  test('from words has their address and counts as backed up', async () => {
    const entropy = hash(9);
    const status = await vault.restore(formatWords(entropy).toUpperCase());
    expect(status).toMatchObject({ address: keyFromEntropy(entropy).address, backedUp: true });
    await expect(newVault().restore('zoo')).rejects.toThrow(code('WORDS_COUNT'));
  });

  test('stores neither entropy nor key in the clear, and its device key cannot be read', async () => {
    await vault.restore(formatWords(hash(0xab)));
    const { blob, deviceKey } = (await storage.load())!;
    expect(toHex(blob)).not.toContain(toHex(hash(0xab)));
    expect(toHex(blob)).not.toContain(toHex(keyFromEntropy(hash(0xab)).secret));
    expect(deviceKey!.extractable).toBe(false);
    await expect(crypto.subtle.exportKey('raw', deviceKey!)).rejects.toThrow();
  });

  test('is gone after erase', async () => {
    await vault.create();
    expect((await vault.erase()).exists).toBe(false);
    expect(await storage.load()).toBe(undefined);
    expect((await vault.create()).exists).toBe(true);
  });
});

describe('a passphrase', () => {
  beforeEach(async () => void (await vault.restore(formatWords(hash(3)))));

  test('must be strong', async () => {
    await expect(vault.protect('password')).rejects.toThrow(code('PASSPHRASE_WEAK'));
    expect((await vault.status()).protected).toBe(false);
  });

  test('takes the place of the device key, locks, and opens, typed either way', async () => {
    const { publicKey } = await vault.protect(`${STRONG} caff\u00e8`);
    expect((await storage.load())!.deviceKey).toBe(undefined);
    expect(await vault.lock()).toMatchObject({ locked: true, protected: true, publicKey });
    const tx = transferOf(publicKey!);
    for (const call of [vault.sign(tx), vault.words(STRONG), vault.backupQuiz()])
      await expect(call).rejects.toThrow(code('VAULT_LOCKED'));
    await expect(vault.protect(OTHER)).rejects.toThrow(code('VAULT_LOCKED'));
    await expect(vault.unlock(OTHER)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    expect((await vault.status()).locked).toBe(true);
    expect(await vault.unlock(`${STRONG} caffe\u0300`)).toMatchObject({ locked: false });
    expect((await vault.sign(tx)).length).toBeGreaterThan(64);
    expect((await newVault().status()).locked).toBe(true);
  });

  test('is asked again for the words, and can be changed while unlocked', async () => {
    await vault.protect(STRONG);
    await expect(vault.words(undefined)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    await expect(vault.words(OTHER)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    expect(await vault.words(STRONG)).toBe(formatWords(hash(3)));
    // Or whoever finds it unlocked sets one of his own, and then sees the words.
    for (const old of [undefined, OTHER])
      await expect(vault.protect(OTHER, old)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    await vault.protect(OTHER, STRONG);
    await expect(vault.unlock(STRONG)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    expect(await newVault().unlock(OTHER)).toMatchObject({ locked: false, backedUp: true });
  });

  test('of a cheaper time is made dearer at unlock: N = 2^17 by default', async () => {
    await vault.protect(STRONG);
    const today = createVault({ storage, crypto, clock });
    await today.unlock(STRONG);
    expect(decodeVault((await storage.load())!.blob).wrap).toMatchObject({ logN: 17, r: 8, p: 1 });
    expect((await today.status()).locked).toBe(false);
  });
});

describe('auto-lock', () => {
  beforeEach(async () => void (await vault.restore(formatWords(hash(3)))));

  test('after five idle minutes, each use starting them anew, and tells so', async () => {
    const { publicKey } = await vault.protect(STRONG);
    clock.advance(IDLE_LOCK_MS - 1);
    await vault.sign(transferOf(publicKey!));
    clock.advance(IDLE_LOCK_MS - 1);
    expect((await vault.status()).locked).toBe(false);
    changes = [];
    clock.advance(1);
    expect((await vault.status()).locked).toBe(true);
    expect(changes).toMatchObject([{ locked: true }]);
  });

  test('also when the timer slept through it', async () => {
    const { publicKey } = await vault.protect(STRONG);
    clock.advance(IDLE_LOCK_MS, false);
    await expect(vault.sign(transferOf(publicKey!))).rejects.toThrow(code('VAULT_LOCKED'));
  });

  test('never without a passphrase', async () => {
    const { publicKey } = await vault.status();
    clock.advance(10 * IDLE_LOCK_MS);
    expect((await vault.status()).locked).toBe(false);
    expect((await vault.sign(transferOf(publicKey!))).length).toBeGreaterThan(64);
  });
});

const PREPAID = {
  provider: hash(2),
  payee: hash(3),
  signer: hash(4),
  limit: ACCOUNT_MIN,
  lifetime: 60,
};

describe('signing', () => {
  /** One of each kind. */
  async function allOf(from: Uint8Array): Promise<Uint8Array[]> {
    const { nonce: _, ...unordered } = base(from);
    const all = [
      transferOf(from),
      buildChannel(base(from), { ...PREPAID, signer: await vault.newSigner() }),
      buildClose(unordered, { channel: hash(2), amount: 5000n, voucher: new Uint8Array(64) }),
    ];
    expect(all.map((tx) => decode(Tx, tx).type)).toEqual(Object.keys(WALLET_KINDS));
    return all;
  }

  test('with an account’s key is refused while the vault is locked, whatever the kind', async () => {
    const { publicKey: from } = await vault.create();
    await backUp();
    const all = await allOf(from!);
    await vault.protect(STRONG);
    await vault.lock();
    for (const tx of all) await expect(vault.sign(tx)).rejects.toThrow(code('VAULT_LOCKED'));
  });

  test('is refused until the backup is proven, whatever the kind', async () => {
    const { publicKey: from } = await vault.create();
    const all = await allOf(from!);
    for (const tx of all) await expect(vault.sign(tx)).rejects.toThrow(code('BACKUP_FIRST'));
    expect(await backUp()).toMatchObject({ backedUp: true });
    for (const tx of all) {
      const signed = decode(SignedTx, await vault.sign(tx));
      expect(encode(Tx, signed.tx)).toEqual(tx);
      expect(verifySignature(GENESIS_ID, signed)).toBe(true);
    }
  });

  test('with nobody there comes before the backup', async () => {
    await vault.create();
    expect(await vault.signReceipt(RECEIPT)).toHaveLength(64);
  });

  test('never signs what it cannot read or what another key spends', async () => {
    const { publicKey: from } = await vault.restore(formatWords(hash(3)));
    const tx = transferOf(from!);
    for (const bad of [new Uint8Array(), tx.slice(1), concat(tx, Uint8Array.of(0)), hash(0)]) {
      await expect(vault.sign(bad)).rejects.toThrow(code('TX_MALFORMED'));
      await expect(vault.describe(bad)).rejects.toThrow(code('TX_MALFORMED'));
    }
    await expect(vault.sign(transferOf(hash(1)))).rejects.toThrow(code('TX_SENDER'));
  });

  test('says what the bytes do, in text that cannot turn the line', async () => {
    const from = addressOf(hash(1));
    const common = { chainId: 3, network: 'local', from, fee: 1000n, nonce: 4n, expiry: 99 };
    const none = { to: undefined, memo: '', prepays: undefined, closes: undefined };
    expect(await vault.describe(transferOf(hash(1)))).toEqual({
      type: 'transfer',
      ...common,
      ...none,
      to: hash(7),
      amount: 5n,
      memo: 'caffè\ufffd',
    });
    const { limit, ...prepays } = PREPAID;
    expect(await vault.describe(buildChannel(base(hash(1)), PREPAID))).toEqual({
      type: 'channel',
      ...common,
      ...none,
      amount: limit,
      prepays,
    });
    const closes = { channel: hash(2), amount: 5000n };
    const { nonce: _, ...unordered } = base(hash(1));
    const close = buildClose(unordered, { ...closes, voucher: new Uint8Array(64) });
    // The channel pays: nothing leaves the account.
    expect(await vault.describe(close)).toEqual({
      type: 'close',
      ...common,
      ...none,
      amount: 0n,
      nonce: 0n,
      closes,
    });
    const unknown = buildTransfer({ ...base(hash(1)), chainId: 77 }, { to: hash(7), amount: 5n });
    expect(await vault.describe(unknown)).toMatchObject({ chainId: 77, network: undefined });
  });
});

describe('accounts', () => {
  const entropy = hash(3);
  const addressAt = (account: number) => keyFromEntropy(entropy, account).address;
  beforeEach(async () => void (await vault.restore(formatWords(entropy))));

  test('come from the same words, are named, and one is in use', async () => {
    const ahead = Array.from({ length: 15 }, (_, i) => addressAt(i + 1));
    expect(await vault.accountsAhead()).toEqual(ahead);
    expect(await vault.addAccount('  Savings  ')).toMatchObject({
      accounts: [
        { index: 0, name: '', address: addressAt(0) },
        { index: 1, name: 'Savings', address: addressAt(1) },
      ],
      current: 1,
      address: addressAt(1),
    });
    expect(await vault.accountsAhead()).toEqual(ahead.slice(1));
    expect(await vault.useAccount(0)).toMatchObject({ current: 0, address: addressAt(0) });
    await vault.renameAccount(0, 'Daily \u202e');
    const later = await newVault().status();
    expect(later.accounts.map(({ name }) => name)).toEqual(['Daily \ufffd', 'Savings']);
    expect(later.accounts[1]!.publicKey).toEqual(keyFromEntropy(entropy, 1).publicKey);
    expect(later.backedUp).toBe(true);
  });

  test('each signs what it sends, and no other', async () => {
    const { accounts } = await vault.addAccount('Savings');
    for (const { publicKey } of accounts) {
      const signed = decode(SignedTx, await vault.sign(transferOf(publicKey)));
      expect(signed.tx.from).toEqual(publicKey);
      expect(verifySignature(GENESIS_ID, signed)).toBe(true);
    }
    const third = keyFromEntropy(entropy, 2).publicKey;
    await expect(vault.sign(transferOf(third))).rejects.toThrow(code('TX_SENDER'));
  });

  test('are read and chosen while locked; a new one and a name need the keys', async () => {
    await vault.addAccount('Savings');
    await vault.protect(STRONG);
    await vault.lock();
    await expect(vault.addAccount('Third')).rejects.toThrow(code('VAULT_LOCKED'));
    await expect(vault.accountsAhead()).rejects.toThrow(code('VAULT_LOCKED'));
    const status = await vault.useAccount(0);
    expect(status).toMatchObject({ locked: true, current: 0, address: addressAt(0) });
    expect(status.accounts.map((a) => a.address)).toEqual([addressAt(0), addressAt(1)]);
    await expect(vault.renameAccount(1, 'Later')).rejects.toThrow(code('VAULT_LOCKED'));
    const { accounts } = await vault.unlock(STRONG);
    expect(accounts[1]!.name).toBe('Savings');
    expect((await vault.renameAccount(1, 'Later')).accounts[1]!.name).toBe('Later');
    expect((await vault.sign(transferOf(accounts[1]!.publicKey))).length).toBeGreaterThan(64);
  });

  test('sixteen and no more; names of 1 to 32 characters; only those there are', async () => {
    for (let i = 1; i < 16; i++) await vault.addAccount(`Account ${i}`);
    await expect(vault.addAccount('One more')).rejects.toThrow(code('ACCOUNTS_FULL'));
    expect((await newVault().status()).accounts.length).toBe(16);
    expect((await vault.renameAccount(3, '🔋'.repeat(32))).accounts[3]!.name).toHaveLength(64);
    for (const name of ['', '  ', 'x'.repeat(33)])
      await expect(vault.renameAccount(3, name)).rejects.toThrow(code('NAME_MALFORMED'));
    for (const nothing of ['\u3164', '\u2800 \u115f', '\u0301'])
      await expect(vault.renameAccount(3, nothing)).rejects.toThrow(code('NAME_BLANK'));
    for (const index of [16, -1, 0.5])
      await expect(vault.useAccount(index)).rejects.toThrow(code('ACCOUNT_UNKNOWN'));
  });

  test('of another key than the words give are found out', async () => {
    await vault.addAccount('Savings');
    const record = (await storage.load())!;
    const stored = decodeVault(record.blob);
    const accounts = [stored.accounts[0]!, { ...stored.accounts[1]!, publicKey: hash(9) }];
    await storage.save({ ...record, blob: encodeVault({ ...stored, accounts }) }, record.blob);
    await expect(newVault().backupQuiz()).rejects.toThrow(code('VAULT_TAMPERED'));
    const none = encodeVault({ ...stored, accounts: [], current: 0 });
    expect(() => decodeVault(none)).toThrow(code('VAULT_CORRUPT'));
    expect(() => decodeVault(encodeVault({ ...stored, current: 2 }))).toThrow(
      code('VAULT_CORRUPT'),
    );
  });

  test.each(['version1', 'version2', 'version3', 'version4'] as const)(
    'of %s are read, believed once its keys say so, and stored as version 5',
    async (version) => {
      const deviceKey = await oldDeviceKey();
      const count = version === 'version1' ? 1 : 2;
      await storage.erase();
      const mac = version === 'version4' ? await oldMac(old.version4Mac) : {};
      await storage.save({ blob: fromHex(old[version])!, deviceKey, ...mac }, undefined);
      const later = newVault();
      const address = addressAt(count - 1);
      expect(await later.status()).toMatchObject({ backedUp: true, verified: true, address });
      expect((await storage.load())!.blob[0]).toBe(5);
      expect(await newVault().servingKey()).toEqual(keyAtPath(entropy, SERVING_PATH).publicKey);
      expect(parseWords(await later.words(undefined))).toEqual(entropy);
      expect((await later.addAccount('Next')).accounts.length).toBe(count + 1);
      expect(parseWords(await newVault().words(undefined))).toEqual(entropy);
    },
  );

  test.each([
    ['passphrase', (opened: VaultApi) => opened.unlock(old.passphrase)],
    ['passkey', (opened: VaultApi) => opened.unlockByPasskey(fromHex(old.passkeyOutput)!)],
  ])(
    'of version 3 under a passphrase show no address until its %s has opened them',
    async (_, open) => {
      await storage.erase();
      await storage.save(
        { blob: fromHex(old.version3Protected)!, deviceKey: undefined },
        undefined,
      );
      const hidden = {
        exists: true,
        locked: true,
        address: undefined,
        accounts: [],
        problem: undefined,
      };
      expect(await newVault().status()).toMatchObject(hidden);
      const opened = newVault();
      expect(await opened.status()).toMatchObject(hidden);
      expect(await open(opened)).toMatchObject({ locked: false, address: addressAt(1) });
      const known = { locked: true, verified: false, address: addressAt(1) };
      expect(await newVault().status()).toMatchObject(known);
      const again = newVault();
      await again.unlock(old.passphrase);
      expect(await again.words(old.passphrase)).toBe(formatWords(entropy));
      expect(await newVault().unlockByPasskey(fromHex(old.passkeyOutput)!)).toMatchObject({
        locked: false,
        accounts: [{ name: '' }, { name: 'Savings' }],
      });
    },
  );
});

describe('a vault of version 4, from before keys signed unattended', () => {
  const entropy = hash(3);
  const serving = keyAtPath(entropy, SERVING_PATH).publicKey;
  const openFor = (one: VaultApi) => one.openFor({ network: 'local', genesis: GENESIS });
  async function store(): Promise<void> {
    const mac = await oldMac(old.version4ProtectedMac);
    const blob = fromHex(old.version4Protected)!;
    await storage.save({ blob, deviceKey: undefined, ...mac }, undefined);
  }

  test.each([
    ['passphrase', CHEAP, (opened: VaultApi) => opened.unlock(old.passphrase)],
    [
      'passphrase, sealed anew',
      { ...CHEAP, logN: 11 },
      (opened: VaultApi) => opened.unlock(old.passphrase),
    ],
    ['passkey', CHEAP, (opened: VaultApi) => opened.unlockByPasskey(fromHex(old.passkeyOutput)!)],
  ])('has them once its %s has opened it, and is whole before and after', async (_, cost, open) => {
    await store();
    const later = createVault({ storage, crypto, clock, cost });
    await openFor(later);
    const known = { locked: true, backedUp: true, current: 1, problem: undefined };
    expect(await later.status()).toMatchObject(known);
    expect(await later.servingKey()).toBe(undefined);
    await expect(later.signReceipt(RECEIPT)).rejects.toThrow(code('SERVING_MISSING'));
    await expect(later.newSigner()).rejects.toThrow(code('VAULT_LOCKED'));
    const opened = await open(later);
    expect(opened).toMatchObject({ ...known, locked: false, verified: true });
    expect(await later.servingKey()).toEqual(serving);
    await later.lock();
    expect(await later.signReceipt(RECEIPT)).toHaveLength(64);
    const restarted = newVault();
    expect(await restarted.servingKey()).toEqual(serving);
    expect((await restarted.unlockByPasskey(fromHex(old.passkeyOutput)!)).locked).toBe(false);
    expect(await restarted.words(old.passphrase)).toBe(formatWords(entropy));
  });

  test('opens also where they cannot be stored, and gets them at the next start', async () => {
    const inner = storage;
    await store();
    const full = () => Promise.reject(new Error('no room'));
    storage = { ...inner, save: full };
    const later = newVault();
    const opened = { locked: false, verified: true };
    await expect(later.unlock(old.passphrase)).resolves.toMatchObject(opened);
    expect(await later.servingKey()).toBe(undefined);
    await expect(later.newSigner()).rejects.toThrow(code('SERVING_MISSING'));
    storage = inner;
    const next = newVault();
    await next.unlock(old.passphrase);
    expect(await next.servingKey()).toEqual(serving);
  });
});

describe('another time until it locks', () => {
  beforeEach(async () => void (await vault.restore(formatWords(hash(3)))));

  test.each([1, 15, 60])('%i minutes', async (minutes) => {
    await vault.protect(STRONG);
    expect(await vault.lockAfter(minutes)).toMatchObject({ lockMinutes: minutes });
    clock.advance(minutes * 60_000 - 1);
    expect((await vault.status()).locked).toBe(false);
    changes = [];
    // By its own timer, before anybody asks.
    clock.advance(1);
    await until(() => changes.length > 0);
    expect(changes).toMatchObject([{ locked: true }]);
    expect((await newVault().status()).lockMinutes).toBe(minutes);
  });

  test('is one of four, and whoever finds it locked cannot choose it', async () => {
    await vault.protect(STRONG);
    for (const minutes of [0, 61, 1e9, -1, NaN])
      await expect(vault.lockAfter(minutes)).rejects.toThrow(code('LOCK_RANGE'));
    await vault.lock();
    await expect(vault.lockAfter(60)).rejects.toThrow(code('VAULT_LOCKED'));
    const blob = decodeVault((await storage.load())!.blob);
    const forever = encodeVault({ ...blob, lockMinutes: 255 });
    expect(() => decodeVault(forever)).toThrow(code('VAULT_CORRUPT'));
  });

  test('a minute in which nobody sees the page locks; coming back in time does not', async () => {
    const { publicKey } = await vault.protect(STRONG);
    await vault.lockAfter(60);
    await vault.setHidden(true);
    clock.advance(HIDDEN_LOCK_MS - 1);
    await vault.setHidden(false);
    clock.advance(HIDDEN_LOCK_MS);
    expect((await vault.sign(transferOf(publicKey!))).length).toBeGreaterThan(64);
    await vault.setHidden(true);
    changes = [];
    clock.advance(HIDDEN_LOCK_MS);
    expect((await vault.status()).locked).toBe(true);
    expect(changes).toMatchObject([{ locked: true }]);
  });
});

describe('a passkey', () => {
  const salt = hash(1);
  const [output, wrong] = [hash(0x5e), hash(0x5f)];
  const credential = Uint8Array.of(1, 2, 3);
  const passkey = () => ({ credential, salt, output: output.slice() });
  beforeEach(async () => void (await vault.restore(formatWords(hash(3)))));

  test('opens beside the passphrase, and neither needs the other', async () => {
    await vault.protect(STRONG);
    expect((await vault.addPasskey(STRONG, passkey())).passkey).toEqual({ credential, salt });
    await vault.lock();
    await expect(vault.unlockByPasskey(wrong)).rejects.toThrow(code('PASSKEY_WRONG'));
    expect((await vault.status()).locked).toBe(true);
    expect((await vault.unlockByPasskey(output)).locked).toBe(false);
    const { publicKey } = await vault.status();
    expect((await vault.sign(transferOf(publicKey!))).length).toBeGreaterThan(64);
    expect((await newVault().unlock(STRONG)).locked).toBe(false);
  });

  test('is added by who knows the passphrase, once there is one', async () => {
    await expect(vault.addPasskey(STRONG, passkey())).rejects.toThrow(code('PASSKEY_UNPROTECTED'));
    await vault.protect(STRONG);
    await expect(vault.addPasskey(OTHER, passkey())).rejects.toThrow(code('PASSPHRASE_WRONG'));
    await vault.lock();
    await expect(vault.addPasskey(STRONG, passkey())).rejects.toThrow(code('VAULT_LOCKED'));
    await expect(vault.unlockByPasskey(output)).rejects.toThrow(code('PASSKEY_MISSING'));
  });

  test('shows no words and changes no passphrase', async () => {
    await vault.protect(STRONG);
    await vault.addPasskey(STRONG, passkey());
    await vault.lock();
    await vault.unlockByPasskey(output);
    await expect(vault.words(undefined)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    await expect(vault.protect(OTHER)).rejects.toThrow(code('PASSPHRASE_WRONG'));
  });

  test('outlives another passphrase and a dearer derivation, not its removal', async () => {
    await vault.protect(STRONG);
    await vault.addPasskey(STRONG, passkey());
    await vault.protect(OTHER, STRONG);
    const dearer = newVault({ logN: 11, r: 8, p: 1 });
    expect((await dearer.unlock(OTHER)).passkey).toEqual({ credential, salt });
    expect(decodeVault((await storage.load())!.blob).wrap).toMatchObject({ logN: 11 });
    expect((await newVault().unlockByPasskey(output)).locked).toBe(false);
    await vault.lock();
    expect((await vault.removePasskey()).passkey).toBe(undefined);
    await expect(newVault().unlockByPasskey(output)).rejects.toThrow(code('PASSKEY_MISSING'));
  });
});

describe('a wallet file', () => {
  const entropy = hash(0xab);
  beforeEach(async () => void (await vault.restore(formatWords(entropy))));
  const elsewhere = () => createVault({ storage: memoryStorage(), crypto, clock, cost: CHEAP });
  /** As it comes back from a disk. */
  const saved = async () => JSON.parse(JSON.stringify(await vault.exportFile())) as object;

  test('carries accounts and keys to another device, sealed by the passphrase', async () => {
    await vault.addAccount('Savings');
    const status = await vault.protect(STRONG);
    const file = await saved();
    const text = JSON.stringify(file);
    for (const secret of [entropy, keyFromEntropy(entropy).secret])
      expect(text).not.toContain(toHex(secret));
    const other = elsewhere();
    await expect(other.importFile(file, OTHER)).rejects.toThrow(code('PASSPHRASE_WRONG'));
    expect((await other.status()).exists).toBe(false);
    expect(await other.importFile(file, STRONG)).toEqual(status);
    expect(await other.words(STRONG)).toBe(formatWords(entropy));
    await expect(other.importFile(file, STRONG)).rejects.toThrow(code('VAULT_EXISTS'));
  });

  test('needs a passphrase: a device key does not leave its device', async () => {
    await expect(vault.exportFile()).rejects.toThrow(code('EXPORT_UNPROTECTED'));
  });

  test('also while locked; what is no file, or asks too much, is refused', async () => {
    await vault.protect(STRONG);
    await vault.lock();
    const file = (await saved()) as Record<string, any>;
    const bad = [
      undefined,
      {},
      [],
      { ...file, cipher: 'rot13' },
      { ...file, accounts: [] },
      { ...file, current: 1 },
      { ...file, kdf: { ...file['kdf'], logN: 40 } },
      { ...file, entropy: { iv: 'zz', data: '00' } },
      { ...file, accounts: [{ name: 'x'.repeat(200), publicKey: toHex(hash(1)) }] },
    ];
    for (const x of bad)
      await expect(elsewhere().importFile(x, STRONG)).rejects.toThrow(code('FILE_MALFORMED'));
    const [account] = file['accounts'] as [object];
    const forged = [account, { name: 'Mine', publicKey: toHex(hash(9)) }];
    await expect(elsewhere().importFile({ ...file, accounts: forged }, STRONG)).rejects.toThrow(
      code('FILE_MALFORMED'),
    );
  });
});

describe('the backup quiz', () => {
  test('asks a place in each third, with the right word among six', async () => {
    await vault.create();
    const words = (await vault.words(undefined)).split(' ');
    for (let i = 0; i < 20; i++) {
      const quiz = await vault.backupQuiz();
      expect(quiz.map((q) => Math.ceil(q.place / 8))).toEqual([1, 2, 3]);
      for (const q of quiz) {
        expect(new Set(q.choices).size).toBe(6);
        expect(q.choices).toContain(words[q.place - 1]);
      }
    }
  });

  test('one wrong answer uses it up', async () => {
    await vault.create();
    const words = (await vault.words(undefined)).split(' ');
    await expect(vault.proveBackup([])).rejects.toThrow(code('BACKUP_WRONG'));
    const quiz = await vault.backupQuiz();
    const right = quiz.map((q) => words[q.place - 1]!);
    await expect(vault.proveBackup(right.slice(0, -1))).rejects.toThrow(code('BACKUP_WRONG'));
    await expect(vault.proveBackup(right)).rejects.toThrow(code('BACKUP_WRONG'));
    expect((await vault.status()).backedUp).toBe(false);
    await backUp();
    expect((await newVault().status()).backedUp).toBe(true);
  });
});

describe('damage', () => {
  const alter = async (change: (blob: Uint8Array) => Uint8Array, keepKey = true) => {
    const { blob, deviceKey, ...mac } = (await storage.load())!;
    const record = {
      blob: change(blob.slice()),
      deviceKey: keepKey ? deviceKey : undefined,
      ...mac,
    };
    expect(await storage.save(record, blob)).toBe(true);
  };
  /** Changes one stored byte and makes the checksum right again. */
  const forge = (at: number) => (blob: Uint8Array) => {
    const data = blob.slice(0, -32);
    data[at < 0 ? data.length + at : at]! ^= 1;
    return concat(data, plainHash(data));
  };

  test('is told from a wrong passphrase, and never overwritten', async () => {
    await vault.restore(formatWords(hash(3)));
    await vault.protect(STRONG);
    await alter((blob) => blob.with(200, blob[200]! ^ 1));
    const later = newVault();
    expect(await later.status()).toMatchObject({
      exists: true,
      locked: true,
      problem: 'VAULT_CORRUPT',
    });
    await expect(later.unlock(STRONG)).rejects.toThrow(code('VAULT_CORRUPT'));
    const stored = (await storage.load())!.blob;
    await expect(later.create()).rejects.toThrow(code('VAULT_EXISTS'));
    await expect(later.restore(formatWords(hash(3)))).rejects.toThrow(code('VAULT_EXISTS'));
    expect((await storage.load())!.blob).toEqual(stored);
    expect((await later.erase()).exists).toBe(false);
    expect((await later.restore(formatWords(hash(3)))).exists).toBe(true);
  });

  test('of any byte is found out, even under a right checksum, and nothing is believed', async () => {
    await vault.create();
    await vault.addAccount('Savings');
    const { blob } = (await storage.load())!;
    for (let at = 0; at < blob.length - 32; at++) {
      await alter(forge(at));
      const { problem, address, accounts } = await newVault().status();
      expect(problem ?? 'none', `byte ${at}`).toMatch(/^VAULT_(CORRUPT|TAMPERED|VERSION)$/);
      expect({ address, accounts }, `byte ${at}`).toEqual({ address: undefined, accounts: [] });
      await alter(() => blob);
    }
    expect((await newVault().words(undefined)).split(' ').length).toBe(24);
  });

  test('a lost device key, an empty record, a newer version', async () => {
    await vault.create();
    await alter((blob) => blob, false);
    await expect(newVault().words(undefined)).rejects.toThrow(code('VAULT_CORRUPT'));
    await alter((blob) => {
      const data = blob.slice(0, -32).with(0, 6);
      return concat(data, plainHash(data));
    });
    await expect(newVault().words(undefined)).rejects.toThrow(code('VAULT_VERSION'));
    expect(await newVault().status()).toMatchObject({ problem: 'VAULT_VERSION' });
    await alter(() => new Uint8Array());
    await expect(newVault().words(undefined)).rejects.toThrow(code('VAULT_CORRUPT'));
  });

  test('a blob cannot ask for boundless work or for none', async () => {
    await vault.restore(formatWords(hash(3)));
    await vault.protect(STRONG);
    const blob = decodeVault((await storage.load())!.blob);
    for (const cost of [
      { logN: 40 },
      { logN: 9 },
      { r: 0 },
      { logN: 17, r: 33 },
      { p: 0 },
      { p: 5 },
    ])
      expect(() => decodeVault(encodeVault({ ...blob, wrap: { ...blob.wrap, ...cost } }))).toThrow(
        code('VAULT_CORRUPT'),
      );
  });

  test('a storage that fails says so', async () => {
    const broken = {
      open: () => {
        throw new Error('private window');
      },
    };
    storage = createStorage([databaseHome(broken as unknown as IDBFactory)]);
    await expect(newVault().status()).rejects.toThrow(code('STORAGE_FAILED'));
    await expect(newVault().create()).rejects.toThrow(code('STORAGE_FAILED'));
  });
});

describe('two tabs', () => {
  test('see each other: erased, protected, and never overwritten', async () => {
    await vault.create();
    const other = newVault();
    await vault.protect(STRONG);
    expect(await other.status()).toMatchObject({ protected: true, locked: true });
    await other.unlock(STRONG);
    await other.erase();
    await expect(vault.words(STRONG)).rejects.toThrow(code('VAULT_MISSING'));
    await other.restore(formatWords(hash(4)));
    expect(await vault.words(undefined)).toBe(formatWords(hash(4)));
  });

  /** A vault that hears its like over a real channel, as each tab's worker does. */
  function inTab() {
    const channel = new BroadcastChannel('vaults');
    const seen: VaultStatus[] = [];
    const others = {
      send: (what: string) => channel.postMessage(what),
      onMessage: (listener: (what: unknown) => void) =>
        channel.addEventListener('message', (e) => listener(e.data)),
    };
    const onChange = (status: VaultStatus) => void seen.push(status);
    const api = createVault({ storage, crypto, clock, cost: CHEAP, others, onChange });
    void api.openFor({ network: 'local', genesis: undefined });
    return { api, seen, channel };
  }

  test('hear of each other at once: changed, locked, erased; each is unlocked by itself', async () => {
    const [one, two] = [inTab(), inTab()];
    const last = () => two.seen.at(-1);
    await one.api.create();
    await until(() => last()?.exists === true);
    await one.api.protect(STRONG);
    await until(() => last()?.locked === true);
    await two.api.unlock(STRONG);
    const { publicKey } = await one.api.addAccount('Savings');
    await until(() => last()?.current === 1);
    expect(last()).toMatchObject({ locked: false, publicKey });
    expect(await two.api.newSigner()).toHaveLength(32);
    await one.api.lock();
    await until(() => last()?.locked === true);
    await expect(two.api.newSigner()).rejects.toThrow(code('VAULT_LOCKED'));
    await one.api.unlock(STRONG);
    two.seen.splice(0);
    one.channel.postMessage('nonsense');
    await one.api.erase();
    await until(() => last()?.exists === false);
    expect(two.seen.length).toBe(1);
    for (const { channel } of [one, two]) channel.close();
  });

  test('a change under one tab stops the other from writing', async () => {
    await vault.create();
    const inner = storage;
    const before = (await inner.load())!;
    // The other tab writes between this one's reading and writing.
    storage = { ...inner, load: async () => before };
    const after = { ...before, blob: encodeVault({ ...decodeVault(before.blob), backedUp: 1 }) };
    await inner.save(after, before.blob);
    await expect(newVault().protect(STRONG)).rejects.toThrow(code('VAULT_CHANGED'));
    await expect(newVault().addAccount('Savings')).rejects.toThrow(code('VAULT_CHANGED'));
    expect(decodeVault((await inner.load())!.blob)).toMatchObject({ backedUp: 1 });
  });
});

test.each([
  ['IndexedDB', () => createStorage([databaseHome(new IDBFactory())])],
  ['memory', memoryStorage],
])('%s storage replaces only what it is told to', async (_, create) => {
  const store = create();
  const record = (n: number) => ({ blob: hash(n), deviceKey: undefined });
  expect(await store.load()).toBe(undefined);
  expect(await store.save(record(1), hash(0))).toBe(false);
  expect(await store.save(record(1), undefined)).toBe(true);
  expect(await store.save(record(2), undefined)).toBe(false);
  expect(await store.save(record(2), hash(1))).toBe(true);
  expect((await store.load())!.blob).toEqual(hash(2));
  await store.erase();
  expect(await store.load()).toBe(undefined);
});

test('more calls than the queue holds are refused', async () => {
  const calls = Array.from({ length: 32 + 256 + 8 }, () => vault.status());
  const results = await Promise.allSettled(calls);
  const refused = results.filter((r) => r.status === 'rejected');
  expect(refused.map((r) => (r.reason as { code: string }).code)).toEqual(
    Array<string>(8).fill('QUEUE_FULL'),
  );
});

test('works across a port, with codes', async () => {
  const { port1, port2 } = new MessageChannel();
  expose(vault, port2 as Port);
  const client = connect<VaultApi>(port1);
  const { address } = await client.create();
  expect(address).toBeInstanceOf(Uint8Array);
  await expect(client.create()).rejects.toThrow(code('VAULT_EXISTS'));
  port1.close();
});
