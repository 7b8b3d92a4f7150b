import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compare, concat, toHex } from '../../src/lib/bytes.ts';
import { isFault } from '../../src/core/faults.ts';
import { hash, ZERO_HASH } from '../../src/core/hash.ts';
import {
  EMPTY_TREE,
  MissingNode,
  proveKeys,
  treeEntries,
  treeFromProof,
  treeGet,
  treeRoot,
  treeSet,
  treeUpdate,
  TREE_PROOF_BYTES_MAX,
  type Tree,
} from '../../src/core/tree/tree.ts';
import { bytes32 } from './fixtures.ts';

type Entry = { key: Uint8Array; value: Uint8Array };

/** Naive oracle: the root of a list of leaves, straight from the definition. */
function naiveRoot(entries: Entry[], depth = 0): Uint8Array {
  if (!entries.length) return ZERO_HASH;
  if (entries.length === 1) {
    const h = hash('tree-leaf', entries[0]!.key, entries[0]!.value);
    h[31] = h[31]! - (h[31]! % 2);
    return h;
  }
  const bit = (e: Entry) => (e.key[Math.floor(depth / 8)]! >> (7 - (depth % 8))) % 2;
  const l = naiveRoot(
    entries.filter((e) => bit(e) === 0),
    depth + 1,
  );
  const r = naiveRoot(
    entries.filter((e) => bit(e) === 1),
    depth + 1,
  );
  const h = hash('tree-branch', l, r);
  h[31] = h[31]! - (h[31]! % 2) + 1;
  return h;
}

const fromMap = (map: Map<string, Entry>): Entry[] => [...map.values()];
const treeOf = (entries: Entry[]): Tree =>
  entries.reduce((t, e) => treeSet(t, e.key, e.value), EMPTY_TREE);
const partial = (tree: Tree, keys: Uint8Array[]): Tree => {
  const out = treeFromProof(proveKeys(tree, keys));
  if (isFault(out)) throw new Error(`proof refused: ${JSON.stringify(out)}`);
  return out;
};

/** Keys that share long prefixes: few first bytes, few last bytes. */
const key = fc
  .tuple(fc.constantFrom(0, 1, 2, 128, 255), fc.constantFrom(0, 1, 3, 64, 128))
  .map(([first, last]) => {
    const k = new Uint8Array(32);
    k[0] = first;
    k[31] = last;
    return k;
  });
const value = fc.uint8Array({ minLength: 1, maxLength: 5 });
const change = fc.record({ key, value: fc.option(value, { nil: undefined }) });

describe('full tree', () => {
  test('equals a map and the naive root after any sets and deletions', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const map = new Map<string, Entry>();
        let tree: Tree = EMPTY_TREE;
        for (const c of changes) {
          tree = treeSet(tree, c.key, c.value);
          if (c.value) map.set(toHex(c.key), { key: c.key, value: c.value });
          else map.delete(toHex(c.key));
        }
        expect(toHex(treeRoot(tree))).toBe(toHex(naiveRoot(fromMap(map))));
        for (const c of changes) expect(treeGet(tree, c.key)).toEqual(map.get(toHex(c.key))?.value);
        const sorted = fromMap(map).sort((a, b) => compare(a.key, b.key));
        expect([...treeEntries(tree)]).toEqual(sorted);
      }),
    );
  });

  test('old trees stay as they were, and a no-op deletion shares everything', () => {
    const one = treeSet(EMPTY_TREE, bytes32(1), Uint8Array.of(1));
    const root = toHex(treeRoot(one));
    const two = treeSet(treeSet(one, bytes32(2), Uint8Array.of(2)), bytes32(1), undefined);
    expect(toHex(treeRoot(one))).toBe(root);
    expect(treeGet(two, bytes32(1))).toBeUndefined();
    expect(treeSet(two, bytes32(1), undefined)).toBe(two);
  });

  test('a hash says leaf or branch', () => {
    const one = treeSet(EMPTY_TREE, bytes32(1), Uint8Array.of(1));
    expect(treeRoot(EMPTY_TREE)).toEqual(ZERO_HASH);
    for (let i = 0; i < 16; i++) {
      expect(treeRoot(treeSet(EMPTY_TREE, bytes32(i), Uint8Array.of(i)))[31]! & 1).toBe(0);
      expect(treeRoot(treeSet(one, bytes32(i + 2), Uint8Array.of(i)))[31]! & 1).toBe(1);
    }
  });

  test('20,000 leaves: proofs within the bound for a million, sets share all but a path', () => {
    const entries = Array.from({ length: 20_000 }, (_, i) => ({
      key: bytes32(i),
      value: new Uint8Array(24),
    }));
    const tree = treeOf(entries);
    const deepest = Math.max(...entries.slice(0, 1000).map((e) => proveKeys(tree, [e.key]).length));
    // A million leaves lie 5.65 levels deeper, 33 bytes for a sibling and 1 for a branch each.
    expect(deepest + 6 * 34).toBeLessThanOrEqual(1024);

    const count = (node: Tree, seen: Set<Tree>): number => {
      if (seen.has(node)) return 0;
      seen.add(node);
      return 1 + (node.kind === 'branch' ? count(node.left, seen) + count(node.right, seen) : 0);
    };
    const seen = new Set<Tree>();
    count(tree, seen);
    expect(count(treeSet(tree, bytes32(7), Uint8Array.of(9)), seen)).toBeLessThan(64);
  });
});

