/** Light clients among themselves: the seed is gone, and blocks, payments and newcomers go on. */
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { createClient, type Client } from '../../../src/client/client.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import type { Platform } from '../../../src/client/platform.ts';
import type { HeaderCore } from '../../../src/core/formats.ts';
import { bodyOf, bodyRoot } from '../../../src/core/tx/body.ts';
import { txBytes, txId } from '../../../src/core/tx/tx.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import type { FoundBlock, Work } from '../../../src/miner/engine/miner-api.ts';
import {
  coins,
  GENESIS_ID,
  mine,
  MODEL,
  MODELS,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
  transfer,
} from '../../chain/make-blocks.ts';
import { MemoryNet } from '../memory-net.ts';

const [ann, bob] = [person(1), person(2)] as const;
const network: ChainNetwork = {
  params: PARAMS,
  models: MODELS,
  names: ['test'],
  verifyProof: () => undefined,
};
const wait = { timeout: 20_000, interval: 20 };
const clock = { ms: START_MS + 10_000_000 };

interface Peer {
  readonly client: Client;
  /** Finds a block on the template that its miner was given, once; false while there is none. */
  find(): boolean;
  /** That template is one on this head, in hex, and holds transactions. */
  hasTransactionsOn(head: string): boolean;
  readonly status: () => ReturnType<Client['api']['status']>;
}
const open: Client[] = [];
afterEach(async () => {
  for (const client of open.splice(0)) await client.stop();
});

async function join(net: MemoryNet, id: string, stores: Record<string, Store> = {}): Promise<Peer> {
  let found: ((block: FoundBlock) => void) | undefined;
  let template: HeaderCore | undefined;
  let nonce = 0n;
  const miner = {
    on: (name: string, hear: never) => void (name === 'block' && (found = hear)),
    start: async () => undefined,
    pause: async () => undefined,
    work: async (given: Work | undefined) => void (template = given?.core),
    check: async () => [],
  };
  const platform: Platform = {
    // What is on disk outlives who closes it.
    openStore: async (name) => ({
      ...(stores[name] ??= createMemoryStore()),
      close: async () => undefined,
    }),
    createTransport: async () => net.transport(id),
    createMiner: async () => miner as never,
    faucet: undefined,
    nowMs: () => clock.ms,
    steadyMs: () => clock.ms,
    random: Math.random,
  };
  const config = { network: 'e2e', bootstrap: [], genesis: undefined } as const;
  const client = await createClient(platform, config, network);
  open.push(client);
  return {
    client,
    status: () => client.api.status(),
    hasTransactionsOn: (head) =>
      template !== undefined &&
      toHex(template.prevHash) === head &&
      !equal(template.bodyRoot, bodyRoot(bodyOf())),
    find() {
      if (!template) return false;
      const header = { ...template, nonce: nonce++, proofDigest: MODEL };
      template = undefined;
      found!({ header, proof: PROOF });
      return true;
    },
  };
}

const headOf = async (peer: Peer) => toHex((await peer.status()).chain.headId);
const heightOf = async (peer: Peer) => (await peer.status()).chain.height;

/** One block by this miner, until the others have it. */
async function advance(miner: Peer, others: readonly Peer[]): Promise<void> {
  const before = await heightOf(miner);
  await vi.waitUntil(() => miner.find(), wait);
  await vi.waitUntil(async () => (await heightOf(miner)) > before, wait);
  const head = await headOf(miner);
  for (const other of others) await vi.waitUntil(async () => (await headOf(other)) === head, wait);
}

async function seeded(blocks: number) {
  const own = { ms: START_MS };
  const seed = await openChain(createMemoryStore(), own);
  own.ms = clock.ms;
  await mine(seed, ann, blocks);
  const net = new MemoryNet();
  await net.seed('seed', seed);
  return { net, seed };
}

const holds = async (peer: Peer, head: string) => {
  const { chain } = await peer.status();
  return chain.holdsState && toHex(chain.headId) === head;
};

