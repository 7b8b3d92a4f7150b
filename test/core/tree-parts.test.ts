// Parts of a state tree: runs of leaves, joined until nothing is missing; and what a liar can send.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isFault } from '../../src/core/faults.ts';
import { firstStub, proveFrom, treeMerge, treeOf } from '../../src/core/tree/tree-parts.ts';
import {
  EMPTY_TREE,
  isWhole,
  MissingNode,
  openedLeaves,
  proveKeys,
  treeEntries,
  treeFromProof,
  treeRoot,
  treeSet,
  type Tree,
  type TreeEntry,
} from '../../src/core/tree/tree.ts';
import { STATE_PART_BYTES } from '../../src/core/messages.ts';
import { compare, equal, toHex } from '../../src/lib/bytes.ts';

/** Keys that share long prefixes: few first bytes, few last bytes. */
const key = fc
  .tuple(fc.constantFrom(0, 1, 2, 128, 255), fc.constantFrom(0, 1, 3, 64, 255))
  .map(([first, last]) => new Uint8Array(32).fill(first, 0, 1).fill(last, 31));
const value = fc.uint8Array({ minLength: 1, maxLength: 60 });
const leaves = fc
  .uniqueArray(fc.record({ key, value }), { selector: (e) => toHex(e.key), maxLength: 25 })
  .map((entries) => entries.sort((a, b) => compare(a.key, b.key)));

const parsed = (proof: Uint8Array): Tree => {
  const tree = treeFromProof(proof);
  if (isFault(tree)) throw new Error(JSON.stringify(tree));
  return tree;
};
const stubbed = (tree: Tree): Tree => parsed(proveKeys(tree, []));
/** Keys of all opened leaves, naively. */
const opened = (tree: Tree): string[] =>
  tree.kind === 'leaf'
    ? [toHex(tree.key)]
    : tree.kind === 'branch'
      ? [...opened(tree.left), ...opened(tree.right)]
      : [];

const branches = (tree: Tree): number =>
  tree.kind === 'branch' ? 1 + branches(tree.left) + branches(tree.right) : 0;

test('a tree of sorted leaves is the one that sets give', () => {
  fc.assert(
    fc.property(leaves, (entries) => {
      const tree = treeOf(entries);
      const set = entries.reduce((t, e) => treeSet(t, e.key, e.value), EMPTY_TREE);
      expect(treeRoot(tree)).toEqual(treeRoot(set));
      expect([...treeEntries(tree)]).toEqual(entries);
      expect([isWhole(tree), openedLeaves(tree)]).toEqual([true, entries.length]);
    }),
  );
});

test('a part of keys that were chosen to share most bits has no more nodes than a proof may have', () => {
  // Pairs that part at their last bit, as many as an answer's bytes would hold were branches free.
  const entries = Array.from({ length: 1_000 }, (_, i) => {
    const low = new Uint8Array(32).fill(i >> 4, 0, 1).fill((i & 15) << 4, 1, 2);
    return [low, low.slice().fill(1, 31)].map((k) => ({ key: k, value: new Uint8Array(24) }));
  }).flat();
  const prove = () => proveFrom(treeOf(entries), new Uint8Array(32), STATE_PART_BYTES);
  expect(prove).not.toThrow();
  const part = parsed(prove());
  expect(openedLeaves(part)).toBeGreaterThan(100);
  expect(openedLeaves(part)).toBeLessThan(entries.length);
});

test('a part opens a run of leaves from the key on, at least one, as many as fit', () => {
  fc.assert(
    fc.property(leaves, key, fc.integer({ min: 0, max: 2000 }), (entries, from, bytesMax) => {
      const tree = treeOf(entries);
      const part = parsed(proveFrom(tree, from, bytesMax));
      expect(treeRoot(part)).toEqual(treeRoot(tree));
      const there = entries.filter((e) => compare(e.key, from) >= 0).map((e) => toHex(e.key));
      const got = opened(part);
      expect(got).toEqual(there.slice(0, got.length));
      expect(got.length).toBeGreaterThanOrEqual(Math.min(1, there.length));
      const sizeOf = (e: TreeEntry) => 37 + e.value.length;
      const before = entries
        .filter((e) => got.slice(0, -1).includes(toHex(e.key)))
        .reduce((n, e) => n + sizeOf(e), 0);
      expect(before).toBeLessThanOrEqual(Math.max(0, bytesMax));
      if (got.length < there.length) {
        const last = entries.find((e) => toHex(e.key) === got.at(-1))!;
        // A branch counts for five bytes.
        const taken = before + sizeOf(last) + 5 * branches(part);
        expect(taken).toBeGreaterThanOrEqual(bytesMax);
      }
    }),
  );
});

