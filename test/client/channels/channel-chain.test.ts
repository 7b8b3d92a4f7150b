/** What a chain says of a channel: the same of a full node's and of a light client's that follows it. */
import { FEES_FOR, proposedFees } from '../../../src/chain/shared/fees.ts';
import { describe, expect, test } from 'vitest';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import {
  createChannelChain,
  createLightChannelChain,
  OVER_BLOCKS,
  type ChannelChain,
} from '../../../src/client/channels/channel-chain.ts';
import { createLightPool, type LightPool } from '../../../src/client/wallet/light-pool.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedOpening, SignedTx } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import {
  ACCOUNT_MIN,
  BODY_BYTES_MAX,
  CHANNEL_LIFETIME_MIN,
  NANOVOLTS,
} from '../../../src/core/params.ts';
import { bodySize } from '../../../src/core/tx/body.ts';
import { treeGet } from '../../../src/core/tree/tree.ts';
import { firstNonce } from '../../../src/core/tx/nonce.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import {
  BORN,
  close,
  CONTEXT,
  GENESIS_ID,
  mine,
  PARAMS,
  prepay,
  transfer,
} from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { MemoryNet } from '../memory-net.ts';
import { openFollower } from '../open-follower.ts';
import { ann, bob, cat, chainOf, emptyChain, openingOf, richChain } from './shop.ts';

const wait = { timeout: 10_000, interval: 2 };

interface Watched {
  readonly full: FullChain;
  readonly chain: ChannelChain;
  /** Until what looks at the chain is where the full chain is. */
  follow(): Promise<void>;
}

async function watchFull(full: FullChain): Promise<Watched> {
  return { full, chain: chainOf(full), follow: async () => undefined };
}

/** A light client whose one peer is the full chain. */
async function watchLight(full: FullChain): Promise<Watched> {
  const net = new MemoryNet();
  await net.seed('seed', full);
  const chain = await openLightChain({}, await full.header(0));
  const transport = net.transport('me');
  const pool: LightPool = createLightPool(PARAMS, CONTEXT);
  const { follower, reader } = openFollower(chain, transport, {
    nowMs: () => full.head().header.time,
    // As of a client that knows nothing of the state yet: what it is to judge it has to read first.
    onHead: async (head) => pool.setHead(head.header, undefined),
  });
  await transport.start({
    onRequest: async () => ({ type: 'unavailable', reason: 'busy' }),
    onBlock: async () => 'ignore',
    onTx: async () => 'ignore',
    onOffer: async () => 'ignore',
    onPeers: (peers) => follower.onPeers(peers),
  });
  net.link('me', 'seed');
  return {
    full,
    chain: createLightChannelChain({
      params: PARAMS,
      chain,
      state: reader.state,
      pool,
      announcer: {
        announceTx: async (tx) => void (await transport.announceTx({ tx, sequence: 1 })),
      },
      onAdded: () => undefined,
    }),
    async follow() {
      follower.poll();
      const { id } = full.head();
      await expect.poll(() => toHex(chain.headers.head().id), wait).toBe(toHex(id));
      await expect.poll(() => chain.state.rootAfter(id) !== undefined, wait).toBe(true);
    },
  };
}

