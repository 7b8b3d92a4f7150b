/** Weights by name to a package that was checked: fetched, imported, checked. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SERVED, type ServedModel } from '../../src/client/models/served.ts';
import { modelId } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { MANIFEST_FILE, parseManifest } from '../../src/miner/package/package.ts';
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
  /** Served models by name: whoever imports one has the bytes of its id. */
  readonly served?: readonly Pick<ServedModel, 'name' | 'id'>[];
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

/** In hex, of the package in a folder; undefined where there is none that can be read. */
function idIn(folder: string): string | undefined {
  try {
    return toHex(modelId(parseManifest(readFileSync(join(folder, MANIFEST_FILE)))));
  } catch {
    return undefined;
  }
}

/** Whether a package holds, which is told. */
function holds(folder: string): boolean {
  try {
    command('check.ts', folder);
    return true;
  } catch {
    return false;
  }
}

/**
 * @returns the package's folder
 * @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED: also a served model that came out as another
 */
export async function obtain(
  weights: NamedWeights,
  { cache = CACHE, served = SERVED, ...fetching }: Obtaining,
): Promise<string> {
  const { name, shapes, rows, licence, attribution } = weights;
  const listed = served.find((model) => model.name === name)?.id;
  const out = packageFolder(name, cache);
  if (listed !== undefined && idIn(out) === listed) {
    fetching.log(`${name}: its package is there`);
    if (holds(out)) return out;
    fetching.log(`${name}: it is damaged, and made again`);
  }
  const folder = await fetchWeights(weights, { ...fetching, folder: weightsFolder(name, cache) });
  command(
    'import/import.ts',
    folder,
    ...['--name', name, '--shapes', shapes, '--out', out],
    ...(rows ? ['--rows', resolve(MODELS, 'import/llama/rows', rows)] : []),
    ...['--licence', licence, '--attribution', attribution],
  );
  const id = idIn(out);
  if (listed !== undefined && id !== listed)
    throw new AppError('MODEL_REFUSED', `${name} is ${id}; models/served.json says ${listed}`);
  command('check.ts', out);
  return out;
}
