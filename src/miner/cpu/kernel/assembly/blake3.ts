// BLAKE3, four hashes at a time: lane i of every vector belongs to hash i. Sizes are multiples of 64 bytes.

const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
const KEYED = 16;
const DERIVE_MATERIAL = 64;

/** 16 message words, 8 chaining words, 16 output words; four lanes each. */
const MSG = memory.data(256, 16);
const CV = memory.data(128, 16);
const OUT = memory.data(256, 16);
/** One chaining value that is set aside. */
const ODD = memory.data(32, 16);
const IV = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);
/** Offset in MSG of the word that each half-step of each round adds. */
const SCHEDULE = memory.data<u8>([
  0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 32, 96, 48, 160, 112, 0,
  64, 208, 16, 176, 192, 80, 144, 224, 240, 128, 48, 64, 160, 192, 208, 32, 112, 224, 96, 80, 144,
  0, 176, 240, 128, 16, 160, 112, 192, 144, 224, 48, 208, 240, 64, 0, 176, 32, 80, 128, 16, 96, 192,
  208, 144, 176, 240, 160, 224, 128, 112, 32, 80, 48, 0, 16, 96, 64, 144, 224, 176, 80, 128, 192,
  240, 16, 208, 48, 0, 160, 32, 96, 64, 112, 176, 240, 80, 0, 16, 144, 128, 96, 224, 160, 32, 192,
  48, 64, 112, 208,
]);

function rot16(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
}
function rot8(x: v128): v128 {
  return v128.shuffle<u8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12);
}
function rot12(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 12), i32x4.shl(x, 20));
}
function rot7(x: v128): v128 {
  return v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25));
}
function word(at: usize): v128 {
  return v128.load(MSG + <usize>load<u8>(at));
}
function sum(a: v128, b: v128, at: usize): v128 {
  return i32x4.add(i32x4.add(a, b), word(at));
}
function iv(i: usize): v128 {
  return v128.load32_splat(IV + (i << 2));
}

/** From CV and MSG to OUT. */
function compress(counter: v128, length: i32, flags: i32): void {
  let v0 = v128.load(CV),
    v1 = v128.load(CV, 16),
    v2 = v128.load(CV, 32),
    v3 = v128.load(CV, 48);
  let v4 = v128.load(CV, 64),
    v5 = v128.load(CV, 80),
    v6 = v128.load(CV, 96);
  let v7 = v128.load(CV, 112);
  let v8 = iv(0),
    v9 = iv(1),
    va = iv(2),
    vb = iv(3);
  let vc = counter,
    vd = i32x4.splat(0),
    ve = i32x4.splat(length),
    vf = i32x4.splat(flags);
  for (let s: usize = SCHEDULE; s < SCHEDULE + 112; s += 16) {
    vc = rot16(v128.xor(vc, (v0 = sum(v0, v4, s))));
    vd = rot16(v128.xor(vd, (v1 = sum(v1, v5, s + 2))));
    ve = rot16(v128.xor(ve, (v2 = sum(v2, v6, s + 4))));
    vf = rot16(v128.xor(vf, (v3 = sum(v3, v7, s + 6))));
    v4 = rot12(v128.xor(v4, (v8 = i32x4.add(v8, vc))));
    v5 = rot12(v128.xor(v5, (v9 = i32x4.add(v9, vd))));
    v6 = rot12(v128.xor(v6, (va = i32x4.add(va, ve))));
    v7 = rot12(v128.xor(v7, (vb = i32x4.add(vb, vf))));
    vc = rot8(v128.xor(vc, (v0 = sum(v0, v4, s + 1))));
    vd = rot8(v128.xor(vd, (v1 = sum(v1, v5, s + 3))));
    ve = rot8(v128.xor(ve, (v2 = sum(v2, v6, s + 5))));
    vf = rot8(v128.xor(vf, (v3 = sum(v3, v7, s + 7))));
    v4 = rot7(v128.xor(v4, (v8 = i32x4.add(v8, vc))));
    v5 = rot7(v128.xor(v5, (v9 = i32x4.add(v9, vd))));
    v6 = rot7(v128.xor(v6, (va = i32x4.add(va, ve))));
    v7 = rot7(v128.xor(v7, (vb = i32x4.add(vb, vf))));
    vf = rot16(v128.xor(vf, (v0 = sum(v0, v5, s + 8))));
    vc = rot16(v128.xor(vc, (v1 = sum(v1, v6, s + 10))));
    vd = rot16(v128.xor(vd, (v2 = sum(v2, v7, s + 12))));
    ve = rot16(v128.xor(ve, (v3 = sum(v3, v4, s + 14))));
    v5 = rot12(v128.xor(v5, (va = i32x4.add(va, vf))));
    v6 = rot12(v128.xor(v6, (vb = i32x4.add(vb, vc))));
    v7 = rot12(v128.xor(v7, (v8 = i32x4.add(v8, vd))));
    v4 = rot12(v128.xor(v4, (v9 = i32x4.add(v9, ve))));
    vf = rot8(v128.xor(vf, (v0 = sum(v0, v5, s + 9))));
    vc = rot8(v128.xor(vc, (v1 = sum(v1, v6, s + 11))));
    vd = rot8(v128.xor(vd, (v2 = sum(v2, v7, s + 13))));
    ve = rot8(v128.xor(ve, (v3 = sum(v3, v4, s + 15))));
    v5 = rot7(v128.xor(v5, (va = i32x4.add(va, vf))));
    v6 = rot7(v128.xor(v6, (vb = i32x4.add(vb, vc))));
    v7 = rot7(v128.xor(v7, (v8 = i32x4.add(v8, vd))));
    v4 = rot7(v128.xor(v4, (v9 = i32x4.add(v9, ve))));
  }
  store4(OUT, v128.xor(v0, v8), v128.xor(v1, v9), v128.xor(v2, va), v128.xor(v3, vb));
  store4(OUT + 64, v128.xor(v4, vc), v128.xor(v5, vd), v128.xor(v6, ve), v128.xor(v7, vf));
  // The second half of a stream's block; hashes do not use it.
  store4(OUT + 128, v8, v9, va, vb);
  store4(OUT + 192, vc, vd, ve, vf);
}

