import { randomBytes } from '../../oracle/random.ts';

/** Seeded numbers in ±most with 15 bits and sign. */
export const randomFloats = (seed: string, count: number, most = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from(
    new Int16Array(randomBytes(seed, 2 * count).buffer),
    (v) => (v / 32_768) * most,
  );
