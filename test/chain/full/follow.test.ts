/** Whoever gives a branch to be followed is hostile, or is overtaken by others who give the same. */
import { expect, it } from 'vitest';
import type { BranchSource } from '../../../src/chain/full/follow.ts';
import type { FullChain, FullChainOptions } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { HEADERS_MAX, type Block } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { expectConsistent } from '../full-invariants.ts';
import { mine, openChain, person, START_MS } from '../make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;
const headOf = (chain: FullChain) => toHex(chain.head().id);

/** A chain, and another with more work that parts from it above `common` blocks. */
async function split(
  common: number,
  own: number,
  theirs: number,
  options: Partial<FullChainOptions> = {},
) {
  const clock = { ms: START_MS + 10_000_000 };
  const genesisTimeMs = async () => START_MS;
  const store = createMemoryStore();
  const chain = await openChain(store, clock, { genesisTimeMs, ...options });
  const other = await openChain(createMemoryStore(), clock, { genesisTimeMs });
  for (const block of await mine(chain, ann, common)) await other.importBlock(block);
  await mine(chain, ann, own, { salt: 1 });
  const blocks = await mine(other, bob, theirs, { salt: 2 });
  const source: BranchSource = {
    headersAfter: async (id) => other.headersAfter(id ? [id] : await chain.locator(), HEADERS_MAX),
    parts: (ids) => other.parts(ids),
  };
  return { store, chain, other, blocks, source, clock };
}

it('asks nobody without end for headers, whether they come again and again or one at a time', async () => {
  const { chain, source } = await split(520, 2, 600);
  const known = await chain.headersAfter([], HEADERS_MAX);
  let asked = 0;
  const again: BranchSource = {
    ...source,
    headersAfter: async () => {
      if (++asked > 5) throw new Error('asked without end');
      return known;
    },
  };
  expect(await chain.follow(again)).toBe('light');
  asked = 0;
  const drop: BranchSource = {
    ...source,
    headersAfter: async (id) => {
      asked++;
      return (await source.headersAfter(id)).slice(0, 1);
    },
  };
  expect(await chain.follow(drop)).toBe('light');
  expect(asked).toBe(1);
  expect(await chain.follow(source)).toMatchObject({ status: 'reorganised' });
});

it('undoes nothing for headers that nobody proves, and waits for blocks no longer than 30 s', async () => {
  const { chain, store, source, clock } = await split(3, 40, 60);
  const read: string[] = [];
  const { get } = store;
  store.get = (key) => (read.push(key), get.call(store, key));
  expect(await chain.follow({ ...source, parts: async () => [] })).toBe('lacking');
  expect(read.filter((key) => key.startsWith('u/'))).toEqual([]);
  let asked = 0;
  const slow: BranchSource['parts'] = async (ids) => {
    asked++;
    clock.ms += 10_000;
    return source.parts(ids.slice(0, 1));
  };
  expect(await chain.follow({ ...source, parts: slow })).toBe('lacking');
  expect(asked).toBe(4);
});

it('waits 30 s in all for the newest blocks, however many answers each drop is', async () => {
  const { chain, source, clock } = await split(3, 40, 60);
  let asked = 0;
  const drips = (dropMs: number): BranchSource => ({
    ...source,
    async parts(ids) {
      asked++;
      clock.ms += dropMs;
      return source.parts(ids);
    },
  });
  // Four answers hold all of them: none takes 30 s, and three take longer.
  expect(await chain.follow(drips(10_100))).toBe('lacking');
  expect(asked).toBe(3);
  expect(await chain.follow(drips(9_900))).toMatchObject({ status: 'reorganised' });
});

it('leaves a branch whose change would not fit in memory, and nothing of it behind', async () => {
  const { chain, store, source } = await split(3, 40, 60, { joiningBytesMax: 4_000 });
  expect(await chain.follow(source)).toBe('large');
  await expectConsistent(store);
  const { chain: roomy, source: same } = await split(3, 40, 60);
  expect(await roomy.follow(same)).toMatchObject({ status: 'reorganised' });
});

/** What others give meanwhile, at the question for parts with that number. */
const overtaken = (source: BranchSource, at: number, give: () => Promise<void>): BranchSource => {
  let asked = 0;
  return {
    ...source,
    async parts(ids) {
      if (++asked === at) await give();
      return source.parts(ids);
    },
  };
};

it('leaves whole what became the chain while it was executed apart', async () => {
  // Proofs first, in three questions; then it is executed, in as many.
  for (const [upTo, result] of [
    [40, 'light'],
    [30, 'busy'],
  ] as const) {
    const { chain, store, blocks, source } = await split(3, 20, 40);
    const give = async (): Promise<void> => {
      for (const block of blocks.slice(0, upTo)) await chain.importBlock(block);
    };
    expect(await chain.follow(overtaken(source, 6, give))).toBe(result);
    expect(headOf(chain)).toBe(toHex(blockId((blocks[upTo - 1] as Block).header)));
    await expectConsistent(store);
  }
  const { chain, store, blocks, source } = await split(3, 20, 40);
  const end = overtaken(source, 6, async () => {
    for (const block of blocks) await chain.importBlock(block);
    throw new Error('it has left');
  });
  await expect(chain.follow(end)).rejects.toThrow('it has left');
  expect(headOf(chain)).toBe(toHex(blockId(blocks.at(-1)!.header)));
  await expectConsistent(store);
});
