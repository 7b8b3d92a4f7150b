/** Branches of a full chain: which one is the head, what is kept of the others. */
import { expect, it } from 'vitest';
import { SideBlocks } from '../../../src/chain/full/rooms.ts';
import { HeaderIndex } from '../../../src/chain/full/header-index.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { genesisPoint } from '../../../src/core/header/header.ts';
import type { Block } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent } from '../full-invariants.ts';
import { AHEAD_MS, mine, nextBlock, openChain, PARAMS, person, START_MS } from '../make-blocks.ts';
import { makeHeaders } from '../make-headers.ts';

const [ann, bob] = [person(1), person(2)] as const;
const status = (result: object) => ('status' in result ? result.status : result);
const headOf = (chain: FullChain) => toHex(chain.head().id);

async function giveAll(to: FullChain, blocks: readonly Block[]): Promise<unknown[]> {
  const told = [];
  for (const block of blocks) told.push(status(await to.importBlock(block)));
  return told;
}

it('takes the branch with the most work whatever stands at its heights', async () => {
  const store = createMemoryStore();
  const a = await openChain(store);
  const b = await openChain();
  const siblings = Array.from({ length: 40 }, (_, salt) => nextBlock(a, ann, { salt }));
  await giveAll(b, siblings.toReversed());
  const grown = await mine(b, bob, 3);
  expect(await giveAll(a, siblings)).toEqual(['extended', ...siblings.slice(1).map(() => 'side')]);
  expect(await giveAll(a, grown)).toEqual(['reorganised', 'extended', 'extended']);
  expect(headOf(a)).toBe(headOf(b));
  expect(a.tips()).toHaveLength(40);
  await expectConsistent(store);
});

it('keeps the first seen of two siblings whichever is dated earlier', async () => {
  const maker = await openChain();
  await mine(maker, ann, 3);
  const blocks = await Promise.all(
    [1, 2, 3].map(async (h) => (await maker.block(await idAt(maker, h)))!),
  );
  const [early, late] = [nextBlock(maker, ann, { afterMs: 1 }), nextBlock(maker, bob)];
  // By own time the earlier one has more work.
  expect(early.header.totalWork).toBeGreaterThan(late.header.totalWork);
  for (const [first, second] of [
    [early, late],
    [late, early],
  ]) {
    const chain = await openChain();
    await giveAll(chain, blocks);
    expect(await giveAll(chain, [first!, second!])).toEqual(['extended', 'side']);
  }
});

it('follows a child whatever a pause left of its work', async () => {
  const clock = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), clock);
  await mine(chain, ann, 3, { afterMs: 1 });
  const parent = chain.head().header;
  // Four half-lives: a sixteenth of the work.
  clock.ms += 4 * PARAMS.halfLifeMs;
  const child = nextBlock(chain, ann, { afterMs: 4 * PARAMS.halfLifeMs });
  const work = child.header.totalWork - parent.totalWork;
  expect(Number(work) / Number(parent.totalWork)).toBeLessThan(0.1);
  expect(await giveAll(chain, [child])).toEqual(['extended']);
});

it('looks at the other branches again once its head is a lighter block', async () => {
  const clock = { ms: START_MS };
  const [a, b] = [await openChain(createMemoryStore(), clock), await openChain()];
  const pause = 4 * PARAMS.halfLifeMs;
  const past = await mine(a, ann, 2, { afterMs: 1 });
  await giveAll(b, past);
  // Two siblings, of which the second has a little more work: less than half a block.
  const second = nextBlock(b, bob, { afterMs: 1 });
  const first = nextBlock(a, ann, { afterMs: PARAMS.halfLifeMs / 4 });
  clock.ms += pause + PARAMS.halfLifeMs;
  expect(await giveAll(a, [first, second])).toEqual(['extended', 'side']);
  // Half of a block after the pause is less than that lead.
  const light = nextBlock(a, ann, { afterMs: pause });
  expect(light.header.totalWork).toBeLessThan(second.header.totalWork);
  expect(await giveAll(a, [light])).toEqual(['reorganised']);
  expect(a.head().header.totalWork).toBe(second.header.totalWork);
});

it('holds a block that is early apart from one that is wrong', async () => {
  const chain = await openChain();
  const early = nextBlock(chain, ann, { afterMs: AHEAD_MS + 60_000 });
  expect(await giveAll(chain, [early])).toEqual(['early']);
  const wrong = { ...early, header: { ...early.header, totalWork: 7n } };
  expect(await giveAll(chain, [wrong])).toMatchObject([{ fault: 'header.total-work' }]);
  const far = nextBlock(chain, ann, { afterMs: AHEAD_MS + 11 * 60_000 });
  expect(await giveAll(chain, [far])).toMatchObject([{ fault: 'header.time-future' }]);
});

it('makes room by the tips with the least work, never by the block that has just come', () => {
  const genesis = genesisPoint(PARAMS, START_MS);
  const index = new HeaderIndex();
  index.add(genesis);
  index.setMain([genesis]);
  const sides = new SideBlocks();
  /** Blocks that come late are lighter. */
  const add = (salt: number, count: number, afterMs = 1000) => {
    let tip = genesis;
    for (let i = 0; i < count; i++) {
      ({ tip } = makeHeaders(tip, 1, { salt, afterMs }));
      index.add(tip);
      sides.add(tip, 16 * 2 ** 20);
    }
    return tip;
  };
  const [long, short] = [add(1, 3), add(2, 1)];
  expect(sides.makeRoom(index, short)).toEqual([]);
  const newest = add(3, 1, 50_000);
  expect(sides.bytes).toBeGreaterThan(64 * 2 ** 20);
  expect(sides.makeRoom(index, newest).map(({ id }) => id)).toEqual([short.id]);
  expect(sides.bytes).toBe(64 * 2 ** 20);
  const last = add(4, 1, 90_000);
  sides.makeRoom(index, last);
  expect([...index.tips()].map(({ id }) => id)).toEqual([long.id, last.id]);
});

async function idAt(chain: FullChain, height: number): Promise<Uint8Array> {
  const next = await chain.header(height + 1);
  return next ? next.prevHash : chain.head().id;
}
