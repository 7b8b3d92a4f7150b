/**
 * BLAKE3's compression function and what the protocol makes of it: hashes of at most one chunk, keyed or under a
 * derived key, streams from a derived key, and chaining values, which the library hides. The library's hash of a
 * state key takes seven times as long; a full block makes some 5,000 hashes. Source: the BLAKE3 paper, §2.
 */
import { utf8 } from '../../lib/bytes.ts';

export const CHUNK_BYTES = 1024;
const BLOCK_BYTES = 64;

export const FLAG = {
  chunkStart: 1,
  chunkEnd: 2,
  parent: 4,
  root: 8,
  keyed: 16,
  deriveContext: 32,
  deriveMaterial: 64,
} as const;

export const IV = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

// One block at a time, in memory that is reused: core is synchronous, so no two calls overlap.
const v = new Int32Array(16);
const m = new Int32Array(16);

const rotated = (x: number, bits: number): number => (x >>> bits) | (x << (32 - bits));

/**
 * Runs the 7 rounds on the loaded block; the state is left in `v`. It is written out, with state and message in local
 * variables: an engine keeps these in registers, and a compression takes a third of its time with arrays.
 */
function compress(cv: Int32Array, counter: number, length: number, flags: number): void {
  let v0 = cv[0]!;
  let v1 = cv[1]!;
  let v2 = cv[2]!;
  let v3 = cv[3]!;
  let v4 = cv[4]!;
  let v5 = cv[5]!;
  let v6 = cv[6]!;
  let v7 = cv[7]!;
  let v8 = IV[0]!;
  let v9 = IV[1]!;
  let v10 = IV[2]!;
  let v11 = IV[3]!;
  let v12 = counter | 0;
  let v13 = Math.floor(counter / 2 ** 32) | 0;
  let v14 = length;
  let v15 = flags;

  let m0 = m[0]!;
  let m1 = m[1]!;
  let m2 = m[2]!;
  let m3 = m[3]!;
  let m4 = m[4]!;
  let m5 = m[5]!;
  let m6 = m[6]!;
  let m7 = m[7]!;
  let m8 = m[8]!;
  let m9 = m[9]!;
  let m10 = m[10]!;
  let m11 = m[11]!;
  let m12 = m[12]!;
  let m13 = m[13]!;
  let m14 = m[14]!;
  let m15 = m[15]!;

  for (let round = 0; round < 7; round++) {
    // Columns.
    v0 = (v0 + v4 + m0) | 0;
    v12 = rotated(v12 ^ v0, 16);
    v8 = (v8 + v12) | 0;
    v4 = rotated(v4 ^ v8, 12);
    v0 = (v0 + v4 + m1) | 0;
    v12 = rotated(v12 ^ v0, 8);
    v8 = (v8 + v12) | 0;
    v4 = rotated(v4 ^ v8, 7);
    v1 = (v1 + v5 + m2) | 0;
    v13 = rotated(v13 ^ v1, 16);
    v9 = (v9 + v13) | 0;
    v5 = rotated(v5 ^ v9, 12);
    v1 = (v1 + v5 + m3) | 0;
    v13 = rotated(v13 ^ v1, 8);
    v9 = (v9 + v13) | 0;
    v5 = rotated(v5 ^ v9, 7);
    v2 = (v2 + v6 + m4) | 0;
    v14 = rotated(v14 ^ v2, 16);
    v10 = (v10 + v14) | 0;
    v6 = rotated(v6 ^ v10, 12);
    v2 = (v2 + v6 + m5) | 0;
    v14 = rotated(v14 ^ v2, 8);
    v10 = (v10 + v14) | 0;
    v6 = rotated(v6 ^ v10, 7);
    v3 = (v3 + v7 + m6) | 0;
    v15 = rotated(v15 ^ v3, 16);
    v11 = (v11 + v15) | 0;
    v7 = rotated(v7 ^ v11, 12);
    v3 = (v3 + v7 + m7) | 0;
    v15 = rotated(v15 ^ v3, 8);
    v11 = (v11 + v15) | 0;
    v7 = rotated(v7 ^ v11, 7);
    // Diagonals.
    v0 = (v0 + v5 + m8) | 0;
    v15 = rotated(v15 ^ v0, 16);
    v10 = (v10 + v15) | 0;
    v5 = rotated(v5 ^ v10, 12);
    v0 = (v0 + v5 + m9) | 0;
    v15 = rotated(v15 ^ v0, 8);
    v10 = (v10 + v15) | 0;
    v5 = rotated(v5 ^ v10, 7);
    v1 = (v1 + v6 + m10) | 0;
    v12 = rotated(v12 ^ v1, 16);
    v11 = (v11 + v12) | 0;
    v6 = rotated(v6 ^ v11, 12);
    v1 = (v1 + v6 + m11) | 0;
    v12 = rotated(v12 ^ v1, 8);
    v11 = (v11 + v12) | 0;
    v6 = rotated(v6 ^ v11, 7);
    v2 = (v2 + v7 + m12) | 0;
    v13 = rotated(v13 ^ v2, 16);
    v8 = (v8 + v13) | 0;
    v7 = rotated(v7 ^ v8, 12);
    v2 = (v2 + v7 + m13) | 0;
    v13 = rotated(v13 ^ v2, 8);
    v8 = (v8 + v13) | 0;
    v7 = rotated(v7 ^ v8, 7);
    v3 = (v3 + v4 + m14) | 0;
    v14 = rotated(v14 ^ v3, 16);
    v9 = (v9 + v14) | 0;
    v4 = rotated(v4 ^ v9, 12);
    v3 = (v3 + v4 + m15) | 0;
    v14 = rotated(v14 ^ v3, 8);
    v9 = (v9 + v14) | 0;
    v4 = rotated(v4 ^ v9, 7);

    // The words of the next round: the permutation goes along two cycles.
    const first = m0;
    m0 = m2;
    m2 = m3;
    m3 = m10;
    m10 = m12;
    m12 = m9;
    m9 = m11;
    m11 = m5;
    m5 = first;
    const second = m1;
    m1 = m6;
    m6 = m4;
    m4 = m7;
    m7 = m13;
    m13 = m14;
    m14 = m15;
    m15 = m8;
    m8 = second;
  }

  v[0] = v0;
  v[1] = v1;
  v[2] = v2;
  v[3] = v3;
  v[4] = v4;
  v[5] = v5;
  v[6] = v6;
  v[7] = v7;
  v[8] = v8;
  v[9] = v9;
  v[10] = v10;
  v[11] = v11;
  v[12] = v12;
  v[13] = v13;
  v[14] = v14;
  v[15] = v15;
}

