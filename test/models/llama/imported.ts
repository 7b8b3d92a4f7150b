/** The decoder that imports are tried on: one of read/generated.ts, large enough for the segments of a package. */
import type { Shape } from './read/generated.ts';
import { tinySequences } from './tiny-llama.ts';

export const IMPORTED: Partial<Shape> = {
  hidden: 128,
  heads: 4,
  keyHeads: 2,
  headWidth: 32,
  ffn: 192,
  type: 'F16',
};
/** Tokens of the package's shapes. */
export const LENGTHS = [16, 32];
export const LABELLING = { name: 'small', licence: 'MIT', attribution: 'made by chance' };

/** Tokens of the file's vocabulary. */
export const importedRows = (): Uint32Array[] =>
  tinySequences('rows', 4, 32).map((row) => row.map((token) => 1 + (token % 250)));
