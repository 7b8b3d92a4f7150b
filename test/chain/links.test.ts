/** Histories along back-links: as many entries as lie in what may be read for one answer. */
import { bodyOf } from '../../src/core/tx/body.ts';
import { expect, test } from 'vitest';
import { walkBack } from '../../src/chain/shared/links.ts';
import { HISTORY_MAX } from '../../src/core/messages.ts';
import { BODY_BYTES_MAX } from '../../src/core/params.ts';
import { person, transfer } from './make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** Walks from block 60 down a chain that has a payment in each block. @returns the heights that were read */
async function walk(bytes: number) {
  const read: number[] = [];
  const entries = await walkBack(ann.address, { height: 60, index: 0 }, 60, async (height) => {
    read.push(height);
    const links = [
      { address: ann.address, previous: { height: height - 1, index: 0 }, indices: [0] },
    ];
    return { body: bodyOf([transfer(ann, 0, bob, 1n)]), bytes, links };
  });
  expect(entries.map(({ position }) => position.height)).toEqual(read);
  return read;
}

test('one answer reads no more than half a megabyte of bodies, and always some blocks', async () => {
  expect(await walk(1_000)).toHaveLength(HISTORY_MAX);
  expect(await walk(BODY_BYTES_MAX)).toEqual([60, 59, 58, 57, 56, 55, 54, 53]);
  expect(await walk(10 * BODY_BYTES_MAX)).toEqual([60]);
});
