import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, toHex, u32 } from '../../../src/lib/bytes.ts';
import { bodyRoot, bodySize, verifyBody } from '../../../src/core/tx/body.ts';
import { encode } from '../../../src/core/codec.ts';
import { Body, SignedTx } from '../../../src/core/formats.ts';
import { hash, ZERO_HASH } from '../../../src/core/hash.ts';
import { BODY_BYTES_MAX } from '../../../src/core/params.ts';
import { ALICE, paramsOf, transfer } from '../fixtures.ts';

// One signature for all: a body's own rules do not look at it.
const one = transfer(ALICE);
const many = (n: number, of: SignedTx = one): Body =>
  Array.from({ length: n }, (_, i) => ({ ...of, tx: { ...of.tx, nonce: i } }));

/** Naive oracle: the top of a row, by halves of the largest power of two. */
function naiveTop(leaves: Uint8Array[]): Uint8Array {
  if (leaves.length <= 1) return leaves[0] ?? ZERO_HASH;
  let size = 1;
  while (size * 2 < leaves.length) size *= 2;
  return hash('body-node', naiveTop(leaves.slice(0, size)), naiveTop(leaves.slice(size)));
}

test('root equals the naive one at every length to 40', () => {
  for (let n = 0; n <= 40; n++) {
    const body = many(n);
    const leaves = body.map((tx) => hash('body-leaf', encode(SignedTx, tx)));
    expect(toHex(bodyRoot(body))).toBe(toHex(hash('body', concat(u32(n), naiveTop(leaves)))));
  }
});

test('root binds order, count and every byte', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(11), (n, at) => {
      const body = many(n);
      const root = toHex(bodyRoot(body));
      expect(toHex(bodyRoot([...body].reverse()))).not.toBe(root);
      expect(toHex(bodyRoot([...body, body.at(-1)!]))).not.toBe(root);
      const signature = new Uint8Array(64).fill(1);
      const other = body.map((tx, i) => (i === at % n ? { ...tx, signature } : tx));
      expect(toHex(bodyRoot(other))).not.toBe(root);
    }),
    { numRuns: 30 },
  );
});

describe('rules', () => {
  const check = (body: Body, root = bodyRoot(body)) =>
    verifyBody(paramsOf().rules, { header: { bodyRoot: root }, body })?.fault;

  test('a good body', () => {
    expect(check([])).toBeUndefined();
    expect(check(many(3))).toBeUndefined();
  });
  test('root', () => expect(check(many(3), bodyRoot(many(2)))).toBe('body.root'));
  test('duplicate, also under another signature', () => {
    const again = { ...one, signature: new Uint8Array(64) };
    expect(check([one, again])).toBe('body.duplicate');
  });
  test('size: its number is the encoding, and the bound is exact', () => {
    const memo = new Uint8Array(64);
    const wide = transfer(ALICE, { memo });
    const size = encode(SignedTx, wide).length;
    const n = Math.floor((BODY_BYTES_MAX - 2) / size);
    const body = many(n, wide);
    expect(bodySize(body)).toBe(encode(Body, body).length);
    // The last ones with as much less in their memos as fills the block to its last byte.
    const bare = transfer(ALICE, { nonce: n });
    let over = bodySize([...body, bare]) - BODY_BYTES_MAX;
    expect(over).toBeGreaterThan(0);
    const full = [...body, bare];
    for (let i = 0; over > 0; i++) {
      const cut = Math.min(over, 64);
      full[i] = transfer(ALICE, { nonce: i, memo: new Uint8Array(64 - cut) });
      over -= cut;
    }
    expect(bodySize(full)).toBe(BODY_BYTES_MAX);
    expect(check(full)).toBeUndefined();
    full[n] = transfer(ALICE, { nonce: n, memo: new Uint8Array(1) });
    expect(check(full)).toBe('body.size');
  });
});
