/**
 * Kernels that hash: BLAKE3 of a buffer (chunk chaining values, then the tree), the state x_ℓ, the layer seed σ_ℓ,
 * and the ticket of every tile (docs/protocol.md §5.3 and §5.5).
 *
 * `chain` holds RECORD words per linear, record 0 first: a_ℓ, y_ℓ, x_ℓ, t_ℓ, σ_ℓ.
 */
import { contextKey } from '../../../core/hash.ts';
import { FLAG } from '../../../core/pow/blake3.ts';
import { blake3Wgsl, wgslWords } from './blake3.ts';

/** Words of one record of `chain`, and where its five hashes begin. */
export const RECORD = 40;
export const SLOT = { a: 0, y: 8, x: 16, t: 24, sigma: 32 } as const;
/** Words of `alive` per linear: how many carries are alive there, then their numbers. */
export const ALIVE = 65;
export const NO_WINNER = 0xffffffff;
export const TREE_THREADS = 128;

/** Chaining value of every 1024-byte chunk of the H.bytes of `data`. Bytes of its last word past them are 0. */
export const chunksWgsl = (): string => `${blake3Wgsl()}
struct H { first: u32, end: u32, bytes: u32, out: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read_write> cvs: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let all = (h.bytes + 63u) / 64u;
  let chunks = (all + 15u) / 16u;
  for (var chunk = h.first + id.x; chunk < h.end; chunk += groups.x * 64u) {
    let blocks = min(16u, all - 16u * chunk);
    let root = select(0u, ${FLAG.root}u, chunks == 1u);
    var cv = BLAKE3_IV;
    for (var b = 0u; b < blocks; b++) {
      var m = array<u32,16>();
      let base = chunk * 256u + b * 16u;
      let len = min(64u, h.bytes - 4u * base);
      for (var i = 0u; i < 16u; i++) { m[i] = select(0u, data[base + i], 4u * i < len); }
      let first = select(0u, ${FLAG.chunkStart}u, b == 0u);
      let last = select(0u, ${FLAG.chunkEnd}u | root, b + 1u == blocks);
      cv = compress(cv, m, chunk, len, first | last);
    }
    for (var i = 0u; i < 8u; i++) { cvs[chunk * 8u + i] = cv[i]; }
  }
}`;

/**
 * Root of the tree over the chaining values, into chain[H.out ..]. Pairs merge row by row and an
 * odd last one moves up unchanged: the same tree as BLAKE3's. One workgroup; each row is written to the other
 * half of `cvs` than the row before.
 */
export const treeWgsl = (): string => `${blake3Wgsl()}
struct H { first: u32, end: u32, bytes: u32, out: u32 };
@group(0) @binding(0) var<uniform> h: H;
@group(0) @binding(1) var<storage, read_write> cvs: array<u32>;
@group(0) @binding(2) var<storage, read_write> chain: array<u32>;
@compute @workgroup_size(${TREE_THREADS})
fn main(@builtin(local_invocation_index) li: u32) {
  var count = (h.bytes + 1023u) / 1024u;
  let half = (arrayLength(&cvs) / 16u) * 8u;
  var source = 0u;
  var sink = half;
  for (; count > 1u; count = (count + 1u) / 2u) {
    for (var p = li; p < count / 2u; p += ${TREE_THREADS}u) {
      var m = array<u32,16>();
      for (var i = 0u; i < 16u; i++) { m[i] = cvs[source + p * 16u + i]; }
      let root = select(0u, ${FLAG.root}u, count == 2u);
      let cv = compress(BLAKE3_IV, m, 0u, 64u, ${FLAG.parent}u | root);
      for (var i = 0u; i < 8u; i++) { cvs[sink + p * 8u + i] = cv[i]; }
    }
    if (count % 2u == 1u && li < 8u) {
      cvs[sink + count / 2u * 8u + li] = cvs[source + (count - 1u) * 8u + li];
    }
    storageBarrier();
    let old = source; source = sink; sink = old;
  }
  if (li < 8u) { chain[h.out + li] = cvs[source + li]; }
}`;

/**
 * y_ℓ = H_carry(hashes of the carries alive at ℓ), at most 64 of them in two chunks, then x_ℓ = H_state(a_ℓ ‖ y_ℓ).
 * One thread.
 */
