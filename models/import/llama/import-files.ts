/** A decoder's files on this machine to a package's folder: what was done before a cut is gone on with. */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { utf8 } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { textFromBytes } from '../../../src/lib/text-file.ts';
import { GENERATION_FILE, TOKENIZER_FILE } from '../../../src/miner/package/package.ts';
import { readJson } from '../checkpoint/files.ts';
import { writePackage } from '../../write-package.ts';
import { importDecoder, type DecoderImport, type ImportedDecoder } from './convert.ts';
import type { Keeper } from './keeper.ts';
import { filesKeeper } from './kept-files.ts';
import { openLlama } from './read/open.ts';
import { parseRows } from './rows.ts';

const CONFIG = 'config.json';
/** `model_type` of checkpoints that are read as decoders. */
const TYPES: readonly unknown[] = ['llama', 'qwen2', 'qwen3'];

/** Whether a path is a GGUF file, a folder with one, or a checkpoint of Llama's class. */
export function isDecoder(path: string): boolean {
  if (path.endsWith('.gguf')) return true;
  if (!existsSync(path) || !statSync(path).isDirectory()) return false;
  if (readdirSync(path).some((name) => name.endsWith('.gguf'))) return true;
  const config = readJson(path, CONFIG) as { readonly model_type?: unknown } | null | undefined;
  return TYPES.includes(config?.model_type);
}

async function sha256Of(path: string): Promise<Uint8Array> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest();
}

/** Names of all that may be read of a folder. */
const readNames = (path: string): string[] =>
  readdirSync(path)
    .filter((name) => /\.(gguf|safetensors|json|jinja)$/.test(name))
    .sort();

/** Of all that may be read of a path. */
async function inputHashes(path: string): Promise<Uint8Array[]> {
  if (!statSync(path).isDirectory()) return [await sha256Of(path)];
  const hashes: Uint8Array[] = [];
  for (const name of readNames(path)) hashes.push(utf8(name), await sha256Of(join(path, name)));
  return hashes;
}

/** What changes when a file that may be read is written. */
function inputTimes(path: string): string {
  const timeOf = (at: string): string => {
    const found = statSync(at, { bigint: true, throwIfNoEntry: false });
    return found ? `${found.ino} ${found.size} ${found.mtimeNs}` : 'gone';
  };
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return timeOf(path);
  return readNames(path)
    .map((name) => `${name} ${timeOf(join(path, name))}`)
    .join();
}

/**
 * Weights are read layer by layer while the import goes on: what is made of a file that was written meanwhile is of no
 * one input, and is not kept as of this one. @throws AppError MODEL_CORRUPT, on writing
 */
const ofUnchanged = (keeper: Keeper, requireUnchanged: () => void): Keeper => ({
  read: (name) => keeper.read(name),
  write(name, value) {
    requireUnchanged();
    keeper.write(name, value);
  },
});

export interface FilesImport extends Pick<DecoderImport, 'labelling' | 'lengths' | 'log'> {
  /** A GGUF file, or a folder. */
  readonly path: string;
  /** Of calibration (rows.ts). */
  readonly rows?: string | undefined;
  /** The package's folder: it is there whole or not at all. */
  readonly out: string;
}

/** @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED, each with the file and the field */
export async function importFiles({ path, rows, out, ...how }: FilesImport) {
  const text = rows === undefined ? undefined : textFromBytes(readFileSync(rows));
  const times = inputTimes(path);
  const requireUnchanged = (): void => {
    if (inputTimes(path) !== times)
      throw new AppError('MODEL_CORRUPT', `${path} was written while it was imported`);
  };
  const llama = await openLlama(path);
  const work = `${out}.import`;
  try {
    const told = JSON.stringify([how.labelling, how.lengths, text ?? null]);
    const files = filesKeeper(work, utf8(told), ...(await inputHashes(path)));
    const keeper = ofUnchanged(files, requireUnchanged);
    const { vocabulary } = llama.config;
    const given = text === undefined ? {} : { rows: parseRows(text, vocabulary, rows!) };
    const imported = await importDecoder({ ...how, ...given, llama, keeper });
    requireUnchanged();
    place(imported, out, join(work, 'package'));
    rmSync(work, { recursive: true });
    return imported;
  } finally {
    llama.close();
  }
}

/** Written beside, then moved: no folder of the package's name holds a part of it. */
function place(
  { model, tokenizer, generation }: ImportedDecoder,
  out: string,
  beside: string,
): void {
  rmSync(beside, { recursive: true, force: true });
  writePackage(beside, model);
  writeFileSync(join(beside, TOKENIZER_FILE), tokenizer);
  writeFileSync(join(beside, GENERATION_FILE), generation);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(dirname(out), { recursive: true });
  renameSync(beside, out);
}
