/**
 * A model's package: manifest.json, seg-0.onnx … seg-L.onnx of the shape that is mined and seg-<shape>-<i>.onnx of
 * further ones, table-<i>.bin, weights.bin (all B_ℓᵀ joined, equal ones once). Everything is checked against the
 * manifest's hashes; manifest.json is core's Manifest in text.
 */
import {
  heldPlaces,
  manifestProblem,
  modelId,
  sharedByWeights,
  Manifest,
  type Carry,
  type FileRef,
  type Linear,
  type Shape,
  type Table,
} from '../../core/manifest.ts';
import { CodecError, encode, tryDecode } from '../../core/codec.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { array, corrupt, digest, number, numbers, object, parseJson, text } from './json.ts';
import { ONNX_BYTES_MAX } from './onnx.ts';
import { blake3Of, passFiles } from './parts.ts';
import { firstOutside } from './weights.ts';

export const MANIFEST_FILE = 'manifest.json';
export const WEIGHTS_FILE = 'weights.bin';
export const TOKENIZER_FILE = 'tokenizer.json';
/** What the manifest's `template` names (generator/generation.ts). */
export const GENERATION_FILE = 'generation.json';
/** Segment `index` of shape number `shape`; those of the shape that is mined have no number of a shape. */
export const segmentFile = (index: number, shape = 0): string =>
  shape ? `seg-${shape}-${index}.onnx` : `seg-${index}.onnx`;
export const tableFile = (index: number): string => `table-${index}.bin`;
const MANIFEST_BYTES_MAX = 2 ** 20;
/** Most bytes of weights, tables and segments together: a browser's worker can hold them twice. */
export const PACKAGE_BYTES_MAX = 2 ** 30;
/** Most bytes of a tokenizer. Only clients that ask fetch it; a tokenizer of 30,522 words has 0.7 MB. */
export const TOKENIZER_BYTES_MAX = 16 * 2 ** 20;
/** Most bytes of generation.json: the longest templates of chats, with tools, have 20 KB. */
export const GENERATION_BYTES_MAX = 2 ** 17;

const withHex = <T extends { hash: Uint8Array }>(file: T) => ({ ...file, hash: toHex(file.hash) });

/** Manifest as JSON: hashes in hex, a file left out where there is none, everything else unchanged. */
export const manifestToJson = ({ tokenizer, template, ...m }: Manifest): unknown => ({
  ...m,
  linears: m.linears.map((l) => ({ ...l, weights: toHex(l.weights) })),
  tables: m.tables.map(withHex),
  shapes: m.shapes.map((s) => ({
    ...s,
    segments: s.segments.map(withHex),
    known: s.known.map(toHex),
  })),
  ...(tokenizer && { tokenizer: withHex(tokenizer) }),
  ...(template && { template: withHex(template) }),
});

const linear = (value: unknown, at: string): Linear => {
  const keys = ['k', 'n', 'r', 'low', 'high'] as const;
  const { found, rest } = numbers(value, at, keys, ['weights']);
  return { ...found, weights: digest(rest.weights, `${at}.weights`) };
};
const file = (value: unknown, at: string): FileRef => {
  const { found, rest } = numbers(value, at, ['size'], ['hash']);
  return { hash: digest(rest.hash, `${at}.hash`), ...found };
};
const table = (value: unknown, at: string): Table => {
  const keys = ['width', 'wide', 'low', 'high', 'size'] as const;
  const { found, rest } = numbers(value, at, keys, ['hash']);
  return { ...found, hash: digest(rest.hash, `${at}.hash`) };
};
const carry = (value: unknown, at: string): Carry => {
  const keys = ['made', 'last', 'size', 'low', 'high'] as const;
  const { found, rest } = numbers(value, at, keys, ['name']);
  return { name: text(rest.name, `${at}.name`), ...found };
};
const shape = (value: unknown, at: string): Shape => {
  const others = ['segments', 'carries', 'known'] as const;
  const { found, rest } = numbers(value, at, ['sequences', 'tokens'], others);
  return {
    ...found,
    segments: array(rest.segments, `${at}.segments`, file),
    carries: array(rest.carries, `${at}.carries`, carry),
    known: array(rest.known, `${at}.known`, digest),
  };
};

