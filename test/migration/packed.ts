/** A folder as one file: JSON of its files' paths and lengths, a line feed, their bytes; compressed by Brotli. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';

type Listed = readonly [path: string, bytes: number];

/** LevelDB makes these anew. */
const LEFT_OUT = /\/(LOCK|LOG(\.old)?)$/;

/** @param holds which of the folder's files, by their paths in it */
export function pack(folder: string, holds: (path: string) => boolean): Uint8Array {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .filter((path) => holds(path) && !LEFT_OUT.test(path))
    .sort();
  const files = paths.map((path) => readFileSync(join(folder, path)));
  const listed: Listed[] = paths.map((path, i) => [path, files[i]!.length]);
  return brotliCompressSync(Buffer.concat([Buffer.from(`${JSON.stringify(listed)}\n`), ...files]));
}

export function unpack(packed: string, folder: string): void {
  const bytes = brotliDecompressSync(readFileSync(packed));
  let at = bytes.indexOf('\n') + 1;
  const listed = JSON.parse(bytes.subarray(0, at).toString()) as Listed[];
  for (const [path, length] of listed) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, path), bytes.subarray(at, at + length), { mode: 0o600 });
    at += length;
  }
}
