import { blake3 } from '@noble/hashes/blake3.js';
import { describe, expect, it } from 'vitest';
import {
  derivedKey,
  derivedPair,
  derivedShort,
  keyedShort,
  streamShort,
  wordsOf,
} from '../../../src/core/pow/blake3.ts';
import {
  openRange,
  subtreeValue,
  hashOfParts,
  verifyRange,
} from '../../../src/core/pow/blake3-tree.ts';
import { concat, equal, utf8 } from '../../../src/lib/bytes.ts';
import { randomBytes } from '../../oracle/random.ts';

/** One chunk as a range of itself, or the two subtrees below the root. */
function isRootOf(data: Uint8Array): boolean {
  const root = blake3(data);
  if (data.length <= 1024) return verifyRange(root, data.length, 0, data, []);
  const left = 1024 * 2 ** (31 - Math.clz32(Math.ceil(data.length / 1024) - 1));
  const [a, b] = [data.subarray(0, left), data.subarray(left)];
  return equal(hashOfParts([subtreeValue(a, 0), subtreeValue(b, left / 1024)]), root);
}

describe('our BLAKE3 against the library', () => {
  const sizes = new Set<number>();
  for (let chunks = 0; chunks <= 9; chunks++)
    for (const d of [-65, -64, -63, -1, 0, 1, 3, 63, 64, 65]) sizes.add(1024 * chunks + d);
  for (const size of [16384, 16385, 17 * 1024, 31 * 1024 + 7, 33 * 1024]) sizes.add(size);

  it('hashes trees of every size around chunk boundaries', () => {
    const data = randomBytes('tree', 40_000);
    for (const size of sizes)
      if (size >= 0) expect(isRootOf(data.subarray(0, size)), `${size} bytes`).toBe(true);
  });

  it('hashes with a key, and streams from a context', () => {
    const key = randomBytes('key', 32);
    for (const size of [0, 1, 37, 63, 64, 65, 72, 128, 1023, 1024]) {
      const data = randomBytes('data', size);
      expect(keyedShort(wordsOf(key), data)).toEqual(blake3(data, { key }));
    }
    const text = 'a text of its own';
    const context = utf8(text);
    const derived = derivedKey(text);
    for (const size of [0, 1, 32, 63, 64, 65, 128, 1023, 1024]) {
      const data = randomBytes('leaf', size);
      expect(derivedShort(derived, data)).toEqual(blake3(data, { context }));
    }
    for (let i = 0; i < 9; i++) {
      const [left, right] = [randomBytes(`left ${i}`, 32), randomBytes(`right ${i}`, 32)];
      const pair = blake3(concat(left, right), { context });
      expect(derivedPair(derived, left, right)).toEqual(pair);
    }
    for (const size of [1, 16, 63, 64, 65, 124, 128, 300])
      for (const length of [0, 37, 64]) {
        const name = randomBytes('name', length);
        const out = new Uint8Array(size);
        streamShort(derived, name, out);
        expect(out).toEqual(blake3(name, { context, dkLen: size }));
      }
  });
});

describe('openings of a range of chunks', () => {
  const totals = [1, 64, 1024, 1025, 2048, 3 * 1024, 5 * 1024 + 64, 8 * 1024, 13 * 1024];
  const everyRange = (total: number) => {
    const chunks = Math.ceil(total / 1024);
    return Array.from({ length: chunks }, (_, from) =>
      Array.from({ length: chunks - from }, (_, n) => ({ from, to: from + n + 1 })),
    ).flat();
  };

  it('verify for every range, and fail when anything is changed', () => {
    for (const total of totals) {
      const data = randomBytes(`open ${total}`, total);
      const root = blake3(data);
      for (const { from, to } of everyRange(total)) {
        const path = openRange(data, from, to);
        const part = data.slice(1024 * from, 1024 * to);
        expect(verifyRange(root, total, from, part, path)).toBe(true);
        expect(verifyRange(root, total, from, part, [...path, root])).toBe(false);
        if (path.length) expect(verifyRange(root, total, from, part, path.slice(1))).toBe(false);
        const changed = part.slice();
        changed[part.length - 1]! ^= 1;
        expect(verifyRange(root, total, from, changed, path)).toBe(false);
        expect(verifyRange(root, total, from + 1, part, path)).toBe(false);
      }
    }
  });

  it('refuse bytes that are not whole chunks, lie past the end, or are none', () => {
    const data = randomBytes('odd', 4096);
    const root = blake3(data);
    const path = openRange(data, 1, 2);
    expect(verifyRange(root, 4096, 1, data.slice(1024, 2000), path)).toBe(false);
    expect(verifyRange(root, 4096, 1, data.slice(1024, 1024), path)).toBe(false);
    expect(verifyRange(root, 4096, 4, data.slice(0, 1024), path)).toBe(false);
    expect(verifyRange(root, 4096, 1, data.slice(1024, 2048), [])).toBe(false);
  });
});
