/** A real seed that mines answers for pay, over libp2p: a program prepays it, asks, checks what came, and closes. */
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
import { addressOf } from '../../../src/core/address.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { Header, SignedTx, type TxOf } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { CHANNEL_LIFETIME_MIN } from '../../../src/core/params.ts';
import { signTx } from '../../../src/core/tx/tx.ts';
import { fromHex } from '../../../src/lib/bytes.ts';
import { createNodePlatform, type NodePlatform } from '../../../src/node/client-platform.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';

const secret = schnorr.utils.randomSecretKey();
const publicKey = schnorr.getPublicKey(secret);
const address = addressOf(publicKey);
/** nV for a sequence, as the seed's flag says it. */
const PRICE = 100_000n;
const ARGS = ['--mine', '--model', 'tiny', '--answer-price', '0.0001'];
const wait = { timeout: 120_000, interval: 100 };

let seed: Seed;
let folder: string;
let keys: ServingKeys;
let platform: NodePlatform;
let client: Client;

beforeAll(async () => {
  seed = await startSeed({ network: 'e2e', args: ARGS });
  const config = (await (await fetch(`${seed.url}config.json`)).json()) as ClientConfig;
  folder = mkdtempSync(join(tmpdir(), 'pila-asker-'));
  keys = await openServingKeys({
    folder,
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
  'a program prepays a seed, gets exact answers, and the rest comes back',
  { timeout: 400_000 },
  async () => {
    const { api } = client;
    await api.watch(address);
    await vi.waitUntil(
      async () =>
        api.faucet(address).then(
          () => true,
          () => false,
        ),
      wait,
    );
    const tiny = (await api.models()).find(({ name }) => name === 'tiny')!;
    const [provider] = await vi.waitUntil(async () => {
      const found = await api.providers(tiny.id);
      return found.length ? found : undefined;
    }, wait);
    expect(provider!.price).toEqual({ type: 'sequence', amount: PRICE });
    await vi.waitUntil(async () => ((await api.balance(address))?.spendable ?? 0n) > 0n, wait);

    const { chainId, nonce, expiry, fees } = await api.prepare(address, undefined, 'channel');
    const opening: TxOf<'channel'> = {
      type: 'channel',
      chainId,
      from: publicKey,
      nonce,
      expiry,
      fee: fees.normal,
      provider: provider!.key,
      payee: provider!.payee,
      signer: await keys.newSigner(),
      // The provider's account may be new.
      limit: limitAtLeast(2n * PRICE),
      lifetime: CHANNEL_LIFETIME_MIN,
    };
    await keys.noteOpening(opening);
    const { genesisId } = (await api.status()).chain;
    const signed = encode(SignedTx, signTx(genesisId, opening, secret));
    const { id } = await api.openChannel(signed, provider!.peer);
    const ask = async (text: string) => {
      const { input } = await api.tokenise(tiny.id, [text]);
      return api.askPrepaid({ channel: id, model: tiny.id, input: input!, most: 1 });
    };
    const first = await ask('one');
    expect(await api.verifyAnswer(first)).toEqual({ isEqual: true, at: undefined });
    // The second is served once what pays for the first counts.
    const second = await untilDeepEnough(
      () => ask('two'),
      () => pause(1000),
      100,
      undefined,
    );
    expect(second).toMatchObject({ n: 2, total: 2n * PRICE });
    expect((await api.verifyAnswer(second)).isEqual).toBe(true);

    await api.closeChannel(id);
    const closed = await vi.waitUntil(async () => {
      const { entries } = await api.history(address, 10);
      return entries.map(({ tx: { tx } }) => tx).find((tx) => tx.type === 'close');
    }, wait);
    expect(closed).toMatchObject({ channel: id, amount: 2n * PRICE });
  },
);
