/** A tile's message and ticket, and the limit that a ticket must not exceed to win (docs/protocol.md §5.5). */
import { concat, toBigint, u32 } from '../../lib/bytes.ts';
import { credits, TILE, unitMacs, type LinearSize, type Manifest } from '../manifest.ts';
import { effectiveTarget } from '../header/target.ts';
import { keyedShort, wordsOf } from './blake3.ts';

/** Bytes of a tile's message: 16 words. */
export const MESSAGE_BYTES = 64;
const TICKET_MAX = (1n << 256n) - 1n;

export const tileCount = (l: LinearSize): number => (l.m / TILE) * (l.n / TILE);

/** First row of A and first column of B of a tile: tiles are numbered row-major. */
export const tileOrigin = (
  l: Pick<LinearSize, 'n'>,
  tile: number,
): { row: number; column: number } => ({
  row: TILE * Math.floor(tile / (l.n / TILE)),
  column: TILE * (tile % (l.n / TILE)),
});

/** Whether a ticket wins under a linear's limit. */
export const isWinning = (value: bigint, limit: bigint): boolean => limit > 0n && value <= limit;

/** Adds one dot product of r columns to every accumulator. @returns the XOR of all 256 accumulators */
// eslint-disable-next-line @typescript-eslint/max-params -- it runs millions of times a block: no object for each call
function addColumns(
  acc: Int32Array,
  rows: Int8Array,
  columns: Int8Array,
  k: number,
  from: number,
  r: number,
): number {
  let x = 0;
  for (let i = 0; i < TILE; i++) {
    const a = i * k + from;
    for (let j = 0; j < TILE; j++) {
      const b = j * k + from;
      let sum = acc[TILE * i + j]!;
      for (let p = 0; p < r; p++) sum += rows[a + p]! * columns[b + p]!;
      acc[TILE * i + j] = sum;
      x ^= sum;
    }
  }
  return x;
}

/** Message of a tile, 64 bytes, from 16 rows of A' and 16 of B'ᵀ (int8, 16×k row-major). */
export function tileMessage(
  rows: Int8Array,
  columns: Int8Array,
  k: number,
  r: number,
): Uint8Array<ArrayBuffer> {
  const acc = new Int32Array(TILE * TILE);
  const words = new Int32Array(16);
  for (let s = 0; s < k / r; s++) {
    const x = addColumns(acc, rows, columns, k, s * r, r);
    const w = words[s % 16]!;
    words[s % 16] = ((w << 13) | (w >>> 19)) ^ x;
  }
  const out = new Uint8Array(MESSAGE_BYTES);
  const view = new DataView(out.buffer);
  for (let i = 0; i < 16; i++) view.setInt32(4 * i, words[i]!, true);
  return out;
}

/** τ, the ticket of a tile; `linear` is 1-based. A ticket wins at or below the linear's limit. */
export const ticket = (
  sigma: Uint8Array,
  message: Uint8Array,
  linear: number,
  tile: number,
): bigint => toBigint(keyedShort(wordsOf(sigma), concat(message, u32(linear), u32(tile))));

/**
 * min(target_e·c, 2^256−1) of every linear, for a block target of `target` (before the model's own cap).
 * 0 where a linear has no credit: no ticket wins there.
 */
export function ticketLimits(target: bigint, m: Manifest): bigint[] {
  const effective = effectiveTarget(target, unitMacs(m));
  return credits(m).map((c) => {
    const limit = effective * c;
    return limit < TICKET_MAX ? limit : TICKET_MAX;
  });
}
