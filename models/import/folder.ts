/** A Hugging Face folder on this machine: which files an import reads, and their contents. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKENIZER_BYTES_MAX, TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import { AppError } from '../../src/lib/errors.ts';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { bertConfig, bertFrom, poolingFile, type Bert } from './bert.ts';
import { parseOnnxWeights } from './onnx-weights.ts';
import { parseSafetensors, type Tensors } from './safetensors.ts';
import { requireQuickPatterns } from '../patterns.ts';

const CONFIG_BYTES_MAX = 2 ** 20;

export interface Source {
  readonly bert: Bert;
  /** tokenizer.json */
  readonly tokenizer: Uint8Array;
}

/** Files of a folder, beside the one that modules.json names; those with `optional` may be missing. */
export const FILES: readonly { readonly name: string; readonly optional?: true }[] = [
  { name: 'config.json' },
  { name: 'modules.json', optional: true },
  { name: TOKENIZER_FILE },
];

/** Where the weights may lie; the first that is there is read. */
export const WEIGHTS: readonly (readonly [name: string, parse: (file: Uint8Array) => Tensors])[] = [
  ['model.safetensors', parseSafetensors],
  ['onnx/model.onnx', parseOnnxWeights],
  ['model.onnx', parseOnnxWeights],
];

async function readJson<T>(
  folder: string,
  name: string,
  optional: boolean = FILES.find((f) => f.name === name)?.optional === true,
): Promise<T | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(join(folder, name));
  } catch (cause) {
    if (optional) return undefined;
    throw new AppError('MODEL_MISSING', `${name} can't be read`, { cause });
  }
  if (bytes.length > CONFIG_BYTES_MAX) throw new AppError('MODEL_CORRUPT', `${name} is over 1 MiB`);
  try {
    return JSON.parse(textFromBytes(bytes)) as T;
  } catch (cause) {
    throw new AppError('MODEL_CORRUPT', `${name} is not JSON`, { cause });
  }
}

async function readBytes(folder: string, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(join(folder, name)));
  } catch (cause) {
    throw new AppError('MODEL_MISSING', `${name} can't be read`, { cause });
  }
}

async function readWeights(folder: string): Promise<Tensors> {
  for (const [name, parse] of WEIGHTS) {
    const isThere = await access(join(folder, name)).then(
      () => true,
      () => false,
    );
    if (isThere) return parse(await readBytes(folder, name));
  }
  const names = WEIGHTS.map(([name]) => name).join(', ');
  throw new AppError('MODEL_MISSING', `there is none of ${names}`);
}

/** What modules.json lists; nothing where there is none. @throws AppError MODEL_CORRUPT */
export async function readModules(folder: string): Promise<Readonly<Record<string, unknown>>[]> {
  const modules = (await readJson<unknown>(folder, 'modules.json')) ?? [];
  if (!Array.isArray(modules)) throw new AppError('MODEL_CORRUPT', 'modules.json is not a list');
  return modules.map((one: unknown) => Object(one) as Record<string, unknown>);
}

/** @throws AppError MODEL_MISSING, MODEL_CORRUPT, MODEL_REFUSED */
export async function readFolder(folder: string): Promise<Source> {
  type Json = Record<string, unknown>;
  const config = await readJson<Json>(folder, 'config.json');
  const modules = await readModules(folder);
  const { name, optional } = poolingFile(modules);
  const pooling = await readJson<Json>(folder, name, optional);
  const accepted = bertConfig(Object(config) as Json, pooling, modules);
  const tokenizer = await readBytes(folder, TOKENIZER_FILE);
  if (tokenizer.length > TOKENIZER_BYTES_MAX)
    throw new AppError('MODEL_REFUSED', `${TOKENIZER_FILE} has ${tokenizer.length} bytes`);
  await requireQuickPatterns(tokenizer);
  return { bert: bertFrom(accepted, await readWeights(folder)), tokenizer };
}
