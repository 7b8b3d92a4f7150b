/** `--trust-state`: a node takes the state of a chain whose blocks nobody gives any more, and executes what comes above. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { answer } from '../../../src/chain/shared/answer.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { fault } from '../../../src/core/faults.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { HEADERS_MAX, type SyncResponse } from '../../../src/core/messages.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { proveFrom } from '../../../src/core/tree/tree-parts.ts';
import { treeRoot } from '../../../src/core/tree/tree.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import type { AskPeer } from '../../../src/node/seed/ask-bootstrap.ts';
import { trustState } from '../../../src/node/seed/trust-state.ts';
import {
  mine,
  MODELS,
  nextBlock,
  openChain,
  PARAMS,
  person,
  prepay,
  START_MS,
  transfer,
} from '../../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const LENGTH = 620;
const SHARED = 100;
/** Blocks below this height are given by nobody. */
const GIVEN_FROM = LENGTH - 300;
const BELIEVED = LENGTH - 64;
const clock = { ms: START_MS };
const genesisTimeMs = async () => START_MS;
let theirs: FullChain;
/** Id of one of the newest blocks. */
let withheld: Uint8Array;

beforeAll(async () => {
  clock.ms += 10_000_000;
  theirs = await openChain(createMemoryStore(), clock, { genesisTimeMs });
  await mine(theirs, ann, SHARED);
  for (const tx of [transfer(ann, 0, bob, 7n * NANOVOLTS), prepay(ann, 1, bob, { lifetime: 600 })])
    expect(await theirs.addTx(tx)).toBeUndefined();
  await mine(theirs, ann, LENGTH - SHARED);
  withheld = blockId((await theirs.header(LENGTH - 100))!);
}, 60_000);

/** What a peer says that has dropped old blocks; `lie` changes an answer. */
function peerOf(chain: FullChain, lie: (answer: SyncResponse) => SyncResponse = (a) => a): AskPeer {
  return async (request) => {
    const told = await answer(chain, request, () => []);
    if (told.type !== 'blocks') return lie(told);
    const blocks = [];
    for (const part of told.blocks) {
      const block = await chain.block(part.id);
      if (block && block.header.height >= GIVEN_FROM) blocks.push(part);
    }
    return lie({ ...told, blocks });
  };
}

/** All leaves after the head: right, but of another block. */
const headState = () => proveFrom(theirs.headState(), new Uint8Array(32), 1 << 20);

const trust = (
  store: Store,
  ask: AskPeer,
  verifyProof = () => undefined as never,
  now: Readonly<typeof clock> = clock,
) =>
  trustState({
    store,
    network: { params: PARAMS, models: MODELS, names: [], verifyProof },
    ask,
    nowMs: () => now.ms,
  });

const open = (store: Store) => openChain(store, clock, { genesisTimeMs });

async function rowsOf(store: Store): Promise<string[]> {
  return (await store.range('', '\x7f', 100_000)).map(({ key }) => key);
}

/** Gives a chain the blocks of another above its head. */
async function catchUp(to: FullChain, from: FullChain): Promise<void> {
  for (const header of await from.headersAfter([to.head().id], HEADERS_MAX)) {
    const block = (await from.block(blockId(header)))!;
    expect(await to.importBlock(block)).toMatchObject({ status: 'extended' });
  }
}

