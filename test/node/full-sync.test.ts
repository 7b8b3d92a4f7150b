/** Following other full nodes, also when nobody announces anything. */
import { expect, test } from 'vitest';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import { fault } from '../../src/core/faults.ts';
import { blockId } from '../../src/core/header/header.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createLog } from '../../src/lib/log.ts';
import type { PeerInfo, Transport, Verdict } from '../../src/net/transport.ts';
import { createFullSync } from '../../src/node/seed/full-sync.ts';
import { createHandlers } from '../../src/node/seed/serve-peers.ts';
import { futureMsMax } from '../../src/core/params.ts';
import {
  AHEAD_MS,
  mine,
  nextBlock,
  openChain,
  PARAMS,
  person,
  START_MS,
  transfer,
} from '../chain/make-blocks.ts';

const log = createLog(() => undefined);
const ann = person(1);
const headOf = (chain: FullChain) => toHex(chain.head().id);

/** A transport whose one peer is that chain behind a node's handlers. */
function transportTo(chain: FullChain): Transport {
  const never = (): never => {
    throw new Error('not asked here');
  };
  const handlers = createHandlers(chain, never, log);
  return {
    request: (_peer: string, request: never) => handlers.onRequest('me', request),
    charge: never,
  } as unknown as Transport;
}

test('a block that nobody told of is found by a poll, one too early at a later one', async () => {
  const peer = await openChain();
  const clock = { ms: START_MS };
  const own = await openChain(createMemoryStore(), clock);
  const charged: string[] = [];
  const transport = {
    ...transportTo(peer),
    charge: (_: string, f: { fault: string }) => charged.push(f.fault),
  };
  const sync = createFullSync(own, transport, log);
  sync.meet([{ id: 'peer' } as PeerInfo]);
  await mine(peer, ann, 2);
  sync.poll();
  await expect.poll(() => headOf(own)).toBe(headOf(peer));
  // Further ahead of this clock than may be: left, at no cost to who told, and taken in time.
  const early = nextBlock(peer, ann, { afterMs: 50_000 });
  expect(await peer.importBlock(early)).toMatchObject({ status: 'extended' });
  clock.ms = early.header.time - futureMsMax(PARAMS) - AHEAD_MS - 1;
  expect(await own.importBlock(early)).toMatchObject({ status: 'early' });
  sync.poll();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(own.head().header.height).toBe(2);
  clock.ms += 1;
  sync.poll();
  await expect.poll(() => headOf(own)).toBe(headOf(peer));
  expect(charged).toEqual([]);
});

test('a peer of another genesis is one line of the log each time it comes, not one a block', async () => {
  const lines: string[] = [];
  const told = createLog((line) => lines.push(line.split(' ')[2]!));
  const other = await openChain(createMemoryStore(), { ms: START_MS + 1 });
  const [whole, asked] = [transportTo(other), [] as string[]];
  const request: Transport['request'] = (peer, ...rest) => {
    asked.push(peer);
    return whole.request(peer, ...rest);
  };
  const sync = createFullSync(await openChain(), { ...whole, request }, told, 0);
  const peers = [{ id: 'other' } as PeerInfo];
  /** As many more questions as five of its blocks bring, some of which fall together. */
  const announceBlocks = async (): Promise<void> => {
    for (const enough = asked.length + 5; asked.length < enough; await new Promise(setImmediate))
      sync.lagging('other');
  };
  const foreign = () => lines.filter((event) => event === 'sync.foreign');
  sync.meet(peers);
  await announceBlocks();
  await expect.poll(foreign).toHaveLength(1);
  sync.meet([]);
  sync.meet(peers);
  await announceBlocks();
  await expect.poll(foreign).toHaveLength(2);
});

test('an old and easy block that is told anew is neither kept nor passed on', async () => {
  const chain = await openChain();
  const [stale, late] = [1, 2].map((salt) => nextBlock(chain, person(2), { salt }));
  await mine(chain, ann, 1);
  const { onBlock } = createHandlers(
    chain,
    () => createFullSync(chain, transportTo(chain), log),
    log,
  );
  expect(await onBlock('other', { block: late!, sequence: 1 })).toBe('accept');
  await mine(chain, ann, 30);
  expect(await onBlock('other', { block: stale!, sequence: 2 })).toBe('ignore');
  expect(await chain.block(blockId(stale!.header))).toBeUndefined();
});