export const stateWgsl = (): string => `${blake3Wgsl()}
struct L { first: u32, end: u32, linear: u32 };
@group(0) @binding(0) var<uniform> l: L;
@group(0) @binding(1) var<storage, read> alive: array<u32>;
@group(0) @binding(2) var<storage, read> carryHashes: array<u32>;
@group(0) @binding(3) var<storage, read_write> chain: array<u32>;
const CARRY_KEY = ${wgslWords(contextKey('carry'))};
const STATE_KEY = ${wgslWords(contextKey('state'))};
// Chaining value of up to 32 of the hashes, skipping as many of the list.
fn chunk(list: u32, skip: u32, count: u32, index: u32, root: u32) -> array<u32,8> {
  var cv = CARRY_KEY;
  let blocks = max(1u, (count + 1u) / 2u);
  for (var b = 0u; b < blocks; b++) {
    var m = array<u32,16>();
    let here = min(2u, count - 2u * b);
    for (var j = 0u; j < here; j++) {
      let hash = alive[list + 1u + skip + 2u * b + j] * 8u;
      for (var i = 0u; i < 8u; i++) { m[8u * j + i] = carryHashes[hash + i]; }
    }
    let first = select(0u, ${FLAG.chunkStart}u, b == 0u);
    let last = select(0u, ${FLAG.chunkEnd}u | root, b + 1u == blocks);
    cv = compress(cv, m, index, 32u * here, ${FLAG.deriveMaterial}u | first | last);
  }
  return cv;
}
@compute @workgroup_size(1)
fn main() {
  let list = (l.linear - 1u) * ${ALIVE}u;
  let count = alive[list];
  var y = chunk(list, 0u, min(count, 32u), 0u, select(0u, ${FLAG.root}u, count <= 32u));
  if (count > 32u) {
    let right = chunk(list, 32u, count - 32u, 1u, 0u);
    var m = array<u32,16>();
    for (var i = 0u; i < 8u; i++) { m[i] = y[i]; m[8u + i] = right[i]; }
    y = compress(CARRY_KEY, m, 0u, 64u, ${FLAG.deriveMaterial | FLAG.parent | FLAG.root}u);
  }
  let here = l.linear * ${RECORD}u;
  var m = array<u32,16>();
  for (var i = 0u; i < 8u; i++) {
    chain[here + ${SLOT.y}u + i] = y[i];
    m[i] = chain[here + ${SLOT.a}u + i];
    m[8u + i] = y[i];
  }
  let flags = ${FLAG.deriveMaterial | FLAG.chunkStart | FLAG.chunkEnd | FLAG.root}u;
  let x = compress(STATE_KEY, m, 0u, 64u, flags);
  for (var i = 0u; i < 8u; i++) { chain[here + ${SLOT.x}u + i] = x[i]; }
}`;

/** σ_ℓ = H_layer(σ_{ℓ−1} ‖ t_{ℓ−1} ‖ x_ℓ ‖ b_ℓ ‖ u32 ℓ): 132 bytes, three blocks, one thread. */
export const seedWgsl = (): string => `${blake3Wgsl()}
struct L { first: u32, end: u32, linear: u32 };
@group(0) @binding(0) var<uniform> l: L;
@group(0) @binding(1) var<storage, read> weightHashes: array<u32>;
@group(0) @binding(2) var<storage, read_write> chain: array<u32>;
const KEY = ${wgslWords(contextKey('layer'))};
@compute @workgroup_size(1)
fn main() {
  let before = (l.linear - 1u) * ${RECORD}u;
  let here = l.linear * ${RECORD}u;
  var cv = KEY;
  for (var b = 0u; b < 3u; b++) {
    var m = array<u32,16>();
    var len = 64u;
    var flags = ${FLAG.deriveMaterial}u;
    if (b == 0u) {
      flags |= ${FLAG.chunkStart}u;
      for (var i = 0u; i < 8u; i++) {
        m[i] = chain[before + ${SLOT.sigma}u + i];
        m[8u + i] = chain[before + ${SLOT.t}u + i];
      }
    } else if (b == 1u) {
      for (var i = 0u; i < 8u; i++) {
        m[i] = chain[here + ${SLOT.x}u + i];
        m[8u + i] = weightHashes[(l.linear - 1u) * 8u + i];
      }
    } else {
      flags |= ${FLAG.chunkEnd | FLAG.root}u;
      len = 4u;
      m[0] = l.linear;
    }
    cv = compress(cv, m, 0u, len, flags);
  }
  for (var i = 0u; i < 8u; i++) { chain[here + ${SLOT.sigma}u + i] = cv[i]; }
}`;

/**
 * Ticket of every tile against the linear's limit; the lowest winning tile into winners[ℓ−1].
 * limits: 8 words per linear, the most significant first.
 */
export const ticketsWgsl = (): string => `${blake3Wgsl()}
struct L { first: u32, end: u32, linear: u32 };
@group(0) @binding(0) var<uniform> l: L;
@group(0) @binding(1) var<storage, read> chain: array<u32>;
@group(0) @binding(2) var<storage, read> messages: array<u32>;
@group(0) @binding(3) var<storage, read> limits: array<u32>;
@group(0) @binding(4) var<storage, read_write> winners: array<atomic<u32>>;
fn swapped(x: u32) -> u32 {
  return (x << 24u) | ((x & 0xff00u) << 8u) | ((x >> 8u) & 0xff00u) | (x >> 24u);
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  var key = array<u32,8>();
  for (var i = 0u; i < 8u; i++) { key[i] = chain[l.linear * ${RECORD}u + ${SLOT.sigma}u + i]; }
  for (var tile = l.first + id.x; tile < l.end; tile += groups.x * 64u) {
    var cv = key;
    for (var b = 0u; b < 2u; b++) {
      var m = array<u32,16>();
      if (b == 0u) {
        for (var i = 0u; i < 16u; i++) { m[i] = messages[tile * 16u + i]; }
      } else {
        m[0] = l.linear;
        m[1] = tile;
      }
      let part = select(${FLAG.chunkEnd | FLAG.root}u, ${FLAG.chunkStart}u, b == 0u);
      cv = compress(cv, m, 0u, select(8u, 64u, b == 0u), ${FLAG.keyed}u | part);
    }
    // 0 while all words so far are equal, 1 below the limit, 2 above it.
    var order = 0u;
    for (var i = 0u; i < 8u; i++) {
      let ticket = swapped(cv[i]);
      let limit = limits[(l.linear - 1u) * 8u + i];
      if (order == 0u && ticket != limit) { order = select(2u, 1u, ticket < limit); }
    }
    if (order != 2u) { atomicMin(&winners[l.linear - 1u], tile); }
  }
}`;
