/**
 * The noise of one linear (docs/protocol.md §5.4). Rows of A and rows of Bᵀ (columns of B) get noise in
 * the same way, each from streams of their own, so one code serves either `Side`.
 */
import { u32 } from '../../lib/bytes.ts';
import { contextKey } from '../hash.ts';
import { streamShort } from './blake3.ts';

/** `a`: rows of A, factor E_L, permutations of E_R. `b`: rows of Bᵀ, factor F_R, permutations of F_L. */
export type Side = 'a' | 'b';

/** Key of the noise streams, 8 words; the kernels use it too. */
export const NOISE_KEY = contextKey('noise');

const FACTOR_KIND = { a: 0, b: 1 } as const;
const PERMUTATION_KIND = { a: 2, b: 3 } as const;

/** N(kind, index): `size` bytes of the stream whose input is σ_ℓ ‖ u8 kind ‖ u32 index. */
function stream(sigma: Uint8Array, kind: number, index: number, size: number): Uint8Array {
  const name = new Uint8Array(37);
  name.set(sigma);
  name[32] = kind;
  name.set(u32(index), 33);
  const out = new Uint8Array(size);
  streamShort(NOISE_KEY, name, out);
  return out;
}

/** Row `index` of E_L, or column `index` of F_R: r values in [−32, 31]. */
export function factorRow(sigma: Uint8Array, side: Side, index: number, r: number): Int8Array {
  const bytes = stream(sigma, FACTOR_KIND[side], index, r);
  return Int8Array.from(bytes, (b) => (b & 63) - 32);
}

/** π of block `q` of k: r values, the order in which the path-shaped factor visits 0..r−1. */
export function permutation(sigma: Uint8Array, side: Side, q: number, r: number): Uint16Array {
  const bytes = stream(sigma, PERMUTATION_KIND[side], q, 4 * (r - 1));
  const words = new DataView(bytes.buffer);
  const order = Uint16Array.from({ length: r }, (_, i) => i);
  for (let i = r - 1, at = 0; i > 0; i--, at += 4) {
    // u·(i+1) < 2^32·2^16 is exact in a double.
    const j = Math.floor((words.getUint32(at, true) * (i + 1)) / 2 ** 32);
    const swapped = order[i]!;
    order[i] = order[j]!;
    order[j] = swapped;
  }
  return order;
}

/** The permutations of all k/r blocks, one after the other: k values. */
export function permutations(sigma: Uint8Array, side: Side, k: number, r: number): Uint16Array {
  const out = new Uint16Array(k);
  for (let q = 0; q * r < k; q++) out.set(permutation(sigma, side, q, r), q * r);
  return out;
}

/**
 * Rows of A' (or of B'ᵀ): `rows` with noise, int8, row-major, k columns. The first of them is row `first` of
 * the whole matrix, so that the function serves the rows of one tile as well as the whole matrix.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- it runs millions of times a block: no object for each call
export function noisyRows(
  sigma: Uint8Array,
  side: Side,
  first: number,
  rows: Int8Array,
  k: number,
  r: number,
): Int8Array {
  const order = permutations(sigma, side, k, r);
  const out = new Int8Array(rows.length);
  for (let at = 0; at < rows.length; at += k) {
    const factor = factorRow(sigma, side, first + at / k, r);
    for (let c = 0; c < k; c++) {
      const before = c % r ? factor[order[c - 1]!]! : 0;
      out[at + c] = rows[at + c]! + factor[order[c]!]! - before;
    }
  }
  return out;
}
