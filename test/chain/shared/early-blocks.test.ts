import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  EARLY_MAX,
  EARLY_OF_PEER_MAX,
  EarlyBlocks,
} from '../../../src/chain/shared/early-blocks.ts';
import type { Block } from '../../../src/core/messages.ts';
import { nextBlock, openChain, person } from '../make-blocks.ts';

let blocks: Block[];
beforeEach(async () => {
  const chain = await openChain();
  blocks = Array.from({ length: EARLY_MAX + 1 }, (_, salt) =>
    nextBlock(chain, person(1), { salt }),
  );
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it('takes each block in when its time has come, and tells of those that pass', async () => {
  const [taken, told] = [[] as Block[], [] as Block[]];
  const early = new EarlyBlocks(
    async (_, block) => taken.push(block) === 1,
    async (block) => void told.push(block),
  );
  early.hold('a', blocks[0]!, 50);
  early.hold('b', blocks[0]!, 50);
  early.hold('a', blocks[1]!, 80);
  await vi.advanceTimersByTimeAsync(49);
  expect(taken).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(taken).toEqual([blocks[0]]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(taken).toEqual([blocks[0], blocks[1]]);
  expect(told).toEqual([blocks[0]]);
});

it('holds few, and fewer of one peer', async () => {
  const early = new EarlyBlocks(
    async () => false,
    async () => undefined,
  );
  const held = blocks.map((block) => early.hold('a', block, 10));
  expect(held.filter(Boolean)).toHaveLength(EARLY_OF_PEER_MAX);
  const others = blocks.map((block, i) => early.hold(`peer ${i}`, block, 10));
  // Those that wait already are held.
  expect(others.filter(Boolean)).toHaveLength(EARLY_MAX);
  await vi.advanceTimersByTimeAsync(10);
  expect(early.hold('a', blocks.at(-1)!, 10)).toBe(true);
});