describe('proofs', () => {
  const entriesOf = fc.uniqueArray(fc.record({ key, value }), {
    selector: (e) => toHex(e.key),
    maxLength: 25,
  });

  test('prove presence and absence, and suffice for any change of their keys', () => {
    fc.assert(
      fc.property(entriesOf, fc.array(change, { maxLength: 12 }), (entries, changes) => {
        const tree = treeOf(entries);
        const unique = [...new Map(changes.map((c) => [toHex(c.key), c])).values()];
        const part = partial(
          tree,
          unique.map((c) => c.key),
        );
        expect(treeRoot(part)).toEqual(treeRoot(tree));
        for (const c of unique) expect(treeGet(part, c.key)).toEqual(treeGet(tree, c.key));
        expect(treeRoot(treeUpdate(part, unique))).toEqual(treeRoot(treeUpdate(tree, unique)));
      }),
      { numRuns: 300 },
    );
  });

  test('a partial tree can prove again what it holds, byte for byte', () => {
    fc.assert(
      fc.property(entriesOf, fc.array(key, { maxLength: 6 }), (entries, keys) => {
        const proof = proveKeys(treeOf(entries), keys);
        expect(proveKeys(partial(treeOf(entries), keys), keys)).toEqual(proof);
      }),
    );
  });

  test('touching a stub throws MissingNode', () => {
    const tree = treeOf([1, 2, 3, 4].map((n) => ({ key: bytes32(n), value: Uint8Array.of(n) })));
    const none = partial(tree, []);
    expect(() => treeGet(none, bytes32(1))).toThrow(MissingNode);
    expect(() => treeSet(none, bytes32(1), Uint8Array.of(1))).toThrow(MissingNode);
    expect(() => treeSet(none, bytes32(1), undefined)).toThrow(MissingNode);
    expect(() => [...treeEntries(none)]).toThrow(MissingNode);
    expect(() => proveKeys(none, [bytes32(1)])).toThrow(MissingNode);
  });

  test('any bytes are refused or are exactly what proveKeys writes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        expect(() => treeFromProof(data)).not.toThrow();
      }),
    );
  });

  test('a changed byte never proves the same root with something else', () => {
    const tree = treeOf([1, 2, 3, 4, 5].map((n) => ({ key: bytes32(n), value: Uint8Array.of(n) })));
    const proof = proveKeys(tree, [bytes32(1), bytes32(77)]);
    for (let at = 0; at < proof.length; at++) {
      const bad = proof.slice();
      bad[at]! ^= 1;
      const read = treeFromProof(bad);
      if (!isFault(read)) expect(toHex(treeRoot(read))).not.toBe(toHex(treeRoot(tree)));
    }
  });
});

