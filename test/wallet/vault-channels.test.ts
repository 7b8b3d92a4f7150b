/** Keys that sign with nobody there: what they sign, what they never sign, and what a person sets. */
import { HDKey } from '@scure/bip32';
import { mnemonicToSeedSync } from '@scure/bip39';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, describe, expect, test } from 'vitest';
import { addressOf } from '../../src/core/address.ts';
import { askHash, receiptHash, signHash, verifyHash, voucherHash } from '../../src/core/channel.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { Header, SignedTx, Tx, type TxOf } from '../../src/core/formats.ts';
import { blockId, genesisPoint } from '../../src/core/header/header.ts';
import { createParams } from '../../src/core/params.ts';
import { signTx, txBytes, txId, verifySignature } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { CHANNELS_LIMIT_FIRST } from '../../src/wallet/channels.ts';
import { keyAtPath, keyFromEntropy, SERVING_PATH, signerPath } from '../../src/wallet/keys.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import { decodeVault, openDataKey } from '../../src/wallet/vault/vault-blob.ts';
import { databaseHome } from '../../src/wallet/vault/vault-places.ts';
import { createStorage, type VaultStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault, IDLE_LOCK_MS } from '../../src/wallet/vault/vault.ts';
import { CHEAP, code, hash, RECEIPT, STRONG } from './values.ts';

const VLT = 1_000_000_000n;
const BLOCK_MS = 5000;
const GENESIS_MS = 1e12;
const ENTROPY = hash(3);
const WORDS = formatWords(ENTROPY);
const genesisHeader = genesisPoint(createParams('local', []), GENESIS_MS).header;
const GENESIS = blockId(genesisHeader);
/** Of somebody else: a provider, or an asker. */
const other = keyFromEntropy(hash(77));

let storage: VaultStorage;
let nowMs: number;
let vault: VaultApi;
let from: Uint8Array;

/** As each start makes one, over the same storage. */
function newVault(): VaultApi {
  const clock = { now: () => nowMs, after: () => () => {} };
  const made = createVault({ storage, crypto, clock, cost: CHEAP });
  const genesis = toHex(encode(Header, genesisHeader));
  void made.openFor({ network: 'local', genesis });
  return made;
}
beforeEach(async () => {
  storage = createStorage([databaseHome(new IDBFactory())]);
  nowMs = GENESIS_MS + 1000 * BLOCK_MS;
  vault = newVault();
  from = (await vault.restore(WORDS)).publicKey!;
});

const lock = async () => {
  await vault.protect(STRONG);
  await vault.lock();
};

const base = { chainId: 3, nonce: 4n, expiry: 1100, fee: 1000n };
/** This wallet prepays somebody. */
const openingOf = (signer: Uint8Array, change: Partial<TxOf<'channel'>> = {}): TxOf<'channel'> => ({
  type: 'channel',
  ...base,
  from,
  provider: other.publicKey,
  payee: other.address,
  signer,
  limit: VLT,
  lifetime: 100,
  ...change,
});
const encoded = (tx: Tx) => encode(Tx, tx);
/** Signs a channel as this wallet, and says its id. */
async function open(change: Partial<TxOf<'channel'>> = {}, by = vault): Promise<Uint8Array> {
  const tx = openingOf(await by.newSigner(), change);
  await by.sign(encoded(tx));
  return txId(GENESIS, tx);
}

