/** Packages of served models in folders of this computer, each with manifest.json and the files that it names. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { servedOf } from '../../client/models/package-store.ts';
import { SERVED, SERVED_MAX, servedFrom, type ServedModel } from '../../client/models/served.ts';
import { encode } from '../../core/codec.ts';
import { Manifest } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import {
  decodeManifest,
  fileSizes,
  MANIFEST_FILE,
  parseManifest,
} from '../../miner/package/package.ts';

/** Where `npm run model:fetch` puts packages, each in a folder of its name. */
const FETCHED_FOLDER = fileURLToPath(new URL('../../../.cache/models', import.meta.url));

export interface ServedFolder {
  readonly said: ServedModel;
  readonly manifest: Manifest;
  readonly folder: string;
}

/** @throws AppError MODEL_MISSING (no manifest.json there), MODEL_CORRUPT, MODEL_REFUSED */
async function readFolder(folder: string): Promise<ServedFolder> {
  const path = join(folder, MANIFEST_FILE);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new AppError('MODEL_MISSING', `${path} cannot be read`, { cause });
  });
  // By the rules of whoever fetches it.
  const manifest = decodeManifest(encode(Manifest, parseManifest(bytes)));
  const [said] = servedFrom([servedOf(manifest)]);
  await requireSizes(folder, manifest);
  return { said: said!, manifest, folder };
}

/** A copy that was cut short would be offered, and every part after the cut refused. @throws AppError MODEL_CORRUPT */
async function requireSizes(folder: string, manifest: Manifest): Promise<void> {
  for (const [file, size] of fileSizes(manifest)) {
    const path = join(folder, file);
    const found = await stat(path).catch((cause: unknown) => {
      throw new AppError('MODEL_CORRUPT', `${path} cannot be read`, { cause });
    });
    if (found.size !== size)
      throw new AppError('MODEL_CORRUPT', `${path} has ${found.size} bytes of ${size}`);
  }
}

/**
 * Each package once: pages read no list in which a name or an id stands twice.
 * @throws AppError WRONG_FLAG for two packages of one name
 */
function distinct(found: readonly ServedFolder[]): ServedFolder[] {
  const byName = new Map<string, ServedFolder>();
  for (const one of found) {
    const { name, id } = one.said;
    const other = byName.get(name);
    if (other && other.said.id !== id)
      throw new AppError(
        'WRONG_FLAG',
        `${other.folder} and ${one.folder} are two packages that are both called ${name}`,
      );
    byName.set(name, other ?? one);
  }
  if (byName.size > SERVED_MAX)
    throw new AppError('WRONG_FLAG', `${byName.size} served models; at most ${SERVED_MAX}`);
  return [...byName.values()];
}

/**
 * Served packages that a node holds: those of the folders that it was told, or else those of models/served.json that
 * were fetched on this computer.
 * @throws AppError WRONG_FLAG for a folder that it was told and that holds no package
 */
export async function findServed(
  told: readonly string[] | undefined,
  log: Pick<Log, 'warn'>,
  { named = SERVED, fetched = FETCHED_FOLDER } = {},
): Promise<ServedFolder[]> {
  if (told) return requireFolders(told);
  const found: ServedFolder[] = [];
  for (const { name, id } of named) {
    const folder = join(fetched, name);
    if (!(await stat(folder).catch(() => undefined))) continue;
    try {
      const own = await readFolder(folder);
      if (own.said.id === id) found.push(own);
      else log.warn('served.other', { model: name, folder, id: own.said.id, listed: id });
    } catch (e) {
      const { code, message } = AppError.from(e);
      log.warn('served.unread', { model: name, folder, code, why: message });
    }
  }
  return found;
}

/**
 * Packages to answer with, each by the name under which it was fetched on this computer, or by its folder.
 * @throws AppError WRONG_FLAG with the command that brings one that is not here
 */
export async function findServing(
  told: readonly string[],
  fetched = FETCHED_FOLDER,
): Promise<ServedFolder[]> {
  const found: ServedFolder[] = [];
  for (const one of told) {
    const isName = /^[a-z0-9][a-z0-9._-]*$/.test(one);
    found.push(
      await readFolder(isName ? join(fetched, one) : one).catch((cause: unknown) => {
        const { code, message } = AppError.from(cause);
        const isAbsent = isName && code === 'MODEL_MISSING';
        const hint = isAbsent ? `; npm run model:fetch -- ${one} brings it` : '';
        throw new AppError('WRONG_FLAG', `--serve: ${message}${hint}`, { cause });
      }),
    );
  }
  return distinct(found);
}

/** Those that are answered with, then the others. @throws AppError WRONG_FLAG for two of one name, or too many */
export const withServing = (
  held: readonly ServedFolder[],
  serving: readonly ServedFolder[],
): ServedFolder[] => distinct([...serving, ...held]);

/** What --serve names: a package's name or folder. @throws AppError WRONG_FLAG */
export function servingOf(told: readonly string[] = []): readonly string[] {
  if (told.length > SERVED_MAX) throw new AppError('WRONG_FLAG', `--serve: at most ${SERVED_MAX}`);
  if (told.includes('')) throw new AppError('WRONG_FLAG', "--serve takes a model, not ''");
  return told;
}

async function requireFolders(folders: readonly string[]): Promise<ServedFolder[]> {
  const found: ServedFolder[] = [];
  for (const folder of folders.slice(0, SERVED_MAX))
    found.push(
      await readFolder(folder).catch((e: unknown) => {
        throw new AppError('WRONG_FLAG', `--package: ${AppError.from(e).message}`, { cause: e });
      }),
    );
  return distinct(found);
}
