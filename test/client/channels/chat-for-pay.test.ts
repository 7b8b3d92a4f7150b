/** A language model for pay, by real parts: a conversation's tokens, told as they are made, paid for, and checked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as path } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { PaidAnswer, Provider } from '../../../src/client/api.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import { servedOf } from '../../../src/client/models/package-store.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import { answerHash, Receipt } from '../../../src/core/channel.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedTx } from '../../../src/core/formats.ts';
import { costOf } from '../../../src/core/price.ts';
import { bytesFromTokens, tokensFromBytes } from '../../../src/core/reading.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { encodeOptions, OPTIONS_FORM, seedFromText } from '../../../src/miner/generator/options.ts';
import { createMemoryParts } from '../../../src/miner/package/part-store.ts';
import { startMinerThread, type MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { createPackagedParts, MODEL_FOLDER } from '../../../src/node/packaged-parts.ts';
import { openServingKeys, type ServingKeys } from '../../../src/node/serving-file.ts';
import { startTokens } from '../../../src/node/start-tokens.ts';
import {
  GENESIS_ID,
  MANIFEST,
  mine,
  MODEL,
  prepay,
  START_MS,
  type Person,
} from '../../chain/make-blocks.ts';
import { paramsFor } from '../../core/header/params-for.ts';
import { writeChatty } from '../../models/chatty.ts';
import { MemoryNet } from '../memory-net.ts';
import { ann, bob, cat, emptyChain } from './shop.ts';

/** nV for a thousand tokens. */
const PRICE = { type: 'tokens', amount: 10_000_000n } as const;
const MINUTES = 240_000;
const wait = { timeout: 60_000, interval: 10 };

const folders: string[] = [];
const clients: Client[] = [];
const threads: MinerThread[] = [];
const net = new MemoryNet();
const full = await emptyChain();
const folder = newFolder();
const { model } = writeChatty(folder);
const { manifest } = model;
/** It names none that is served: those are known by their id alone. */
const network: ChainNetwork = {
  params: paramsFor('e2e', [toHex(MODEL)], START_MS),
  models: new Map([[toHex(MODEL), MANIFEST]]),
  names: [MANIFEST.name],
  verifyProof: () => undefined,
};
let asker: Client;
let provider: Client;
let providerKeys: ServingKeys;
let offered: Provider;
let channel: Uint8Array;

function newFolder(): string {
  const made = mkdtempSync(path(tmpdir(), 'pila-chat-'));
  folders.push(made);
  return made;
}

const keysOf = ({ address }: Person): Promise<ServingKeys> =>
  openServingKeys({
    folder: newFolder(),
    network: 'e2e',
    genesisId: GENESIS_ID,
    payees: [address],
    now: () => START_MS,
  });

/** A client with the package on its disk, whose models run in a thread of their own; it mines no units. */
async function join(id: string, signers: ServingKeys): Promise<Client> {
  const thread = await startMinerThread(undefined, () => undefined);
  threads.push(thread);
  const said = servedOf(manifest);
  const client = await createClient(
    {
      openStore: async () => ({ ...createMemoryStore(), close: async () => undefined }),
      createTransport: async () => net.transport(id),
      createMiner: async () => thread.miner,
      startTokens,
      packages: {
        openStore: () =>
          createPackagedParts(new Map(), createMemoryParts(), MODEL_FOLDER, [
            { said, manifest, folder },
          ]),
        origin: undefined,
      },
      signers,
      faucet: undefined,
      nowMs: () => START_MS + 10_000_000,
      steadyMs: () => performance.now(),
      random: Math.random,
    },
    { network: 'e2e', bootstrap: [], genesis: undefined, served: [said] },
    network,
  );
  clients.push(client);
  net.link(id, 'seed');
  await vi.waitUntil(async () => (await heightOf(client).catch(() => 0)) >= 8, wait);
  return client;
}

const heightOf = async ({ api }: Client): Promise<number> => (await api.status()).chain.height;

beforeAll(async () => {
  await mine(full, ann, 4);
  await mine(full, bob, 1);
  await mine(full, ann, 3);
  await net.seed('seed', full);
  const askerKeys = await keysOf(ann);
  asker = await join('asker', askerKeys);
  providerKeys = await keysOf(bob);
  provider = await join('provider', providerKeys);
  net.link('asker', 'provider');
  await provider.api.payTo(bob.address);
  await provider.api.provide({ payee: bob.address, tokenPrice: PRICE.amount });
  const found = async () => (await asker.api.providers(model.id))[0];
  offered = (await vi.waitUntil(found, wait))!;

  const signer = await askerKeys.newSigner();
  const opening = prepay(ann, 0, bob, { provider: offered.key, signer });
  if (opening.tx.type !== 'channel') throw new Error('unexpected');
  await askerKeys.noteOpening(opening.tx);
  ({ id: channel } = await asker.api.openChannel(encode(SignedTx, opening), offered.peer));
  const waits = () => full.mempool.byFee().some(({ tx }) => tx.type === 'channel');
  await vi.waitUntil(waits, wait);
  for (let i = 0; i < 4; i++) {
    const [block] = await mine(full, cat);
    await net.transport('seed').announceBlock({ block: block!, sequence: i });
    for (const client of clients)
      await vi.waitUntil(async () => (await heightOf(client)) === block!.header.height, wait);
  }
}, MINUTES);