function store4(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a);
  v128.store(at, b, 16);
  v128.store(at, c, 32);
  v128.store(at, d, 48);
}

/** Four rows of four words, transposed, to four places. */
function transpose(from: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
  const a = v128.load(from),
    b = v128.load(from, 16),
    c = v128.load(from, 32);
  const d = v128.load(from, 48);
  const ab = v128.shuffle<u32>(a, b, 0, 4, 1, 5),
    cd = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const AB = v128.shuffle<u32>(a, b, 2, 6, 3, 7),
    CD = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(p0, v128.shuffle<u64>(ab, cd, 0, 2));
  v128.store(p1, v128.shuffle<u64>(ab, cd, 1, 3));
  v128.store(p2, v128.shuffle<u64>(AB, CD, 0, 2));
  v128.store(p3, v128.shuffle<u64>(AB, CD, 1, 3));
}

const ROWS = memory.data(64, 16);
/** Loads a block of each of four hashes. */
function loadBlocks(p0: usize, p1: usize, p2: usize, p3: usize): void {
  for (let at: usize = 0; at < 64; at += 16) {
    store4(ROWS, v128.load(p0 + at), v128.load(p1 + at), v128.load(p2 + at), v128.load(p3 + at));
    const to = MSG + 4 * at;
    transpose(ROWS, to, to + 16, to + 32, to + 48);
  }
}

function keyFrom(words: usize): void {
  for (let i: usize = 0; i < 8; i++) v128.store(CV + 16 * i, v128.load32_splat(words + 4 * i));
}
function chain(): void {
  memory.copy(CV, OUT, 128);
}

/** The 32-byte results of the four hashes, one after the other. */
function storeHashes(to: usize): void {
  transpose(OUT, to, to + 32, to + 64, to + 96);
  transpose(OUT + 64, to + 16, to + 48, to + 80, to + 112);
}

function lanesFrom(i: i32): v128 {
  return i32x4.add(i32x4.splat(i), i32x4(0, 1, 2, 3));
}

/** Chaining values of four chunks of the same size, 1024 bytes apart, the first being number `index`. */
function chunks(data: usize, index: i32, blocks: i32, last: i32, to: usize): void {
  keyFrom(IV);
  for (let b = 0; b < blocks; b++) {
    const p = data + 64 * <usize>b;
    loadBlocks(p, p + 1024, p + 2048, p + 3072);
    const flags = (b ? 0 : CHUNK_START) | (b == blocks - 1 ? CHUNK_END | last : 0);
    compress(lanesFrom(index), 64, flags);
    chain();
  }
  storeHashes(to);
}

function parents(from: usize, to: usize, flags: i32): void {
  keyFrom(IV);
  loadBlocks(from, from + 64, from + 128, from + 192);
  compress(i32x4.splat(0), 64, PARENT | flags);
  storeHashes(to);
}

/**
 * BLAKE3 of `length` > 0 bytes, a multiple of 64, to `out` (128 bytes, of which 32 count). `cvs` has room
 * for 32 bytes per chunk and 256 more; `data` can be read up to 3 KB past its end.
 */
