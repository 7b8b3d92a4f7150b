import fc from 'fast-check';
import { expect, test } from 'vitest';
import { concat } from '../../src/lib/bytes.ts';
import { encode, u256, u32 } from '../../src/core/codec.ts';
import { hash, ZERO_HASH } from '../../src/core/hash.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot, type MmrNode } from '../../src/core/header/mmr.ts';
import { bytes32 } from './fixtures.ts';

const item = (i: number, work: bigint): MmrNode => mmrLeaf(bytes32(i), work);

const parent = (l: MmrNode, r: MmrNode): MmrNode => ({
  work: l.work + r.work,
  hash: hash('mmr-node', concat(l.hash, encode(u256, l.work), r.hash, encode(u256, r.work))),
});

/** Naive oracle: a perfect subtree over the largest power of two, then the rest, from scratch. */
function peaksOf(items: MmrNode[]): MmrNode[] {
  if (!items.length) return [];
  let size = 1;
  while (size * 2 <= items.length) size *= 2;
  const perfect = (part: MmrNode[]): MmrNode =>
    part.length === 1
      ? part[0]!
      : parent(perfect(part.slice(0, part.length / 2)), perfect(part.slice(part.length / 2)));
  return [perfect(items.slice(0, size)), ...peaksOf(items.slice(size))];
}

function naiveRoot(items: MmrNode[]): Uint8Array {
  const peaks = peaksOf(items);
  let acc = peaks.pop()!;
  while (peaks.length) acc = parent(peaks.pop()!, acc);
  return hash('mmr-root', encode(u32, items.length), acc.hash, encode(u256, acc.work));
}

test('equals the naive root at every length to 70, and old ranges stay', () => {
  const items = Array.from({ length: 70 }, (_, i) => item(i, BigInt(i) ** 9n));
  let mmr = EMPTY_MMR;
  const kept = [];
  for (const [i, it] of items.entries()) {
    mmr = mmrAppend(mmr, it);
    kept.push(mmr);
    expect(mmr.count).toBe(i + 1);
    expect(mmrRoot(mmr)).toEqual(naiveRoot(items.slice(0, i + 1)));
  }
  expect(mmrRoot(kept[20]!)).toEqual(naiveRoot(items.slice(0, 21)));
});

test('empty root is zero', () => expect(mmrRoot(EMPTY_MMR)).toEqual(ZERO_HASH));

test('another item, work, order or count is another root', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(39), (n, at) => {
      const i = at % n;
      const works = Array.from({ length: n }, (_, j) => BigInt(j + 1));
      const root = (w: bigint[], swap = false) => {
        const items = w.map((x, j) => item(j, x));
        if (swap) items.reverse();
        return mmrRoot(items.reduce(mmrAppend, EMPTY_MMR));
      };
      const changed = works.map((w, j) => (j === i ? w + 1n : w));
      expect(root(changed)).not.toEqual(root(works));
      expect(root(works, true)).not.toEqual(root(works));
      expect(root(works.slice(1))).not.toEqual(root(works));
    }),
  );
});
