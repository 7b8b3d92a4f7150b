/** Texts as long as a package's longest shape, by real parts: tokenised, paid over a channel, answered, checked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Provider } from '../../../src/client/api.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import { openPackageStore } from '../../../src/client/models/package-store.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import { encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import type { PartStore } from '../../../src/miner/package/part-store.ts';
import { planParts } from '../../../src/miner/package/parts.ts';
import { startMinerThread, type MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { createInference } from '../../../src/node/http/inference.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import { startTokens } from '../../../src/node/start-tokens.ts';
import { GENESIS_ID, mine, prepay, START_MS, type Person } from '../../chain/make-blocks.ts';
import { paramsFor } from '../../core/header/params-for.ts';
import { miniModel, miniTokenizer } from '../../models/mini.ts';
import { MemoryNet } from '../memory-net.ts';
import { keepParts } from '../models/kept-parts.ts';
import { ann, bob, cat, emptyChain } from './shop.ts';

const SHAPES = [
  { sequences: 8, tokens: 64 },
  { sequences: 4, tokens: 128 },
  { sequences: 2, tokens: 256 },
] as const;
const LONGEST = SHAPES[2].tokens;
/** nV for a sequence of the first shape. */
const PRICE = 100_000n;
/** Tokens of a text, and how often it costs the price. */
const LENGTHS = [
  [3, 1n],
  [63, 1n],
  [64, 1n],
  [65, 2n],
  [127, 2n],
  [128, 2n],
  [129, 4n],
  [255, 4n],
  [256, 4n],
] as const;
const SECONDS = { timeout: 180_000 };
const wait = { timeout: 60_000, interval: 10 };

/** A text of so many tokens: [CLS], words, [SEP]. */
const textOf = (tokens: number): string =>
  Array.from({ length: tokens - 2 }, (_, i) => 'abcdefgh'[(i * i + tokens) % 8]).join(' ');

const folders: string[] = [];
const clients: Client[] = [];
const threads: MinerThread[] = [];
const net = new MemoryNet();
const full = await emptyChain();
let model: ModelPackage;
let parts: PartStore;
let network: ChainNetwork;
let asker: Client;
let askerKeys: ServingKeys;
let offered: Provider;
let channel: Uint8Array;

const networkWith = (manifest: Manifest): ChainNetwork => ({
  params: paramsFor('e2e', [toHex(model.id)], START_MS),
  models: new Map([[toHex(model.id), manifest]]),
  names: [manifest.name],
  verifyProof: () => undefined,
});

/** All files of the package, as if they had been fetched. */
async function partsOf({ manifest, segments, otherShapes, tables, weights }: ModelPackage) {
  const bytes = weights.map((w) => new Uint8Array(w.buffer, w.byteOffset, w.length));
  const files = [...segments, ...otherShapes!.flat(), ...tables, ...bytes, miniTokenizer()];
  return keepParts(toHex(model.id), planParts(manifest), files);
}

async function keysOf({ address }: Person): Promise<ServingKeys> {
  const folder = mkdtempSync(path(tmpdir(), 'pila-'));
  folders.push(folder);
  const now = () => START_MS;
  return openServingKeys({ folder, network: 'e2e', genesisId: GENESIS_ID, payees: [address], now });
}

/** A client whose models run in a thread of their own; it mines no units. */
async function join(id: string, signers: ServingKeys, its = network): Promise<Client> {
  const thread = await startMinerThread(undefined, () => undefined);
  threads.push(thread);
  const { miner } = thread;
  const idle = async () => undefined;
  const client = await createClient(
    {
      openStore: async () => ({ ...createMemoryStore(), close: idle }),
      createTransport: async () => net.transport(id),
      createMiner: async () => ({
        on: () => () => undefined,
        configure: idle,
        start: idle,
        work: idle,
        throttle: idle,
        pause: idle,
        finish: idle,
        check: async () => [],
        provide: (manifest, files) => miner.provide(manifest, files),
        release: (model) => miner.release(model),
        execute: (model, input) => miner.execute(model, input),
        load: (model) => miner.load(model),
        answer: (n, job) => miner.answer(n, job),
        generate: (n, job) => miner.generate(n, job),
        nextToken: (n) => miner.nextToken(n),
        verifyAnswer: (claim) => miner.verifyAnswer(claim),
        dropAnswer: (n) => miner.dropAnswer(n),
      }),
      startTokens,
      packages: { openStore: async () => parts, origin: undefined },
      signers,
      faucet: undefined,
      nowMs: () => START_MS + 10_000_000,
      steadyMs: () => performance.now(),
      random: Math.random,
    },
    { network: 'e2e', bootstrap: [], genesis: undefined },
    its,
  );
  clients.push(client);
  net.link(id, 'seed');
  await vi.waitUntil(async () => (await heightOf(client).catch(() => 0)) >= 8, wait);
  return client;
}

const heightOf = async ({ api }: Client) => (await api.status()).chain.height;

let sequence = 0;
async function mineOn(blocks: number): Promise<void> {
  for (let i = 0; i < blocks; i++) {
    const [block] = await mine(full, cat);
    await net.transport('seed').announceBlock({ block: block!, sequence: ++sequence });
    for (const client of clients)
      await vi.waitUntil(async () => (await heightOf(client)) === block!.header.height, wait);
  }
}

