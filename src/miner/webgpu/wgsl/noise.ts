/**
 * Kernels of the noise (docs/protocol.md §5.4): the streams E_L, F_R and the permutations, the
 * noisy operands A' and B', and the two thin products A·F_L and E_R·B' that the peel needs.
 *
 * E_R and F_L are never built: column j of a block is e_π(j) − e_π(j−1), so a product with them is
 * two reads and a subtraction per entry. All matrices lie with k (or r) along a row: B as Bᵀ.
 */
import { FLAG } from '../../../core/pow/blake3.ts';
import { NOISE_KEY } from '../../../core/pow/noise.ts';
import { blake3Wgsl, wgslWords } from './blake3.ts';

const STREAM_FLAGS = FLAG.deriveMaterial | FLAG.chunkStart | FLAG.chunkEnd | FLAG.root;
const INT8 = `
fn int8(word: u32, lane: u32) -> i32 { return extractBits(bitcast<i32>(word), lane * 8u, 8u); }`;

/**
 * Every stream of one linear. Factors, per row of A and per column of B: L.limbs digits that
 * thinWgsl writes, then the int8 entries of E_L or F_R, r/4 words each. `perms`: four arrays of k
 * words: π of kind 2, its inverse, π of kind 3, its inverse, each block's entries counted from 0.
 */
export const noiseWgsl = (): string => `${blake3Wgsl(true)}
struct L { first: u32, end: u32, m: u32, k: u32, n: u32, r: u32, sigma: u32, limbs: u32 };
@group(0) @binding(0) var<uniform> l: L;
@group(0) @binding(1) var<storage, read> chain: array<u32>;
@group(0) @binding(2) var<storage, read_write> rowFactors: array<u32>;
@group(0) @binding(3) var<storage, read_write> columnFactors: array<u32>;
@group(0) @binding(4) var<storage, read_write> perms: array<u32>;
const KEY = ${wgslWords(NOISE_KEY)};
fn stream(kind: u32, index: u32, block: u32) -> array<u32,16> {
  var m = array<u32,16>();
  for (var i = 0u; i < 8u; i++) { m[i] = chain[l.sigma + i]; }
  m[8] = kind | (index << 8u);
  m[9] = index >> 24u;
  return compress16(KEY, m, block, 37u, ${STREAM_FLAGS}u);
}
/** Four bytes b as four int8 values (b & 63) − 32. */
fn entries(word: u32) -> u32 {
  let low = word & 0x3f3f3f3fu;
  // Per byte x − 32 without borrow: bit 5 flips, and bits 6 and 7 copy its inverse.
  let negative = (low ^ 0x20202020u) & 0x20202020u;
  return (low ^ 0x20202020u) | (negative << 1u) | (negative << 2u);
}
/** ⌊u·n / 2^32⌋ for n ≤ 2^16, from two 16-bit halves. */
fn below(u: u32, n: u32) -> u32 { return ((u >> 16u) * n + (((u & 0xffffu) * n) >> 16u)) >> 16u; }
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let blocks = l.k / l.r;
  for (var item = l.first + id.x; item < l.end; item += groups.x * 64u) {
    var kind = 0u;
    var index = item;
    if (kind == 0u && index >= l.m) { kind = 1u; index -= l.m; }
    if (kind == 1u && index >= l.n) { kind = 2u; index -= l.n; }
    if (kind == 2u && index >= blocks) { kind = 3u; index -= blocks; }
    let words = select(l.r - 1u, l.r / 4u, kind < 2u);
    let order = select(0u, kind - 2u, kind > 2u) * 2u * l.k + index * l.r;
    if (kind >= 2u) { for (var i = 0u; i < l.r; i++) { perms[order + i] = i; } }
    var out = array<u32,16>();
    for (var w = 0u; w < words; w++) {
      // One place in the code, so that the hash is compiled once.
      if (w % 16u == 0u) { out = stream(kind, index, w / 16u); }
      let u = out[w % 16u];
      let at = (index * (l.limbs + 1u) + l.limbs) * words + w;
      if (kind == 0u) { rowFactors[at] = entries(u); }
      else if (kind == 1u) { columnFactors[at] = entries(u); }
      else {
        let i = l.r - 1u - w;
        let j = order + below(u, i + 1u);
        let old = perms[order + i];
        perms[order + i] = perms[j];
        perms[j] = old;
      }
    }
    if (kind >= 2u) {
      for (var i = 0u; i < l.r; i++) { perms[order + l.k + perms[order + i]] = i; }
    }
  }
}`;

