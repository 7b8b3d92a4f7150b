/**
 * BLAKE3's compression function and the two short forms that the proof of work needs: keyed hashes
 * of at most one chunk, and streams from a derived key. The library hides chaining values and
 * costs 3 µs a hash; a light check makes some 400 of them. Source: the BLAKE3 paper, §2.
 */
import { utf8 } from '../../lib/bytes.ts';
import { contextText, type Context } from '../hash.ts';

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

/** Word order of the message in each of the 7 rounds, flattened. */
const SCHEDULE = (() => {
  const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
  const out = new Uint8Array(7 * 16);
  for (let i = 0; i < 16; i++) out[i] = i;
  for (let i = 16; i < out.length; i++) out[i] = out[i - 16 - (i % 16) + permutation[i % 16]!]!;
  return out;
})();

// One block at a time, in memory that is reused: core is synchronous, so no two calls overlap.
const v = new Int32Array(16);
const m = new Int32Array(16);

// eslint-disable-next-line @typescript-eslint/max-params -- it runs millions of times a block: no object for each call
function mix(a: number, b: number, c: number, d: number, x: number, y: number): void {
  let va = v[a]!;
  let vb = v[b]!;
  let vc = v[c]!;
  let vd = v[d]!;
  va = (va + vb + x) | 0;
  vd ^= va;
  vd = (vd >>> 16) | (vd << 16);
  vc = (vc + vd) | 0;
  vb ^= vc;
  vb = (vb >>> 12) | (vb << 20);
  va = (va + vb + y) | 0;
  vd ^= va;
  vd = (vd >>> 8) | (vd << 24);
  vc = (vc + vd) | 0;
  vb ^= vc;
  v[a] = va;
  v[b] = (vb >>> 7) | (vb << 25);
  v[c] = vc;
  v[d] = vd;
}

/** Runs the 7 rounds on the loaded block; the state is left in `v`. */
function compress(cv: Int32Array, counter: number, length: number, flags: number): void {
  for (let i = 0; i < 8; i++) v[i] = cv[i]!;
  for (let i = 0; i < 4; i++) v[8 + i] = IV[i]!;
  v[12] = counter | 0;
  v[13] = Math.floor(counter / 2 ** 32);
  v[14] = length;
  v[15] = flags;
  for (let s = 0; s < 112; s += 16) {
    const at = (i: number): number => m[SCHEDULE[s + i]!]!;
    mix(0, 4, 8, 12, at(0), at(1));
    mix(1, 5, 9, 13, at(2), at(3));
    mix(2, 6, 10, 14, at(4), at(5));
    mix(3, 7, 11, 15, at(6), at(7));
    mix(0, 5, 10, 15, at(8), at(9));
    mix(1, 6, 11, 12, at(10), at(11));
    mix(2, 7, 8, 13, at(12), at(13));
    mix(3, 4, 9, 14, at(14), at(15));
  }
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

/** The key that BLAKE3's derive-key mode derives from a context: a constant of the protocol. */
export function contextKey(name: Context): Int32Array {
  const text = utf8(contextText(name));
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