describe('malformed proofs', () => {
  const EMPTY = [0];
  const stub = (last: number) => [1, ...new Uint8Array(31).fill(9), last];
  const leaf = (first: number) => [2, first, ...new Uint8Array(31), 1, 42];
  const BRANCH = [3];
  const proof = (...nodes: number[][]) => Uint8Array.from([nodes.length, ...nodes.flat()]);

  test.each([
    ['no nodes', proof()],
    ['missing nodes', proof(BRANCH, leaf(0))],
    ['trailing nodes', proof(EMPTY, EMPTY)],
    ['trailing bytes', concat(proof(EMPTY), Uint8Array.of(0))],
    ['two empties', proof(BRANCH, EMPTY, EMPTY)],
    ['one leaf on the left', proof(BRANCH, leaf(0), EMPTY)],
    ['one leaf on the right', proof(BRANCH, EMPTY, leaf(128))],
    ['one hidden leaf', proof(BRANCH, stub(2), EMPTY)],
    ['leaf off its path', proof(BRANCH, leaf(128), stub(1))],
    ['two stubs', proof(BRANCH, stub(1), stub(3))],
    ['a stub that is the hash of nothing', proof(BRANCH, [1, ...ZERO_HASH], leaf(128))],
    ['unknown tag', proof([4])],
    ['more than the most bytes', new Uint8Array(TREE_PROOF_BYTES_MAX + 1)],
  ])('%s', (_, data) => {
    expect(treeFromProof(data)).toMatchObject({ fault: 'state.proof' });
  });

  test('depth: 256 branches hold two keys that differ in the last bit, 257 are refused', () => {
    const a = new Uint8Array(32);
    const b = new Uint8Array(32).fill(1, 31);
    const tree = treeOf([a, b].map((k) => ({ key: k, value: Uint8Array.of(1) })));
    expect(treeRoot(partial(tree, [a, b]))).toEqual(treeRoot(tree));
    const deep = Array.from({ length: 300 }, () => BRANCH);
    const data = Uint8Array.from([0xac, 2, ...deep.flat()]);
    expect(treeFromProof(data)).toMatchObject({
      fault: 'state.proof',
      context: { problem: 'too deep' },
    });
  });

  test('nodes: as many as the most are read, one more is refused before any is', () => {
    const size = (nodes: number): number[] => [
      (nodes & 127) | 128,
      ((nodes >> 7) & 127) | 128,
      nodes >> 14,
    ];
    const problemOf = (nodes: number) =>
      treeFromProof(Uint8Array.from([...size(nodes), ...Array<number>(nodes).fill(0)]));
    expect(problemOf(2 ** 18)).toMatchObject({ context: { problem: 'trailing nodes' } });
    expect(problemOf(2 ** 18 + 1)).toMatchObject({ context: { problem: 'malformed' } });
  });

  test('asked for keys, a proof of them passes, and one that opens more is refused', () => {
    const tree = treeOf(
      [0, 1, 64, 128, 192].map((first) => ({
        key: new Uint8Array(32).fill(first, 0, 1),
        value: Uint8Array.of(1),
      })),
    );
    const [a, b, absent] = [0, 128, 65].map((first) => new Uint8Array(32).fill(first, 0, 1));
    for (const keys of [[a!], [a!, b!], [absent!], []]) {
      expect(isFault(treeFromProof(proveKeys(tree, keys), keys))).toBe(false);
      expect(isFault(treeFromProof(proveKeys(tree, keys)))).toBe(false);
    }
    const beside = { context: { problem: 'opens what nobody asked for' } };
    expect(treeFromProof(proveKeys(tree, [a!, b!]), [b!])).toMatchObject(beside);
    expect(treeFromProof(proof(BRANCH, leaf(0), leaf(128)), [b!])).toMatchObject(beside);
    // One key opens at most its path and what is beside it.
    const twin = a!.slice().fill(1, 31);
    const deep = treeOf([a!, twin].map((k) => ({ key: k, value: Uint8Array.of(1) })));
    expect(isFault(treeFromProof(proveKeys(deep, [twin]), [twin]))).toBe(false);
    const many = Uint8Array.from([0x82, 4, ...Array<number>(514).fill(0)]);
    expect(treeFromProof(many, [a!])).toMatchObject({ context: { problem: 'malformed' } });
    expect(treeFromProof(many)).toMatchObject({ context: { problem: 'trailing nodes' } });
  });

  test('the good ones of that shape pass', () => {
    for (const good of [proof(EMPTY), proof(leaf(7)), proof(BRANCH, stub(1), EMPTY)])
      expect(isFault(treeFromProof(good))).toBe(false);
    expect(isFault(treeFromProof(proof(BRANCH, leaf(0), leaf(128))))).toBe(false);
  });
});
