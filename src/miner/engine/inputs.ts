/** What segment 0 reads: the tokens, and of each table outside the graphs the rows of the tokens. */
import { assert } from '../../lib/errors.ts';
import { unitShape, type Shape, type Table } from '../../core/manifest.ts';
import type { ModelPackage } from './backend.ts';

export interface FirstInput {
  readonly name: string;
  readonly dims: number[];
  readonly data: Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

/** `tokens` and `e<i>` of a pass over B·S tokens. */
export function firstInputs(
  { manifest, tables }: Pick<ModelPackage, 'manifest' | 'tables'>,
  tokens: Uint32Array,
  { sequences, tokens: length }: Shape = unitShape(manifest),
): FirstInput[] {
  const rows = sequences * length;
  assert(tokens.length === rows, 'a batch has B·S tokens');
  return [
    { name: 'tokens', dims: [sequences, length], data: Int32Array.from(tokens) },
    ...manifest.tables.map((table, i) => ({
      name: `e${i}`,
      dims: [rows, table.width],
      data: rowsOf(table, tables[i]!, tokens),
    })),
  ];
}

/** Rows of a table, one for each token. */
function rowsOf(
  { width, wide }: Table,
  bytes: Uint8Array,
  tokens: Uint32Array,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(tokens.length * width);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const [i, token] of tokens.entries())
    for (let j = 0; j < width; j++) {
      const at = (token * width + j) * wide;
      out[i * width + j] = wide === 1 ? view.getInt8(at) : view.getInt16(at, true);
    }
  return out;
}
