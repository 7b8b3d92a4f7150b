import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex, u32 } from '../../../src/lib/bytes.ts';
import { bodyOf, bodyRoot, bodySize, verifyBody } from '../../../src/core/tx/body.ts';
import { encode } from '../../../src/core/codec.ts';
import { SignedTx, Transactions, Share, type Body } from '../../../src/core/formats.ts';
import { hash, ZERO_HASH } from '../../../src/core/hash.ts';
import { BODY_BYTES_MAX } from '../../../src/core/params.ts';
import { ALICE, paramsOf, transfer } from '../fixtures.ts';

// One signature for all: a body's own rules do not look at it.
const one = transfer(ALICE);
const many = (n: number, of: SignedTx = one): SignedTx[] =>
  Array.from({ length: n }, (_, i) => ({ ...of, tx: { ...of.tx, nonce: BigInt(i) } }));

/** Naive oracle: the top of a row, by halves of the largest power of two. */
function naiveTop(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length <= 1) return leaves[0] ?? ZERO_HASH;
  let size = 1;
  while (size * 2 < leaves.length) size *= 2;
  return hash('body-node', naiveTop(leaves.slice(0, size)), naiveTop(leaves.slice(size)));
}

const rootOf = (txs: readonly SignedTx[]): Uint8Array => bodyRoot(bodyOf(txs));
/** Of two empty lists, each of which is its count alone. */
const NO_LISTS = hash('shares', Uint8Array.of(0, 0));

test('root equals the naive one at every length to 40', () => {
  for (let n = 0; n <= 40; n++) {
    const body = many(n);
    const leaves = body.map((tx) => hash('body-leaf', encode(SignedTx, tx)));
    const root = hash('body', concat(u32(n), naiveTop(leaves), NO_LISTS));
    expect(toHex(rootOf(body))).toBe(toHex(root));
  }
});

test('root binds order, count and every byte', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(11), (n, at) => {
      const body = many(n);
      const root = toHex(rootOf(body));
      expect(toHex(rootOf([...body].reverse()))).not.toBe(root);
      expect(toHex(rootOf([...body, body.at(-1)!]))).not.toBe(root);
      const signature = new Uint8Array(64).fill(1);
      const other = body.map((tx, i) => (i === at % n ? { ...tx, signature } : tx));
      expect(toHex(rootOf(other))).not.toBe(root);
    }),
    { numRuns: 30 },
  );
});

describe('rules', () => {
  const judge = (body: Body, root = bodyRoot(body)) =>
    verifyBody(paramsOf().rules, { header: { bodyRoot: root }, body })?.fault;
  const check = (txs: readonly SignedTx[], root = rootOf(txs)) => judge(bodyOf(txs), root);

  test('a good body', () => {
    expect(check([])).toBeUndefined();
    expect(check(many(3))).toBeUndefined();
  });
  test('root', () => expect(check(many(3), rootOf(many(2)))).toBe('body.root'));
  test('duplicate, also under another signature', () => {
    const again = { ...one, signature: new Uint8Array(64) };
    expect(check([one, again])).toBe('body.duplicate');
  });
  const share: Share = {
    parent: 1,
    bodyRoot: ZERO_HASH,
    miner: ALICE.address,
    time: 2,
    nonce: 3n,
    knows: 2,
    model: 0,
    proofDigest: ZERO_HASH,
    linear: 2,
    tile: 9,
  };
  test('shares and votes: bound by the root, and none is in force yet', () => {
    const empty = bodyOf(many(2));
    const listing = { ...empty, shares: [share] };
    const voting = { ...empty, votes: [{ back: 1, mask: 1 }] };
    expect(judge(listing)).toBe('body.shares');
    expect(judge(voting)).toBe('body.votes');
    const roots = [empty, listing, { ...empty, shares: [{ ...share, tile: 8 }] }, voting];
    expect(new Set(roots.map((body) => toHex(bodyRoot(body)))).size).toBe(4);
    // A share is 121 bytes, and they lie outside the bytes of the transactions.
    expect(encode(Share, share)).toHaveLength(121);
    const lists = concat(Uint8Array.of(1), encode(Share, share), Uint8Array.of(0));
    const leaf = hash('body-leaf', encode(SignedTx, one));
    const root = hash('body', concat(u32(1), leaf, hash('shares', lists)));
    expect(bodyRoot({ ...bodyOf([one]), shares: [share] })).toEqual(root);
  });
  test('size: its number is the encoding, and the bound is exact', () => {
    const memo = new Uint8Array(64);
    const wide = transfer(ALICE, { memo });
    const size = encode(SignedTx, wide).length;
    const n = Math.floor((BODY_BYTES_MAX - 2) / size);
    const body = many(n, wide);
    expect(bodySize(body)).toBe(encode(Transactions, body).length);
    // The last one has a memo that fills the block to its last byte.
    const last = (bytes: number) => transfer(ALICE, { nonce: n, memo: new Uint8Array(bytes) });
    const left = BODY_BYTES_MAX - bodySize([...body, last(0)]);
    const full = [...body, last(left)];
    expect(bodySize(full)).toBe(BODY_BYTES_MAX);
    expect(check(full)).toBeUndefined();
    full[n] = last(left + 1);
    expect(check(full)).toBe('body.size');
  });
});
