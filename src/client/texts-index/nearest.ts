/** Which rows are most like one: exact products in whole numbers, over all of them. Pure. */

/** Rows of one document. */
export interface Rows {
  /** int8, row after row. */
  readonly values: Int8Array;
  /** 1 over the length of each row; 0 of a row of zeros, which is like nothing. */
  readonly scales: Float64Array;
}

export interface Near {
  /** Place of the document among those that were gone through, and of the row in it. */
  readonly document: number;
  readonly row: number;
  /** −1 to 1. */
  readonly cosine: number;
}

/** @param size values of a row */
export function rowsFrom(values: Int8Array, size: number): Rows {
  const scales = new Float64Array(values.length / size);
  for (let row = 0; row < scales.length; row++) {
    const square = squareOf(values.subarray(row * size, (row + 1) * size));
    scales[row] = square ? 1 / Math.sqrt(square) : 0;
  }
  return { values, scales };
}

/** The `max` rows most like `query`, the most alike first, of equals the first. */
export function nearest(documents: readonly Rows[], query: Int8Array, max: number): Near[] {
  const size = query.length;
  const square = squareOf(query);
  const scale = square ? 1 / Math.sqrt(square) : 0;
  const found: Near[] = [];
  let least = -Infinity;
  for (const [document, { values, scales }] of documents.entries())
    for (let row = 0; row < scales.length; row++) {
      const cosine = dot(values, row * size, query) * scales[row]! * scale;
      if (found.length === max && cosine <= least) continue;
      let at = found.length;
      while (at > 0 && found[at - 1]!.cosine < cosine) at--;
      found.splice(at, 0, { document, row, cosine });
      if (found.length > max) found.pop();
      least = found.at(-1)?.cosine ?? -Infinity;
    }
  return found;
}

/** Exact: below 2^31 for rows of up to 131,000 values. */
function dot(values: Int8Array, from: number, query: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < query.length; i++) sum += values[from + i]! * query[i]!;
  return sum;
}

const squareOf = (row: Int8Array): number => dot(row, 0, row);
