/** Makes the proof of a winning pass: the rows and columns of the winning tile, opened (docs/protocol.md §5.6). */
import type { Proof } from '../../core/formats.ts';
import { CHUNK_BYTES } from '../../core/pow/blake3.ts';
import { openRange } from '../../core/pow/blake3-tree.ts';
import { tileOrigin } from '../../core/pow/transcript.ts';
import { TILE, unitRows } from '../../core/manifest.ts';
import { assert } from '../../lib/errors.ts';
import type { ModelPackage, PassResult } from './backend.ts';

/** 16 rows of k int8 values from `first` on, and their path in the hash of the whole matrix. */
function openRows(matrix: Int8Array, k: number, first: number) {
  const bytes = new Uint8Array(matrix.buffer, matrix.byteOffset, matrix.length);
  const from = (first * k) / CHUNK_BYTES;
  return {
    rows: bytes.slice(first * k, (first + TILE) * k),
    path: openRange(bytes, from, from + (TILE * k) / CHUNK_BYTES),
  };
}

/**
 * Proof of a winning pass of that model, which was run with `capture` = its winning linear.
 */
export function createProof(
  { manifest, weights }: Pick<ModelPackage, 'manifest' | 'weights'>,
  result: Pick<PassResult, 'x' | 'a' | 'y' | 't' | 'winner' | 'captured'>,
): Proof {
  const { winner, captured } = result;
  assert(winner && captured, 'a proof needs a winner and the rows it won with');
  const l = manifest.linears[winner.linear - 1]!;
  assert(
    captured.length === unitRows(manifest) * l.k,
    'the captured rows are those of the winning linear',
  );
  const { row, column } = tileOrigin(l, winner.tile);
  const a = openRows(captured, l.k, row);
  const b = openRows(weights[winner.linear - 1]!, l.k, column);
  return {
    linear: winner.linear,
    tile: winner.tile,
    x: result.x.slice(0, winner.linear - 1),
    t: result.t.slice(0, winner.linear - 1),
    a: result.a[winner.linear - 1]!,
    y: result.y[winner.linear - 1]!,
    rows: a.rows,
    rowPath: a.path,
    columns: b.rows,
    columnPath: b.path,
  };
}