describe('the serving key', () => {
  test('comes from the words by a hardened path of its own, and is no account', async () => {
    const key = await vault.servingKey();
    const root = HDKey.fromMasterSeed(mnemonicToSeedSync(WORDS));
    expect(toHex(root.derive("m/44'/7333'/0'/2'/0'").publicKey!.slice(1))).toBe(toHex(key!));
    for (let i = 0; i < 3; i++) await vault.addAccount(`Account ${i}`);
    const { accounts } = await vault.status();
    expect(accounts.map(({ publicKey }) => toHex(publicKey))).not.toContain(toHex(key!));
    expect(await newVault().servingKey()).toEqual(key);
  });

  test('is there as soon as the words are: made, restored, from a file; and not before', async () => {
    await vault.protect(STRONG);
    const file = await vault.exportFile();
    const key = await vault.servingKey();
    await vault.erase();
    expect(await vault.servingKey()).toBe(undefined);
    await vault.importFile(file, STRONG);
    expect(await vault.servingKey()).toEqual(key);
    await vault.erase();
    await vault.restore(WORDS, STRONG);
    expect(await vault.servingKey()).toEqual(key);
    await vault.erase();
    await vault.create();
    expect(await vault.servingKey()).not.toEqual(key);
  });

  test('is in no file, nor its secret', async () => {
    await vault.protect(STRONG);
    const text = JSON.stringify(await vault.exportFile());
    const { publicKey, secret } = keyAtPath(ENTROPY, SERVING_PATH);
    for (const bytes of [publicKey, secret]) expect(text).not.toContain(toHex(bytes));
    expect(toHex((await storage.load())!.blob)).not.toContain(toHex(secret));
    expect((await storage.load())!.delegatesKey!.extractable).toBe(false);
  });
});

test('the key of this device that opens them opens no words', async () => {
  const { blob, deviceKey, delegatesKey } = (await storage.load())!;
  await openDataKey(crypto, decodeVault(blob), deviceKey!);
  const opened = openDataKey(crypto, decodeVault(blob), delegatesKey!);
  await expect(opened).rejects.toThrow(code('VAULT_CORRUPT'));
  await vault.protect(STRONG);
  const after = (await storage.load())!;
  expect(after.deviceKey).toBe(undefined);
  const sealed = openDataKey(crypto, decodeVault(after.blob), after.delegatesKey!);
  await expect(sealed).rejects.toThrow(code('PASSPHRASE_WRONG'));
});

describe('a receipt', () => {
  test('is signed by the serving key while the keys are locked, also after a restart', async () => {
    await lock();
    const key = (await vault.servingKey())!;
    for (const each of [vault, newVault()]) {
      const signature = await each.signReceipt(RECEIPT);
      expect(verifyHash(receiptHash(GENESIS, RECEIPT), signature, key)).toBe(true);
      expect(verifyHash(receiptHash(GENESIS, RECEIPT), signature, from)).toBe(false);
      expect((await each.status()).locked).toBe(true);
    }
  });

  test('names the first block of the chain: none is signed where that is unknown', async () => {
    const later = createVault({
      storage,
      crypto,
      clock: { now: () => nowMs, after: () => () => {} },
    });
    await expect(later.signReceipt(RECEIPT)).rejects.toThrow(code('CHAIN_REFUSED'));
    await later.openFor({ network: 'local', genesis: undefined });
    await expect(later.signReceipt(RECEIPT)).rejects.toThrow(code('CHAIN_REFUSED'));
    await expect(later.signVoucher(hash(1), 1n)).rejects.toThrow(code('CHAIN_REFUSED'));
  });

  test('does not keep the keys open, nor does a voucher', async () => {
    const id = await open();
    await vault.protect(STRONG);
    nowMs += IDLE_LOCK_MS - 1;
    await vault.signReceipt(RECEIPT);
    await vault.signVoucher(id, 1n);
    expect((await vault.status()).locked).toBe(false);
    nowMs += 1;
    expect((await vault.status()).locked).toBe(true);
  });

  test('is not signed where there are no keys', async () => {
    await vault.erase();
    await expect(vault.signReceipt(RECEIPT)).rejects.toThrow(code('VAULT_MISSING'));
  });
});

