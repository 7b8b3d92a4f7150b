// The client API in Node against a real seed process: what a developer's program does.
import { schnorr } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startSeed, removeData, type Seed } from '../../e2e/support/seed.ts';
import { FEES_FOR, proposedFees } from '../../src/chain/shared/fees.ts';
import type { ClientConfig, ClientEvent } from '../../src/client/api.ts';
import { createClient, type Client } from '../../src/client/client.ts';
import { addressOf } from '../../src/core/address.ts';
import { decode } from '../../src/core/codec.ts';
import { Tx } from '../../src/core/formats.ts';
import { NANOVOLTS } from '../../src/core/params.ts';
import { signTx, txBytes, txId } from '../../src/core/tx/tx.ts';
import { createNodePlatform, type NodePlatform } from '../../src/node/client-platform.ts';
import { buildTransfer } from '../../src/wallet/build.ts';

const secret = schnorr.utils.randomSecretKey();
const publicKey = schnorr.getPublicKey(secret);
const address = addressOf(publicKey);
const other = addressOf(schnorr.getPublicKey(schnorr.utils.randomSecretKey()));

let seed: Seed;
let platform: NodePlatform;
let client: Client;
let genesisId: Uint8Array;
const events: ClientEvent[] = [];
const wait = { timeout: 60_000, interval: 100 };

beforeAll(async () => {
  seed = await startSeed({ network: 'e2e' });
  const config = (await (await fetch(`${seed.url}config.json`)).json()) as ClientConfig;
  platform = createNodePlatform({ network: 'e2e', seedUrl: seed.url });
  client = await createClient(platform, config);
  client.on((event) => void events.push(event));
  ({ genesisId } = (await client.api.status()).chain);
});
afterAll(async () => {
  await client?.stop();
  await platform?.close();
  await seed?.stop();
  removeData(seed);
});

test('mines blocks that the seed takes, and proves what they pay', async () => {
  await client.api.payTo(address);
  await client.api.startMining({ backend: 'cpu' });
  // Four blocks: the first coinbase has matured.
  await vi.waitUntil(async () => ((await client.api.balance(address))?.spendable ?? 0n) > 0n, wait);
  const balance = (await client.api.balance(address))!;
  expect(balance.spendable % (50n * NANOVOLTS)).toBe(0n);
  expect(balance.proofBytes).toBeGreaterThan(0);
  // Found before gossip has found its ways, blocks come to the seed when it asks for them.
  await vi.waitUntil(async () => (await seed.rpc('status')).height >= 4, wait);
  const { chain } = await client.api.status();
  expect(chain.proofsChecked).toBeGreaterThanOrEqual(4);
  expect(await client.api.header(1)).toBeDefined();
});

test('sends: pending, confirmed by its own block, found in the history', async () => {
  await expect(client.api.prepare(other)).rejects.toMatchObject({ code: 'NOT_PROVEN' });
  const { spendable, fees, ...rest } = await client.api.prepare(address);
  const base = { ...rest, fee: fees.normal };
  expect(spendable).toBeGreaterThan(NANOVOLTS);
  const opening = await client.api.prepare(address, undefined, 'channel');
  expect(opening.fees).toEqual(proposedFees([], FEES_FOR.channel));
  const unsigned = buildTransfer({ ...base, from: publicKey }, { to: other, amount: NANOVOLTS });
  const signed = signTx(genesisId, decode(Tx, unsigned), secret);
  const id = txId(genesisId, signed.tx);
  const sent = await client.api.submit(txBytes(signed));
  expect(sent).toMatchObject({ id, state: 'pending' });
  await vi.waitUntil(async () => (await client.api.pending())[0]?.state === 'confirmed', wait);
  await client.api.watch(other);
  await vi.waitUntil(async () => (await client.api.balance(other))?.spendable === NANOVOLTS, wait);
  const { entries: history } = await client.api.history(other, 10);
  expect(history.map(({ tx }) => txId(genesisId, tx.tx))).toEqual([id]);
});

test('a payment that waits is replaced: same nonce, a fee that displaces it', async () => {
  await client.api.pauseMining();
  const send = async (to: Uint8Array, amount: bigint, replacing?: Uint8Array) => {
    const { fees, spendable, ...rest } = await client.api.prepare(address, replacing);
    const fee = replacing ? fees.slow : fees.normal;
    const made = buildTransfer({ ...rest, fee, from: publicKey }, { to, amount });
    const signed = signTx(genesisId, decode(Tx, made), secret);
    const pending = await client.api.submit(txBytes(signed), replacing);
    return { pending: pending, tx: signed.tx, spendable };
  };
  const first = await send(other, NANOVOLTS);
  const cancel = await send(address, 1n, first.pending.id);
  expect(cancel.tx.nonce).toBe(first.tx.nonce);
  expect(cancel.tx.fee).toBe((first.tx.fee * 110n) / 100n);
  // What the first would spend counts again; blocks found before the pause may have matured meanwhile, also the one
  // with the fee of the payment before.
  const matured = (cancel.spendable - first.spendable) % (50n * NANOVOLTS);
  expect([0n, first.tx.fee]).toContain(matured);
  // Again, over the dearer of the two.
  const again = await send(address, 1n, first.pending.id);
  expect(again.tx.fee).toBe((cancel.tx.fee * 110n) / 100n);
  const { nonce } = await client.api.prepare(address);
  expect(nonce).toBe(first.tx.nonce + 1n);
  const unknown = new Uint8Array(32);
  await expect(client.api.prepare(address, unknown)).rejects.toMatchObject({ code: 'TX_UNKNOWN' });
  await client.api.startMining({ backend: 'cpu' });
  const states = async () => (await client.api.pending()).slice(0, 3).map(({ state }) => state);
  await vi.waitUntil(async () => !(await states()).includes('pending'), wait);
  expect(await states()).toEqual(['confirmed', 'replaced', 'replaced']);
  await expect(client.api.prepare(address, first.pending.id)).rejects.toMatchObject({
    code: 'TX_UNKNOWN',
  });
});

test('refuses bad transactions with a code and keeps nothing of them', async () => {
  const before = await client.api.pending();
  await expect(client.api.submit(new Uint8Array(9))).rejects.toMatchObject({
    code: 'TX_MALFORMED',
  });
  const { fees, ...rest } = await client.api.prepare(address);
  const base = { ...rest, fee: fees.normal };
  const unsigned = buildTransfer({ ...base, from: publicKey }, { to: other, amount: 1n });
  const signed = signTx(genesisId, decode(Tx, unsigned), secret);
  const forged = { ...signed, signature: new Uint8Array(64) };
  await expect(client.api.submit(txBytes(forged))).rejects.toMatchObject({
    code: 'TX_REFUSED',
    message: 'tx.signature',
  });
  expect(await client.api.pending()).toEqual(before);
});

test('the faucet pays once, then asks to wait', async () => {
  await client.api.pauseMining();
  await client.api.faucet(other);
  await expect(client.api.faucet(other)).rejects.toMatchObject({ code: 'FAUCET_LATER' });
  expect(events.some((e) => e.type === 'balance')).toBe(true);
  expect(events.filter((e) => e.type === 'problem')).toEqual([]);
});
