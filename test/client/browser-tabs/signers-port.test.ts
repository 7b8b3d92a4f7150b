/** The port between the client's worker and the page's vault: a real port, and a real vault behind it. */
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  connectSigners,
  serveSigners,
  SIGNER_METHODS,
} from '../../../src/client/browser-tabs/signers-port.ts';
import { askHash, receiptHash, verifyHash, voucherHash } from '../../../src/core/channel.ts';
import { encode } from '../../../src/core/codec.ts';
import { Header, Tx } from '../../../src/core/formats.ts';
import { blockId, genesisPoint } from '../../../src/core/header/header.ts';
import { createParams } from '../../../src/core/params.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { connect } from '../../../src/lib/rpc.ts';
import { formatWords } from '../../../src/wallet/seed-words.ts';
import { UNATTENDED_CALLS_MAX } from '../../../src/wallet/vault-calls.ts';
import type { UnattendedApi, VaultApi } from '../../../src/wallet/vault/vault-api.ts';
import { databaseHome } from '../../../src/wallet/vault/vault-places.ts';
import { createStorage } from '../../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../../src/wallet/vault/vault.ts';
import { CHEAP, code, hash, STRONG } from '../../wallet/values.ts';

const GENESIS_MS = 1e12;
const genesisHeader = genesisPoint(createParams('local', []), GENESIS_MS).header;
const GENESIS = blockId(genesisHeader);
const RECEIPT = {
  channel: hash(9),
  n: 1,
  model: hash(8),
  question: hash(7),
  answer: hash(6),
  total: 5n,
};

let vault: VaultApi;
let publicKey: Uint8Array;
let ends: (() => void)[];

beforeEach(async () => {
  ends = [];
  const storage = createStorage([databaseHome(new IDBFactory())]);
  const clock = { now: () => GENESIS_MS + 5_000_000, after: () => () => {} };
  vault = createVault({ storage, crypto, clock, cost: CHEAP });
  const genesis = toHex(encode(Header, genesisHeader));
  await vault.openFor({ network: 'local', genesis });
  publicKey = (await vault.restore(formatWords(hash(3)))).publicKey!;
});
afterEach(() => ends.forEach((end) => end()));

/** Both ends of a port to these signers. */
function open(signers: UnattendedApi, signingMs?: number) {
  const { port1, port2 } = new MessageChannel();
  const stop = serveSigners(signers, port1);
  ends.push(stop, () => port2.close());
  return { remote: connectSigners(port2, signingMs), stop, port: port2 };
}

/** The vault's person opens a channel; gives its id and signer. */
async function openChannel(): Promise<{ id: Uint8Array; signer: Uint8Array }> {
  const signer = await vault.newSigner();
  const base = { chainId: 3, from: publicKey, nonce: 4n, expiry: 1100, fee: 1000n };
  const terms = { provider: hash(5), payee: hash(4), signer, limit: 1_000_000_000n, lifetime: 100 };
  const tx: Tx = { type: 'channel', ...base, ...terms };
  await vault.sign(encode(Tx, tx));
  return { id: txId(GENESIS, tx), signer };
}

describe('the signers of a page', () => {
  test('sign for the worker while the vault is locked, and not once it is erased', async () => {
    const { remote } = open(vault);
    const { id, signer } = await openChannel();
    await vault.protect(STRONG);
    await vault.lock();
    const servingKey = (await remote.servingKey())!;
    const receipt = await remote.signReceipt(RECEIPT);
    expect(verifyHash(receiptHash(GENESIS, RECEIPT), receipt, servingKey)).toBe(true);
    const voucher = await remote.signVoucher(id, 7n);
    expect(verifyHash(voucherHash(GENESIS, id, 7n), voucher, signer)).toBe(true);
    const peers = { asker: 'a', provider: 'b' };
    const ask = await remote.signAsk(id, peers);
    expect(verifyHash(askHash(GENESIS, id, peers), ask, signer)).toBe(true);

    await vault.erase();
    await expect(remote.signReceipt(RECEIPT)).rejects.toThrow(code('VAULT_MISSING'));
    await expect(remote.signVoucher(id, 7n)).rejects.toThrow(code('VAULT_MISSING'));
    await expect(remote.signAsk(id, peers)).rejects.toThrow(code('VAULT_MISSING'));
  });

  test('carry the vault’s own refusals', async () => {
    const { remote } = open(vault);
    await expect(remote.signVoucher(hash(1), 1n)).rejects.toThrow(code('CHANNEL_UNKNOWN'));
  });

  test('are all that the worker reaches of the vault', async () => {
    const { port } = open(vault);
    const remote = connect<VaultApi>(port);
    const others = (Object.keys(vault) as (keyof VaultApi)[]).filter(
      (name) => !(SIGNER_METHODS as string[]).includes(name),
    );
    expect(others).toContain('words');
    expect(others).toContain('sign');
    // Only a person's: each call of it is a use, which keeps a vault open.
    expect(others).toContain('newSigner');
    for (const name of [...others, 'toString', 'constructor'] as 'words'[])
      await expect(remote[name](undefined), name).rejects.toThrow(code('NO_METHOD'));
  });

  test('are asked for a bounded number at once, whoever holds the other end', async () => {
    const hanging = { ...vault, servingKey: () => new Promise<undefined>(() => {}) };
    const { port } = open(hanging);
    const remote = connect<UnattendedApi>(port);
    for (let i = 0; i < UNATTENDED_CALLS_MAX; i++) remote.servingKey().catch(() => undefined);
    await expect(remote.channelsLimit()).rejects.toThrow(code('BUSY'));
  });

  test('are all answered by the vault where no more wait than its port takes', async () => {
    const { port } = open(vault);
    const remote = connect<UnattendedApi>(port);
    const calls = Array.from({ length: UNATTENDED_CALLS_MAX }, () => remote.channelsLimit());
    // A person's call has a place too.
    const status = vault.status();
    expect(await Promise.all(calls)).toHaveLength(UNATTENDED_CALLS_MAX);
    expect((await status).exists).toBe(true);
  });

  test('that give no answer are waited for in bounds', async () => {
    const hanging = { ...vault, servingKey: () => new Promise<undefined>(() => {}) };
    const { remote } = open(hanging, 1);
    await expect(remote.servingKey()).rejects.toThrow(code('VAULT_SILENT'));
  });

  test('that have gone fail the calls that wait', async () => {
    const hanging = { ...vault, servingKey: () => new Promise<undefined>(() => {}) };
    const { remote, stop } = open(hanging);
    const waiting = remote.servingKey();
    waiting.catch(() => undefined);
    stop();
    await expect(waiting).rejects.toThrow(code('WORKER_DIED'));
    await expect(remote.servingKey()).rejects.toThrow(code('WORKER_DIED'));
  });
});