const NUMBERS = ['version', 'kind', 'vocabulary', 'answerSize'] as const;
const TEXTS = ['name', 'packing', 'licence', 'attribution'] as const;
const LISTS = ['labels', 'linears', 'tables', 'shapes'] as const;

/**
 * Manifest from parsed JSON of unknown origin.
 * @throws AppError MODEL_CORRUPT with the place that is wrong, MODEL_REFUSED
 */
export function manifestFromJson(value: unknown): Manifest {
  const keys = [...NUMBERS, ...TEXTS, ...LISTS];
  const f = object(value, 'manifest', keys, ['tokenizer', 'template']);
  const each = <K extends string, T>(names: readonly K[], read: (x: unknown, at: string) => T) =>
    Object.fromEntries(names.map((key) => [key, read(f[key], key)])) as Record<K, T>;
  const manifest: Manifest = {
    ...each(NUMBERS, number),
    ...each(TEXTS, text),
    labels: array(f.labels, 'labels', text),
    linears: array(f.linears, 'linears', linear),
    tables: array(f.tables, 'tables', table),
    shapes: array(f.shapes, 'shapes', shape),
    tokenizer: f.tokenizer === undefined ? null : file(f.tokenizer, 'tokenizer'),
    template: f.template === undefined ? null : file(f.template, 'template'),
  };
  try {
    encode(Manifest, manifest);
  } catch (e) {
    if (e instanceof CodecError) throw corrupt(`manifest: ${e.message}`, e);
    throw e;
  }
  const problem = manifestProblem(manifest);
  if (problem) throw corrupt(`manifest: ${problem}`);
  checkSize(manifest.tokenizer, TOKENIZER_FILE, TOKENIZER_BYTES_MAX);
  checkSize(manifest.template, GENERATION_FILE, GENERATION_BYTES_MAX);
  return manifest;
}

/** @throws AppError MODEL_REFUSED */
function checkSize(file: FileRef | null, name: string, most: number): void {
  if (file && file.size > most)
    throw new AppError('MODEL_REFUSED', `${name} has ${file.size} bytes, over ${most}`);
}

/** Manifest from the bytes of manifest.json. @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length > MANIFEST_BYTES_MAX) throw corrupt(`manifest.json is over 1 MiB`);
  return manifestFromJson(parseJson(bytes, MANIFEST_FILE));
}

/** Most bytes of a served model's encoded manifest: one answer of a peer. That of 30 layers in 4 shapes has 75 KB. */
export const SERVED_MANIFEST_BYTES_MAX = 2 ** 18;

/**
 * The manifest of a served model from its encoding, which anybody may have sent: nothing else of the model was read.
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED
 */
export function decodeManifest(encoded: Uint8Array): Manifest {
  if (encoded.length > SERVED_MANIFEST_BYTES_MAX)
    throw new AppError('MODEL_REFUSED', `the manifest has ${encoded.length} bytes`);
  const manifest = tryDecode(Manifest, encoded);
  const problem = manifest ? manifestProblem(manifest) : 'it cannot be read';
  if (!manifest || problem) throw corrupt(`manifest: ${problem}`);
  checkSize(manifest.tokenizer, TOKENIZER_FILE, TOKENIZER_BYTES_MAX);
  checkSize(manifest.template, GENERATION_FILE, GENERATION_BYTES_MAX);
  checkSizes(manifest);
  return manifest;
}

/** B_ℓᵀ of a linear, checked against the range ±63. The caller must not use `part` afterwards. */
function readWeights(index: number, part: Uint8Array): Int8Array {
  const values = new Int8Array(part.buffer, part.byteOffset, part.length);
  const odd = firstOutside(values);
  if (odd !== undefined)
    throw new AppError('MODEL_REFUSED', `linear ${index + 1}: weight ${odd} is outside ±63`);
  return values;
}

/** Names of the files before the weights in a package's folder, in the order of `passFiles`. */
export const graphFiles = (m: Manifest): string[] => [
  ...m.shapes.flatMap(({ segments }, shape) => segments.map((_, i) => segmentFile(i, shape))),
  ...m.tables.map((_, i) => tableFile(i)),
];

