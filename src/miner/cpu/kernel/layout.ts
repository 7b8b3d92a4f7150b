/** Where the kernels' operands lie: regions laid out once, each for the largest of a model's linears. */
import { TILE, type LinearSize } from '../../../core/manifest.ts';
import { MESSAGE_BYTES } from '../../../core/pow/transcript.ts';

/** Lanes of a turned operand: rows of A or columns of B that get their noise together. */
export const LANES = 16;

/** Bytes of B' that are made before they are multiplied: half of a core's cache of the second level. */
const SLAB_BYTES = 262_144;

/** Panels of 16 columns of B' in a slab. */
export const slabPanels = (k: number): number =>
  Math.max(1, Math.floor(SLAB_BYTES / (2 * LANES * k)));

/** Bytes of each region for one linear. */
const regionBytes = ({ m, k, n, r }: LinearSize, carry: number) => ({
  a: m * k,
  /** A as int16 or raised, row-major; or A' as pairs. */
  left: 2 * m * k,
  c: 4 * m * n,
  /** 63·Σ of A's rows. */
  rowSums: 4 * m,
  /** 16 rows of A or columns of B, one of k after the other. */
  turned: LANES * k,
  /** B' of a slab as pairs. */
  right: 2 * LANES * k * slabPanels(k),
  /** 16 rows of a factor as they are drawn, then turned. */
  drawn: LANES * r,
  factor: LANES * r,
  /** −A·F_L of 16 rows, −E_R·B' of 16 columns. */
  projected: 2 * LANES * r,
  /** Operands of the peel's product, of depth 2r. */
  thinLeft: 4 * m * r,
  thinRight: 4 * LANES * r * slabPanels(k),
  messages: (MESSAGE_BYTES * m * n) / TILE ** 2,
  tickets: (32 * m * n) / TILE ** 2,
  sums: (16 * k) / r,
  /** Of hashing A, the messages, or a carry. */
  chainingValues: Math.ceil(Math.max(m * k, (MESSAGE_BYTES * m * n) / TILE ** 2, carry) / 32),
  /** Permutations of the noise on A and on B. */
  orderA: k,
  orderB: k,
  sigma: 32,
  noiseKey: 32,
  digest: 128,
});
/** Address of each region. */
export type Layout = ReturnType<typeof regionBytes>;

/** Address of each region, as `reserve` gives it. `carry`: most bytes of a carry that is hashed. */
export function layOut(
  linears: readonly LinearSize[],
  carry: number,
  reserve: (bytes: number) => number,
): Layout {
  const sizes = linears.map((l) => regionBytes(l, carry));
  const names = Object.keys(sizes[0]!) as (keyof Layout)[];
  const place = (name: keyof Layout): number => reserve(Math.max(...sizes.map((s) => s[name])));
  return Object.fromEntries(names.map((name) => [name, place(name)])) as Layout;
}