describe.each([
  ['a full node', watchFull],
  ['a light client', watchLight],
])('%s', (_, watch) => {
  async function begin(): Promise<Watched> {
    const watched = await watch(await richChain());
    await watched.follow();
    return watched;
  }
  const opening = openingOf(0);

  test('sees an opening wait, then stand, as deep as the blocks on it', async () => {
    const { full, chain, follow } = await begin();
    expect(await chain.view(opening)).toMatchObject({ depth: undefined, isLost: false });
    await chain.send(opening);
    await expect.poll(() => full.mempool.size, wait).toBe(1);
    const { height } = full.head().header;
    expect(await chain.view(opening)).toMatchObject({
      depth: 0,
      height,
      isOver: false,
      expiry: height + 1 + CHANNEL_LIFETIME_MIN,
      subsidy: 50n * NANOVOLTS,
      closeCost: chain.closeFields().fee,
    });
    // Said again, it is told again.
    await chain.send(opening);
    await mine(full, cat, 3);
    await follow();
    expect(await chain.view(opening)).toMatchObject({
      depth: 3,
      height: height + 3,
      expiry: height + 1 + CHANNEL_LIFETIME_MIN,
    });
  });

  test('takes no opening that its account can not pay', async () => {
    const { full, chain } = await begin();
    const poor = openingOf(0, { limit: 1n << 60n });
    await expect(chain.send(poor)).rejects.toMatchObject({ code: 'TX_REFUSED' });
    expect(full.mempool.size).toBe(0);
    expect((await chain.view(poor))?.depth).toBeUndefined();
  });

  test('knows that a close ended it, and that it is over when that is deep', async () => {
    const { full, chain, follow } = await begin();
    await full.addTx(opening);
    await mine(full, cat, 2);
    await follow();
    expect((await chain.view(opening))?.depth).toBe(2);
    await full.addTx(close(bob, txId(GENESIS_ID, opening.tx), 100_000n));
    await mine(full, cat);
    await follow();
    expect(await chain.view(opening)).toMatchObject({ depth: undefined, isOver: false });
    expect(await chain.wasClosed(opening)).toBe(true);
    await mine(full, cat, OVER_BLOCKS - 1);
    await follow();
    expect((await chain.view(opening))?.isOver).toBe(false);
    await mine(full, cat);
    await follow();
    expect((await chain.view(opening))?.isOver).toBe(true);
    expect(await chain.wasClosed(opening)).toBe(true);
  });

  test('does not take for closed what went back at its expiry', async () => {
    const { full, chain, follow } = await begin();
    await full.addTx(opening);
    await mine(full, cat, 2);
    await follow();
    expect((await chain.view(opening))?.depth).toBe(2);
    await mine(full, cat, CHANNEL_LIFETIME_MIN - 1);
    await follow();
    expect((await chain.view(opening))?.depth).toBeUndefined();
    expect(await chain.wasClosed(opening)).toBe(false);
  });

  test('does not take for closed what a branch left out, another transaction in its place', async () => {
    const { full, chain, follow } = await begin();
    await full.addTx(opening);
    await mine(full, cat, 2);
    await follow();
    expect((await chain.view(opening))?.depth).toBe(2);
    const other = await emptyChain();
    for (const header of await full.headersAfter([], 8))
      await other.importBlock((await full.block(blockId(header)))!);
    await other.addTx(transfer(ann, 0, cat, 1n));
    await mine(other, bob, 8);
    await take(full, other);
    await follow();
    expect(await chain.view(opening)).toMatchObject({ depth: undefined, isLost: true });
    await mine(full, cat, OVER_BLOCKS);
    await follow();
    expect((await chain.view(opening))?.isOver).toBe(true);
    expect(await chain.wasClosed(opening)).toBe(false);
  });

  // Ann's first coinbase is in block 2 here, and in another one there.
  test.each([
    ['later', [cat, cat, ann]],
    ['earlier', [ann, cat, cat]],
  ] as const)(
    'an opening waits no longer where a branch made its account %s, and does again where that goes',
    async (_when, miners) => {
      const chains = [await emptyChain(), await emptyChain(), await emptyChain()] as const;
      const [full, there, back] = chains;
      for (const each of [full, back]) for (const miner of [cat, ann, cat]) await mine(each, miner);
      for (const miner of miners) await mine(there, miner, 1, { salt: 1 });
      await mine(full, cat, 5);
      await mine(there, cat, 7);
      await mine(back, cat, 9);
      const { chain, follow } = await watch(full);
      const signed = decode(
        SignedOpening,
        encode(SignedTx, prepay(ann, BORN + firstNonce(1), bob)),
      );
      await follow();
      await chain.send(signed);
      expect(await chain.view(signed)).toMatchObject({ depth: 0, isLost: false });
      await take(full, there);
      await follow();
      expect(await chain.view(signed)).toMatchObject({ depth: undefined, isLost: true });
      await take(full, back);
      await follow();
      expect(await chain.view(signed)).toMatchObject({ isLost: false });
    },
  );
});

