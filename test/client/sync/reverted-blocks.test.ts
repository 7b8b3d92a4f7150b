import { expect, test } from 'vitest';
import { RevertedBlocks } from '../../../src/client/sync/reverted-blocks.ts';
import type { ChainPoint } from '../../../src/core/header/header.ts';

/** A point of which nothing but its height and id is read; the block holds its height. */
const point = (height: number) => ({ id: Uint8Array.of(height), header: { height } }) as ChainPoint;
const blocksOf = (): RevertedBlocks =>
  new RevertedBlocks({
    blocks: { body: async (id: Uint8Array) => ({ transactions: [id[0]] }) as never },
  });

test('what left the chain waits again once', async () => {
  const reverted = blocksOf();
  reverted.add({ left: [point(3), point(4)] });
  reverted.add({ left: [point(5)] });
  expect(await reverted.takeTransactions()).toEqual([3, 4, 5]);
  expect(await reverted.takeTransactions()).toEqual([]);
});

test('what a false block holds, or one built on it, does not wait again', async () => {
  const reverted = blocksOf();
  reverted.add({ left: [point(3), point(4), point(5)], falseFrom: 4 });
  expect(await reverted.takeTransactions()).toEqual([3]);
});
