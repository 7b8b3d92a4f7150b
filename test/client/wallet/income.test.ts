/** Blocks that pay an account: found in the headers, with what each paid, proven or said not to be. */
import { expect, it } from 'vitest';
import { answer } from '../../../src/chain/shared/answer.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Income } from '../../../src/client/api.ts';
import { createChainReader } from '../../../src/client/sync/chain-reader.ts';
import { createAccounts } from '../../../src/client/wallet/accounts.ts';
import { createIncomeBook } from '../../../src/client/wallet/income.ts';
import { encode, u64 } from '../../../src/core/codec.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { subsidyAt } from '../../../src/core/state.ts';
import { bodyOf, bodyRoot } from '../../../src/core/tx/body.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { mine, openChain, PARAMS, person, START_MS, transfer } from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';

const [ann, bob, cat] = [person(1), person(2), person(3)] as const;
const nowMs = START_MS + 10_000_000;
const FEE = 10_000n;

async function chainOf(): Promise<FullChain> {
  const own = { ms: START_MS };
  const peer = await openChain(createMemoryStore(), own);
  own.ms = nowMs;
  return peer;
}

/** A client that holds the chain as the peer has it now; `store` outlives it. */
async function clientOf(peer: FullChain, store = createMemoryStore()) {
  const chain = await openLightChain({ now: () => nowMs }, await peer.header(0));
  const follow = async () => {
    await chain.headers.import(await peer.headersAfter(await chain.headers.locator(), 512));
    for (const { id } of chain.proofs.wanted()) {
      const [part] = await peer.parts([id]);
      await chain.proofs.import(id, part!.proof!, part!.body);
    }
    while (await chain.blocks.executeKept());
  };
  await follow();
  const transport = {
    peers: () => [{ id: 'p', origin: 'outbound', link: 'websocket', address: '', penalty: 0 }],
    request: async (_: string, request: never) => answer(peer, request, () => []),
    charge: () => undefined,
  };
  const reader = createChainReader(chain, transport as never);
  return { accounts: createAccounts({ chain, params: PARAMS, reader, store }), follow };
}

const shortOf = ({ blocks }: Income) =>
  blocks.map(({ height, amount, isProven }) => [height, amount, isProven]);

it('is all in the headers, with the fees that a proven leaf holds, also once that leaf is gone', async () => {
  const peer = await chainOf();
  await mine(peer, ann, 2);
  await mine(peer, cat, PARAMS.maturityBlocks);
  await peer.addTx(transfer(ann, 0, bob, 5n));
  await mine(peer, ann, 1);
  const store = createMemoryStore();
  const { accounts, follow } = await clientOf(peer, store);
  const balance = (await accounts.prove(ann.address))!;
  const paid = 3 + PARAMS.maturityBlocks;
  const expected = [
    [paid, subsidyAt(paid) + FEE, true],
    [2, subsidyAt(2), true],
    [1, subsidyAt(1), true],
  ];
  const income = await accounts.income.read(ann.address, 20);
  expect([shortOf(income), income.next]).toEqual([expected, undefined]);
  expect(balance.immature + balance.spendable).toBe(
    income.blocks.reduce((sum, { amount }) => sum + amount, 0n) - 50_000_000n - FEE,
  );
  await mine(peer, cat, PARAMS.maturityBlocks + 1);
  await follow();
  await accounts.prove(ann.address);
  expect(shortOf(await accounts.income.read(ann.address, 20))).toEqual(expected);
  // Who was not there while it matured knows the fees of its transactions alone.
  const late = await clientOf(peer);
  await late.accounts.prove(ann.address);
  const [first] = shortOf(await late.accounts.income.read(ann.address, 20));
  expect(first).toEqual([paid, subsidyAt(paid) + FEE, false]);
});

it('comes in pages, none left out between them', async () => {
  const peer = await chainOf();
  await mine(peer, ann, 5);
  await mine(peer, bob, 3);
  await mine(peer, ann, 4);
  const { accounts } = await clientOf(peer);
  await accounts.prove(ann.address);
  const heights: number[] = [];
  let next: number | undefined;
  do {
    const page = await accounts.income.read(ann.address, 2, next);
    heights.push(...page.blocks.map(({ height }) => height));
    next = page.next;
  } while (next !== undefined && heights.length < 50);
  expect(heights).toEqual([12, 11, 10, 9, 5, 4, 3, 2, 1]);
});

it('of an account without a proven balance is none, nor of one that did not mine', async () => {
  const peer = await chainOf();
  await mine(peer, ann, 2);
  const { accounts } = await clientOf(peer);
  const none = { blocks: [], next: undefined };
  expect(await accounts.income.read(ann.address, 20)).toEqual(none);
  await accounts.prove(bob.address);
  expect(await accounts.income.read(bob.address, 20)).toEqual(none);
});

/** A book over 9,000 headers: bob found the newest 500, ann the first, cat the rest; none has a transaction. */
async function longBook(store = createMemoryStore()) {
  const genesis = (await (await chainOf()).header(0))!;
  const finderOf = (height: number) => (height > 8500 ? bob : height === 1 ? ann : cat);
  const all = Array.from({ length: 9001 }, (_, height) => ({
    ...genesis,
    height,
    bodyRoot: bodyRoot(bodyOf()),
    miner: finderOf(height).address,
  }));
  const heights = new Map(all.map((header) => [toHex(blockId(header)), header.height]));
  const headers = {
    at: async (height: number) => all[height],
    after: async ([id]: Uint8Array[], max: number) => {
      const from = heights.get(toHex(id!))! + 1;
      return all.slice(from, from + max);
    },
  };
  const balance = { nonce: 0n, txCount: 0, spendable: 1n, provenAt: { height: 9000 } };
  const book = createIncomeBook({
    chain: { headers: headers as never },
    params: PARAMS,
    reader: { bodies: {} as never },
    store,
    last: async () => balance as never,
  });
  return { book, newest: all.at(-1)! };
}

it('one page looks at 8,192 headers and holds 100 blocks, whatever was asked for', async () => {
  const { book } = await longBook();
  const page = await book.read(bob.address, 1_000_000);
  expect(page.blocks.map(({ height }) => height)).toEqual(
    Array.from({ length: 100 }, (_, i) => 9000 - i),
  );
  expect(page.next).toBe(8900);
  const none = await book.read(ann.address, 20);
  expect(none).toEqual({ blocks: [], next: 9000 - 8192 });
  const last = await book.read(ann.address, 20, none.next);
  expect([shortOf(last), last.next]).toEqual([[[1, subsidyAt(1), true]], undefined]);
});

it('20,000 amounts are remembered; then the lowest blocks’ go', async () => {
  const store = createMemoryStore();
  const keyOf = (height: number) => `paid/${height.toString(16).padStart(8, '0')}/00`;
  await store.batch(
    Array.from({ length: 20_000 }, (_, i) => ({ key: keyOf(i + 1), value: encode(u64, 1n) })),
  );
  const { book, newest } = await longBook(store);
  await book.note({ ...newest, height: 30_000, bodyRoot: new Uint8Array(32) }, 5n);
  const rows = await store.range('paid/', 'paid0', 30_000);
  expect([rows.length, rows[0]!.key]).toEqual([19_001, keyOf(1001)]);
});
