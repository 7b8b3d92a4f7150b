// Asking and answering between real clients on a real seed that does not mine: who answers is paid.
import { schnorr } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../../../e2e/support/seed.ts';
import type { ClientConfig, ClientEvent } from '../../../src/client/api.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { addressOf } from '../../../src/core/address.ts';
import { decode } from '../../../src/core/codec.ts';
import { Tx } from '../../../src/core/formats.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { signTx, txBytes } from '../../../src/core/tx/tx.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { createNodePlatform, type NodePlatform } from '../../../src/node/client-platform.ts';
import { buildRequest } from '../../../src/wallet/build.ts';

const wait = { timeout: 90_000, interval: 100 };
const GIFT = 100n * NANOVOLTS;
const FEE = 1_000n;

interface Person {
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly address: Uint8Array;
}
function person(): Person {
  const secret = schnorr.utils.randomSecretKey();
  const publicKey = schnorr.getPublicKey(secret);
  return { secret, publicKey, address: addressOf(publicKey) };
}

let seed: Seed;
const open: { client: Client; platform: NodePlatform }[] = [];
const problems: ClientEvent[] = [];

async function start(): Promise<Client> {
  const config = (await (await fetch(`${seed.url}config.json`)).json()) as ClientConfig;
  const platform = createNodePlatform({ network: 'e2e', seedUrl: seed.url });
  const client = await createClient(platform, config);
  client.on((event) => event.type === 'problem' && problems.push(event));
  open.push({ client, platform });
  return client;
}

/** Signs what the client hands out, one after the other, and submits it. */
function signFor({ api, on }: Client, { secret }: Person): string[] {
  const signed: string[] = [];
  let queue = Promise.resolve();
  on((event) => {
    if (event.type !== 'unsigned') return;
    const tx = decode(Tx, event.tx);
    signed.push(tx.type);
    queue = queue.then(async () => void (await api.submit(txBytes(signTx(tx, secret)))));
    queue.catch((e: unknown) => void problems.push(e as ClientEvent));
  });
  return signed;
}

const balanceOf = async ({ api }: Client, { address }: Person): Promise<bigint> =>
  (await api.account(address)).spendable;

async function ask(client: Client, who: Person, reward: bigint, input: string): Promise<void> {
  const { fees, spendable, ...rest } = await client.api.prepare(who.address);
  expect(spendable).toBeGreaterThan(reward);
  const { id: modelId } = modelNamed(networkOf('e2e'), 'tiny')!;
  const base = { ...rest, from: who.publicKey, fee: fees.normal };
  const unsigned = buildRequest(base, { modelId, reward, lifetime: 100, input: utf8(input) });
  await client.api.submit(txBytes(signTx(decode(Tx, unsigned), who.secret)));
}

beforeAll(async () => {
  seed = await startSeed({ network: 'e2e' });
});
afterAll(async () => {
  for (const { client, platform } of open) {
    await client.stop();
    await platform.close();
  }
  await seed?.stop();
  removeData(seed);
});

test('two serve, each request is paid to one of them, and to the one with the earlier claim', async () => {
  const [asker, ...servers] = [await start(), await start(), await start()] as const;
  const ann = person();
  const paid = servers.map(() => person());
  const signed = servers.map((server, i) => signFor(server, paid[i]!));
  for (const [i, { api }] of servers.entries()) {
    await api.payTo(person().address);
    await api.serve(paid[i]!.publicKey);
    await api.startMining({ model: 'tiny', backend: 'cpu' });
  }
  await asker.api.watch(ann.address);
  for (const who of [ann, ...paid]) await asker.api.faucet(who.address);
  for (const who of [ann, ...paid])
    await vi.waitUntil(async () => (await balanceOf(asker, who)) === GIFT, wait);
  await vi.waitUntil(
    async () => ((await asker.api.balance(ann.address))?.spendable ?? 0n) === GIFT,
    wait,
  );

  const reward = 10n * NANOVOLTS;
  await ask(asker, ann, reward, 'who answers?');
  const balances = () => Promise.all(paid.map((who) => balanceOf(asker, who)));
  await vi.waitUntil(async () => (await balances()).some((b) => b > GIFT), wait);
  const gains = (await balances()).map((b) => b - GIFT);
  expect(gains.filter((gain) => gain > 0n)).toHaveLength(1);
  for (const [i, gain] of gains.entries()) {
    // A claim that no block took, as the other's came first or was in a block undone, costs nothing.
    const fees = (gain > 0n ? (reward * 80n) / 100n : 0n) - gain;
    const claims = BigInt(signed[i]!.filter((type) => type === 'claim').length);
    expect(fees % FEE).toBe(0n);
    expect(fees).toBeGreaterThanOrEqual(0n);
    expect(fees).toBeLessThanOrEqual(claims * FEE);
  }
  // Who saw the other's result in time leaves it at that.
  const worked = signed.filter((types) => types.length);
  expect(worked).not.toEqual([]);
  for (const types of worked) expect(types.slice(0, 2)).toEqual(['claim', 'result']);
  expect(problems).toEqual([]);
}, 180_000);
