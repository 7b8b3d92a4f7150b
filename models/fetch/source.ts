/**
 * One file by its hash, from the first of its sources that has it: a folder, an address, or an archive that
 * carries it. What comes is resumed after a cut, and kept only whole, of the right size and hash.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../../src/lib/errors.ts';
import { downloadFile } from '../import/download.ts';
import { fileOfZip } from './zip.ts';

/** A zip file, such as a Python wheel, and the place of a file in it. */
export interface Inside {
  readonly archive: Pinned;
  readonly path: string;
}

export interface Pinned {
  /** Its path below the folder of what it belongs to. */
  readonly name: string;
  /** Hex. */
  readonly sha256: string;
  readonly bytes: number;
  /** Addresses of the very file, or archives; the first that works is taken. */
  readonly sources: readonly (string | Inside)[];
}

export interface Fetching {
  /** Where files are kept, archives among them. */
  readonly folder: string;
  /** A folder that may have some of them. */
  readonly from?: string | undefined;
  /** Hears which source a file came from, and which had none or a wrong one. */
  readonly log: (line: string) => void;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** @throws AppError MODEL_MISSING; MODEL_CORRUPT with the file's name and what is wrong */
async function requireRight({ name, sha256, bytes }: Pinned, path: string): Promise<void> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new AppError('MODEL_MISSING', `${name} is not there`, { cause });
  });
  const wrong = (what: string): AppError => new AppError('MODEL_CORRUPT', `${name}: ${what}`);
  if (size !== bytes)
    throw wrong(`${size} bytes of ${bytes}, ${size < bytes ? 'cut short' : 'too many'}`);
  const hash = await sha256Of(path);
  if (hash !== sha256) throw wrong(`its hash is ${hash}, not ${sha256}`);
}

/** Writes the file of one source to `path`. */
async function take(
  source: string | Inside,
  file: Pinned,
  path: string,
  fetching: Fetching,
): Promise<void> {
  if (typeof source === 'string')
    return downloadFile(new URL(source), path, file.sha256, file.bytes);
  const archive = await readFile(await fetchFile(source.archive, fetching));
  const bytes = fileOfZip(archive, source.path, file.bytes);
  await writeFile(`${path}.part`, bytes);
  await rename(`${path}.part`, path);
}

async function copied(file: Pinned, from: string, path: string): Promise<void> {
  await copyFile(join(from, file.name), `${path}.part`);
  await rename(`${path}.part`, path);
}

const sourceName = (source: string | Inside): string =>
  typeof source === 'string' ? source : `${source.path} in ${source.archive.name}`;

/**
 * The path of the file, fetched where it is not there yet.
 * @throws AppError MODEL_CORRUPT when a source had a wrong one and none the right one, else MODEL_MISSING
 */
export async function fetchFile(file: Pinned, fetching: Fetching): Promise<string> {
  const { folder, from, log } = fetching;
  const path = join(folder, file.name);
  const isHere = await requireRight(file, path).then(
    () => true,
    () => false,
  );
  if (isHere) return path;
  await mkdir(dirname(path), { recursive: true });
  const tries: (readonly [string, () => Promise<void>])[] = [
    ...(from === undefined ? [] : [[from, () => copied(file, from, path)] as const]),
    ...file.sources.map((s) => [sourceName(s), () => take(s, file, path, fetching)] as const),
  ];
  const failures: AppError[] = [];
  for (const [name, attempt] of tries)
    try {
      await attempt();
      await requireRight(file, path);
      log(`${file.name}: ${file.bytes} bytes from ${name}`);
      return path;
    } catch (e) {
      const failure = AppError.from(e);
      // What a cut left is gone on with; what is wrong is not kept.
      if (failure.code === 'MODEL_CORRUPT')
        await Promise.all([path, `${path}.part`].map((wrong) => rm(wrong, { force: true })));
      failures.push(failure);
      log(`${file.name}: ${failure.message}`);
    }
  const worst = failures.find(({ code }) => code === 'MODEL_CORRUPT') ?? failures.at(-1);
  throw new AppError(
    worst?.code === 'MODEL_CORRUPT' ? 'MODEL_CORRUPT' : 'MODEL_MISSING',
    `${file.name} can't be had: ${worst?.message ?? 'it has no source'}`,
    { cause: worst },
  );
}