/** Bytes of each file of a package's folder beside its manifest.json. */
export function fileSizes(m: Manifest): Map<string, number> {
  const names = graphFiles(m);
  const sizes = passFiles(m).map(({ size }) => size);
  const weights = sizes.slice(names.length).reduce((sum, size) => sum + size, 0);
  const files = new Map(names.map((name, i) => [name, sizes[i]!]));
  files.set(WEIGHTS_FILE, weights);
  if (m.tokenizer) files.set(TOKENIZER_FILE, m.tokenizer.size);
  if (m.template) files.set(GENERATION_FILE, m.template.size);
  return files;
}

/** Checks the sizes in a manifest before anything large is read. */
function checkSizes(m: Manifest): void {
  const segments = m.shapes.flatMap((shape) => shape.segments);
  const odd = segments.findIndex((s) => s.size > ONNX_BYTES_MAX);
  if (odd >= 0) checkSize(segments[odd]!, graphFiles(m)[odd]!, ONNX_BYTES_MAX);
  const total = passFiles(m).reduce((sum, { size }) => sum + size, 0);
  if (total > PACKAGE_BYTES_MAX)
    throw new AppError('MODEL_REFUSED', `the model has ${total} bytes, over ${PACKAGE_BYTES_MAX}`);
}

/** weights.bin cut into its files. */
function cutWeights(m: Manifest, bytes: Uint8Array): Uint8Array[] {
  const sizes = passFiles(m)
    .slice(graphFiles(m).length)
    .map(({ size }) => size);
  const whole = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes.length !== whole)
    throw corrupt(`${WEIGHTS_FILE} has ${bytes.length} bytes, the manifest says ${whole}`);
  let at = 0;
  return sizes.map((size) => bytes.slice(at, (at += size)));
}

/** The files of a package, as `passFiles` lists them, then generation.json of a language model that is to generate. */
export type PackageFiles = readonly Uint8Array[];

/** What is said of each of these files, and what it is called. @throws AppError MODEL_CORRUPT */
function named(m: Manifest, files: PackageFiles): { ref: FileRef; name: string }[] {
  const names = [
    ...graphFiles(m),
    ...heldPlaces(m).map((place) => `weights of linear ${place + 1}`),
  ];
  const found = passFiles(m).map((ref, i) => ({ ref, name: names[i]! }));
  if (m.template && files.length > found.length)
    found.push({ ref: m.template, name: GENERATION_FILE });
  if (files.length !== found.length) throw corrupt('files are missing');
  for (const [i, { ref, name }] of found.entries())
    if (files[i]!.length !== ref.size)
      throw corrupt(`${name} has ${files[i]!.length} bytes, the manifest says ${ref.size}`);
  return found;
}

/** Whether these are the manifest's. @throws AppError MODEL_CORRUPT with the first that is not */
export async function checkFiles(manifest: Manifest, files: PackageFiles): Promise<void> {
  for (const [i, { ref, name }] of named(manifest, files).entries())
    if (!equal(await blake3Of(files[i]!), ref.hash))
      throw corrupt(`${name} does not match its hash`);
}

/**
 * A package from files that were checked; a language model's that has no generation.json runs passes. Linears of the
 * same weights share one array, whose bytes the caller must not use afterwards. checkModel proves that it is exact.
 * @throws AppError MODEL_CORRUPT where files are missing or cut, MODEL_REFUSED
 */
export function packageOf(manifest: Manifest, files: PackageFiles): ModelPackage {
  checkSizes(manifest);
  named(manifest, files);
  const refs = passFiles(manifest);
  const generation = files[refs.length];
  const names = graphFiles(manifest);
  const held = new Map<number, Int8Array>();
  for (const [i, place] of heldPlaces(manifest).entries())
    held.set(place, readWeights(place, files[names.length + i]!));
  const weights = sharedByWeights(manifest, (_, place) => held.get(place)!);

  let at = 0;
  const take = (count: number): Uint8Array[] => files.slice(at, (at += count));
  const [segments, ...otherShapes] = manifest.shapes.map((shape) => take(shape.segments.length));
  const tables = take(manifest.tables.length);
  const id = modelId(manifest);
  const whole = { id, manifest, segments: segments!, otherShapes, tables, weights };
  return generation ? { ...whole, generation } : whole;
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
  const files: Uint8Array[] = [];
  for (const name of graphFiles(manifest)) files.push(await get(name));
  const generation = manifest.template ? [await get(GENERATION_FILE)] : [];
  const all = [...files, ...weights, ...generation];
  await checkFiles(manifest, all);
  return packageOf(manifest, all);
}