test('with the seed dead, two go on, pay, and a third lives on one of them', async () => {
  const { net, seed } = await seeded(40);
  const stores = {};
  const [a, b] = [await join(net, 'a'), await join(net, 'b', stores)];
  for (const [x, y] of ['a seed', 'b seed', 'a b'].map((s) => s.split(' '))) net.link(x!, y!);
  for (const peer of [a, b]) await vi.waitUntil(() => holds(peer, toHex(seed.head().id)), wait);
  net.cut('seed');

  await a.client.api.payTo(bob.address);
  await a.client.api.startMining({});
  await advance(a, [b]);
  await b.client.api.watch(ann.address);
  await vi.waitUntil(async () => (await b.client.api.balance(ann.address)) !== undefined, wait);
  const paid = transfer(ann, 0, person(3), 77n);
  await b.client.api.submit(txBytes(paid));
  for (let i = 0; i < 2; i++) await advance(a, [b]);
  await vi.waitUntil(async () => (await b.client.api.pending())[0]?.state === 'confirmed', wait);

  const c = await join(net, 'c');
  net.link('c', 'b');
  const head = await headOf(a);
  await vi.waitUntil(() => holds(c, head), wait);
  expect((await c.client.api.account(person(3).address)).spendable).toBe(coins(77n));
  const history = await c.client.api.history(ann.address, 10);
  expect(history).toMatchObject({ total: 1, linked: true, next: undefined });
  expect(history.entries.map(({ tx }) => txId(GENESIS_ID, tx.tx))).toEqual([
    txId(GENESIS_ID, paid.tx),
  ]);
  // The newcomer carries the network on.
  await c.client.api.payTo(ann.address);
  await c.client.api.startMining({});
  await advance(c, [a, b]);
  // And who comes back goes on from its own disk.
  await open.splice(1, 1)[0]!.stop();
  await advance(a, []);
  const again = await join(net, 'b', stores);
  net.link('b', 'a');
  const newest = await headOf(a);
  await vi.waitUntil(() => holds(again, newest), wait);
  expect(net.faults).toEqual([]);
}, 60_000);

test('what an abandoned branch held waits again, and what came after it follows', async () => {
  const { net, seed } = await seeded(40);
  const [a, b, sender] = [await join(net, 'a'), await join(net, 'b'), await join(net, 'c')];
  for (const id of ['a', 'b', 'c']) net.link(id, 'seed');
  for (const peer of [a, b, sender])
    await vi.waitUntil(() => holds(peer, toHex(seed.head().id)), wait);
  net.cut('seed');
  for (const peer of [a, b]) {
    await peer.client.api.payTo(bob.address);
    await peer.client.api.startMining({});
  }
  // Of two branches, the one that loses takes in what its side was told, by one who then is gone.
  net.link('c', 'a');
  const poolOf = async (peer: Peer) => (await peer.status()).chain.mempool;
  for (const nonce of [0, 1]) {
    await sender.client.api.submit(txBytes(transfer(ann, nonce, person(3), 77n)));
    await vi.waitUntil(async () => (await poolOf(a)) === 1, wait);
    if (nonce) continue;
    // A template follows a new transaction within half a second.
    const before = await headOf(a);
    await vi.waitUntil(() => a.hasTransactionsOn(before), wait);
    await advance(a, [sender]);
  }
  net.cut('c');
  expect(await poolOf(a)).toBe(1);
  for (let i = 0; i < 2; i++) await advance(b, []);
  net.link('a', 'b');
  const head = await headOf(b);
  await vi.waitUntil(() => holds(a, head), wait);
  await vi.waitUntil(async () => (await poolOf(a)) === 2, wait);
  await vi.waitUntil(() => a.hasTransactionsOn(head), wait);
  await advance(a, [b]);
  await vi.waitUntil(async () => (await poolOf(a)) === 0, wait);
  expect((await b.client.api.account(person(3).address)).spendable).toBe(2n * coins(77n));
  expect(net.faults).toEqual([]);
}, 60_000);
