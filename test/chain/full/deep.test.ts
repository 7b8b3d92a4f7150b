/** Two networks that were one: a full chain changes to a branch that forks below its window by executing it. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { BranchSource } from '../../../src/chain/full/follow.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Put, Store } from '../../../src/chain/store/store.ts';
import { fault } from '../../../src/core/faults.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { HEADERS_MAX } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent } from '../full-invariants.ts';
import { mine, nextBlock, openChain, person, START_MS } from '../make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const COMMON = 3;
/** Blocks of the own chain above the fork, and of the other, which leads by more than 60. */
const [OWN, OTHER] = [2060, 2240];
const clock = { ms: START_MS };

let other: FullChain;
let ownStore: Store;
let own: FullChain;

async function rowsOf(store: Store): Promise<Put[]> {
  const all: Put[] = [];
  for (let from = ''; ;) {
    const rows = await store.range(from, '\x7f');
    if (!rows.length) return all;
    all.push(...rows);
    from = `${rows.at(-1)!.key}\0`;
  }
}

/** So that each test starts from the same. */
async function copyOf(store: Store): Promise<Store> {
  const copy = createMemoryStore();
  await copy.batch(await rowsOf(store));
  return copy;
}

beforeAll(async () => {
  ownStore = createMemoryStore();
  own = await openChain(ownStore, clock);
  other = await openChain(createMemoryStore(), clock);
  clock.ms += 10_000_000;
  for (const block of await mine(own, ann, COMMON)) await other.importBlock(block);
  await mine(own, ann, OWN, { salt: 1 });
  await mine(other, bob, OTHER, { salt: 2 });
}, 300_000);

/** The own branch, longer by so many blocks. */
async function growOwn(count: number, now: { ms: number }): Promise<FullChain> {
  const grown = await openChain(await copyOf(ownStore), now);
  await mine(grown, ann, count, { salt: 1 });
  return grown;
}

const sourceOf = (
  from: FullChain,
  to: FullChain,
  parts: BranchSource['parts'] = (ids) => from.parts(ids),
): BranchSource => ({
  headersAfter: async (id) => from.headersAfter(id ? [id] : await to.locator(), HEADERS_MAX),
  parts,
});

describe('a branch that forks below the window', { timeout: 300_000 }, () => {
  it('is followed with its newest blocks and 128 others replayed, and then once in two hours', async () => {
    const replayed: number[] = [];
    const store = await copyOf(ownStore);
    const now = { ms: clock.ms };
    const chain = await openChain(store, now, {
      checkProof: async ({ header }) => void replayed.push(header.height),
    });
    const first = (await other.header(COMMON + 1))!;
    const block = (await other.block(blockId(first)))!;
    expect(await chain.importBlock(block)).toMatchObject({ status: 'orphan' });
    const done = await chain.follow(sourceOf(other, chain));
    expect(done).toMatchObject({ status: 'reorganised' });
    expect(toHex(chain.head().id)).toBe(toHex(other.head().id));

    const tip = COMMON + OTHER;
    expect(replayed.filter((height) => height > tip - 2048)).toHaveLength(2048);
    const below = replayed.filter((height) => height <= tip - 2048);
    expect(below.length).toBeGreaterThan(20);
    expect(below.length).toBeLessThanOrEqual(128);

    await expectConsistent(store);
    expect(await chain.importBlock(nextBlock(chain, ann))).toMatchObject({ status: 'extended' });
    const again = await openChain(store, now);
    expect(again.head()).toEqual(chain.head());
    // The old branch would need a lead of its own, and then two hours, also of a node that was started again.
    expect(await chain.follow(sourceOf(own, chain))).toBe('light');
    const back = await growOwn(320, now);
    expect(await again.follow(sourceOf(back, again))).toBe('soon');
    now.ms += 2 * 3_600_000;
    expect(await again.follow(sourceOf(back, again))).toMatchObject({ status: 'reorganised' });
  });

  it('is left where its blocks are not given, and leaves nothing behind', async () => {
    const store = await copyOf(ownStore);
    const chain = await openChain(store, clock);
    const rows = (await rowsOf(store)).length;
    const late: BranchSource['parts'] = async (ids) => {
      const parts = await other.parts(ids);
      const heights = await Promise.all(parts.map(async ({ id }) => (await other.block(id))!));
      return parts.filter((_, i) => {
        const { height } = heights[i]!.header;
        return height < 500 || height > 1900;
      });
    };
    expect(await chain.follow(sourceOf(other, chain, late))).toBe('lacking');
    expect(await chain.follow(sourceOf(other, chain, async () => []))).toBe('lacking');
    expect(toHex(chain.head().id)).toBe(toHex(own.head().id));
    expect(await rowsOf(store)).toHaveLength(rows);
    await expectConsistent(store);
  });

  it('is not tried again once one of its blocks was found false', async () => {
    let asked = 0;
    const chain = await openChain(await copyOf(ownStore), clock, {
      checkProof: async ({ header }) =>
        header.height === 900 ? fault('proof.activations') : undefined,
    });
    const counted: BranchSource['parts'] = (ids) => (asked++, other.parts(ids));
    expect(await chain.follow(sourceOf(other, chain, counted))).toMatchObject({
      fault: 'proof.activations',
    });
    asked = 0;
    expect(await chain.follow(sourceOf(other, chain, counted))).toBe('light');
    expect(asked).toBe(0);
  });

  it('needs the lead of 60 mean blocks', async () => {
    const chain = await openChain(await copyOf(ownStore), clock);
    const short = { ...sourceOf(other, chain) };
    const upTo = COMMON + OWN + 40;
    const headersAfter: BranchSource['headersAfter'] = async (id) =>
      (await short.headersAfter(id)).filter(({ height }) => height <= upTo);
    expect(await chain.follow({ ...short, headersAfter })).toBe('light');
  });
});
