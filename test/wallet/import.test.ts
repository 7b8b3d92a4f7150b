/** A wallet file of any strength: sealed anew here, asked about when it is dear, and given up when a person says so. */
import { beforeEach, describe, expect, test } from 'vitest';
import { toHex } from '../../src/lib/bytes.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import {
  decodeVault,
  type ScryptCost,
  type ScryptWrap,
} from '../../src/wallet/vault/vault-blob.ts';
import { memoryStorage, type VaultStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import { code } from './values.ts';

const PASSPHRASE = 'orbit velvet canyon thimble pretzel lagoon';
const costOf = (logN: number): ScryptCost => ({ logN, r: 8, p: 1 });
const entropy = new Uint8Array(32).fill(5);

let storage: VaultStorage;
let vault: VaultApi;
const newVault = (cost: ScryptCost, at = memoryStorage()) =>
  createVault({ storage: at, crypto, cost, clock: { now: Date.now, after: () => () => {} } });
beforeEach(() => {
  storage = memoryStorage();
  vault = newVault(costOf(11), storage);
});

/** A file whose seal took that much work. */
async function fileOf(logN: number): Promise<Record<string, any>> {
  const other = newVault(costOf(logN));
  await other.restore(formatWords(entropy));
  await other.addAccount('Savings');
  await other.protect(PASSPHRASE);
  return JSON.parse(JSON.stringify(await other.exportFile())) as Record<string, any>;
}
const kept = async () => decodeVault((await storage.load())!.blob);

describe('a wallet file', () => {
  test('of a cheaper time is sealed anew, at full strength, with nothing of its own seal', async () => {
    const file = await fileOf(10);
    const { accounts } = await vault.importFile(file, PASSPHRASE);
    expect(accounts.map(({ name }) => name)).toEqual(['', 'Savings']);
    const blob = await kept();
    const wrap = blob.wrap as ScryptWrap;
    expect(wrap).toMatchObject({ type: 'scrypt', ...costOf(11) });
    expect(toHex(wrap.salt)).not.toBe(file['kdf'].salt);
    expect(toHex(blob.entropy.data)).not.toBe(file['entropy'].data);
    await vault.lock();
    expect((await vault.unlock(PASSPHRASE)).locked).toBe(false);
    expect(await vault.words(PASSPHRASE)).toBe(formatWords(entropy));
  });

  test('that asks for more than twice the usual work is opened only when that is said', async () => {
    const file = await fileOf(13);
    await expect(vault.importFile(file, PASSPHRASE)).rejects.toThrow(code('FILE_DEAR'));
    expect((await vault.status()).exists).toBe(false);
    expect((await vault.importFile(file, PASSPHRASE, true)).exists).toBe(true);
    expect((await kept()).wrap).toMatchObject(costOf(11));
    const twice = newVault(costOf(11));
    expect((await twice.importFile(await fileOf(12), PASSPHRASE)).exists).toBe(true);
  });

  test('is given up when a person says so, and nothing waits for it', async () => {
    const file = await fileOf(10);
    // Seconds of work, so that it is still going on when it is given up, and ends where it cannot be.
    const dear = { ...file, kdf: { ...file['kdf'], logN: 17, p: 2 } };
    const order: string[] = [];
    const opening = vault.importFile(dear, PASSPHRASE, true).catch((e: unknown) => {
      order.push('given up');
      return e;
    });
    await expect(vault.status()).resolves.toMatchObject({ exists: false });
    order.push('status');
    await expect(vault.importFile(file, PASSPHRASE)).rejects.toThrow(code('BUSY'));
    await vault.stopDeriving();
    expect(await opening).toEqual(code('DERIVING_STOPPED'));
    expect(order).toEqual(['status', 'given up']);
    // What was stopped stops nothing later.
    expect((await vault.importFile(file, PASSPHRASE)).exists).toBe(true);
  });
});

test('unlocking can be given up too: it stays locked', async () => {
  await vault.importFile(await fileOf(10), PASSPHRASE);
  const dearer = newVault(costOf(18), storage);
  await dearer.unlock(PASSPHRASE);
  await dearer.lock();
  let isOver = false;
  const opening = dearer.unlock(PASSPHRASE).then(
    () => undefined,
    (e: unknown) => e,
  );
  void opening.then(() => (isOver = true));
  // It begins when the record has been read.
  while (!isOver) {
    await dearer.stopDeriving();
    await new Promise((resolve) => setTimeout(resolve));
  }
  expect(await opening).toEqual(code('DERIVING_STOPPED'));
  expect((await dearer.status()).locked).toBe(true);
});
