/** Channels in pools and blocks: a close waits in the line of its channel, through reorganisations too. */
import { describe, expect, it } from 'vitest';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { blockId } from '../../src/core/header/header.ts';
import { CHANNEL_LIFETIME_MIN, NANOVOLTS } from '../../src/core/params.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import {
  GENESIS_ID,
  close,
  idOf,
  mine,
  nextBlock,
  openChain,
  person,
  prepay,
  START_MS,
  transfer,
} from './make-blocks.ts';

const [ann, bob, cat, dan] = [person(1), person(2), person(3), person(4)] as const;
const OPENING = prepay(ann, 0, bob);
const ID = txId(GENESIS_ID, OPENING.tx);

/** A chain in which Ann has coins; its clock is late enough for all that is mined here. */
const begin = (): Promise<FullChain> =>
  openChain(undefined, { ms: START_MS + 1_000_000 }, { genesisTimeMs: async () => START_MS });
async function rich(): Promise<FullChain> {
  const chain = await begin();
  await mine(chain, ann, 6);
  return chain;
}
async function opened(): Promise<FullChain> {
  const chain = await rich();
  expect(await chain.addTx(OPENING)).toBeUndefined();
  await mine(chain, cat, 1);
  return chain;
}
/** The same blocks in another chain. */
async function copyOf(chain: FullChain): Promise<FullChain> {
  const copy = await begin();
  for (const header of await chain.headersAfter([], 500))
    await copy.importBlock((await chain.block(blockId(header)))!);
  return copy;
}
const waiting = ({ mempool }: FullChain) =>
  mempool.byFee().map(({ tx }) => toHex(txId(GENESIS_ID, tx)));
const idHex = ({ tx }: typeof OPENING) => toHex(txId(GENESIS_ID, tx));
const refusal = async (chain: FullChain, tx: typeof OPENING) => (await chain.addTx(tx))?.fault;
const balance = (chain: FullChain, { address }: typeof ann) =>
  chain.account(address)?.balance ?? 0n;

describe('a close in the pool', () => {
  it('waits for a provider without an account, and is mined', async () => {
    const chain = await opened();
    const closing = close(bob, ID, 50_000_000n);
    expect(await chain.addTx(closing)).toBeUndefined();
    expect(await refusal(chain, closing)).toBe('tx.known');
    // It is no transaction of the account that its key would have.
    expect(chain.mempool.of(bob.address)).toEqual([]);
    const [block] = await mine(chain, cat, 1);
    expect(block!.body.transactions.map(idHex)).toEqual([idHex(closing)]);
    expect(balance(chain, bob)).toBe(49_990_000n);
    expect(chain.mempool.size).toBe(0);
    expect(await refusal(chain, closing)).toBe('tx.close-unknown');
  });

  it('is replaced for a tenth more, by one of its channel alone', async () => {
    const chain = await opened();
    const second = prepay(ann, 1, bob);
    await chain.addTx(second);
    await mine(chain, cat, 1);
    const [first, other] = [
      close(bob, ID, 50_000_000n),
      close(bob, txId(GENESIS_ID, second.tx), 50_000_000n),
    ];
    expect(await chain.addTx(first)).toBeUndefined();
    // The same key, the same nonce, and another channel.
    expect(await chain.addTx(other)).toBeUndefined();
    const again = (fee: bigint) => close(bob, ID, 60_000_000n, { fee });
    expect(await refusal(chain, again(10_999n))).toBe('tx.fee-low');
    expect(await chain.addTx(again(11_000n))).toBeUndefined();
    expect(waiting(chain).sort()).toEqual([idHex(again(11_000n)), idHex(other)].sort());
    expect(await refusal(chain, close(cat, ID, 60_000_000n, { fee: 50_000n }))).toBe(
      'tx.close-provider',
    );
    expect(waiting(chain)).toHaveLength(2);
  });

  it('is not kept before its channel stands in a block', async () => {
    const chain = await rich();
    await chain.addTx(OPENING);
    expect(await refusal(chain, close(bob, ID, 50_000_000n))).toBe('tx.close-unknown');
  });

  it('goes when another close of its channel is in a block, and at the channel’s end', async () => {
    const chain = await opened();
    const rival = await copyOf(chain);
    await rival.addTx(close(bob, ID, 60_000_000n, { fee: 20_000n }));
    expect(await chain.addTx(close(bob, ID, 50_000_000n))).toBeUndefined();
    await chain.importBlock(nextBlock(rival, cat));
    expect(chain.mempool.size).toBe(0);
  });

  it('goes before the block of its channel’s end, which gives all back', async () => {
    const chain = await opened();
    const expiry = 7 + CHANNEL_LIFETIME_MIN;
    await mine(chain, cat, expiry - 2 - chain.head().header.height);
    const before = balance(chain, ann);
    const rival = await copyOf(chain);
    // The last block that can take it does not.
    expect(await chain.addTx(close(bob, ID, 50_000_000n))).toBeUndefined();
    await chain.importBlock(nextBlock(rival, cat));
    expect(chain.head().header.height).toBe(expiry - 1);
    expect(chain.mempool.size).toBe(0);
    expect(await refusal(chain, close(bob, ID, 60_000_000n))).toBe('tx.close-unknown');
    await mine(chain, cat, 1);
    expect([balance(chain, ann), balance(chain, bob)]).toEqual([before + NANOVOLTS, 0n]);
  });
});