/** Loads up to 64 bytes as 16 little-endian words, zero-padded. @returns the number of bytes loaded */
function load(data: Uint8Array, from: number, end: number): number {
  const length = Math.min(BLOCK_BYTES, end - from);
  if (length < BLOCK_BYTES) m.fill(0);
  for (let i = 0; i < length >> 2; i++) m[i] = wordAt(data, from + 4 * i);
  for (let i = length & ~3; i < length; i++) m[i >> 2]! |= data[from + i]! << (8 * (i & 3));
  return length;
}

function storeWords(words: Int32Array, count: number): Uint8Array {
  const out = new Uint8Array(4 * count);
  for (let i = 0; i < out.length; i++) out[i] = words[i >> 2]! >>> (8 * (i & 3));
  return out;
}

/** 32 bytes as 8 little-endian words: a key or a chaining value. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const out = new Int32Array(8);
  for (let i = 0; i < 32; i++) out[i >> 2]! |= bytes[i]! << (8 * (i & 3));
  return out;
}

/**
 * Chaining value of one chunk: bytes `from..end` (at most 1024) of `data`, chunk number `index`.
 * `flags` are added to every block and `lastFlags` to the last one (`root` when it is the root).
 */
// eslint-disable-next-line @typescript-eslint/max-params -- it runs millions of times a block: no object for each call
export function chunkValue(
  data: Uint8Array,
  from: number,
  end: number,
  index: number,
  key: Int32Array = IV,
  flags = 0,
  lastFlags = 0,
): Uint8Array {
  const cv = key.slice();
  let start: number = FLAG.chunkStart;
  let at = from;
  do {
    const length = load(data, at, end);
    at += BLOCK_BYTES;
    const last = at >= end ? FLAG.chunkEnd | lastFlags : 0;
    compress(cv, index, length, flags | start | last);
    for (let i = 0; i < 8; i++) cv[i] = v[i]! ^ v[i + 8]!;
    start = 0;
  } while (at < end);
  return storeWords(cv, 8);
}

