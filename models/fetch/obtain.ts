/** Weights by name to a package that was checked: fetched, imported, checked. */
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { AppError } from '../../src/lib/errors.ts';
import { CACHE } from '../texts/files.ts';
import type { NamedWeights } from './named.ts';
import { fetchFile, type Fetching } from './source.ts';

const MODELS = join(import.meta.dirname, '..');

/** Where a name's source files lie. */
export const weightsFolder = (name: string, cache = CACHE): string => join(cache, 'weights', name);
/** Where its package lies. */
export const packageFolder = (name: string, cache = CACHE): string => join(cache, 'models', name);

export interface Obtaining extends Omit<Fetching, 'folder'> {
  readonly cache?: string;
}

/** Runs one of the project's commands, which say themselves what is wrong. @throws AppError MODEL_REFUSED */
function command(script: string, ...args: string[]): void {
  const { status, error } = spawnSync(process.execPath, [join(MODELS, script), ...args], {
    stdio: 'inherit',
  });
  if (error) throw error;
  if (status !== 0) throw new AppError('MODEL_REFUSED', `${script} ended with ${status}`);
}

/** @returns the folder with all files @throws AppError MODEL_MISSING, MODEL_CORRUPT, of the first that is not had */
export async function fetchWeights(
  { files }: Pick<NamedWeights, 'files'>,
  fetching: Fetching,
): Promise<string> {
  for (const file of files) await fetchFile(file, fetching);
  return fetching.folder;
}

/** @returns the package's folder @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED */
export async function obtain(
  weights: NamedWeights,
  { cache = CACHE, ...fetching }: Obtaining,
): Promise<string> {
  const { name, shapes, rows, licence, attribution } = weights;
  const folder = await fetchWeights(weights, { ...fetching, folder: weightsFolder(name, cache) });
  const out = packageFolder(name, cache);
  command(
    'import/import.ts',
    folder,
    ...['--name', name, '--shapes', shapes, '--out', out],
    ...(rows ? ['--rows', resolve(MODELS, 'import/llama/rows', rows)] : []),
    ...['--licence', licence, '--attribution', attribution],
  );
  command('check.ts', out);
  return out;
}
