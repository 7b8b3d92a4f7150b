/** A pair of models from the files of both, as a thread opens its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GENERATION_FILE, loadPackage } from '../../src/miner/package/package.ts';
import { openLlama } from '../import/llama/read/open.ts';
import { openPair, type Lane, type LanguagePair } from './language.ts';

/** Where the weights and the package lie. */
export interface PairFiles {
  readonly weights: string;
  readonly package: string;
}

/** What a thread does; `open` first. */
export type LaneApi = Lane & {
  open(files: PairFiles): Promise<void>;
};

export const fileOf =
  (folder: string) =>
  (name: string): Promise<Uint8Array> =>
    Promise.resolve(new Uint8Array(readFileSync(join(folder, name))));

/**
 * The file of weights stays open: rows of the embedding are read when they are needed.
 * @throws AppError as openLlama, loadPackage, openPair
 */
export async function openFiles(files: PairFiles): Promise<LanguagePair> {
  const read = fileOf(files.package);
  const [model, generation] = [await loadPackage(read), await read(GENERATION_FILE)];
  return openPair(await openLlama(files.weights), model, generation);
}