describe('a reorganisation', () => {
  it('brings back a close whose block it undoes', async () => {
    const chain = await opened();
    const rival = await copyOf(chain);
    const closing = close(bob, ID, 50_000_000n);
    await chain.addTx(closing);
    await mine(chain, cat, 1);
    expect(balance(chain, bob)).toBe(49_990_000n);
    for (const block of await mine(rival, ann, 2, { salt: 2 })) await chain.importBlock(block);
    expect(balance(chain, bob)).toBe(0n);
    expect(waiting(chain)).toEqual([idHex(closing)]);
    const [block] = await mine(chain, cat, 1);
    expect(block!.body.transactions.map(idHex)).toEqual([idHex(closing)]);
  });

  it('that undoes the opening too brings back the opening alone; coins are where they were', async () => {
    const chain = await rich();
    const before = balance(chain, ann);
    const rival = await copyOf(chain);
    await chain.addTx(OPENING);
    await mine(chain, cat, 1);
    const closing = close(bob, ID, 50_000_000n);
    await chain.addTx(closing);
    await mine(chain, cat, 1);
    for (const block of await mine(rival, cat, 3, { salt: 2 })) await chain.importBlock(block);
    expect([balance(chain, ann), balance(chain, bob)]).toEqual([before + 3n * 50n * NANOVOLTS, 0n]);
    expect(waiting(chain)).toEqual([idHex(OPENING)]);
    expect(await refusal(chain, closing)).toBe('tx.close-unknown');
    await mine(chain, cat, 1);
    expect(await chain.addTx(closing)).toBeUndefined();
    await mine(chain, cat, 1);
    expect(balance(chain, bob)).toBe(49_990_000n);
  });

  it('to a branch without the opening keeps no close that waits', async () => {
    const chain = await rich();
    const rival = await copyOf(chain);
    await chain.addTx(OPENING);
    await mine(chain, cat, 1);
    await chain.addTx(close(bob, ID, 50_000_000n));
    for (const block of await mine(rival, cat, 2, { salt: 2 })) await chain.importBlock(block);
    expect(waiting(chain)).toEqual([idHex(OPENING)]);
  });
});

describe('an opening whose coins go elsewhere', () => {
  const elsewhere = (fee?: bigint) => transfer(ann, 0, dan, NANOVOLTS, fee);

  it('is replaced in the pool by what pays a tenth more, and not by less', async () => {
    const chain = await rich();
    expect(await chain.addTx(OPENING)).toBeUndefined();
    expect(await refusal(chain, elsewhere(10_999n))).toBe('tx.fee-low');
    expect(waiting(chain)).toEqual([idHex(OPENING)]);
    expect(await chain.addTx(elsewhere(11_000n))).toBeUndefined();
    expect(waiting(chain)).toEqual([idHex(elsewhere(11_000n))]);
    await mine(chain, cat, 1);
    expect(await refusal(chain, OPENING)).toBe('tx.nonce');
    expect(await refusal(chain, close(bob, ID, 50_000_000n))).toBe('tx.close-unknown');
    expect([balance(chain, bob), balance(chain, dan)]).toEqual([0n, NANOVOLTS]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'is gone with its close once a branch says so, %i blocks deep',
    async (depth) => {
      const chain = await rich();
      const rival = await copyOf(chain);
      await chain.addTx(OPENING);
      await mine(chain, cat, 1);
      // Closed in the last of its blocks, if there is more than one.
      await mine(chain, cat, Math.max(0, depth - 2));
      const closing = close(bob, ID, 50_000_000n);
      expect(await chain.addTx(closing)).toBeUndefined();
      if (depth > 1) await mine(chain, cat, 1);
      expect(balance(chain, bob)).toBe(depth > 1 ? 49_990_000n : 0n);

      expect(await rival.addTx(elsewhere())).toBeUndefined();
      for (const block of await mine(rival, cat, depth + 1, { salt: 2 }))
        await chain.importBlock(block);
      expect(chain.head().id).toEqual(rival.head().id);
      expect(waiting(chain)).toEqual([]);
      for (const who of [ann, bob, cat, dan]) expect(balance(chain, who)).toBe(balance(rival, who));
      expect([balance(chain, bob), balance(chain, dan)]).toEqual([0n, NANOVOLTS]);
      expect(await refusal(chain, OPENING)).toBe('tx.nonce');
      expect(await refusal(chain, closing)).toBe('tx.close-unknown');
    },
  );
});

describe('looked up', () => {
  it('a channel is found with its close, in order, and no longer when its block was undone', async () => {
    const chain = await opened();
    const rival = await copyOf(chain);
    expect(await chain.find(ID)).toEqual([{ height: 7, index: 0 }]);
    await chain.addTx(close(bob, ID, 50_000_000n));
    const [block] = await mine(chain, cat, 1);
    expect(await chain.find(ID)).toEqual([
      { height: 7, index: 0 },
      { height: 8, index: 0 },
    ]);
    expect(idOf(block!)).toBe(toHex(chain.head().id));
    for (const one of await mine(rival, cat, 2, { salt: 2 })) await chain.importBlock(one);
    expect(await chain.find(ID)).toEqual([{ height: 7, index: 0 }]);
  });

  it('a close is in the histories of payee and asker, and of nobody else', async () => {
    const chain = await opened();
    const closing = close(bob, ID, 50_000_000n);
    for (const tx of [transfer(ann, 1, cat, 5n), closing]) await chain.addTx(tx);
    await mine(chain, cat, 1);
    const historyOf = async ({ address }: typeof ann) => {
      const { lastTx } = chain.account(address)!;
      return (await chain.history(address, lastTx, 10)).map(({ tx }) => tx.tx.type);
    };
    expect(new Set((await historyOf(ann)).slice(0, 2))).toEqual(new Set(['close', 'transfer']));
    expect((await historyOf(ann)).at(-1)).toBe('channel');
    expect(await historyOf(bob)).toEqual(['close']);
    expect(await historyOf(cat)).toEqual(['transfer']);
  });
});
