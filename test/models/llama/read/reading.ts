/** Reads decoders whose files are in memory, and says how it ended. */
import { llamaOfFolder } from '../../../../models/import/llama/read/from-folder.ts';
import { llamaOfGguf } from '../../../../models/import/llama/read/from-gguf.ts';
import type { Llama, LlamaWeights, Rows } from '../../../../models/import/llama/read/llama.ts';
import type { Bytes } from '../../../../models/import/safetensors.ts';
import { AppError } from '../../../../src/lib/errors.ts';
import type { Files } from './generated.ts';

/** Bytes in memory; what is read of them must lie inside. @param heard of each range that is read */
export const inMemory = (bytes: Uint8Array, heard?: (from: number, to: number) => void): Bytes => ({
  size: bytes.length,
  read(from, to) {
    if (!(from >= 0 && from <= to && to <= bytes.length)) throw new RangeError(`${from}..${to}`);
    heard?.(from, to);
    return bytes.slice(from, to);
  },
});

export const readGguf = (bytes: Uint8Array): Promise<Llama> =>
  llamaOfGguf(inMemory(bytes), 'x.gguf');

export const readFiles = (files: Files): Promise<Llama> =>
  llamaOfFolder((name) => {
    const bytes = files.get(name);
    return bytes && inMemory(bytes);
  });

/** What it is refused with: the code, then the sentence. */
export const refusal = (reading: Promise<Llama>): Promise<string> =>
  reading.then(
    () => 'read',
    (e: unknown) => {
      // Anything else is a fault of the reader.
      if (!(e instanceof AppError)) throw e;
      return `${e.code} ${e.message}`;
    },
  );

/** Every tensor by what it is for. */
export function tensorsOf(weights: LlamaWeights): Map<string, Rows> {
  const all = new Map<string, Rows>();
  const add = (name: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('read' in value) all.set(name, value as Rows);
    else for (const [key, part] of Object.entries(value)) add(`${name}.${key}`, part);
  };
  add('', weights);
  return all;
}