describe('a node that nobody gives old blocks', () => {
  it('takes the state after a block near the head, and executes what comes above', async () => {
    const store = createMemoryStore();
    const done = await trust(store, peerOf(theirs));
    expect(done).toMatchObject({ is: 'taken', height: BELIEVED });
    const chain = await open(store);
    expect([chain.head().header.height, chain.believed]).toEqual([BELIEVED, BELIEVED]);
    await catchUp(chain, theirs);
    expect(toHex(treeRoot(chain.headState()))).toBe(toHex(treeRoot(theirs.headState())));
    expect(chain.stats()).toEqual(theirs.stats());

    // Started again it is the same, also with nothing above what it believes.
    const again = await open(store);
    expect([again.head(), again.believed]).toEqual([chain.head(), BELIEVED]);
    expect(again.stats()).toEqual(theirs.stats());
    expect(await mine(again, bob, 3)).toHaveLength(3);
    const least = createMemoryStore();
    await trust(least, peerOf(theirs));
    await open(least);
    expect((await open(least)).head().header.height).toBe(BELIEVED);
  });

  it('undoes nothing below what it believes', async () => {
    const store = createMemoryStore();
    await trust(store, peerOf(theirs));
    const chain = await open(store);
    await catchUp(chain, theirs);
    // A branch from right above can be followed, one from below is not tried.
    const [above, below] = [await fork(BELIEVED), await fork(BELIEVED - 1)];
    expect(await chain.importBlock(above)).toMatchObject({ status: 'side' });
    expect(await chain.importBlock(below)).toMatchObject({ status: 'orphan' });
    const branch = await forkedChain(BELIEVED - 1, 80);
    const source = {
      headersAfter: async (id: Uint8Array | undefined) =>
        branch.headersAfter(id ? [id] : await chain.locator(), HEADERS_MAX),
      parts: (ids: readonly Uint8Array[]) => branch.parts(ids),
    };
    expect(await chain.follow(source)).toBe('deep');
  });

  it('comes back to a chain that it was on once, or changes from one that was left', async () => {
    for (const hasForked of [false, true]) {
      const store = createMemoryStore();
      const own = await open(store);
      for (const header of await theirs.headersAfter([], SHARED))
        await own.importBlock((await theirs.block(blockId(header)))!);
      if (hasForked) await mine(own, bob, 5, { salt: 3 });
      const done = await trust(store, peerOf(theirs));
      expect(done).toMatchObject({ is: 'taken', height: BELIEVED });
      const chain = await open(store);
      await catchUp(chain, theirs);
      expect(chain.stats()).toEqual(theirs.stats());
    }
  });

  it('believes nothing where the blocks are given, or the chain is no better than its own', async () => {
    const empty = createMemoryStore();
    const whole: AskPeer = (request) => answer(theirs, request, () => []);
    expect(await trust(empty, whole)).toEqual({ is: 'unneeded' });
    expect(await rowsOf(empty)).toEqual([]);
    const store = createMemoryStore();
    const own = await open(store);
    await mine(own, bob, LENGTH + 1, { salt: 5 });
    const rows = await rowsOf(store);
    expect(await trust(store, peerOf(theirs))).toEqual({ is: 'unneeded' });
    expect(await rowsOf(store)).toEqual(rows);
  });

  const LIES: readonly (readonly [string, (told: SyncResponse) => SyncResponse, string])[] = [
    [
      'a state of another root',
      (told) => (told.type === 'state' ? { ...told, proof: headState() } : told),
      'the state of another root',
    ],
    [
      'a header that breaks a rule',
      (told) =>
        told.type === 'headers'
          ? {
              ...told,
              headers: told.headers.map((h) => (h.height === 300 ? { ...h, slip: 1 } : h)),
            }
          : told,
      'header.slip at 300',
    ],
    [
      'no proof of one of the newest blocks',
      (told) =>
        told.type === 'blocks'
          ? { ...told, blocks: told.blocks.filter(({ id }) => !equal(id, withheld)) }
          : told,
      `no proof of block ${LENGTH - 100}`,
    ],
  ];
  it.each(LIES)('believes nobody who gives %s, and keeps what it has', async (_, lie, why) => {
    const store = createMemoryStore();
    await mine(await open(store), bob, 4, { salt: 4 });
    const rows = await rowsOf(store);
    const done = await trust(store, peerOf(theirs, lie));
    expect(done).toMatchObject({ is: 'refused', why: expect.stringContaining(why) as string });
    expect(await rowsOf(store)).toEqual(rows);
  });

  it('is kept waiting by nobody who gives state or proofs drop by drop', async () => {
    const store = createMemoryStore();
    const whole = peerOf(theirs);
    const some = stateKey.account(bob.address);
    const leafAtOnce: AskPeer = async (request) => {
      if (request.type !== 'state') return whole(request);
      const proof = await theirs.proveState(request.block, [some]);
      return { type: 'state', proof: proof! };
    };
    expect(await trust(store, leafAtOnce)).toEqual({
      is: 'refused',
      why: 'the state drop by drop',
    });
    const slow = { ms: clock.ms };
    const blockAtOnce: AskPeer = async (request) => {
      const told = await whole(request);
      if (told.type !== 'blocks') return told;
      slow.ms += 9_000;
      return { ...told, blocks: told.blocks.slice(0, 1) };
    };
    expect(await trust(store, blockAtOnce, undefined, slow)).toEqual({
      is: 'refused',
      why: 'its proofs drop by drop',
    });
    expect(await rowsOf(store)).toEqual([]);
  });

  it('believes nobody whose newest work was not done', async () => {
    const store = createMemoryStore();
    const check = (() => fault('proof.target')) as never;
    const done = await trust(store, peerOf(theirs), check);
    expect(done).toMatchObject({
      is: 'refused',
      why: expect.stringContaining('proof.target') as string,
    });
    expect(await rowsOf(store)).toEqual([]);
  });
});

/** The chain up to a height, and blocks of its own above. */
async function forkedChain(height: number, count: number): Promise<FullChain> {
  const chain = await openChain(createMemoryStore(), clock, { genesisTimeMs });
  for (let at = 1; at <= height; at++)
    await chain.importBlock((await theirs.block(blockId((await theirs.header(at))!)))!);
  await mine(chain, bob, count, { salt: 9 });
  return chain;
}

async function fork(height: number) {
  return nextBlock(await forkedChain(height, 0), bob, { salt: 8 });
}