async function open(client: Client, keys: ServingKeys, nonce: number): Promise<Uint8Array> {
  const signer = await keys.newSigner();
  const opening = prepay(ann, nonce, bob, { provider: offered.key, signer });
  if (opening.tx.type !== 'channel') throw new Error('unexpected');
  await keys.noteOpening(opening.tx);
  const { id } = await client.api.openChannel(encode(SignedTx, opening), offered.peer);
  const waits = () => full.mempool.byFee().some(({ tx }) => tx.type === 'channel');
  await vi.waitUntil(waits, wait);
  await mineOn(4);
  return id;
}

beforeAll(async () => {
  model = await miniModel(SHAPES);
  parts = await partsOf(model);
  network = networkWith(model.manifest);
  await mine(full, ann, 4);
  await mine(full, bob, 1);
  await mine(full, ann, 3);
  await net.seed('seed', full);
  askerKeys = await keysOf(ann);
  asker = await join('asker', askerKeys);
  const provider = await join('provider', await keysOf(bob));
  await provider.api.payTo(bob.address);
  await provider.api.startMining({ model: 'mini' });
  net.link('asker', 'provider');
  await provider.api.provide({ payee: bob.address, price: PRICE });
  const found = async () => (await asker.api.providers(model.id))[0];
  offered = (await vi.waitUntil(found, wait))!;
  channel = await open(asker, askerKeys, 0);
}, SECONDS.timeout);

afterAll(async () => {
  for (const client of clients) await client.stop();
  for (const thread of threads) await thread.stop();
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Rows of texts as the longest shape gives them, each alone in a pass. */
async function rowsInLongest(input: Uint8Array): Promise<Uint8Array> {
  const cpu = await createCpuBackend(model);
  const ids = Uint32Array.from(new Uint16Array(input.slice().buffer));
  const rows: number[] = [];
  for (let at = 0; at < ids.length; at += LONGEST) {
    const tokens = ids.slice(at, at + LONGEST);
    const { answer } = await cpu.pass({ shape: 2, tokens, sigma0: undefined, limits: [] });
    rows.push(...answer);
  }
  await cpu.close();
  return Uint8Array.from(rows, (x) => x & 0xff);
}

describe('texts up to the longest shape', SECONDS, () => {
  it.each(LENGTHS)('of %i tokens cost %i times the price, and are answered', async (n, times) => {
    const before = (await asker.api.answers())[0]?.total ?? 0n;
    const { tokens, input } = await asker.api.tokenise(model.id, [textOf(n)]);
    expect(tokens).toEqual([n]);
    const asked = { channel, model: model.id, input: input!, most: 1 };
    const answer = await asker.api.askPrepaid(asked);
    expect(answer.total - before).toBe(times * PRICE);
    expect(answer.answer).toEqual(await rowsInLongest(input!));
    expect(await asker.api.verifyAnswer(answer)).toEqual({ isEqual: true, at: undefined });
    expect(await asker.api.execute(model.id, input!)).toEqual(answer.answer);
    expect((await asker.api.readInput(model.id, input!, true)).texts).toEqual([textOf(n)]);
  });

  it('in one question all cost what the longest does, and have the rows of being alone', async () => {
    const before = (await asker.api.answers())[0]?.total ?? 0n;
    const texts = [5, 200, 64, 65, 128, 256, 3, 129].map(textOf);
    const { input } = await asker.api.tokenise(model.id, texts);
    const asked = { channel, model: model.id, input: input!, most: texts.length };
    const answer = await asker.api.askPrepaid(asked);
    expect(answer.units).toBe(texts.length);
    expect(answer.total - before).toBe(8n * 4n * PRICE);
    expect(answer.answer).toEqual(await rowsInLongest(input!));
    expect((await asker.api.verifyAnswer(answer)).isEqual).toBe(true);
  });

  it('are refused beyond, with their number of tokens and the most', async () => {
    const { tokens, input } = await asker.api.tokenise(model.id, ['a', textOf(LONGEST + 1)]);
    expect([tokens, input]).toEqual([[3, LONGEST + 1], undefined]);
    const packages = await openPackageStore({
      models: network.models,
      store: parts,
      sources: () => [],
      onChange: () => undefined,
    });
    const inference = createInference({ packages });
    const read = (...input: string[]) => inference.read({ model: 'mini', input });
    expect((await read(textOf(LONGEST))).input).toHaveLength(2 * LONGEST);
    await expect(read('a', textOf(LONGEST + 1))).rejects.toMatchObject({
      code: 'INPUT_LONG',
      message: 'text 2 has 257 tokens, over the 256 of mini',
    });
    await expect(read(...Array<string>(9).fill('a'))).rejects.toMatchObject({
      code: 'INPUT_LONG',
      message: '9 texts are over the 8 of mini',
    });
  });

  it('are refused at the price of a short one', async () => {
    // As if the mined shape had been the longest: it then names the bare price.
    const longest = model.manifest.shapes.toReversed();
    const keys = await keysOf(ann);
    const cheat = await join('cheat', keys, networkWith({ ...model.manifest, shapes: longest }));
    net.link('cheat', 'provider');
    const own = await open(cheat, keys, 1);
    const ask = async (n: number) => {
      const { input } = await asker.api.tokenise(model.id, [textOf(n)]);
      const price = { type: 'sequence', amount: PRICE } as const;
      return cheat.api.askPrepaid({ channel: own, model: model.id, input: input!, most: 1, price });
    };
    await expect(ask(256)).rejects.toMatchObject({ code: 'PRICE_LOW' });
    await expect(ask(65)).rejects.toMatchObject({ code: 'PRICE_LOW' });
  });
});
