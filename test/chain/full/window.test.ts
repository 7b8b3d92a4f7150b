/** What leaves the window of a full chain, and what comes from below it: nothing there may keep the chain from going on. */
import { expect, it } from 'vitest';
import type { BranchSource } from '../../../src/chain/full/follow.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { HEADERS_MAX } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent } from '../full-invariants.ts';
import { mine, nextBlock, openChain, person, START_MS } from '../make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const clock = { ms: START_MS + 10_000_000 };
const genesisTimeMs = async () => START_MS;
const open = (store = createMemoryStore()) => openChain(store, clock, { genesisTimeMs });
const sourceOf = (from: FullChain, to: FullChain): BranchSource => ({
  headersAfter: async (id) => from.headersAfter(id ? [id] : await to.locator(), HEADERS_MAX),
  parts: (ids) => from.parts(ids),
});

it(
  'goes on where a branch has grown out of the window at its lower end',
  { timeout: 300_000 },
  async () => {
    const store = createMemoryStore();
    const [chain, other] = [await open(store), await open()];
    for (const block of await mine(chain, ann, 3)) await other.importBlock(block);
    const side = await mine(other, bob, 30, { salt: 2 });
    await mine(chain, ann, 31, { salt: 1 });
    for (const block of side)
      expect(await chain.importBlock(block)).toMatchObject({ status: 'side' });
    await mine(chain, ann, 2030, { salt: 1 });
    expect(chain.tips().map(({ branchLength }) => branchLength)).toEqual([0]);
    const child = nextBlock(other, bob, { salt: 2 });
    expect(await chain.importBlock(child)).toMatchObject({ status: 'orphan' });
    await expectConsistent(store);
  },
);

it('changes to a branch that is shorter and heavier', { timeout: 300_000 }, async () => {
  const store = createMemoryStore();
  const [chain, other] = [await open(store), await open()];
  for (const block of await mine(chain, ann, 3)) await other.importBlock(block);
  await mine(chain, ann, 2060, { salt: 1 });
  await mine(other, bob, 320, { salt: 2, afterMs: 1 });
  const old = nextBlock(chain, ann);
  expect(await chain.follow(sourceOf(other, chain))).toMatchObject({ status: 'reorganised' });
  expect(toHex(chain.head().id)).toBe(toHex(other.head().id));
  expect(await chain.importBlock(old)).toMatchObject({ status: 'orphan' });
  expect(chain.tips()).toHaveLength(1);
  await mine(chain, bob, 3);
  await expectConsistent(store);
  const again = await open(store);
  expect(again.head()).toEqual(chain.head());
});

it(
  'keeps the blocks of a branch whose fork leaves the window as it becomes the chain',
  { timeout: 300_000 },
  async () => {
    const store = createMemoryStore();
    const [chain, other] = [await open(store), await open()];
    for (const block of await mine(chain, ann, 3)) await other.importBlock(block);
    await mine(chain, ann, 2048, { salt: 1 });
    // Later blocks are lighter, so that it takes more of them.
    const side = await mine(other, bob, 2300, { salt: 2, afterMs: 2010 });
    let status = 'side';
    for (const block of side) {
      const done = await chain.importBlock(block);
      if (!('status' in done)) throw new Error(done.fault);
      if (done.status !== 'side') ({ status } = done);
      if (status !== 'side') break;
    }
    expect(status).toBe('reorganised');
    expect(chain.head().header.height).toBeGreaterThan(3 + 2048 + 50);
    await expectConsistent(store);
  },
);
