/** A seed that serves a language model, over libp2p: a program asks it for pay, and checks what came with its package. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { schnorr } from '@noble/curves/secp256k1.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../../../e2e/support/seed.ts';
import type { ClientConfig } from '../../../src/client/api.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import { limitAtLeast, untilDeepEnough } from '../../../src/client/prepaid/buying.ts';
import { addressOf, formatAddress } from '../../../src/core/address.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { Header, SignedTx, type TxOf } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { CHANNEL_LIFETIME_MIN } from '../../../src/core/params.ts';
import { signTx } from '../../../src/core/tx/tx.ts';
import { fromHex } from '../../../src/lib/bytes.ts';
import { createNodePlatform, type NodePlatform } from '../../../src/node/client-platform.ts';
import { findServing } from '../../../src/node/served/served-folders.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import { writeChatty } from '../../models/chatty.ts';

const secret = schnorr.utils.randomSecretKey();
const publicKey = schnorr.getPublicKey(secret);
const address = addressOf(publicKey);
/** nV for a thousand tokens, as the seed's flag says it. */
const PRICE = 1_000_000n;
const wait = { timeout: 120_000, interval: 100 };

const folder = mkdtempSync(join(tmpdir(), 'pila-chat-'));
const served = join(folder, 'chatty');
let seed: Seed;
let keys: ServingKeys;
let platform: NodePlatform;
let client: Client;

beforeAll(async () => {
  writeChatty(served);
  const mining = ['--mine', '--model', 'tiny'];
  const args = [...mining, '--serve', served, '--token-price', '0.001'];
  seed = await startSeed({ network: 'e2e', args });
  const config = (await (await fetch(`${seed.url}config.json`)).json()) as ClientConfig;
  keys = await openServingKeys({
    folder: join(folder, 'keys'),
    network: 'e2e',
    genesisId: blockId(decode(Header, fromHex(config.genesis!)!)),
    payees: [address],
    now: Date.now,
  });
  platform = createNodePlatform({ network: 'e2e', seedUrl: seed.url, signers: keys });
  client = await createClient(platform, config);
}, 180_000);
afterAll(async () => {
  await client?.stop();
  await platform?.close();
  await seed?.stop();
  removeData(seed);
  rmSync(folder, { recursive: true, force: true });
});

test(
  'its page names the model, and whoever asks fetches the package to check what came',
  { timeout: 400_000 },
  async () => {
    const { api } = client;
    await api.watch(address);
    const asked = () =>
      api.faucet(address).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(asked, wait);
    const chatty = (await api.storage()).models.find(({ name }) => name === 'chatty')!;
    const found = async () => (await api.providers(chatty.id))[0];
    const provider = await vi.waitUntil(found, wait);
    expect(provider).toMatchObject({ price: { type: 'tokens', amount: PRICE }, window: 256 });
    await vi.waitUntil(async () => ((await api.balance(address))?.spendable ?? 0n) > 0n, wait);

    const { chainId, nonce, expiry, fees } = await api.prepare(address, undefined, 'channel');
    const opening: TxOf<'channel'> = {
      type: 'channel',
      chainId,
      from: publicKey,
      nonce,
      expiry,
      fee: fees.normal,
      provider: provider.key,
      payee: provider.payee,
      signer: await keys.newSigner(),
      limit: limitAtLeast(PRICE),
      lifetime: CHANNEL_LIFETIME_MIN,
    };
    await keys.noteOpening(opening);
    const { genesisId } = (await api.status()).chain;
    const signed = encode(SignedTx, signTx(genesisId, opening, secret));
    const { id } = await api.openChannel(signed, provider.peer);
    await api.fetchModel(chatty.id);
    const { input } = await api.tokenise(chatty.id, ['What is a pile?']);
    const question = { channel: id, model: chatty.id, input: input!, most: 60 };
    // More often, as one that asks too often, it would be refused.
    const answer = await untilDeepEnough(
      () => api.askPrepaid(question),
      () => pause(1000),
      100,
      undefined,
    );
    expect(answer.units).toBeGreaterThan(0);
    expect(await api.verifyAnswer(answer)).toEqual({ isEqual: true, at: undefined });
  },
);

test('a miner without a page serves it too', { timeout: 200_000 }, async () => {
  const { api } = client;
  const chatty = (await api.storage()).models.find(({ name }) => name === 'chatty')!;
  const to = ['--address', formatAddress(address, 'rpila'), '--seed', seed.url];
  const data = ['--data', join(folder, 'miner'), '--backend', 'cpu'];
  const chats = ['--serve', served, '--token-price', '0.0005'];
  const miner = spawn(process.execPath, ['src/node/miner-cli.ts', ...to, ...data, ...chats]);
  const ended = once(miner, 'exit');
  try {
    const prices = async () => (await api.providers(chatty.id)).map(({ price }) => price.amount);
    // The one that this program has paid comes first.
    await vi.waitUntil(async () => (await prices()).length === 2, wait);
    expect(await prices()).toEqual([PRICE, PRICE / 2n]);
  } finally {
    miner.kill('SIGKILL');
    await ended;
  }
});

test('a model that is not here is named with the command that brings it', async () => {
  await expect(findServing(['smollm2'], folder)).rejects.toMatchObject({
    code: 'WRONG_FLAG',
    message: `--serve: ${join(folder, 'smollm2', 'manifest.json')} cannot be read; npm run model:fetch -- smollm2 brings it`,
  });
  await expect(findServing([join(folder, 'none')])).rejects.toMatchObject({
    code: 'WRONG_FLAG',
    message: `--serve: ${join(folder, 'none', 'manifest.json')} cannot be read`,
  });
  const [found] = await findServing(['chatty'], folder);
  expect(found).toMatchObject({ folder: served, said: { name: 'chatty' } });
});
