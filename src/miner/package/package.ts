/**
 * A model's package: manifest.json, seg-0.onnx … seg-L.onnx, weights.bin (all B_ℓᵀ joined).
 * Everything is checked against the manifest's hashes; manifest.json is core's Manifest in text.
 */
import {
  manifestProblem,
  modelId,
  Manifest,
  type FileRef,
  type Linear,
  OPERAND_MAX,
} from '../../core/manifest.ts';
import { CodecError, encode } from '../../core/codec.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { ONNX_BYTES_MAX } from './onnx.ts';
import { blake3Of } from './parts.ts';

export const MANIFEST_FILE = 'manifest.json';
export const WEIGHTS_FILE = 'weights.bin';
export const TOKENIZER_FILE = 'tokenizer.json';
export const segmentFile = (index: number): string => `seg-${index}.onnx`;
const MANIFEST_BYTES_MAX = 2 ** 20;
/** Most bytes of weights and segments together: a browser's worker can hold them twice. */
export const PACKAGE_BYTES_MAX = 2 ** 30;
/** Most bytes of a tokenizer. Only clients that ask fetch it; a tokenizer of 30,522 words has 0.7 MB. */
export const TOKENIZER_BYTES_MAX = 16 * 2 ** 20;
/** Characters of a key from untrusted JSON that are shown in an error message. */
const SHOWN_MAX = 64;

const corrupt = (message: string, cause?: unknown): AppError =>
  new AppError('MODEL_CORRUPT', message, { cause });

/** Manifest as JSON: hashes in hex, `tokenizer` left out where there is none, everything else unchanged. */
export const manifestToJson = ({ tokenizer, ...m }: Manifest): unknown => ({
  ...m,
  segments: m.segments.map((s) => ({ ...s, hash: toHex(s.hash) })),
  linears: m.linears.map((l) => ({ ...l, weights: toHex(l.weights) })),
  knownAnswer: m.knownAnswer.map(toHex),
  ...(tokenizer && { tokenizer: { hash: toHex(tokenizer.hash), size: tokenizer.size } }),
});

type Fields = Record<string, unknown>;
function object(
  value: unknown,
  at: string,
  keys: readonly string[],
  optional: readonly string[] = [],
): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw corrupt(`${at} is not an object`);
  const found = Object.keys(value);
  const odd =
    found.find((k) => !keys.includes(k) && !optional.includes(k)) ??
    keys.find((k) => !found.includes(k));
  if (odd !== undefined)
    throw corrupt(`${at}: '${odd.slice(0, SHOWN_MAX)}' is missing or not known`);
  return value as Fields;
}
function array<T>(value: unknown, at: string, item: (x: unknown, at: string) => T): T[] {
  if (!Array.isArray(value)) throw corrupt(`${at} is not a list`);
  return value.map((x, i) => item(x, `${at}[${i}]`));
}
function number(value: unknown, at: string): number {
  if (typeof value !== 'number') throw corrupt(`${at} is not a number`);
  return value;
}
function text(value: unknown, at: string): string {
  if (typeof value !== 'string') throw corrupt(`${at} is not a text`);
  return value;
}
function digest(value: unknown, at: string): Uint8Array {
  const bytes = fromHex(text(value, at), 32);
  if (!bytes) throw corrupt(`${at} is not a hash of 64 hex digits`);
  return bytes;
}

const LINEAR_KEYS = ['m', 'k', 'n', 'r', 'weights'] as const;
const linear = (value: unknown, at: string): Linear => {
  const f = object(value, at, LINEAR_KEYS);
  const size = (key: string): number => number(f[key], `${at}.${key}`);
  const weights = digest(f.weights, `${at}.weights`);
  return { m: size('m'), k: size('k'), n: size('n'), r: size('r'), weights };
};
const file = (value: unknown, at: string): FileRef => {
  const f = object(value, at, ['hash', 'size']);
  return { hash: digest(f.hash, `${at}.hash`), size: number(f.size, `${at}.size`) };
};

const NUMBERS = ['version', 'sequences', 'tokens', 'vocabulary', 'answerSize', 'kappa64'] as const;
const OTHERS = ['name', 'packing', 'labels', 'segments', 'linears', 'knownAnswer'] as const;

/**
 * Manifest from parsed JSON of unknown origin.
 * @throws AppError MODEL_CORRUPT with the place that is wrong, MODEL_REFUSED
 */