describe('a close', () => {
  /** Somebody prepays this wallet. */
  async function earned(change: Partial<TxOf<'channel'>> = {}) {
    const servingKey = (await vault.servingKey())!;
    const asker = { from: other.publicKey, signer: other.publicKey };
    const ours = { provider: servingKey, payee: addressOf(from) };
    const tx = openingOf(other.publicKey, { ...asker, ...ours, ...change });
    const close: TxOf<'close'> = {
      type: 'close',
      ...base,
      from: servingKey,
      nonce: 0n,
      channel: txId(GENESIS, tx),
      amount: VLT,
      voucher: signHash(voucherHash(GENESIS, txId(GENESIS, tx), VLT), other.secret),
    };
    return { opening: txBytes(signTx(GENESIS, tx, other.secret)), close };
  }

  test('of a channel that pays any account of this wallet is signed while the keys are locked', async () => {
    const { publicKey: second } = await vault.addAccount('Savings');
    await lock();
    for (const payee of [from, second!].map(addressOf)) {
      const { opening, close } = await earned({ payee });
      const signed = decode(SignedTx, await newVault().signClose(encoded(close), opening));
      expect(signed.tx).toEqual(close);
      expect(verifySignature(GENESIS, signed)).toBe(true);
    }
    expect((await vault.status()).locked).toBe(true);
  });

  test('to a payee of somebody else is not signed', async () => {
    for (const payee of [other.address, from, (await vault.servingKey())!]) {
      const { opening, close } = await earned({ payee });
      const refused = vault.signClose(encoded(close), opening);
      await expect(refused).rejects.toThrow(code('CHANNEL_FOREIGN'));
    }
  });

  test('of another provider’s channel is not signed', async () => {
    const { opening, close } = await earned({ provider: other.publicKey });
    const refused = vault.signClose(encoded(close), opening);
    await expect(refused).rejects.toThrow(code('CHANNEL_FOREIGN'));
  });

  test('of another channel than its opening’s is not signed', async () => {
    const { opening, close } = await earned();
    const another = (await earned({ limit: 2n * VLT })).close.channel;
    for (const wrong of [{ channel: hash(9) }, { channel: another }]) {
      const refused = vault.signClose(encoded({ ...close, ...wrong }), opening);
      await expect(refused).rejects.toThrow(code('CHANNEL_UNKNOWN'));
    }
  });

  test('takes no more than the limit, and pays no more than it takes', async () => {
    const { opening, close } = await earned();
    for (const wrong of [{ amount: VLT + 1n }, { amount: 999n }]) {
      const refused = vault.signClose(encoded({ ...close, ...wrong }), opening);
      await expect(refused).rejects.toThrow(code('CHANNEL_AMOUNT'));
    }
    const all = encoded({ ...close, amount: 1000n });
    expect(verifySignature(GENESIS, decode(SignedTx, await vault.signClose(all, opening)))).toBe(
      true,
    );
  });

  test('is for this chain, by the serving key, and burns no more than is allowed with nobody there', async () => {
    const { opening, close } = await earned();
    for (const [wrong, why] of [
      [{ chainId: 4 }, 'CHAIN_REFUSED'],
      [{ from }, 'TX_SENDER'],
      [{ fee: VLT / 2n + 10_000_001n }, 'UNASKED_REFUSED'],
    ] as const) {
      const refused = vault.signClose(encoded({ ...close, ...wrong }), opening);
      await expect(refused, why).rejects.toThrow(code(why));
    }
    const { opening: foreign, close: ofIt } = await earned({ chainId: 4 });
    await expect(vault.signClose(encoded(ofIt), foreign)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
  });
});

describe('a signer', () => {
  test('is made while the keys are open, each of its own hardened path, and none twice', async () => {
    const made = [await vault.newSigner(), await vault.newSigner(), await newVault().newSigner()];
    const root = HDKey.fromMasterSeed(mnemonicToSeedSync(WORDS));
    const keys = [0, 1, 2].map((n) => root.derive(`m/44'/7333'/0'/3'/${n}'`).publicKey!.slice(1));
    expect(made.map(toHex)).toEqual(keys.map(toHex));
    await lock();
    await expect(vault.newSigner()).rejects.toThrow(code('VAULT_LOCKED'));
    await vault.unlock(STRONG);
    expect(await vault.newSigner()).toEqual(keyAtPath(ENTROPY, signerPath(3)).publicKey);
  });

  test('of somebody else opens no channel, nor does a key of this wallet that is none', async () => {
    await vault.newSigner();
    const own = [from, (await vault.servingKey())!, keyAtPath(ENTROPY, signerPath(1)).publicKey];
    for (const signer of [other.publicKey, ...own]) {
      const refused = vault.sign(encoded(openingOf(signer)));
      await expect(refused).rejects.toThrow(code('CHANNEL_FOREIGN'));
    }
  });

  test('is in one channel; the same channel is signed again', async () => {
    const signer = await vault.newSigner();
    const tx = encoded(openingOf(signer));
    const signed = await vault.sign(tx);
    expect(await newVault().sign(tx)).toEqual(signed);
    const second = vault.sign(encoded(openingOf(signer, { nonce: 5n })));
    await expect(second).rejects.toThrow(code('CHANNEL_FOREIGN'));
    await vault.channelEnded(txId(GENESIS, decode(Tx, tx)));
    await expect(vault.sign(tx)).rejects.toThrow(code('CHANNEL_FOREIGN'));
  });

  test('that nobody used goes when there are eight newer ones', async () => {
    const used = await open();
    const first = await vault.newSigner();
    for (let i = 0; i < 7; i++) await vault.newSigner();
    await vault.sign(encoded(openingOf(first)));
    const second = await vault.newSigner();
    for (let i = 0; i < 8; i++) await vault.newSigner();
    await expect(vault.sign(encoded(openingOf(second)))).rejects.toThrow(code('CHANNEL_FOREIGN'));
    expect(await vault.signVoucher(used, 1n)).toHaveLength(64);
  });
});

describe('a channel', () => {
  test('is spending: nobody opens one while the keys are locked, or before the backup', async () => {
    const tx = encoded(openingOf(await vault.newSigner()));
    await lock();
    await expect(vault.sign(tx)).rejects.toThrow(code('VAULT_LOCKED'));
    await vault.erase();
    from = (await vault.create()).publicKey!;
    const fresh = encoded(openingOf(await vault.newSigner()));
    await expect(vault.sign(fresh)).rejects.toThrow(code('BACKUP_FIRST'));
  });

  test('counts, with all others that are open, towards the limit that a person set', async () => {
    expect(await vault.channelsLimit()).toBe(CHANNELS_LIMIT_FIRST);
    expect(CHANNELS_LIMIT_FIRST).toBe(10n * VLT);
    const six = await open({ limit: 6n * VLT });
    await expect(open({ limit: 4n * VLT + 1n })).rejects.toThrow(code('CHANNELS_OVER'));
    await open({ limit: 4n * VLT });
    await expect(open({ limit: 1n }, newVault())).rejects.toThrow(code('CHANNELS_OVER'));
    await vault.setChannelsLimit(11n * VLT);
    await open({ limit: VLT });
    await vault.channelEnded(six);
    await open({ limit: 6n * VLT });
    await expect(open({ limit: 1n })).rejects.toThrow(code('CHANNELS_OVER'));
  });

  test('limit: is set while the keys are open, in nV that there can be, and stays', async () => {
    for (const limit of [-1n, 1n << 64n])
      await expect(vault.setChannelsLimit(limit)).rejects.toThrow(code('AMOUNT_RANGE'));
    await vault.setChannelsLimit(0n);
    await expect(open({ limit: 1n })).rejects.toThrow(code('CHANNELS_OVER'));
    await lock();
    await expect(vault.setChannelsLimit(VLT)).rejects.toThrow(code('VAULT_LOCKED'));
    expect(await newVault().channelsLimit()).toBe(0n);
    await vault.unlock(STRONG);
    await vault.setChannelsLimit((1n << 64n) - 1n);
    expect(await newVault().channelsLimit()).toBe((1n << 64n) - 1n);
  });

  test('of two tabs at once that are too much together, one is signed', async () => {
    const tabs = [vault, newVault()];
    const txs: Uint8Array[] = [];
    for (const tab of tabs)
      txs.push(encoded(openingOf(await tab.newSigner(), { limit: 6n * VLT })));
    const results = await Promise.allSettled(tabs.map((tab, i) => tab.sign(txs[i]!)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('that could not be stored is not signed', async () => {
    const tx = encoded(openingOf(await vault.newSigner()));
    const inner = storage;
    const full = () => Promise.reject(new Error('no room'));
    storage = { ...inner, save: full, move: full };
    const later = newVault();
    await expect(later.sign(tx)).rejects.toThrow('no room');
    storage = inner;
    await expect(vault.signVoucher(txId(GENESIS, decode(Tx, tx)), 0n)).rejects.toThrow(
      code('CHANNEL_UNKNOWN'),
    );
  });

  test('is one of sixty-four', async () => {
    let last: Uint8Array | undefined;
    for (let i = 0; i < 64; i++) last = await open({ limit: 1n });
    await expect(open({ limit: 1n })).rejects.toThrow(code('CHANNELS_FULL'));
    for (let i = 0; i < 8; i++) await vault.newSigner();
    await vault.channelEnded(last!);
    expect(await newVault().signVoucher(await open({ limit: 1n }), 1n)).toHaveLength(64);
  });
});

test('a stream is opened by its own channel’s signer, for two peers, while the keys are locked', async () => {
  const channels = [await open(), await open()];
  await lock();
  const peers = { asker: 'asker', provider: 'provider' };
  for (const [n, id] of channels.entries()) {
    const signature = await newVault().signAsk(id, peers);
    const { publicKey } = keyAtPath(ENTROPY, signerPath(n));
    expect(verifyHash(askHash(GENESIS, id, peers), signature, publicKey)).toBe(true);
  }
  await expect(vault.signAsk(hash(1), peers)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
  expect((await vault.status()).locked).toBe(true);
});

describe('a voucher', () => {
  const isRight = async (id: Uint8Array, amount: bigint, by = vault) =>
    verifyHash(
      voucherHash(GENESIS, id, amount),
      await by.signVoucher(id, amount),
      keyAtPath(ENTROPY, signerPath(0)).publicKey,
    );

  test('is signed by the channel’s signer while the keys are locked, also after a restart', async () => {
    const id = await open();
    await lock();
    for (const amount of [0n, 1n, VLT]) {
      expect(await isRight(id, amount)).toBe(true);
      expect(await isRight(id, amount, newVault())).toBe(true);
    }
    expect((await vault.status()).locked).toBe(true);
  });

  test('is never over the limit of its channel', async () => {
    const id = await open();
    await open({ limit: 3n * VLT });
    for (const amount of [VLT + 1n, 1n << 63n, 1n << 64n, -1n])
      await expect(vault.signVoucher(id, amount)).rejects.toThrow(code('CHANNEL_AMOUNT'));
  });

  test('is of a channel that was signed here, and of no other', async () => {
    const foreign = txId(GENESIS, openingOf(other.publicKey));
    const unsigned = txId(GENESIS, openingOf(await vault.newSigner()));
    const signed = await open();
    for (const id of [foreign, unsigned, hash(0)])
      await expect(vault.signVoucher(id, 1n)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
    expect(await vault.signVoucher(signed, 1n)).toHaveLength(64);
  });

  test('is of no channel that has ended: said so, or by the clock', async () => {
    const [one, two] = [await open(), await open()];
    await lock();
    await vault.channelEnded(one);
    await vault.channelEnded(one);
    for (const each of [vault, newVault()])
      await expect(each.signVoucher(one, 1n)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
    // Its opening may have waited for as long as a transaction is valid.
    nowMs += (1440 + 100) * BLOCK_MS - 1;
    expect(await vault.signVoucher(two, 1n)).toHaveLength(64);
    nowMs += 1;
    await expect(vault.signVoucher(two, 1n)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
    await vault.unlock(STRONG);
    await open({ limit: 10n * VLT });
  });

  test('is signed no more once the keys are erased, also when they come back', async () => {
    const id = await open();
    await vault.erase();
    await expect(vault.signVoucher(id, 1n)).rejects.toThrow(code('VAULT_MISSING'));
    await vault.restore(WORDS);
    await expect(vault.signVoucher(id, 1n)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
  });
});
