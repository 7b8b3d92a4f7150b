/** Files of a checkpoint on this machine: their sizes are asked before anything of them is read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../src/lib/errors.ts';
import type { Bytes } from '../safetensors.ts';
import { jsonOf, wholeOf } from './bytes.ts';

/** A file that is open. */
export interface OpenFile extends Bytes {
  close(): void;
}

/** Undefined where there is none. @throws AppError MODEL_MISSING for what is there and is no file that can be read */
export function openFile(folder: string, name: string): OpenFile | undefined {
  const unreadable = (cause: unknown) =>
    new AppError('MODEL_MISSING', `${name} can't be read`, { cause });
  let handle: number;
  try {
    handle = openSync(join(folder, name), 'r');
  } catch (cause) {
    if (['ENOENT', 'ENOTDIR'].includes((cause as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw unreadable(cause);
  }
  const status = fstatSync(handle);
  if (!status.isFile()) {
    closeSync(handle);
    throw unreadable(new Error('no file'));
  }
  return {
    size: status.size,
    read(from, to) {
      const bytes = new Uint8Array(to - from);
      for (let at = 0; at < bytes.length;) {
        const got = readSync(handle, bytes, at, bytes.length - at, from + at);
        if (!got)
          throw new AppError('MODEL_CORRUPT', `${name} ends at ${from + at} of ${to} bytes`);
        at += got;
      }
      return bytes;
    },
    close: () => closeSync(handle),
  };
}

/** What `use` makes of a file; undefined where there is none. */
function withFile<T>(folder: string, name: string, use: (file: Bytes) => T): T | undefined {
  const file = openFile(folder, name);
  if (!file) return undefined;
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** All of a file of at most `max` bytes. @throws AppError MODEL_REFUSED when it is larger, MODEL_MISSING */
export const readAll = (folder: string, name: string, max: number): Uint8Array | undefined =>
  withFile(folder, name, (file) => wholeOf(file, name, max));

export const missing = (name: string): AppError =>
  new AppError('MODEL_MISSING', `${name} is missing`);

/** Undefined where there is none. @throws AppError MODEL_CORRUPT, MODEL_REFUSED, MODEL_MISSING */
export const readJson = (folder: string, name: string): unknown =>
  withFile(folder, name, (file) => jsonOf(file, name));