export function hash(data: usize, length: i32, cvs: usize, out: usize): void {
  const full = length >> 10;
  const rest = (length & 1023) >> 6;
  let count = full + (rest ? 1 : 0);
  if (count == 1) return chunks(data, 0, length >> 6, ROOT, out);
  for (let i = 0; i < full; i += 4) chunks(data + 1024 * i, i, 16, 0, cvs + 32 * i);
  if (rest) chunks(data + 1024 * full, full, rest, 0, cvs + 32 * full);
  while (count > 2) {
    const pairs = count >> 1;
    // Lanes past the last pair write what nobody reads, but for an odd one out.
    memory.copy(ODD, cvs + 64 * pairs, 32);
    for (let i = 0; i < pairs; i += 4) parents(cvs + 64 * i, cvs + 32 * i, 0);
    memory.copy(cvs + 32 * pairs, ODD, 32);
    count -= pairs;
  }
  parents(cvs, out, ROOT);
}

/** τ of `count` tiles, 32 bytes each, from their 64-byte messages and the 32 bytes of σ. */
export function tickets(messages: usize, count: i32, sigma: usize, linear: i32, to: usize): void {
  for (let i = 0; i < count; i += 4) {
    const p = messages + 64 * <usize>i;
    keyFrom(sigma);
    loadBlocks(p, p + 64, p + 128, p + 192);
    compress(i32x4.splat(0), 64, KEYED | CHUNK_START);
    chain();
    memory.fill(MSG, 0, 256);
    v128.store(MSG, i32x4.splat(linear));
    v128.store(MSG, lanesFrom(i), 16);
    compress(i32x4.splat(0), 8, KEYED | CHUNK_END | ROOT);
    storeHashes(to + 32 * <usize>i);
  }
}

/** Bytes to entries (byte & 63) − 32, from OUT's rows 4g..4g+3 to the four streams' places. */
function storeEntries(group: usize, to: usize, stride: usize): void {
  for (let w: usize = 0; w < 4; w++) {
    const x = v128.load(OUT + 64 * group + 16 * w);
    const entry = i8x16.sub(v128.and(x, i8x16.splat(63)), i8x16.splat(32));
    v128.store(ROWS + 16 * w, entry);
  }
  transpose(ROWS, to, to + stride, to + 2 * stride, to + 3 * stride);
}

/**
 * Block `block` (64 bytes) of the streams N(kind, index) of four indices (docs/protocol.md §5.4), to OUT:
 * 16 rows of a word of each. `key`: the 32 bytes of the noise context's key.
 */
export function streams(sigma: usize, kind: i32, index: v128, block: i32, key: usize): void {
  keyFrom(key);
  memory.fill(MSG, 0, 256);
  for (let w: usize = 0; w < 8; w++) v128.store(MSG + 16 * w, v128.load32_splat(sigma + 4 * w));
  v128.store(MSG, v128.or(i32x4.shl(index, 8), i32x4.splat(kind)), 128);
  v128.store(MSG, i32x4.shr_u(index, 24), 144);
  compress(i32x4.splat(block), 37, DERIVE_MATERIAL | CHUNK_START | CHUNK_END | ROOT);
  for (let w: usize = 0; w < 128; w += 16)
    v128.store(OUT + 128 + w, v128.xor(v128.load(OUT + 128 + w), v128.load(CV + w)));
}

/**
 * Rows `first`.. of E_L (kind 0) or columns of F_R (kind 1), r int8 each; count a multiple of 4, r of 16.
 */
export function factors(
  sigma: usize,
  kind: i32,
  first: i32,
  count: i32,
  r: i32,
  key: usize,
  to: usize,
): void {
  for (let i = 0; i < count; i += 4)
    for (let b = 0; b < r; b += 64) {
      streams(sigma, kind, lanesFrom(first + i), b >> 6, key);
      for (let g = 0; g < 4 && b + 16 * g < r; g++)
        storeEntries(g, to + <usize>(i * r + b + 16 * g), r);
    }
}

/** Four permutations in the making, a byte an entry. */
const ORDER = memory.data(1024, 16);

/** The permutations of kind 2 or 3 of all k/r blocks: π(c) by place c of k, a byte each. r at most 256. */
export function permutations(sigma: usize, kind: i32, k: i32, r: i32, key: usize, to: usize): void {
  for (let q = 0; q * r < k; q += 4) {
    for (let c = 0; c < r; c++)
      for (let lane = 0; lane < 4; lane++) store<u8>(ORDER + 256 * lane + c, <u8>c);
    for (let i = r - 1; i > 0; i--) {
      const word = r - 1 - i;
      if ((word & 15) == 0) streams(sigma, kind, lanesFrom(q), word >> 4, key);
      const at = OUT + 16 * <usize>(word & 15);
      for (let lane = 0; lane < 4; lane++) {
        const u = <u64>load<u32>(at + 4 * lane);
        const order = ORDER + 256 * lane;
        const j = <usize>((u * <u64>(i + 1)) >> 32);
        const swapped = load<u8>(order + i);
        store<u8>(order + i, load<u8>(order + j));
        store<u8>(order + j, swapped);
      }
    }
    for (let lane = 0; lane < 4 && (q + lane) * r < k; lane++)
      memory.copy(to + (q + lane) * r, ORDER + 256 * lane, r);
  }
}
