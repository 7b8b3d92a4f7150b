/** A node's data folder and the files in it that must be whole: made for its owner alone, and durable when told so. */
import { chmod, mkdir, open, readdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AppError } from '../lib/errors.ts';

/** What lies in it is as private as the keys: who was paid for what, which peers were met. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;
/** What nodes and clients keep in it, and what an empty disk has. One of them shows whose folder it is. */
const OWN = [
  'keys.json',
  'keys.json.new',
  'serving.json',
  'serving.json.new',
  'chain',
  'net',
  'spent',
  'models',
  'outbox',
  'lost+found',
];

/**
 * Makes the folder and those above it, for its owner alone, also where it was there. One that holds other things
 * alone is refused: `/tmp` or a home, closed to others, would end what works with it.
 * @throws AppError DATA_REFUSED
 */
export async function makeFolder(folder: string): Promise<void> {
  try {
    await make(folder);
    const held = await readdir(folder);
    if (held.length && !held.some((name) => OWN.includes(name)))
      throw new Error('it holds other things; a node wants a folder of its own, which it closes');
    await closeToOthers(folder, FOLDER_MODE);
  } catch (e) {
    throw dataRefused(folder, e as Error);
  }
}

/** Somebody else's that this user may write, such as a container's volume, is for them to close. */
export async function closeToOthers(path: string, mode: number): Promise<void> {
  const isClosed = ((await stat(path)).mode & 0o077) === 0;
  if (isClosed) return;
  await chmod(path, mode).catch((e: unknown) => {
    if (codeOf(e) !== 'EPERM') throw e;
  });
}

export const dataRefused = (folder: string, cause: Error): AppError =>
  new AppError('DATA_REFUSED', `${folder} cannot be used: ${cause.message}`, { cause });

/** Not mkdir's own recursion: it never ends where a folder is there in which none can be made, as in /proc. */
async function make(folder: string): Promise<void> {
  try {
    await makeOne(folder);
  } catch (e) {
    if (codeOf(e) === 'EEXIST' && (await stat(folder)).isDirectory()) return;
    if (codeOf(e) !== 'ENOENT' || dirname(folder) === folder) throw e;
    await make(dirname(folder));
    await makeOne(folder);
  }
}

async function makeOne(folder: string): Promise<void> {
  await mkdir(folder, FOLDER_MODE);
  await syncFolder(dirname(folder));
}

const codeOf = (e: unknown): unknown => (e as NodeJS.ErrnoException).code;

/**
 * Writes a file for its owner alone, so that it exists whole or not at all, also when the process dies or the
 * power goes; when it resolves, it outlives both.
 */
export async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, 'w', FILE_MODE);
  try {
    await file.chmod(FILE_MODE);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFolder(dirname(path));
}

/** A name that was made or changed is in its folder, which has to reach the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
