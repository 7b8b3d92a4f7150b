/**
 * The BLAKE3 hash of a big array is already a Merkle tree over its 1024-byte chunks. A proof opens
 * the chunks that hold 16 rows: the path is the chaining values of the maximal subtrees outside the
 * range, in pre-order, left first (docs/protocol.md §5.6).
 */
import { equal } from '../../lib/bytes.ts';
import { CHUNK_BYTES, FLAG, IV, chunkValue, parentValue } from './blake3.ts';

/** Chunks of an array of that many bytes. */
const chunkCount = (totalBytes: number): number => Math.max(1, Math.ceil(totalBytes / CHUNK_BYTES));

/** Chunks in the left subtree of `count` ≥ 2: the largest power of two below it. */
const leftCount = (count: number): number => 2 ** (31 - Math.clz32(count - 1));

interface Range {
  /** First chunk of the range, and the one after its last. */
  readonly from: number;
  readonly to: number;
}
const isOutside = (range: Range, start: number, count: number): boolean =>
  start + count <= range.from || start >= range.to;

/** `first`: number of the first chunk of `data` in the whole array. */
function subtree(data: Uint8Array, start: number, count: number, first = 0): Uint8Array {
  if (count === 1) {
    const from = start * CHUNK_BYTES;
    const end = Math.min(from + CHUNK_BYTES, data.length);
    return chunkValue(data, from, end, first + start);
  }
  const left = leftCount(count);
  const l = subtree(data, start, left, first);
  return parentValue(l, subtree(data, start + left, count - left, first), false);
}

/** Chaining value of a part of an array that is a subtree below the root; `firstChunk`: its first chunk's number. */
export const subtreeValue = (part: Uint8Array, firstChunk: number): Uint8Array =>
  subtree(part, 0, chunkCount(part.length), firstChunk);

/**
 * BLAKE3 of an array cut into at least two parts of 2^n chunks each, the last perhaps shorter, from
 * their chaining values: parts of that size are whole subtrees.
 */
export function hashOfParts(values: readonly Uint8Array[]): Uint8Array {
  const walk = (start: number, count: number, isRoot: boolean): Uint8Array => {
    if (count === 1) return values[start]!;
    const left = leftCount(count);
    return parentValue(walk(start, left, false), walk(start + left, count - left, false), isRoot);
  };
  return walk(0, values.length, true);
}

/** Path that opens chunks `fromChunk..toChunk−1` of `data`. */
export function openRange(data: Uint8Array, fromChunk: number, toChunk: number): Uint8Array[] {
  const range = { from: fromChunk, to: toChunk };
  const path: Uint8Array[] = [];
  const walk = (start: number, count: number): void => {
    if (isOutside(range, start, count)) path.push(subtree(data, start, count));
    else if (count > 1) {
      const left = leftCount(count);
      walk(start, left);
      walk(start + left, count - left);
    }
  };
  walk(0, chunkCount(data.length));
  return path;
}

/**
 * Whether `bytes` are what the array with BLAKE3 `root` and `totalBytes` holds from chunk
 * `fromChunk` on. They must be whole chunks, or reach the array's end. The path must be used up.
 */
// eslint-disable-next-line @typescript-eslint/max-params -- the five values of the protocol's check
export function verifyRange(
  root: Uint8Array,
  totalBytes: number,
  fromChunk: number,
  bytes: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  const from = fromChunk * CHUNK_BYTES;
  const end = from + bytes.length;
  if (end > totalBytes || (bytes.length % CHUNK_BYTES && end !== totalBytes)) return false;
  if (!bytes.length && totalBytes) return false;
  const range = { from: fromChunk, to: fromChunk + chunkCount(bytes.length) };
  let used = 0;
  const walk = (start: number, count: number, isRoot: boolean): Uint8Array | undefined => {
    if (isOutside(range, start, count)) return path[used++];
    if (count === 1) {
      const at = start * CHUNK_BYTES - from;
      const stop = Math.min(at + CHUNK_BYTES, bytes.length);
      return chunkValue(bytes, at, stop, start, IV, 0, isRoot ? FLAG.root : 0);
    }
    const left = leftCount(count);
    const l = walk(start, left, false);
    const r = l && walk(start + left, count - left, false);
    return l && r && parentValue(l, r, isRoot);
  };
  const made = walk(0, chunkCount(totalBytes), true);
  return made !== undefined && used === path.length && equal(made, root);
}
