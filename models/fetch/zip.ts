/** One file out of a zip archive, as Python wheels are; without encryption and ZIP64. */
import { inflateRawSync } from 'node:zlib';
import { AppError } from '../../src/lib/errors.ts';

const [END, ENTRY, LOCAL] = [0x06054b50, 0x02014b50, 0x04034b50];
const [STORED, DEFLATED] = [0, 8];
const END_BYTES = 22;
const COMMENT_BYTES_MAX = 0xffff;

/**
 * @param most bytes that the file may have
 * @throws AppError MODEL_CORRUPT with the file's name
 */
export function fileOfZip(zip: Uint8Array, path: string, most: number): Uint8Array {
  const wrong = (what: string, cause?: unknown): AppError =>
    new AppError('MODEL_CORRUPT', `${path}: ${what}`, { cause });
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  try {
    const entry = entryOf(view, zip, path);
    if (!entry) throw wrong('the archive has no such file');
    if (entry.size > most) throw wrong(`${entry.size} bytes, more than ${most}`);
    const packed = zip.subarray(entry.from, entry.from + entry.packed);
    if (packed.length < entry.packed) throw wrong('cut short');
    if (entry.method === STORED) return packed;
    if (entry.method !== DEFLATED) throw wrong(`packed by method ${entry.method}`);
    return inflateRawSync(packed, { maxOutputLength: most });
  } catch (e) {
    throw e instanceof AppError ? e : wrong('the archive is damaged', e);
  }
}

/** Where a file lies; undefined when the archive's list has no such path. @throws RangeError past the end */
function entryOf(view: DataView, zip: Uint8Array, path: string) {
  let end = zip.length - END_BYTES;
  const first = Math.max(0, end - COMMENT_BYTES_MAX);
  while (end >= first && view.getUint32(end, true) !== END) end--;
  if (end < first) throw new RangeError('no list of files');
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    if (view.getUint32(at, true) !== ENTRY) throw new RangeError('no entry');
    const [name, extra, comment] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    if (new TextDecoder().decode(zip.subarray(at + 46, at + 46 + name!)) === path) {
      const local = view.getUint32(at + 42, true);
      if (view.getUint32(local, true) !== LOCAL) throw new RangeError('no file');
      const skipped = view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      return {
        method: view.getUint16(at + 10, true),
        packed: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
        from: local + 30 + skipped,
      };
    }
    at += 46 + name! + extra! + comment!;
  }
  return undefined;
}