export function manifestFromJson(value: unknown): Manifest {
  const f = object(value, 'manifest', [...NUMBERS, ...OTHERS], ['tokenizer']);
  const numbers = Object.fromEntries(NUMBERS.map((k) => [k, number(f[k], k)])) as Record<
    (typeof NUMBERS)[number],
    number
  >;
  const manifest: Manifest = {
    ...numbers,
    name: text(f.name, 'name'),
    packing: text(f.packing, 'packing'),
    labels: array(f.labels, 'labels', text),
    segments: array(f.segments, 'segments', file),
    linears: array(f.linears, 'linears', linear),
    knownAnswer: array(f.knownAnswer, 'knownAnswer', digest),
    tokenizer: f.tokenizer === undefined ? null : file(f.tokenizer, 'tokenizer'),
  };
  try {
    encode(Manifest, manifest);
  } catch (e) {
    if (e instanceof CodecError) throw corrupt(`manifest: ${e.message}`, e);
    throw e;
  }
  const problem = manifestProblem(manifest);
  if (problem) throw corrupt(`manifest: ${problem}`);
  if (manifest.tokenizer && manifest.tokenizer.size > TOKENIZER_BYTES_MAX)
    throw new AppError(
      'MODEL_REFUSED',
      `${TOKENIZER_FILE} has ${manifest.tokenizer.size} bytes, over ${TOKENIZER_BYTES_MAX}`,
    );
  return manifest;
}

/** Manifest from the bytes of manifest.json. @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw corrupt(`manifest.json is over 1 MiB`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (e) {
    throw corrupt('manifest.json is not JSON', e);
  }
  return manifestFromJson(value);
}

/** B_ℓᵀ of a linear, checked against its hash and the range ±63. The caller must not use `part` afterwards. */
async function readWeights(m: Manifest, index: number, part: Uint8Array): Promise<Int8Array> {
  if (!equal(await blake3Of(part), m.linears[index]!.weights))
    throw corrupt(`weights of linear ${index + 1} do not match their hash`);
  const values = new Int8Array(part.buffer, part.byteOffset, part.length);
  const odd = values.find((w) => w > OPERAND_MAX || w < -OPERAND_MAX);
  if (odd !== undefined)
    throw new AppError('MODEL_REFUSED', `linear ${index + 1}: weight ${odd} is outside ±63`);
  return values;
}

const weightBytes = (m: Manifest): number => m.linears.reduce((sum, l) => sum + l.k * l.n, 0);

/** Checks the sizes in a manifest before anything large is read. */
function checkSizes(m: Manifest): void {
  const odd = m.segments.findIndex((s) => s.size > ONNX_BYTES_MAX);
  if (odd >= 0)
    throw new AppError(
      'MODEL_REFUSED',
      `${segmentFile(odd)} has ${m.segments[odd]!.size} bytes, over ${ONNX_BYTES_MAX}`,
    );
  const total = weightBytes(m) + m.segments.reduce((sum, s) => sum + s.size, 0);
  if (total > PACKAGE_BYTES_MAX)
    throw new AppError('MODEL_REFUSED', `the model has ${total} bytes, over ${PACKAGE_BYTES_MAX}`);
}

/** weights.bin cut into the weights of each linear. */
function cutWeights(m: Manifest, bytes: Uint8Array): Uint8Array[] {
  const size = weightBytes(m);
  if (bytes.length !== size)
    throw corrupt(`${WEIGHTS_FILE} has ${bytes.length} bytes, the manifest says ${size}`);
  let at = 0;
  return m.linears.map((l) => bytes.slice(at, (at += l.k * l.n)));
}

async function checkSegment(ref: FileRef, name: string, bytes: Uint8Array): Promise<void> {
  if (bytes.length !== ref.size)
    throw corrupt(`${name} has ${bytes.length} bytes, the manifest says ${ref.size}`);
  if (!equal(await blake3Of(bytes), ref.hash)) throw corrupt(`${name} does not match its hash`);
}

/**
 * A package from its files: segments 0..L, then the weights of linears 1..L, whose bytes the caller must not
 * use afterwards. It checks the files against the manifest; checkModel proves that the model is exact.
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED
 */
export async function packageOf(
  manifest: Manifest,
  files: readonly Uint8Array[],
): Promise<ModelPackage> {
  checkSizes(manifest);
  const count = manifest.segments.length;
  if (files.length !== count + manifest.linears.length) throw corrupt('files are missing');
  const segments = files.slice(0, count);
  for (const [i, ref] of manifest.segments.entries())
    await checkSegment(ref, segmentFile(i), segments[i]!);
  const weights: Int8Array[] = [];
  for (const [i, part] of files.slice(count).entries())
    weights.push(await readWeights(manifest, i, part));
  return { id: modelId(manifest), manifest, segments, weights };
}

/**
 * Loads a whole package through `read`, which returns a file of the package's folder by its name.
 * @throws AppError MODEL_MISSING (a file can't be read), MODEL_CORRUPT, MODEL_REFUSED
 */
export async function loadPackage(
  read: (file: string) => Promise<Uint8Array>,
): Promise<ModelPackage> {
  const get = async (file: string): Promise<Uint8Array> => {
    try {
      return await read(file);
    } catch (e) {
      throw new AppError('MODEL_MISSING', `the model's file ${file} can't be read`, { cause: e });
    }
  };
  const manifest = parseManifest(await get(MANIFEST_FILE));
  checkSizes(manifest);
  const weights = cutWeights(manifest, await get(WEIGHTS_FILE));
  const segments: Uint8Array[] = [];
  for (const i of manifest.segments.keys()) segments.push(await get(segmentFile(i)));
  return packageOf(manifest, [...segments, ...weights]);
}