/** Chaining value of a parent of two chaining values. */
export const parentValue = (left: Uint8Array, right: Uint8Array, isRoot: boolean): Uint8Array =>
  pairValue(left, right, IV, FLAG.parent | (isRoot ? FLAG.root : 0));

/** The first 8 words of one block of two halves, each 32 bytes. */
function pairValue(
  left: Uint8Array,
  right: Uint8Array,
  key: Int32Array,
  flags: number,
): Uint8Array {
  for (let i = 0; i < 8; i++) {
    m[i] = wordAt(left, 4 * i);
    m[8 + i] = wordAt(right, 4 * i);
  }
  compress(key, 0, BLOCK_BYTES, flags);
  for (let i = 0; i < 8; i++) v[i]! ^= v[i + 8]!;
  return storeWords(v, 8);
}

const wordAt = (data: Uint8Array, p: number): number =>
  data[p]! | (data[p + 1]! << 8) | (data[p + 2]! << 16) | (data[p + 3]! << 24);

/** BLAKE3 in keyed mode of at most 1024 bytes. */
export const keyedShort = (key: Int32Array, data: Uint8Array): Uint8Array =>
  chunkValue(data, 0, data.length, 0, key, FLAG.keyed, FLAG.root);

/** The key that BLAKE3's derive-key mode derives from the text of a context, at most 1024 bytes. */
export function derivedKey(context: string): Int32Array {
  const text = utf8(context);
  return wordsOf(chunkValue(text, 0, text.length, 0, IV, FLAG.deriveContext, FLAG.root));
}

/** BLAKE3 in derive-key mode of at most 1024 bytes, under a context key. */
export const derivedShort = (key: Int32Array, data: Uint8Array): Uint8Array =>
  chunkValue(data, 0, data.length, 0, key, FLAG.deriveMaterial, FLAG.root);

/** The same of two halves of 32 bytes each. */
export const derivedPair = (key: Int32Array, left: Uint8Array, right: Uint8Array): Uint8Array =>
  pairValue(left, right, key, FLAG.deriveMaterial | FLAG.chunkStart | FLAG.chunkEnd | FLAG.root);

/** Fills `out` with the derive-key stream of at most 64 bytes of data under a context key. */
export function streamShort(key: Int32Array, data: Uint8Array, out: Uint8Array): void {
  const flags = FLAG.deriveMaterial | FLAG.chunkStart | FLAG.chunkEnd | FLAG.root;
  const length = load(data, 0, data.length);
  for (let at = 0; at < out.length; at += BLOCK_BYTES) {
    compress(key, at / BLOCK_BYTES, length, flags);
    for (let i = 0; i < 8; i++) {
      v[i]! ^= v[i + 8]!;
      v[i + 8]! ^= key[i]!;
    }
    const end = Math.min(BLOCK_BYTES, out.length - at);
    for (let i = 0; i < end; i++) out[at + i] = v[i >> 2]! >>> (8 * (i & 3));
  }
}
