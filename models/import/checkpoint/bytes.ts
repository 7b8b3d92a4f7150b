/** Whole files of a checkpoint, wherever their bytes lie: none is read before its size is known to be bounded. */
import { AppError } from '../../../src/lib/errors.ts';
import type { Bytes } from '../safetensors.ts';
import { parseJsonFile } from './json.ts';

const JSON_BYTES_MAX = 2 ** 20;

/** @throws AppError MODEL_REFUSED when it is larger than `max` bytes */
export function wholeOf(file: Bytes, name: string, max: number): Uint8Array {
  if (file.size > max)
    throw new AppError('MODEL_REFUSED', `${name} has ${file.size} bytes; ${max} are the most`);
  return file.read(0, file.size);
}

/** @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export const jsonOf = (file: Bytes, name: string): unknown =>
  parseJsonFile(wholeOf(file, name, JSON_BYTES_MAX), name);