/**
 * Rows of a matrix plus its noise: out = data + factor·E, where E's permutations begin at S.perms.
 */
export const applyWgsl = (): string => `
struct S { first: u32, end: u32, k: u32, r: u32, perms: u32, limbs: u32 };
@group(0) @binding(0) var<uniform> s: S;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read> factors: array<u32>;
@group(0) @binding(3) var<storage, read> perms: array<u32>;
@group(0) @binding(4) var<storage, read_write> noisy: array<u32>;
${INT8}
fn entry(row: u32, p: u32) -> i32 {
  let at = (row * (s.limbs + 1u) + s.limbs) * s.r + p;
  return int8(factors[at / 4u], at % 4u);
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let words = s.k / 4u;
  for (var at = s.first + id.x; at < s.end; at += groups.x * 64u) {
    let row = at / words;
    let column = at % words * 4u;
    let word = data[at];
    var before = 0;
    if (column % s.r != 0u) { before = entry(row, perms[s.perms + column - 1u]); }
    var out = 0u;
    for (var i = 0u; i < 4u; i++) {
      let e = entry(row, perms[s.perms + column + i]);
      out |= (bitcast<u32>(int8(word, i) + e - before) & 255u) << (8u * i);
      before = e;
    }
    noisy[at] = out;
  }
}`;

/**
 * Thin product of each row with the path-shaped factor: entry p = Σ over blocks of
 * x[π⁻¹(p)] − x[π⁻¹(p)+1]. Written as `limbs` signed base-256 digits, so that the peel can use the
 * int8 dot product: factors[row][limb][r/4 words].
 */
export const thinWgsl = (): string => `
struct S { first: u32, end: u32, k: u32, r: u32, perms: u32, limbs: u32 };
@group(0) @binding(0) var<uniform> s: S;
@group(0) @binding(1) var<storage, read> data: array<u32>;
@group(0) @binding(2) var<storage, read> perms: array<u32>;
@group(0) @binding(3) var<storage, read_write> factors: array<u32>;
${INT8}
fn entry(at: u32) -> i32 { return int8(data[at / 4u], at % 4u); }
fn product(row: u32, p: u32) -> i32 {
  var sum = 0;
  for (var block = 0u; block < s.k; block += s.r) {
    let j = perms[s.perms + s.k + block + p];
    let at = row * s.k + block + j;
    sum += entry(at);
    if (j + 1u < s.r) { sum -= entry(at + 1u); }
  }
  return sum;
}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let words = s.r / 4u;
  for (var at = s.first + id.x; at < s.end; at += groups.x * 64u) {
    let row = at / words;
    let word = at % words;
    var sums = vec4<i32>();
    for (var i = 0u; i < 4u; i++) { sums[i] = product(row, word * 4u + i); }
    for (var limb = 0u; limb < s.limbs; limb++) {
      let digit = (sums << vec4<u32>(24u)) >> vec4<u32>(24u);
      let b = bitcast<vec4<u32>>(digit) & vec4<u32>(255u);
      factors[(row * (s.limbs + 1u) + limb) * words + word] =
        b.x | (b.y << 8u) | (b.z << 16u) | (b.w << 24u);
      sums = (sums - digit) >> vec4<u32>(8u);
    }
  }
}`;

/** Digits that hold every entry of both thin products: |E_R·B'| ≤ 2·126·k/r, two hold ±32,639. */
export const limbsOf = (k: number, r: number): number => ((252 * k) / r <= 32_639 ? 2 : 3);
