import { blake3 } from '@noble/hashes/blake3.js';
import { expect, test } from 'vitest';
import { concat, utf8 } from '../../src/lib/bytes.ts';
import { contextText, hash, plainHash, xof } from '../../src/core/hash.ts';

const a = utf8('one');
const b = utf8('two');

test('derive-key mode with the context’s text, parts joined', () => {
  const plain = blake3(concat(a, b), { context: utf8('pila 2 tx') });
  expect(contextText('tx')).toBe('pila 2 tx');
  expect(hash('tx', a, b)).toEqual(plain);
  expect(hash('tx', concat(a, b))).toEqual(plain);
  expect(hash('body', a, b)).not.toEqual(plain);
  // The kept hasher must not carry anything over.
  expect(hash('tx', a, b)).toEqual(plain);
});

test('of every length, short ones being hashed by our own code', () => {
  const context = utf8('pila 2 tree-leaf');
  for (const size of [0, 1, 63, 64, 65, 1023, 1024, 1025, 3000]) {
    const data = Uint8Array.from({ length: size }, (_, i) => i * 7);
    expect(hash('tree-leaf', data.slice(0, 5), data.slice(5)), `${size} bytes`).toEqual(
      blake3(data, { context }),
    );
  }
});

test('an extendable output begins with the hash', () => {
  expect(xof('idle', 100, a).slice(0, 32)).toEqual(hash('idle', a));
  expect(xof('idle', 100, a)).toHaveLength(100);
});

test('plain mode', () => {
  expect(plainHash(a)).toEqual(blake3(a));
});
