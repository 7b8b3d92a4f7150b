/** What peers were heard to say of a head, and who was not heard since it came. */
import { expect, test } from 'vitest';
import { PeerHeads } from '../../../src/client/sync/peer-heads.ts';
import type { Status } from '../../../src/core/messages.ts';

const id = (n: number) => new Uint8Array(32).fill(n);
const at = (n: number) => ({ head: id(n), height: n, totalWork: BigInt(n) }) as unknown as Status;

test('right after a new head nobody disagrees: peers that were not heard since are not counted', () => {
  const heads = new PeerHeads();
  heads.noteConnected(['a', 'b', 'c']);
  for (const peer of ['a', 'b']) heads.noteStatus(peer, at(1));
  expect([heads.countAt(id(1)), heads.askedAt(id(1))]).toEqual([2, 2]);
  expect([heads.countAt(id(2)), heads.askedAt(id(2))]).toEqual([0, 0]);
  heads.noteStatus('a', at(2));
  expect([heads.countAt(id(2)), heads.askedAt(id(2))]).toEqual([1, 1]);
  // This one was asked since, and says another.
  heads.noteStatus('b', at(1));
  expect([heads.countAt(id(2)), heads.askedAt(id(2))]).toEqual([1, 2]);
  heads.noteConnected(['a']);
  expect([heads.countAt(id(2)), heads.askedAt(id(2))]).toEqual([1, 1]);
});
