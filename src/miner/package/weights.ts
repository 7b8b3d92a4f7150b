/** What is read of every weight. A package has 10^8 of them: plain loops, without a call for each. */
import { OPERAND_MAX } from '../../core/manifest.ts';

const isOutside = (w: number): boolean => w > OPERAND_MAX || w < -OPERAND_MAX;

/** The first entry outside ±63; undefined where there is none. */
export function firstOutside(values: Int8Array): number | undefined {
  const { buffer, byteOffset, length } = values;
  // Four entries at once where they lie so that a word can be read.
  const words = byteOffset % 4 ? 0 : length >> 2;
  const four = new Int32Array(buffer, words ? byteOffset : 0, words);
  let outside = 0;
  for (let i = 0; i < words; i++) {
    const w = four[i]!;
    // The highest bit of each byte: its two highest differ, so that it is not in −64..63; or its seven lowest are −64's.
    outside |= (w ^ (w << 1)) | ~(((w ^ 0x40404040) & 0x7f7f7f7f) + 0x7f7f7f7f);
  }
  const isSound = (outside & 0x80808080) === 0 && !values.subarray(4 * words).some(isOutside);
  return isSound ? undefined : values.find(isOutside);
}

/** Of each column of a constant matrix: the sum of its entries above 0, and of those below. */
export interface Columns {
  readonly above: Float64Array;
  readonly below: Float64Array;
}

/** Columns of B of a linear, from Bᵀ [n, k]. */
export function linearColumns(rows: Int8Array, n: number, k: number): Columns {
  const [above, below] = [new Float64Array(n), new Float64Array(n)];
  for (let j = 0, at = 0; j < n; j++) {
    let [up, down] = [0, 0];
    for (const end = at + k; at < end; at++) {
      const w = rows[at]!;
      // Signs are random: a branch would cost five times as much.
      const below0 = w >> 31;
      up = (up + (w & ~below0)) | 0;
      down = (down + (w & below0)) | 0;
    }
    above[j] = up;
    below[j] = down;
  }
  return { above, below };
}

/** Columns of a matrix [rows, n], row-major. */
export function matrixColumns(values: ArrayLike<number>, n: number): Columns {
  const [above, below] = [new Float64Array(n), new Float64Array(n)];
  for (let at = 0; at < values.length;)
    for (let j = 0; j < n; j++) {
      const w = values[at++]!;
      if (w > 0) above[j]! += w;
      else below[j]! += w;
    }
  return { above, below };
}
