/** What a thread that was taken over can have signed: for which chain, for how long, and at what price. */
import { beforeEach, describe, expect, test } from 'vitest';
import { decode } from '../../src/core/codec.ts';
import { SignedTx } from '../../src/core/formats.ts';
import { buildClaim, buildResult, buildTransfer } from '../../src/wallet/build.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import { memoryStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { code, hash } from './values.ts';

const HOUR_MS = 3_600_000;
const GENESIS_MS = 1e12;

let nowMs: number;
let from: Uint8Array;
let vault: VaultApi;
const newVault = () =>
  createVault({
    storage: memoryStorage(),
    crypto,
    clock: { now: () => nowMs, after: () => () => {} },
  });
beforeEach(async () => {
  // A thousand blocks of the local network after its first.
  nowMs = GENESIS_MS + 1000 * 5000;
  vault = newVault();
  await vault.openFor({ network: 'local', genesisTimeMs: GENESIS_MS, genesis: undefined });
  from = (await vault.restore(formatWords(hash(3)))).publicKey!;
});

const base = () => ({ chainId: 3, from, nonce: 7, expiry: 1100, fee: 1000n });
const claimOf = (change: Partial<ReturnType<typeof base>> = {}) =>
  buildClaim({ ...base(), ...change }, { request: hash(2), commitment: hash(3) });
const nonceOf = async (tx: Uint8Array) => decode(SignedTx, await vault.sign(tx)).tx.nonce;

describe('a vault signs for one chain', () => {
  test('for no other, and not before it was opened, not even what a person asks for', async () => {
    const transfer = (chainId: number) =>
      buildTransfer({ ...base(), chainId }, { to: hash(9), amount: 1n });
    for (const chainId of [1, 2, 4, 4711])
      for (const tx of [claimOf({ chainId }), transfer(chainId)])
        await expect(vault.sign(tx), `${chainId}`).rejects.toThrow(code('CHAIN_REFUSED'));
    expect(await nonceOf(transfer(3))).toBe(7);
    const unopened = newVault();
    await unopened.restore(formatWords(hash(3)));
    for (const tx of [claimOf(), transfer(3)])
      await expect(unopened.sign(tx)).rejects.toThrow(code('CHAIN_REFUSED'));
  });

  test('and stays with the one that it was opened for', async () => {
    await vault.openFor({ network: 'local', genesisTimeMs: 1, genesis: undefined });
    const other = vault.openFor({ network: 'main', genesisTimeMs: GENESIS_MS, genesis: undefined });
    await expect(other).rejects.toThrow(code('CHAIN_REFUSED'));
    await expect(vault.sign(claimOf({ chainId: 1 }))).rejects.toThrow(code('CHAIN_REFUSED'));
    expect(await nonceOf(claimOf())).toBe(7);
    // A second opening does not move the beginning of the chain either.
    await expect(vault.sign(claimOf({ expiry: 4000 }))).rejects.toThrow(code('UNASKED_REFUSED'));
  });
});

describe('what nobody is asked for', () => {
  test('ends soon: two lives of a transaction over the height that the clock says', async () => {
    expect(await nonceOf(claimOf({ expiry: 1000 + 2880 }))).toBe(7);
    for (const expiry of [1000 + 2881, 2 ** 32 - 1])
      await expect(vault.sign(claimOf({ expiry }))).rejects.toThrow(code('UNASKED_REFUSED'));
    nowMs += 5000;
    expect(await nonceOf(claimOf({ expiry: 1000 + 2881 }))).toBe(7);
  });

  test('is not signed where the age of the chain is unknown; a payment is', async () => {
    vault = newVault();
    await vault.openFor({ network: 'local', genesisTimeMs: undefined, genesis: undefined });
    await vault.restore(formatWords(hash(3)));
    await expect(vault.sign(claimOf())).rejects.toThrow(code('UNASKED_REFUSED'));
    expect(await nonceOf(buildTransfer(base(), { to: hash(9), amount: 1n }))).toBe(7);
  });

  test('takes no nonce more than 64 above the last, of each account by itself', async () => {
    expect(await nonceOf(claimOf())).toBe(7);
    for (const nonce of [72, 2 ** 31])
      await expect(vault.sign(claimOf({ nonce }))).rejects.toThrow(code('UNASKED_REFUSED'));
    expect(await nonceOf(claimOf({ nonce: 71 }))).toBe(71);
    // An earlier one again, as after a reorganisation, does not lower the bound.
    expect(await nonceOf(claimOf({ nonce: 8 }))).toBe(8);
    await expect(nonceOf(claimOf({ nonce: 71 + 64 }))).resolves.toBe(135);
    const { publicKey } = await vault.addAccount('second');
    expect(await nonceOf(claimOf({ from: publicKey!, nonce: 900 }))).toBe(900);
  });

  test('nor a first one that no account of the chain can have come to', async () => {
    // A thousand blocks: 64 for each, and 64 that wait.
    for (const nonce of [64_065, 2 ** 31])
      await expect(vault.sign(claimOf({ nonce }))).rejects.toThrow(code('UNASKED_REFUSED'));
    expect(await nonceOf(claimOf({ nonce: 64_064 }))).toBe(64_064);
  });

  test('nonces that a person or another device used meanwhile do not stop it', async () => {
    expect(await nonceOf(claimOf())).toBe(7);
    const later = claimOf({ nonce: 7 + 3 * 64 });
    await expect(vault.sign(later)).rejects.toThrow(code('UNASKED_REFUSED'));
    nowMs += 2 * 5000;
    expect(await nonceOf(later)).toBe(7 + 3 * 64);
    // The bound moves with what was signed.
    const further = claimOf({ nonce: 7 + 4 * 64 + 1 });
    await expect(vault.sign(further)).rejects.toThrow(code('UNASKED_REFUSED'));
  });

  test('costs at most 0.001 VLT each and 0.01 VLT an hour', async () => {
    await expect(vault.sign(claimOf({ fee: 1_000_001n }))).rejects.toThrow(code('UNASKED_REFUSED'));
    for (let nonce = 7; nonce < 17; nonce++) await vault.sign(claimOf({ nonce, fee: 1_000_000n }));
    const least = claimOf({ nonce: 17, fee: 1n });
    await expect(vault.sign(least)).rejects.toThrow(code('UNASKED_REFUSED'));
    // What is free stays free.
    const result = buildResult(
      { ...base(), nonce: 17, fee: 0n },
      { request: hash(2), answer: hash(1) },
    );
    expect(await nonceOf(result)).toBe(17);
    nowMs += HOUR_MS / 10;
    expect(await nonceOf(claimOf({ nonce: 18, fee: 1_000_000n }))).toBe(18);
    await expect(vault.sign(least)).rejects.toThrow(code('UNASKED_REFUSED'));
    // A clock set back gives nothing, and the budget never holds more than an hour's.
    nowMs -= HOUR_MS;
    await expect(vault.sign(least)).rejects.toThrow(code('UNASKED_REFUSED'));
    nowMs += 100 * HOUR_MS;
    for (let nonce = 19; nonce < 29; nonce++) await vault.sign(claimOf({ nonce, fee: 1_000_000n }));
    await expect(vault.sign(claimOf({ nonce: 29, fee: 1n }))).rejects.toThrow(
      code('UNASKED_REFUSED'),
    );
  });
});
