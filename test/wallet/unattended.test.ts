/** What a thread that was taken over can have signed: for which chain, and at what price. */
import { genesisPoint } from '../../src/core/header/header.ts';
import { createParams } from '../../src/core/params.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { decode, encode } from '../../src/core/codec.ts';
import { Header, SignedTx, type TxOf } from '../../src/core/formats.ts';
import { signTx, txBytes, txId } from '../../src/core/tx/tx.ts';
import { addressOf } from '../../src/core/address.ts';
import { buildClose, buildTransfer } from '../../src/wallet/build.ts';
import { keyFromEntropy } from '../../src/wallet/keys.ts';
import type { VaultApi } from '../../src/wallet/vault/vault-api.ts';
import { memoryStorage } from '../../src/wallet/vault/vault-storage.ts';
import { createVault } from '../../src/wallet/vault/vault.ts';
import { formatWords } from '../../src/wallet/seed-words.ts';
import { code, hash } from './values.ts';

const HOUR_MS = 3_600_000;
/** nV: what a close pays where blocks have room. */
const FEE = 10_000n;
/** nV beyond half of what closes take, in an hour. */
const BUDGET = 10_000_000n;
const other = keyFromEntropy(hash(77));

/** Of the network that the vault is opened for. */
const genesis = genesisPoint(createParams('local', []), 1e12);
const GENESIS = genesis.id;

let nowMs: number;
let from: Uint8Array;
let provider: Uint8Array;
let vault: VaultApi;
const newVault = () =>
  createVault({
    storage: memoryStorage(),
    crypto,
    clock: { now: () => nowMs, after: () => () => {} },
  });
beforeEach(async () => {
  nowMs = 1e12;
  vault = newVault();
  await vault.openFor({ network: 'local', genesis: toHex(encode(Header, genesis.header)) });
  from = (await vault.restore(formatWords(hash(3)))).publicKey!;
  provider = (await vault.servingKey())!;
});

/** Channel `n` of somebody who pays this wallet. */
function channelOf(n: number, chainId = 3): { id: Uint8Array; opening: Uint8Array } {
  const ends = { from: other.publicKey, provider, payee: addressOf(from), signer: other.publicKey };
  const terms = { limit: 1n << 60n, lifetime: 100, expiry: 9, fee: FEE };
  const tx: TxOf<'channel'> = { type: 'channel', chainId, nonce: BigInt(n), ...ends, ...terms };
  return { id: txId(GENESIS, tx), opening: txBytes(signTx(GENESIS, tx, other.secret)) };
}
async function close(n: number, amount: bigint, fee: bigint, chainId = 3): Promise<bigint> {
  const { id, opening } = channelOf(n, chainId);
  const base = { chainId, from: provider, expiry: 50, fee };
  const tx = buildClose(base, { channel: id, amount, voucher: new Uint8Array(64) });
  return decode(SignedTx, await vault.signClose(tx, opening)).tx.fee;
}
const refuses = (signed: Promise<unknown>) =>
  expect(signed).rejects.toThrow(code('UNASKED_REFUSED'));

describe('a vault signs for one chain', () => {
  test('for no other, and not before it was opened, not even what a person asks for', async () => {
    const transfer = (chainId: number) =>
      buildTransfer(
        { chainId, from, nonce: 7n, expiry: 1100, fee: 1000n },
        { to: hash(9), amount: 1n },
      );
    for (const chainId of [1, 2, 4, 4711]) {
      await expect(close(0, FEE, 1n, chainId)).rejects.toThrow(code('CHAIN_REFUSED'));
      await expect(vault.sign(transfer(chainId))).rejects.toThrow(code('CHAIN_REFUSED'));
    }
    expect(decode(SignedTx, await vault.sign(transfer(3))).tx.nonce).toBe(7n);
    vault = newVault();
    await vault.restore(formatWords(hash(3)));
    await expect(vault.sign(transfer(3))).rejects.toThrow(code('CHAIN_REFUSED'));
    await expect(close(0, FEE, 1n)).rejects.toThrow(code('CHAIN_REFUSED'));
  });

  test('and stays with the one that it was opened for', async () => {
    await vault.openFor({ network: 'local', genesis: 'ab'.repeat(64) });
    const another = vault.openFor({
      network: 'main',
      genesis: toHex(encode(Header, genesis.header)),
    });
    await expect(another).rejects.toThrow(code('CHAIN_REFUSED'));
    await expect(close(0, FEE, 1n, 1)).rejects.toThrow(code('CHAIN_REFUSED'));
    expect(await close(0, FEE, 1n)).toBe(1n);
  });
});

describe('the fee of a close', () => {
  test('may rise with the chain’s to half of what the close takes, for any number of channels', async () => {
    const amount = 10n * BUDGET;
    for (let n = 0; n < 20; n++)
      for (let fee = FEE; fee < amount / 2n; fee *= 4n)
        expect(await close(n, amount, fee)).toBe(fee);
    for (let n = 0; n < 20; n++) expect(await close(n, amount, amount / 2n)).toBe(amount / 2n);
  });

  test('may be almost all of it for as many small channels as one provider has, in one hour', async () => {
    for (let n = 0; n < 1024; n++) expect(await close(n, FEE + 1n, FEE)).toBe(FEE);
  });

  test('costs the hour’s budget beyond half, once a channel, and no more than that', async () => {
    expect(await close(1, BUDGET, BUDGET)).toBe(BUDGET);
    // A close in its place for a higher fee: half of the budget is left, and a third of it is the difference.
    expect(await close(2, BUDGET, (8n * BUDGET) / 10n)).toBe((8n * BUDGET) / 10n);
    expect(await close(2, BUDGET, BUDGET)).toBe(BUDGET);
    expect(await close(2, BUDGET, BUDGET)).toBe(BUDGET);
    await refuses(close(3, 2n, 2n));
    expect(await close(3, 2n, 1n)).toBe(1n);
  });

  test('is refused to who burns what was earned, whatever he asks for', async () => {
    const amount = 100n * BUDGET;
    let burned = 0n;
    for (let n = 0; n < 30; n++)
      for (const fee of [amount, (6n * amount) / 10n, amount / 2n + BUDGET / 2n, amount / 2n]) {
        const signed = await close(n, amount, fee).catch(() => undefined);
        if (signed === undefined) continue;
        burned += signed;
        break;
      }
    expect(burned).toBe(15n * amount + BUDGET);
  });

  test('comes back evenly within an hour, and never holds more than an hour’s', async () => {
    await close(1, 2n * BUDGET, 2n * BUDGET);
    const takes = (n: number, over: bigint) => close(n, 2n * over, 2n * over);
    await refuses(takes(2, 1n));
    nowMs += HOUR_MS / 10;
    await refuses(takes(3, BUDGET / 10n + 1n));
    await takes(4, BUDGET / 10n);
    // A clock set back gives nothing.
    nowMs -= HOUR_MS;
    await refuses(takes(5, 1n));
    nowMs += 100 * HOUR_MS;
    await refuses(takes(6, BUDGET + 1n));
    await takes(7, BUDGET);
  });
});