test('parts, each from the first gap on, give the whole tree, whatever was known before', () => {
  fc.assert(
    fc.property(
      leaves,
      fc.array(key),
      fc.integer({ min: 1, max: 300 }),
      (entries, keys, bytesMax) => {
        const tree = treeOf(entries);
        let known = treeMerge(stubbed(tree), parsed(proveKeys(tree, keys)));
        let parts = 0;
        for (let from = firstStub(known); from; from = firstStub(known)) {
          expect(opened(known).every((k) => k !== toHex(from))).toBe(true);
          const before = openedLeaves(known);
          known = treeMerge(known, parsed(proveFrom(tree, from, bytesMax)));
          expect(openedLeaves(known)).toBeGreaterThan(before);
          parts++;
        }
        expect(parts).toBeLessThanOrEqual(entries.length);
        expect(isWhole(known)).toBe(true);
        expect([...treeEntries(known)]).toEqual(entries);
        expect(treeRoot(known)).toEqual(treeRoot(tree));
      },
    ),
  );
});

test('joining opens what either opens, whichever comes first, and shares what it can', () => {
  fc.assert(
    fc.property(leaves, fc.array(key), fc.array(key), (entries, a, b) => {
      const tree = treeOf(entries);
      const [x, y] = [parsed(proveKeys(tree, a)), parsed(proveKeys(tree, b))];
      const both = treeMerge(x, y);
      expect(opened(both)).toEqual(opened(treeMerge(y, x)));
      expect(new Set(opened(both))).toEqual(new Set([...opened(x), ...opened(y)]));
      expect(openedLeaves(both)).toBe(opened(both).length);
      expect(treeRoot(both)).toEqual(treeRoot(tree));
      expect(treeMerge(tree, y)).toBe(tree);
      expect(treeMerge(both, x)).toBe(both);
    }),
  );
});

test('trees of different roots are not joined', () => {
  const one = treeOf([{ key: new Uint8Array(32), value: Uint8Array.of(1) }]);
  expect(() => treeMerge(one, EMPTY_TREE)).toThrow('different roots');
});

test('who lacks the first leaf gives nothing; who lacks a later one gives what comes before', () => {
  const keys = [1, 2, 3].map((n) => new Uint8Array(32).fill(n * 40));
  const tree = treeOf(keys.map((k) => ({ key: k, value: Uint8Array.of(7) })));
  const partial = parsed(proveKeys(tree, [keys[0]!]));
  expect(() => proveFrom(partial, keys[1]!, 1000)).toThrow(MissingNode);
  const zero = new Uint8Array(32);
  expect(opened(parsed(proveFrom(partial, zero, 1000)))).toEqual([toHex(keys[0]!)]);
  const beyond = parsed(proveFrom(tree, new Uint8Array(32).fill(255), 1000));
  expect([opened(beyond), toHex(treeRoot(beyond))]).toEqual([[], toHex(treeRoot(tree))]);
});

test('a changed byte is refused or makes another root', () => {
  fc.assert(
    fc.property(leaves, key, fc.nat(), fc.integer({ min: 1, max: 255 }), (entries, from, at, x) => {
      const tree = treeOf(entries);
      const proof = proveFrom(tree, from, 200);
      proof[at % proof.length]! ^= x;
      const bad = treeFromProof(proof);
      expect(isFault(bad) || !equal(treeRoot(bad), treeRoot(tree))).toBe(true);
    }),
  );
});
