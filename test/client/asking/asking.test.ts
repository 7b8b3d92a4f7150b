/** What an asker is told of a request, from peers of which some lie: proven where it can be. */
import { NO_TRAFFIC } from '../../../src/net/traffic.ts';
import { describe, expect, test } from 'vitest';
import { answer as answerOf } from '../../../src/chain/shared/answer.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { Asked, ASKED_MAX } from '../../../src/client/asking/asked.ts';
import { createAsking } from '../../../src/client/asking/asking.ts';
import type { Receipt } from '../../../src/client/api.ts';
import { createLightPool } from '../../../src/client/wallet/light-pool.ts';
import { createTexts } from '../../../src/client/models/texts.ts';
import { Outbox } from '../../../src/client/wallet/outbox.ts';
import { minimumReward } from '../../../src/client/mining/quote.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import type { SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import { targetFromBits } from '../../../src/core/header/target.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { Transport } from '../../../src/net/transport.ts';
import {
  MANIFEST,
  mine,
  MODEL,
  CONTEXT,
  MODELS,
  openChain,
  PARAMS,
  person,
  request,
  sign,
  START_MS,
} from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { openFollower } from '../open-follower.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
const VOLT = 10n ** 9n;
const ANSWER = new Uint8Array(16).fill(3);
const clock = { ms: START_MS + 10_000_000 };

type Peer = (request: SyncRequest) => Promise<SyncResponse>;

/** A full chain on which ann and bob have coins; cat mines. */
async function network() {
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = clock.ms;
  await mine(chain, ann, 5);
  await mine(chain, bob, 4);
  const honest: Peer = (asked) => answerOf(chain, asked, () => chain.mempool.byFee());
  const take = async (...txs: SignedTx[]) => {
    for (const tx of txs) expect(await chain.addTx(tx)).toBeUndefined();
    await mine(chain, cat, 1);
  };
  return { chain, honest, take };
}

/** A light client with these peers, as client.ts joins its parts. */
async function asker(
  chain: FullChain,
  peers: Peer[],
  store = createMemoryStore(),
  lightStore = createMemoryStore(),
) {
  const charged: string[] = [];
  const asked: SyncRequest['type'][] = [];
  const transport: Transport = {
    start: async () => undefined,
    stop: async () => undefined,
    peers: () =>
      peers.map((_, i) => ({
        id: `${i}`,
        origin: 'outbound',
        link: 'webrtc',
        address: '',
        penalty: 0,
      })),
    ownId: () => 'me',
    addresses: () => [],
    traffic: () => NO_TRAFFIC,
    request: async (peer, message) => (asked.push(message.type), peers[Number(peer)]!(message)),
    ask: () => Promise.reject(new Error('no streams here')),
    announceBlock: async () => undefined,
    announceTx: async () => undefined,
    announceOffer: async () => undefined,
    charge: (_, { fault }) => void charged.push(fault),
  };
  const light = await openLightChain(
    { store: lightStore, now: () => clock.ms },
    await chain.header(0),
  );
  const told: Receipt[] = [];
  const ran: Uint8Array[] = [];
  const { follower, reader, events } = openFollower(light, transport, {
    onHead: async (head, body) => {
      const { height } = head.header;
      const inBlock = (body ?? []).map(({ tx }) => ({ id: txId(tx), height }));
      await outbox.noteHead(height, inBlock);
      asking.onHead(head, body);
    },
  });
  events.on('report', (event) => event.type === 'receipt' && told.push(event.receipt));
  const outbox = await Outbox.open(store);
  const pool = createLightPool(PARAMS, CONTEXT);
  const asking = createAsking({
    network: { params: PARAMS, models: MODELS, names: ['test'] },
    chain: light,
    outbox,
    pool,
    reader,
    transport,
    asked: await Asked.open(store),
    texts: createTexts(MODELS, undefined),
    worker: { execute: async (_, input) => (ran.push(input), ANSWER) },
    events,
  });
  const follow = async () => {
    follower.poll();
    const { id } = chain.head();
    await expect.poll(() => toHex(light.headers.head().id)).toBe(toHex(id));
    await expect.poll(() => light.state.rootAfter(id)).toBeDefined();
  };
  if (peers.length) await follow();
  return { api: asking.api, asking, follow, outbox, pool, told, light, charged, asked, ran };
}

const claim = (who: typeof ann, nonce: number, id: Uint8Array) =>
  sign(who, nonce, { type: 'claim', request: id, commitment: MODEL });
const result = (who: typeof ann, nonce: number, id: Uint8Array, answer = ANSWER) =>
  sign(who, nonce, { type: 'result', request: id, answer });

