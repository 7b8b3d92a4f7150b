/**
 * An address as a small drawing, to be known again at a glance: nine shapes, each one of sixteen,
 * from a hash of the whole address. Shapes, not colours. It comes beside the address, never instead:
 * 36 bits can be searched for.
 */
import { plainHash } from '../../../core/hash.ts';
import { concat, utf8 } from '../../../lib/bytes.ts';

const SIDE = 3;
/** Of a cell, and between two. */
const CELL = 8;
const GAP = 2;
export const SEAL_SIDE = SIDE * CELL + (SIDE + 1) * GAP;

/** Drawn from a cell's upper left corner. */
const SHAPES: readonly string[] = [
  'h8v8h-8z',
  'm4 0a4 4 0 1 1 0 8a4 4 0 1 1 0-8z',
  'm4 0a4 4 0 1 1 0 8a4 4 0 1 1 0-8zm0 2a2 2 0 1 0 0 4a2 2 0 1 0 0-4z',
  'm4 0l4 4l-4 4l-4-4z',
  'h8l-8 8z',
  'h8v8z',
  'm8 0v8h-8z',
  'v8h8z',
  'h8a8 8 0 0 1-8 8z',
  'h8v8a8 8 0 0 1-8-8z',
  'm8 0v8h-8a8 8 0 0 1 8-8z',
  'v8h8a8 8 0 0 0-8-8z',
  'm0 3h8v2h-8z',
  'm3 0h2v8h-2z',
  'm3 0h2v3h3v2h-3v3h-2v-3h-3v-2h3z',
  'm3 3h2v2h-2z',
];

/** One path in a square of SEAL_SIDE; of the address as text, in any case and grouping. */
export function sealPath(address: string): string {
  const text = address.replace(/\s+/g, '').toLowerCase();
  const digest = plainHash(concat(utf8('pila seal '), utf8(text)));
  return Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [i % SIDE, Math.floor(i / SIDE)].map((n) => GAP + n * (CELL + GAP));
    return `M${x} ${y}${SHAPES[digest[i]! & 15]}`;
  }).join('');
}