afterAll(async () => {
  for (const client of clients) await client.stop();
  for (const thread of threads) await thread.stop();
  for (const made of folders) rmSync(made, { recursive: true });
});

const OPTIONS = encodeOptions({
  form: OPTIONS_FORM,
  temperature: 256,
  topK: 0,
  topP: 65_536,
  penalty: 256,
  maxTokens: 80,
  seed: seedFromText('42'),
  stops: [],
});

async function inputOf(text: string): Promise<Uint8Array> {
  const { input } = await asker.api.tokenise(model.id, [text]);
  return input!;
}

async function askedOf(text: string): Promise<PaidAnswer> {
  const asked = { channel, model: model.id, options: OPTIONS, most: 80 };
  return asker.api.askPrepaid({ ...asked, input: await inputOf(text) });
}

/** The same receipt over other tokens, which the provider has signed. */
async function forged(answer: PaidAnswer, tokens: Uint32Array): Promise<PaidAnswer> {
  const bytes = bytesFromTokens(tokens);
  const receipt = {
    ...decode(Receipt, answer.receipt),
    answer: answerHash(answer.salt, bytes),
  };
  const signature = await providerKeys.signReceipt(receipt);
  return { ...answer, answer: bytes, receipt: encode(Receipt, receipt), signature };
}

test('an offer names what a thousand tokens cost, and how many question and answer may have', () => {
  expect(offered).toMatchObject({ price: PRICE, window: 256 });
});

test(
  'tokens come as they are made, are paid for with those of the question, and are verified by one pass',
  async () => {
    const parts: Uint8Array[] = [];
    asker.on((event) => {
      if (event.type === 'part') parts.push(event.bytes);
    });
    const input = await inputOf('Tell me of the old battery.');
    const read = (await asker.api.readInput(model.id, input)).ids![0]!.length;
    const asked = { channel, model: model.id, input, options: OPTIONS, most: 80 };
    const answer = await asker.api.askPrepaid(asked);
    const { units, total } = answer;
    expect(units).toBeGreaterThan(32);
    expect(total).toBe(costOf({ price: PRICE, read }, units));
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.flatMap((part) => [...part])).toEqual([...answer.answer]);
    expect(await asker.api.verifyAnswer(answer)).toEqual({ isEqual: true, at: undefined });

    // Whoever is given it checks it with no key of its asker.
    const shared = await asker.api.shareAnswer(channel, answer.n);
    const read2 = await provider.api.readAnswer(shared);
    expect(read2).toMatchObject({ units, verdict: 'unchecked' });
    expect((await provider.api.verifyAnswer(read2)).isEqual).toBe(true);
  },
  MINUTES,
);

test(
  'an answer that was stopped is the beginning of the right one',
  async () => {
    const input = await inputOf('And of the frog?');
    const asking = asker.api.askPrepaid({ channel, model: model.id, input, most: 200 });
    await vi.waitUntil(async () => (await asker.api.channels())[0]!.isBusy, wait);
    await asker.api.stopAsking(channel);
    const answer = await asking;
    expect(answer.units).toBeLessThan(200);
    expect((await asker.api.verifyAnswer(answer)).isEqual).toBe(true);
  },
  MINUTES,
);

test('more than question and answer may have is refused with both numbers', async () => {
  const long = Array.from({ length: 256 }, () => 5);
  const input = Uint8Array.from(long.flatMap((id) => [id, 0]));
  const asking = asker.api.askPrepaid({ channel, model: model.id, input, most: 8 });
  await expect(asking).rejects.toMatchObject({
    code: 'INPUT_LONG',
    message: '256 tokens, where input and answer may have 256',
  });
});

test(
  'of a forged answer the first wrong token is named, and its provider is convicted',
  async () => {
    const answer = await askedOf('What stood in the pile?');
    const right = tokensFromBytes(answer.answer);
    const changed = (at: number): Uint32Array =>
      right.map((id, i) => (i < at ? id : (id + 1) % manifest.vocabulary));
    for (const at of [0, 17, right.length - 1]) {
      const check = await provider.api.verifyAnswer(await forged(answer, changed(at)));
      expect(check).toEqual({ isEqual: false, at, token: right[at] });
    }
    // What nobody signed shows by itself.
    const unsigned = { ...answer, answer: bytesFromTokens(changed(3)) };
    await expect(asker.api.verifyAnswer(unsigned)).rejects.toMatchObject({ code: 'ANSWER_FORGED' });
    // More than the model says after its end.
    const more = Uint32Array.from([...right, right[0]!]);
    expect(await provider.api.verifyAnswer(await forged(answer, more))).toEqual({
      isEqual: false,
      at: right.length,
      token: undefined,
    });

    await asker.api.verifyAnswer(await forged(answer, changed(17)));
    expect(await asker.api.distrusted()).toMatchObject([{ key: offered.key }]);
    const input = await inputOf('Once more?');
    const asking = asker.api.askPrepaid({ channel, model: model.id, input, most: 8 });
    await expect(asking).rejects.toMatchObject({ code: 'PROVIDER_FALSE' });
  },
  MINUTES,
);