describe('a request of ours', () => {
  test('waits, opens, is answered, confirmed and paid; every step is told', async () => {
    const { chain, honest, take } = await network();
    const { api, asking, follow, outbox, pool, told } = await asker(chain, [honest]);
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await outbox.add(ask);
    asking.onPool();
    await expect.poll(() => told.length).toBe(1);
    expect(await api.requests()).toMatchObject([{ id, state: 'waiting', source: 'peers' }]);
    await take(ask);
    await follow();
    const expiry = 10 + 30;
    expect(await api.receipt(id)).toMatchObject({
      asker: ann.address,
      modelId: MODEL,
      model: 'test',
      reward: VOLT,
      fee: 1_000n,
      state: 'open',
      requested: { height: 10, index: 0 },
      expiry,
      settle: undefined,
      answers: [],
      paid: undefined,
      source: 'state',
    });
    await take(claim(bob, 0, id));
    await follow();
    const answered = result(bob, 1, id);
    expect(pool.add(answered, 11)).toBeUndefined();
    asking.onPool();
    const claimed = { height: 11, index: 0 };
    const unconfirmed = { payee: bob.address, answer: ANSWER, claim: claimed, result: undefined };
    expect(await api.receipt(id)).toMatchObject({ state: 'open', answers: [unconfirmed] });
    await take(answered);
    await follow();
    const confirmed = { ...unconfirmed, result: { height: 12, index: 0 } };
    expect(await api.receipt(id)).toMatchObject({
      state: 'answered',
      settle: 18,
      answers: [confirmed],
      source: 'state',
    });
    await mine(chain, cat, 6);
    await follow();
    expect(await api.receipt(id)).toMatchObject({
      state: 'paid',
      answers: [confirmed],
      source: 'state',
      paid: { payee: bob.address, amount: (VOLT * 80n) / 100n },
    });
    await expect.poll(() => told.at(-1)?.state).toBe('paid');
    const states = told.map(({ state, answers }) => `${state} ${answers.length}`);
    expect([...new Set(states)]).toEqual(['waiting 0', 'open 0', 'open 1', 'answered 1', 'paid 1']);
    // Nothing is told twice.
    expect(states.length).toBeLessThanOrEqual(6);
  });

  test('that nobody answers is refunded, proven by its last leaf', async () => {
    const { chain, honest, take } = await network();
    const { api, follow } = await asker(chain, [honest]);
    const ask = request(ann, 0, VOLT);
    await take(ask);
    await mine(chain, cat, 30);
    await follow();
    const receipt = await api.receipt(txId(ask.tx));
    expect(receipt).toMatchObject({ state: 'refunded', paid: undefined, source: 'state' });
  });

  test('that ran out of time before a block took it is dropped', async () => {
    const { chain, honest } = await network();
    const { api, follow, outbox } = await asker(chain, [honest]);
    const ask = sign(ann, 0, { ...request(ann, 0, VOLT).tx, expiry: 11 });
    await outbox.add(ask);
    await mine(chain, cat, 3);
    await follow();
    expect((await api.requests())[0]).toMatchObject({ state: 'dropped', source: 'peers' });
  });

  test('and its answer are there after a restart without any peer', async () => {
    const { chain, honest, take } = await network();
    const stores = [createMemoryStore(), createMemoryStore()] as const;
    const first = await asker(chain, [honest], ...stores);
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await first.outbox.add(ask);
    await take(ask);
    await take(claim(bob, 0, id));
    await take(result(bob, 1, id));
    await first.follow();
    expect((await first.api.requests())[0]).toMatchObject({ answers: [{ answer: ANSWER }] });
    const { found } = (await Asked.open(stores[0])).get(id)!;
    expect(found.map(({ tx }) => tx.tx.type)).toEqual(['request', 'claim', 'result']);
    const offline = await asker(chain, [], ...stores);
    const [receipt] = await offline.api.requests();
    expect(receipt).toMatchObject({ id, state: 'answered', answers: [{ answer: ANSWER }] });
    expect(receipt!.source).toBe('state');
  });

  test('makes room for a newer one at the bound', async () => {
    const store = createMemoryStore();
    const asked = await Asked.open(store);
    const requests = Array.from({ length: ASKED_MAX + 1 }, (_, i) => request(ann, i, 1n));
    for (const ask of requests.slice(0, ASKED_MAX)) await asked.add(ask);
    expect(asked.get(txId(requests[0]!.tx))).toBeDefined();
    await asked.add(requests[ASKED_MAX]!);
    for (const kept of [asked, await Asked.open(store)]) {
      expect(kept.all()).toHaveLength(ASKED_MAX);
      expect(kept.get(txId(requests[0]!.tx))).toBeUndefined();
      expect(kept.all()[0]!.id).toEqual(txId(requests[ASKED_MAX]!.tx));
    }
  });
});

