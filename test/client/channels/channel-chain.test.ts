/** What a chain says of a channel: the same of a full node's and of a light client's that follows it. */
import { describe, expect, test } from 'vitest';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import {
  closeFeeOver,
  createLightChannelChain,
  OVER_BLOCKS,
  type ChannelChain,
} from '../../../src/client/channels/channel-chain.ts';
import { createLightPool, type LightPool } from '../../../src/client/wallet/light-pool.ts';
import type { SignedTx } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { BODY_TXS_MAX, CHANNEL_LIFETIME_MIN, NANOVOLTS } from '../../../src/core/params.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { close, CONTEXT, mine, MODELS, PARAMS, transfer } from '../../chain/make-blocks.ts';
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
  const pool: LightPool = createLightPool(PARAMS, { ...CONTEXT, models: MODELS });
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
    expect((await chain.view(opening))?.depth).toBeUndefined();
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
    await full.addTx(close(bob, txId(opening.tx), 100_000n));
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
    await mine(other, ann, 8);
    await other.addTx(transfer(ann, 0, cat, 1_000_000n));
    await mine(other, bob, 8);
    for (const header of await other.headersAfter([], 500))
      await full.importBlock((await other.block(blockId(header)))!);
    expect(toHex(full.head().id)).toBe(toHex(other.head().id));
    await follow();
    expect((await chain.view(opening))?.depth).toBeUndefined();
    await mine(full, cat, OVER_BLOCKS);
    await follow();
    expect((await chain.view(opening))?.isOver).toBe(true);
    expect(await chain.wasClosed(opening)).toBe(false);
  });
});

test('a close pays more than the last that a block holds, where more wait than it holds', () => {
  const paying = (fee: bigint) => transfer(ann, 0, bob, 1n, fee);
  const few = new Array<SignedTx>(BODY_TXS_MAX - 1).fill(paying(1_000_000n));
  expect(closeFeeOver([])).toBe(10_000n);
  expect(closeFeeOver(few)).toBe(10_000n);
  expect(closeFeeOver([...few, paying(50_000n)])).toBe(55_001n);
  expect(closeFeeOver([...few, paying(1_000n)])).toBe(10_000n);
});
