/**
 * The naive oracle: one whole noisy linear straight from docs/protocol.md §5.3–§5.5, with dense
 * noise matrices and triple loops. It shares nothing with the fast code but the library's BLAKE3.
 */
import { blake3 } from '@noble/hashes/blake3.js';

export interface NaiveShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly r: number;
}
/** Row-major numbers. */
export type Matrix = number[][];

export interface NaiveLinear {
  readonly a: Uint8Array;
  readonly x: Uint8Array;
  readonly sigma: Uint8Array;
  readonly noisyA: Matrix;
  readonly noisyB: Matrix;
  /** 64 bytes per tile, tiles row-major. */
  readonly messages: Uint8Array[];
  readonly t: Uint8Array;
  readonly tickets: bigint[];
  /** The exact product A·B, by the peel. */
  readonly product: Matrix;
}

const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const context = (name: string): Uint8Array => new TextEncoder().encode(`pila 2 ${name}`);
const join = (...parts: (Uint8Array | number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => [...p]));
const zeros = (rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, () => new Array<number>(columns).fill(0));

export const matrixFrom = (data: ArrayLike<number>, rows: number, columns: number): Matrix =>
  Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => data[i * columns + j]!),
  );
export const transpose = (x: Matrix): Matrix => x[0]!.map((_, j) => x.map((row) => row[j]!));

export function multiply(x: Matrix, y: Matrix): Matrix {
  const out = zeros(x.length, y[0]!.length);
  x.forEach((left, i) => {
    const sums = out[i]!;
    y.forEach((right, p) => {
      const factor = left[p]!;
      // Most entries of the noise's path-shaped factors are zero.
      if (factor) for (let j = 0; j < sums.length; j++) sums[j]! += factor * right[j]!;
    });
  });
  return out;
}
const combine = (x: Matrix, y: Matrix, f: (a: number, b: number) => number): Matrix =>
  x.map((row, i) => row.map((v, j) => f(v, y[i]![j]!)));
const add = (x: Matrix, y: Matrix): Matrix => combine(x, y, (a, b) => a + b);
const subtract = (x: Matrix, y: Matrix): Matrix => combine(x, y, (a, b) => a - b);

function noiseStream(sigma: Uint8Array, kind: number, index: number, size: number): Uint8Array {
  return blake3(join(sigma, [kind], u32(index)), { context: context('noise'), dkLen: size });
}

/** `count` × r matrix of entries (byte & 63) − 32, one stream per row. */
const smallEntries = (sigma: Uint8Array, kind: number, count: number, r: number): Matrix =>
  Array.from({ length: count }, (_, i) =>
    [...noiseStream(sigma, kind, i, r)].map((b) => (b & 63) - 32),
  );

/** The r×k path-shaped factor: column 0 of a block is e_π(0), column j is e_π(j) − e_π(j−1). */
function pathFactor(sigma: Uint8Array, kind: number, k: number, r: number): Matrix {
  const out = zeros(r, k);
  for (let q = 0; q < k / r; q++) {
    const bytes = noiseStream(sigma, kind, q, 4 * (r - 1));
    const words: bigint[] = [];
    for (let i = 0; i < bytes.length; i += 4)
      words.push(BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(i, true)));
    const order = Array.from({ length: r }, (_, i) => i);
    for (let i = r - 1; i >= 1; i--) {
      const j = Number((words[r - 1 - i]! * BigInt(i + 1)) >> 32n);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (let j = 0; j < r; j++) {
      out[order[j]!]![q * r + j]! += 1;
      if (j) out[order[j - 1]!]![q * r + j]! -= 1;
    }
  }
  return out;
}

/** Of 16 rows of A and 16 columns of B: their message, and their product, which the sums come to. */
function tileOf(rows: Matrix, columns: Matrix, r: number) {
  const words = new Uint32Array(16);
  const sums = zeros(16, 16);
  for (let s = 0; s < rows[0]!.length / r; s++) {
    let x = 0;
    rows.forEach((row, i) => {
      columns.forEach((column, j) => {
        let sum = sums[i]![j]!;
        for (let p = s * r; p < (s + 1) * r; p++) sum += row[p]! * column[p]!;
        sums[i]![j] = sum;
        x ^= sum;
      });
    });
    const w = words[s % 16]!;
    words[s % 16] = ((w << 13) | (w >>> 19)) ^ x;
  }
  return { message: join(...[...words].map(u32)), sums };
}

/** y of these hashes of carries. */
export const naiveCarries = (hashes: readonly Uint8Array[] = []): Uint8Array =>
  blake3(join(...hashes), { context: context('carry') });

/** a and x of the entries of A, int8. */
export function naiveState(activations: Int8Array, y: Uint8Array) {
  const a = blake3(new Uint8Array(activations));
  return { a, y, x: blake3(join(a, y), { context: context('state') }) };
}

/** One linear from A (m×k) and Bᵀ (n×k), row-major int8, and y; `linear` is 1-based. */
// eslint-disable-next-line @typescript-eslint/max-params -- the inputs of the protocol's formula, in its order
export function naiveLinear(
  shape: NaiveShape,
  linear: number,
  sigmaBefore: Uint8Array,
  tBefore: Uint8Array,
  activations: Int8Array,
  weights: Int8Array,
  y: Uint8Array = naiveCarries(),
): NaiveLinear {
  const { m, k, n, r } = shape;
  const { a, x } = naiveState(activations, y);
  const b = blake3(new Uint8Array(weights));
  const sigma = blake3(join(sigmaBefore, tBefore, x, b, u32(linear)), {
    context: context('layer'),
  });
  const A = matrixFrom(activations, m, k);
  const B = transpose(matrixFrom(weights, n, k));
  const EL = smallEntries(sigma, 0, m, r);
  const FR = transpose(smallEntries(sigma, 1, n, r));
  const ER = pathFactor(sigma, 2, k, r);
  const FL = transpose(pathFactor(sigma, 3, k, r));
  const noisyA = add(A, multiply(EL, ER));
  const noisyB = add(B, multiply(FL, FR));
  const columns = transpose(noisyB);
  const messages: Uint8Array[] = [];
  const noisy = zeros(m, n);
  for (let i = 0; i < m; i += 16)
    for (let j = 0; j < n; j += 16) {
      const tile = tileOf(noisyA.slice(i, i + 16), columns.slice(j, j + 16), r);
      messages.push(tile.message);
      tile.sums.forEach((row, p) => noisy[i + p]!.splice(j, 16, ...row));
    }
  const tickets = messages.map((msg, tile) => ticketOf(sigma, msg, linear, tile));
  const peeled = subtract(noisy, multiply(multiply(A, FL), FR));
  const product = subtract(peeled, multiply(EL, multiply(ER, noisyB)));
  const t = blake3(join(...messages));
  return { a, x, sigma, noisyA, noisyB, messages, t, tickets, product };
}

function ticketOf(sigma: Uint8Array, msg: Uint8Array, linear: number, tile: number): bigint {
  const digest = blake3(join(msg, u32(linear), u32(tile)), { key: sigma });
  return digest.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}