describe('anybody’s request', () => {
  test('two answers: the earlier claim is paid, though its result came later', async () => {
    const { chain, honest, take } = await network();
    const { api, follow } = await asker(chain, [honest]);
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await take(ask);
    await take(claim(bob, 0, id));
    await take(claim(ann, 1, id));
    await take(result(ann, 2, id));
    await take(result(bob, 1, id));
    await follow();
    const payees = async () => (await api.receipt(id))!.answers.map(({ payee }) => toHex(payee));
    expect(await payees()).toEqual([toHex(bob.address), toHex(ann.address)]);
    await mine(chain, cat, 6);
    await follow();
    expect(await payees()).toEqual([toHex(bob.address), toHex(ann.address)]);
    expect((await api.receipt(id))!.paid!.payee).toEqual(bob.address);
  });

  test('a peer that hides answers or tells false places is passed over', async () => {
    const { chain, honest, take } = await network();
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await take(ask);
    await take(claim(bob, 0, id));
    await take(result(bob, 1, id));
    await mine(chain, cat, 6);
    const hides: Peer = async (asked) =>
      asked.type === 'find'
        ? { type: 'find', positions: [{ height: 10, index: 0 }] }
        : honest(asked);
    const lies: Peer = async (asked) =>
      asked.type === 'find'
        ? { type: 'find', positions: [7, 8, 99].map((height) => ({ height, index: 0 })) }
        : honest(asked);
    const { api } = await asker(chain, [hides, lies, honest]);
    expect(await api.receipt(id)).toMatchObject({ state: 'paid', answers: [{ answer: ANSWER }] });
    // With liars alone it is not said to be refunded: its absence before its expiry proves more.
    const deceived = await asker(chain, [hides, lies]);
    expect((await deceived.api.receipt(id))!.state).not.toBe('refunded');
  });

  test('a refund told by a peer that hides a late answer is not believed', async () => {
    const { chain, honest, take } = await network();
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await take(ask);
    await mine(chain, cat, 27);
    await take(claim(bob, 0, id));
    await take(result(bob, 1, id));
    await mine(chain, cat, 8);
    const hides: Peer = async (asked) =>
      asked.type === 'find'
        ? { type: 'find', positions: [{ height: 10, index: 0 }] }
        : honest(asked);
    const { api } = await asker(chain, [hides, honest]);
    const receipt = (await api.receipt(id))!;
    expect(receipt).toMatchObject({ state: 'paid', settle: 45, paid: { payee: bob.address } });
    expect(receipt.answers).toMatchObject([{ answer: ANSWER, payee: bob.address }]);
  });

  test('one that does not exist is not found; without peers nobody can say', async () => {
    const { chain, honest } = await network();
    const { api } = await asker(chain, [honest]);
    expect(await api.receipt(MODEL)).toBeUndefined();
    const alone = await asker(chain, []);
    await expect(alone.api.receipt(MODEL)).rejects.toMatchObject({ code: 'NO_PEERS' });
  });

  test('a reorganisation takes an answer back', async () => {
    const { chain, honest, take } = await network();
    const { api, follow } = await asker(chain, [honest]);
    const ask = request(ann, 0, VOLT);
    const id = txId(ask.tx);
    await take(ask);
    await take(claim(bob, 0, id));
    const fork = chain.head();
    await take(result(bob, 1, id));
    await follow();
    expect(await api.receipt(id)).toMatchObject({ state: 'answered' });
    // Another branch without the result, one block longer.
    const other = await network();
    for (let h = other.chain.head().header.height + 1; h <= fork.header.height; h++) {
      const block = (await chain.block(blockId((await chain.header(h))!)))!;
      await other.chain.importBlock(block);
    }
    const blocks = await mine(other.chain, ann, 2, { salt: 5 });
    for (const block of blocks) await chain.importBlock(block);
    await follow();
    expect(await api.receipt(id)).toMatchObject({ state: 'open', settle: undefined, answers: [] });
  });
});

test('models, quotes and runs', async () => {
  const { chain, honest, take } = await network();
  const { api, follow, ran } = await asker(chain, [honest]);
  const [model] = await api.models();
  expect(model).toMatchObject({ name: 'test', id: MODEL, inputBytesMax: 16, sequenceBytes: 16 });
  const { header } = chain.head();
  const quote = await api.quote('test');
  const minimum = minimumReward(MANIFEST, targetFromBits(header.bits)!, header.height + 1);
  expect(quote).toMatchObject({ minimum, kappaJob64: MANIFEST.kappaJob64, waiting: 0 });
  expect(quote.subsidyPerPass).toBeGreaterThan(0n);
  await take(request(ann, 0, minimum), request(bob, 0, minimum - 1n));
  await follow();
  expect((await api.quote('test')).waiting).toBe(1);
  await expect(api.quote('nobody')).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  expect(await api.execute(MODEL, new Uint8Array(16))).toEqual(ANSWER);
  await expect(api.execute(MODEL, new Uint8Array(17))).rejects.toMatchObject({
    code: 'INPUT_LONG',
  });
  await expect(api.execute(ann.address, new Uint8Array(1))).rejects.toMatchObject({
    code: 'MODEL_MISSING',
  });
  expect(ran).toHaveLength(1);
});