/** All blocks of another chain, which has more of them. */
async function take(full: FullChain, other: FullChain): Promise<void> {
  for (const header of await other.headersAfter([], 500))
    await full.importBlock((await other.block(blockId(header)))!);
  expect(toHex(full.head().id)).toBe(toHex(other.head().id));
}

test('what is needed of all channels is read at once, an account once, and nothing again at a block', async () => {
  const full = await richChain();
  const reads: number[] = [];
  let isProven = true;
  const head = () => full.head().header;
  const chain = createChannelChain({
    params: PARAMS,
    genesisId: GENESIS_ID,
    head,
    newest: async () => head(),
    headerAt: (height) => full.header(height),
    async read(_, keys) {
      reads.push(keys.length);
      return isProven ? keys.map((key) => treeGet(full.headState(), key)) : undefined;
    },
    isWaiting: async () => false,
    add: async () => undefined,
    announce: async () => undefined,
    waiting: () => [],
  });
  const openings = [0, 1, 2].map((n) => openingOf(n));
  await full.addTx(openings[0]!);
  await mine(full, cat);
  expect(await chain.look(openings)).toBe(true);
  const depths = await Promise.all(openings.map(async (each) => (await chain.view(each))?.depth));
  expect([depths, reads]).toEqual([[1, undefined, undefined], [5]]);
  expect(await chain.look(openings)).toBe(true);
  expect(reads).toEqual([5]);
  await mine(full, cat);
  isProven = false;
  expect(await chain.look(openings)).toBe(false);
  expect(await chain.view(openings[0]!)).toBeUndefined();
  isProven = true;
  expect(await chain.look(openings)).toBe(true);
  expect(reads).toEqual([5, 5, 3, 5]);
});

test('a payee without an account is paid by no close below the least balance', async () => {
  const full = await richChain();
  const chain = chainOf(full);
  const { fee } = chain.closeFields();
  const [known, unknown] = [openingOf(0), openingOf(0, { payee: GENESIS_ID })];
  expect((await chain.view(known))?.closeCost).toBe(fee);
  expect((await chain.view(unknown))?.closeCost).toBe(fee + ACCOUNT_MIN - 1n);
});

/** As a provider proposes it. */
const closeFee = (waiting: readonly SignedTx[]) => proposedFees(waiting, FEES_FOR.close).fast;

test('a close pays more than the first that a block has no room for beside it', () => {
  const paying = (fee: bigint) => transfer(ann, 0, bob, 1n, fee);
  const dear = paying(1_000_000n);
  const own = close(cat, GENESIS_ID, 1n, { fee: 1n });
  const fits = (count: number) =>
    bodySize([...new Array<SignedTx>(count).fill(dear), own]) <= BODY_BYTES_MAX;
  const most = Math.floor(BODY_BYTES_MAX / bodySize([dear])) - 1;
  const few = new Array<SignedTx>(most).fill(dear);
  expect([fits(most), fits(most + 3)]).toEqual([true, false]);
  expect(closeFee([])).toBe(2_000n);
  expect(closeFee(few)).toBe(2_000n);
  const full = [...few, paying(50_000n), paying(50_000n), paying(50_000n)];
  expect(closeFee(full)).toBe((((50_000n * 225n) / 162n) * 110n) / 100n + 1n);
  expect(closeFee([...few, ...full.slice(most).map(() => paying(1_000n))])).toBe(2_000n);
});