test('a peer that never gives its blocks keeps nobody else waiting', async () => {
  const peer = await openChain();
  await mine(peer, ann, 2);
  const own = await openChain();
  const honest = transportTo(peer);
  const transport = {
    ...honest,
    request: (id: string, request: { type: string }) =>
      id === 'slow' && request.type === 'blocks'
        ? new Promise(() => undefined)
        : honest.request(id, request as never),
  } as unknown as Transport;
  const sync = createFullSync(own, transport, log, 50);
  sync.meet([{ id: 'slow' } as PeerInfo]);
  sync.meet([{ id: 'slow' } as PeerInfo, { id: 'peer' } as PeerInfo]);
  await expect.poll(() => headOf(own)).toBe(headOf(peer));
});

test('a peer that gives its blocks drop by drop has 30 s for each 128 of them, then it is left', async () => {
  const peer = await openChain();
  await mine(peer, ann, 20);
  const own = await openChain();
  const clock = { ms: START_MS };
  const whole = transportTo(peer);
  let asked = 0;
  const request = async (id: string, wanted: { type: string }) => {
    const answer = await whole.request(id, wanted as never);
    if (!('blocks' in answer)) return answer;
    asked++;
    clock.ms += 9_000;
    return { ...answer, blocks: (answer.blocks as unknown[]).slice(0, 1) };
  };
  const transport = { ...whole, request } as unknown as Transport;
  const sync = createFullSync(own, transport, log, undefined, () => clock.ms);
  sync.meet([{ id: 'peer' } as PeerInfo]);
  await expect.poll(() => own.head().header.height).toBe(4);
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  expect([own.head().header.height, asked]).toEqual([4, 4]);
});

/** A seed that is told a payment at each request for blocks; whether it is behind is noted there too. */
function openTold(own: FullChain, transport: Transport) {
  const verdicts: Verdict[] = [];
  const behind: boolean[] = [];
  const payment = transfer(ann, 0, person(2), 1n);
  const tell = async () => void verdicts.push(await onTx('other', { tx: payment, sequence: 1 }));
  const request = async (peer: string, asked: { type: string }) => {
    if (asked.type === 'blocks') {
      behind.push(sync.isBehind());
      await tell();
    }
    return await transport.request(peer, asked as never);
  };
  const sync = createFullSync(own, { ...transport, request }, log);
  const { onTx } = createHandlers(own, () => sync, log);
  return { sync, verdicts, behind, tell };
}

test('a node that fetches blocks in bulk ignores transactions, and takes them again at the head', async () => {
  const peer = await openChain();
  await mine(peer, ann, 40);
  const own = await openChain();
  const { sync, verdicts, tell } = openTold(own, transportTo(peer));
  sync.meet([{ id: 'peer' } as PeerInfo]);
  await expect.poll(() => headOf(own)).toBe(headOf(peer));
  await expect.poll(() => sync.isBehind()).toBe(false);
  await tell();
  // At block 0 nobody has coins; at 16 and at 32 there is more to come.
  expect(verdicts).toMatchObject([{ fault: 'tx.nonce' }, 'ignore', 'ignore', 'accept']);
});

test('a peer that claims more work than all and gives known blocks makes no node ignore others', async () => {
  const own = await openChain();
  await mine(own, ann, 40);
  const honest = transportTo(own);
  const request = async (peer: string, asked: { type: string }) => {
    const isHeaders = asked.type === 'headers';
    const answer = await honest.request(peer, {
      ...asked,
      ...(isHeaders && { locator: [] }),
    } as never);
    return answer.type === 'status' ? { ...answer, totalWork: 1n << 200n } : answer;
  };
  const { sync, behind } = openTold(own, { ...honest, request });
  sync.meet([{ id: 'liar' } as PeerInfo]);
  await expect.poll(() => behind.length).toBeGreaterThan(3);
  expect(behind).not.toContain(true);
});

