/** Dropping old blocks: what goes, what stays, and catching up when it is asked for late. */
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import { WINDOW } from '../../src/chain/full/records.ts';
import { blockId } from '../../src/core/header/header.ts';
import { isFault } from '../../src/core/faults.ts';
import { txId } from '../../src/core/tx/tx.ts';
import {
  GENESIS_ID,
  close,
  mine,
  openChain,
  person,
  prepay,
  START_MS,
  transfer,
} from './make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

const idAt = async (chain: FullChain, height: number) => blockId((await chain.header(height))!);
const isWhole = async (chain: FullChain, height: number) =>
  (await chain.parts([await idAt(chain, height)])).length === 1;

it('keeps the newest blocks whole, and of the others their headers and what they did', async () => {
  const store = createMemoryStore();
  const clock = { ms: START_MS + 10_000_000 };
  const genesisTimeMs = async () => START_MS;
  let chain = await openChain(store, clock, { genesisTimeMs });
  await mine(chain, ann, 5);
  const early = transfer(ann, 0, bob, 1n);
  const opening = prepay(ann, 1, bob);
  const id = txId(GENESIS_ID, opening.tx);
  for (const tx of [early, opening]) expect(isFault(await chain.addTx(tx))).toBe(false);
  await mine(chain, ann, 1);
  expect(isFault(await chain.addTx(close(bob, id, 50_000n)))).toBe(false);
  await mine(chain, ann, 14);
  expect(await chain.find(id)).toHaveLength(2);
  const late = transfer(ann, 2, bob, 1n);
  expect(isFault(await chain.addTx(late))).toBe(false);
  await mine(chain, ann, 1);
  const keep = WINDOW + 1;
  await mine(chain, ann, keep - 1);
  // Not asked for: everything is there.
  expect(await isWhole(chain, 1)).toBe(true);

  chain = await openChain(store, clock, { keepBlocks: 1 });
  const height = chain.head().header.height;
  expect(height).toBe(keep + 20);
  // Sixteen at a time, until the newest `keep` are left; a reorganisation may need all of these.
  expect(await isWhole(chain, 1)).toBe(true);
  await mine(chain, ann, 1);
  expect([await isWhole(chain, 16), await isWhole(chain, 17)]).toEqual([false, true]);
  expect(await chain.position(txId(GENESIS_ID, early.tx))).toBeUndefined();
  expect(await chain.find(id)).toEqual([]);
  expect(await chain.position(txId(GENESIS_ID, late.tx))).toEqual({ height: 21, index: 0 });
  await mine(chain, ann, 1);
  expect([await isWhole(chain, 22), await isWhole(chain, 23)]).toEqual([false, true]);
  expect(await chain.position(txId(GENESIS_ID, late.tx))).toBeUndefined();
  await mine(chain, ann, 1);
  expect([await isWhole(chain, 23), await isWhole(chain, 24)]).toEqual([false, true]);

  expect(chain.account(bob.address)).toMatchObject({ balance: 20_040_000n, txCount: 3 });
  const { lastTx } = chain.account(bob.address)!;
  expect(await chain.history(bob.address, lastTx, 10)).toEqual([]);
  chain = await openChain(store, clock, { keepBlocks: 1 });
  await mine(chain, ann, 1);
  expect([await isWhole(chain, 24), await isWhole(chain, 25)]).toEqual([false, true]);
});
