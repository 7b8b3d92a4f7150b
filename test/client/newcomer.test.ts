/** A client that knows no genesis: what it answers before, and whose genesis it takes. */
import { afterEach, expect, test, vi } from 'vitest';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { LIGHT_SCHEMA } from '../../src/chain/light/records.ts';
import { formatPut } from '../../src/chain/store/format-marker.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import type { ClientEvent } from '../../src/client/api.ts';
import { createClient, type Client } from '../../src/client/client.ts';
import type { Platform } from '../../src/client/platform.ts';
import { toHex } from '../../src/lib/bytes.ts';
import {
  mine,
  MODELS,
  openChain,
  PARAMS,
  person,
  START_MS,
  transfer,
} from '../chain/make-blocks.ts';
import { answer } from '../../src/chain/shared/answer.ts';
import type { SyncRequest } from '../../src/core/messages.ts';
import { txBytes } from '../../src/core/tx/tx.ts';
import { MemoryNet } from './memory-net.ts';

const ann = person(1);
const wait = { timeout: 20_000, interval: 20 };
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
});

async function join(net: MemoryNet, chain?: Store): Promise<Client> {
  const platform: Platform = {
    openStore: async (name) => (name === 'chain' && chain) || createMemoryStore(),
    createTransport: async () => net.transport('newcomer'),
    createMiner: undefined,
    faucet: undefined,
    nowMs: () => START_MS + 10_000_000,
    steadyMs: () => performance.now(),
    random: Math.random,
  };
  const client = await createClient(
    platform,
    { network: 'e2e', bootstrap: [], genesis: undefined },
    { params: PARAMS, models: MODELS, names: ['test'], verifyProof: () => undefined },
  );
  clients.push(client);
  return client;
}

async function chainFrom(startMs: number, blocks: number) {
  const clock = { ms: startMs };
  const chain = await openChain(createMemoryStore(), clock);
  clock.ms = START_MS + 10_000_000;
  await mine(chain, ann, blocks);
  return chain;
}

test('without a peer it answers what needs no chain, and the rest once there is one', async () => {
  const net = new MemoryNet();
  const { api } = await join(net);
  expect((await api.status()).chain).toMatchObject({ sync: 'connecting', height: 0, mempool: 0 });
  expect(await api.header(0)).toBeUndefined();
  expect(await api.headers(3, 3)).toEqual([]);
  expect(await api.block(0)).toBeUndefined();
  expect(await api.balance(ann.address)).toBeUndefined();
  expect(await api.pending()).toEqual([]);
  expect((await api.models()).map(({ name }) => name)).toEqual(['test']);
  expect(await api.diagnostics()).toMatchObject({ sync: 'connecting', problems: [] });
  const refused = {
    NO_GENESIS: api.supply(),
    NO_PEERS: api.account(ann.address),
    NOT_PROVEN: api.prepare(ann.address),
  };
  for (const [code, call] of Object.entries(refused))
    await expect(call).rejects.toMatchObject({ code });

  let isWatched = false;
  const watching = api.watch(ann.address).then(() => (isWatched = true));
  const sending = api.submit(txBytes(transfer(ann, 0, person(2), 1n)));
  const chain = await chainFrom(START_MS, 5);
  expect(isWatched).toBe(false);
  await net.seed('seed', chain);
  net.link('newcomer', 'seed');
  await watching;
  expect((await sending).state).toBe('pending');
  await vi.waitUntil(async () => (await api.status()).chain.height === 5, wait);
  await vi.waitUntil(async () => (await api.balance(ann.address)) !== undefined, wait);
  expect(toHex((await api.status()).chain.headId)).toBe(toHex(chain.head().id));
});

test('the chain of an older program begins anew, which is said once', async () => {
  const store = createMemoryStore();
  const format = { kind: 'light', schema: LIGHT_SCHEMA - 1, chainId: PARAMS.chainId } as const;
  await store.batch([formatPut(format, new Uint8Array(32))]);
  const said: ClientEvent[] = [];
  const { api, on } = await join(new MemoryNet(), store);
  on((event) => event.type === 'problem' && said.push(event));
  await vi.waitUntil(() => said.length, wait);
  expect(said).toMatchObject([{ code: 'STORE_OLD' }]);
  expect((await api.status()).chain).toMatchObject({ height: 0 });
  const again: ClientEvent[] = [];
  const { on: onAgain } = await join(new MemoryNet(), store);
  onAgain((event) => again.push(event));
  await new Promise((r) => setTimeout(r));
  expect(again).toEqual([]);
});

test('of two genesis blocks it keeps the first that it took', async () => {
  const net = new MemoryNet();
  const { api } = await join(net);
  const [first, second] = [await chainFrom(START_MS, 3), await chainFrom(START_MS + 1_000, 9)];
  await net.seed('first', first);
  net.link('newcomer', 'first');
  await vi.waitUntil(async () => (await api.status()).chain.height === 3, wait);
  await net.seed('second', second);
  net.link('newcomer', 'second');
  await vi.waitUntil(async () => (await api.status()).chain.sync === 'synced', wait);
  expect(toHex((await api.status()).chain.headId)).toBe(toHex(first.head().id));
});

/** A peer with that chain that answers requests for headers once it is let. */
async function slowSeed(net: MemoryNet, id: string, chain: FullChain) {
  const { promise: isLet, resolve: allow } = Promise.withResolvers<void>();
  const asked: SyncRequest['type'][] = [];
  await net.transport(id).start({
    async onRequest(_, request) {
      asked.push(request.type);
      if (request.type === 'headers') await isLet;
      return await answer(chain, request, () => chain.mempool.byFee());
    },
    onBlock: async () => 'ignore',
    onTx: async () => 'ignore',
    onOffer: async () => 'ignore',
    onPeers: () => undefined,
  });
  return { asked, allow };
}

test('a client that is behind takes no transactions; peers’ pools are read once it no longer is', async () => {
  const net = new MemoryNet();
  const { api } = await join(net);
  const chain = await chainFrom(START_MS, 5);
  const [waiting, told, late] = [0, 1, 2].map((nonce) => transfer(ann, nonce, person(2), 1n));
  expect(await chain.addTx(waiting!)).toBeUndefined();
  const { asked, allow } = await slowSeed(net, 'slow', chain);
  net.link('newcomer', 'slow');
  await vi.waitUntil(() => asked.includes('headers'), wait);
  const mempool = async () => (await api.status()).chain.mempool;
  await net.transport('slow').announceTx({ tx: told!, sequence: 1 });
  expect({ asked: asked.includes('transactions'), mempool: await mempool() }).toEqual({
    asked: false,
    mempool: 0,
  });
  allow();
  await expect.poll(mempool, wait).toBe(1);

  // One peer was caught up with: another that claims more and gives nothing holds up nobody.
  const liar = await slowSeed(net, 'liar', await chainFrom(START_MS, 50));
  net.link('newcomer', 'liar');
  await vi.waitUntil(() => liar.asked.includes('headers'), wait);
  await net.transport('slow').announceTx({ tx: told!, sequence: 2 });
  expect(await mempool()).toBe(2);

  // Without any peer it knows no more how far the others are.
  net.cut('slow');
  net.cut('liar');
  const again = await slowSeed(net, 'again', await chainFrom(START_MS, 60));
  net.link('newcomer', 'again');
  await vi.waitUntil(() => again.asked.includes('headers'), wait);
  await net.transport('again').announceTx({ tx: late!, sequence: 3 });
  expect(await mempool()).toBe(2);
  again.allow();
  liar.allow();
});