test('a branch that is not followed makes its teller wait, and nobody else', async () => {
  const [peer, own] = [await openChain(), await openChain()];
  await mine(peer, ann, 2);
  const tried: string[] = [];
  const peers = ['liar', 'same host', 'honest'].map((id) => ({
    id,
    address: `/ip4/10.0.0.${id === 'honest' ? 2 : 1}/tcp/1/ws`,
  })) as PeerInfo[];
  let asked = '';
  const honest = transportTo(peer);
  const transport: Transport = {
    ...honest,
    peers: () => peers,
    request: (id, request) => ((asked = id), honest.request(id, request)),
  };
  // Every block is one whose parent is not here.
  const chain: FullChain = {
    ...own,
    importBlock: async () => ({ status: 'orphan', reverted: 0 }),
    follow: async (source) => {
      await source.headersAfter(undefined);
      tried.push(asked);
      return 'lacking';
    },
  };
  const clock = { ms: START_MS };
  const sync = createFullSync(chain, transport, log, undefined, () => clock.ms);
  sync.meet(peers);
  await expect.poll(() => tried).toEqual(['liar', 'honest']);
  expect(sync.unfollowed()).toMatchObject({ height: 2, why: 'lacking' });
  sync.poll();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(tried).toHaveLength(2);
  clock.ms += 10 * 60_000;
  sync.poll();
  await expect.poll(() => tried).toHaveLength(4);
  // What was claimed goes with who claimed it.
  sync.meet(peers.slice(0, 2));
  expect(sync.unfollowed()).toBeUndefined();
});

test('a peer without the model is charged once for the false branch whose head it names at each poll', async () => {
  const peer = await openChain();
  const own = await openChain(createMemoryStore(), undefined, {
    checkProof: async ({ header }) =>
      header.nonce === 66n ? fault('proof.activations') : undefined,
  });
  await mine(peer, ann, 1);
  await mine(peer, ann, 1, { salt: 66 });
  await mine(peer, ann, 2);
  const charged: string[] = [];
  const asked: string[] = [];
  const whole = transportTo(peer);
  const transport: Transport = {
    ...whole,
    charge: (_, wrong) => void charged.push(wrong.fault),
    request: (id, request) => (asked.push(request.type), whole.request(id, request)),
  };
  const sync = createFullSync(own, transport, log, 0);
  sync.meet([{ id: 'peer' } as PeerInfo]);
  for (let polls = 0; polls < 12; polls++) {
    const before = asked.length;
    sync.poll();
    await expect.poll(() => asked.slice(before), { interval: 5 }).toContain('blocks');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(own.head().header.height).toBe(1);
  expect(charged).toEqual(['proof.activations']);
});

test('a branch is followed up to where it goes on by newer rules', async () => {
  const [peer, own] = [await openChain(), await openChain()];
  const [first] = await mine(peer, ann, 1);
  const newer = { ...first!.header, version: 3, knows: 3, height: 2 };
  let given: number | undefined;
  const honest = transportTo(peer);
  const transport = {
    ...honest,
    peers: () => [{ id: 'peer', address: '/ip4/10.0.0.1/tcp/1/ws' }],
    request: async (id: string, request: { type: string }) =>
      request.type === 'headers'
        ? { type: 'headers', headers: [first!.header, newer] }
        : honest.request(id, request as never),
  } as unknown as Transport;
  const chain: FullChain = {
    ...own,
    importBlock: async () => ({ status: 'orphan', reverted: 0 }),
    follow: async (source) => {
      given = (await source.headersAfter(undefined)).length;
      return 'light';
    },
  };
  createFullSync(chain, transport, log).meet([{ id: 'peer' } as PeerInfo]);
  await expect.poll(() => given).toBe(1);
});

test('a block whose time has not quite come when it is looked at again goes on waiting, told to nobody', async () => {
  const clock = { ms: START_MS };
  const own = await openChain(createMemoryStore(), clock);
  const told: unknown[] = [];
  const transport = {
    ...transportTo(own),
    announceBlock: async (announce: unknown) => void told.push(announce),
  } as unknown as Transport;
  const sync = createFullSync(own, transport, log, undefined, () => clock.ms + AHEAD_MS);
  const block = nextBlock(own, ann, { afterMs: AHEAD_MS + futureMsMax(PARAMS) + 20 });
  expect(await own.importBlock(block)).toMatchObject({ status: 'early' });
  sync.early('peer', block);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(told).toEqual([]);
  clock.ms += 20;
  await expect.poll(() => told).toHaveLength(1);
  expect(headOf(own)).toBe(toHex(blockId(block.header)));
});
