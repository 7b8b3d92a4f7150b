/** An asker and a provider, each a whole client, beside a full chain: from the offer to the close in a block. */
import { SUBSIDY } from '../../../src/core/params.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { OFFER_EVERY_MS_MIN } from '../../../src/client/channels/offer-book.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import type { Platform } from '../../../src/client/platform.ts';
import { encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { AnswerJob } from '../../../src/miner/engine/miner-api.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import {
  GENESIS_ID,
  mine,
  MODEL,
  MODELS,
  PARAMS,
  prepay,
  START_MS,
} from '../../chain/make-blocks.ts';
import { MemoryNet } from '../memory-net.ts';
import { ann, bob, cat, emptyChain, rowsOf } from './shop.ts';

const network: ChainNetwork = {
  params: PARAMS,
  models: MODELS,
  names: ['test'],
  verifyProof: () => undefined,
};
const wait = { timeout: 20_000, interval: 10 };
const PRICE = 100_000n;
const clock = { ms: START_MS + 10_000_000 };
const folders: string[] = [];
const open: Client[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** A row for each 16 bytes of the input, which are a sequence of the test's model. */
const miner = {
  on: () => undefined,
  start: async () => undefined,
  pause: async () => undefined,
  work: async () => undefined,
  check: async () => [],
  answer: async (_id: number, { input }: AnswerJob) => rowsOf(input.filter((_, i) => i % 16 === 0)),
  dropAnswer: async () => undefined,
};

async function keysFor(payee: Uint8Array): Promise<ServingKeys> {
  const folder = mkdtempSync(path(tmpdir(), 'pila-'));
  folders.push(folder);
  return openServingKeys({
    folder,
    network: 'e2e',
    genesisId: GENESIS_ID,
    payees: [payee],
    now: () => clock.ms,
  });
}

interface Joining {
  readonly signers: ServingKeys;
  readonly stores?: Record<string, Store>;
}
async function join(net: MemoryNet, id: string, { signers, stores = {} }: Joining) {
  const platform: Platform = {
    openStore: async (name) => ({
      ...(stores[name] ??= createMemoryStore()),
      close: async () => undefined,
    }),
    createTransport: async () => net.transport(id),
    createMiner: async () => miner as never,
    signers,
    faucet: undefined,
    nowMs: () => clock.ms,
    steadyMs: () => clock.ms,
    random: Math.random,
  };
  const config = { network: 'e2e', bootstrap: [], genesis: undefined } as const;
  const client = await createClient(platform, config, network);
  open.push(client);
  return client;
}

const heightOf = async ({ api }: Client) => (await api.status()).chain.height;

class World {
  readonly net = new MemoryNet();
  readonly full: FullChain;
  #sequence = 0;

  constructor(full: FullChain) {
    this.full = full;
  }

  static async begin(): Promise<World> {
    const full = await emptyChain();
    await mine(full, ann, 4);
    await mine(full, bob, 1);
    await mine(full, ann, 3);
    const world = new World(full);
    await world.net.seed('seed', full);
    return world;
  }

  /** Blocks, each of which everybody has followed before the next. */
  async mine(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) {
      const [block] = await mine(this.full, cat);
      await this.net.transport('seed').announceBlock({ block: block!, sequence: ++this.#sequence });
      const { height } = block!.header;
      for (const client of open)
        await vi.waitUntil(async () => (await heightOf(client)) === height, wait);
    }
  }

  waits(type: string): boolean {
    return this.full.mempool.byFee().some(({ tx }) => tx.type === type);
  }
}

/** It mines, and answers for pay to Bob. Like a page, it is switched on before it has a model or a peer. */
async function provide(world: World, id: string, joining: Joining): Promise<Client> {
  const provider = await join(world.net, id, joining);
  const provided = provider.api.provide({ payee: bob.address, price: PRICE });
  world.net.link(id, 'seed');
  world.net.link(id, 'asker');
  await vi.waitUntil(async () => (await heightOf(provider).catch(() => 0)) >= 8, wait);
  await provided;
  await provider.api.payTo(bob.address);
  await provider.api.startMining({ model: 'test' });
  return provider;
}

const sequences = (...bytes: number[]): Uint8Array =>
  Uint8Array.from(bytes.flatMap((byte) => [byte, ...new Array<number>(15).fill(0)]));

test('an offer is heard, a channel opened, answers asked and paid, and the close is in a block', async () => {
  const world = await World.begin();
  const [askerKeys, servingKeys] = [await keysFor(ann.address), await keysFor(bob.address)];
  const stores: Record<string, Store> = {};
  const asker = await join(world.net, 'asker', { signers: askerKeys });
  world.net.link('asker', 'seed');
  await vi.waitUntil(async () => (await heightOf(asker).catch(() => 0)) >= 8, wait);
  let provider = await provide(world, 'provider', { signers: servingKeys, stores });

  const [offer] = await vi.waitUntil(async () => {
    const offers = await asker.api.providers(MODEL);
    return offers.length ? offers : undefined;
  }, wait);
  expect(offer).toMatchObject({
    key: await servingKeys.servingKey(),
    payee: bob.address,
    peer: 'provider',
    price: { type: 'sequence', amount: PRICE },
  });

  const signer = await askerKeys.newSigner();
  const opening = prepay(ann, 0, bob, { provider: offer!.key, signer });
  if (opening.tx.type !== 'channel') throw new Error('unexpected');
  await askerKeys.noteOpening(opening.tx);
  const { id } = await asker.api.openChannel(encode(SignedTx, opening), offer!.peer);
  await vi.waitUntil(() => world.waits('channel'), wait);
  // A stranger gets one sequence before his channel is in a block.
  const ask = (...bytes: number[]) =>
    asker.api.askPrepaid({ channel: id, model: MODEL, input: sequences(...bytes), most: 1 });
  const first = await ask(7);
  expect(first.answer).toEqual(rowsOf(Uint8Array.of(7))[0]);
  await world.mine(4);
  await ask(8);
  await vi.waitUntil(async () => (await provider.api.provided()).earned === 2n * PRICE, wait);
  expect(await provider.api.provided()).toMatchObject({ isOn: true, channels: 1, answers: 2 });

  // Both sides go on from what they keep, and the asker finds the provider under its new peer id.
  world.net.cut('provider');
  open.splice(open.indexOf(provider), 1);
  await provider.stop();
  clock.ms += OFFER_EVERY_MS_MIN;
  provider = await provide(world, 'provider-loaded-again', { signers: servingKeys, stores });
  await vi.waitUntil(async () => {
    const third = await ask(9).catch(() => undefined);
    return third && toHex(third.answer) === toHex(rowsOf(Uint8Array.of(9))[0]!);
  }, wait);
  await vi.waitUntil(async () => (await provider.api.provided()).earned === PRICE, wait);

  await asker.api.closeChannel(id);
  await vi.waitUntil(() => world.waits('close'), wait);
  await world.mine(1);
  expect(world.full.account(bob.address)?.balance).toBe(SUBSIDY + 3n * PRICE - 2_000n);
  await vi.waitUntil(async () => (await asker.api.channels())[0]?.state !== 'open', wait);
});
