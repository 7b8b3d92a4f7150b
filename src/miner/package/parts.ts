/**
 * A package cut into parts for fetching: its segments, tables, weights, tokenizer.json and generation.json, in pieces
 * of at most 8 MiB. A part is one whole file or several joined, whose hashes the manifest names: a language model has
 * hundreds of small ones. Bigger files are cut along their BLAKE3 tree: the parts' chaining values give the file's
 * hash, and the list of all these values, the outline, is part 0. So every part can be checked and no peer need be
 * trusted (docs/models.md). The manifest of a served model is a part too: its hash is the model's id.
 */
import { createBLAKE3 } from 'hash-wasm';
import { encode } from '../../core/codec.ts';
import { hash } from '../../core/hash.ts';
import { heldPlaces, Manifest, type FileRef } from '../../core/manifest.ts';
import { MODEL_SLICE_BYTES } from '../../core/messages.ts';
import { CHUNK_BYTES } from '../../core/pow/blake3.ts';
import { hashOfParts, subtreeValue } from '../../core/pow/blake3-tree.ts';
import { assert } from '../../lib/errors.ts';
import { equal } from '../../lib/bytes.ts';

/** 2^13 chunks: a part is a whole subtree. */
export const PART_BYTES = 8 * 2 ** 20;
/** Files are joined up to so many bytes: such a part is one request to a peer. */
export const JOINED_BYTES = MODEL_SLICE_BYTES;
export const OUTLINE = 0;
/** The encoded manifest of a served model; no package has so many other parts. */
export const MANIFEST_PART = 65_535;
const VALUE_BYTES = 32;

export interface Part {
  /** Index of its first file among the plan's files. */
  readonly file: number;
  /** Index after that of its last file. */
  readonly end: number;
  /** Offset of the part's first byte in its first file. */
  readonly at: number;
  readonly size: number;
  /** Index of the part's chaining value in the outline; undefined for whole files. */
  readonly value: number | undefined;
}

/** What a part has of one file. */
export interface Piece {
  readonly file: number;
  /** Offset of its first byte in the file. */
  readonly at: number;
  /** Offset of the same byte in the part. */
  readonly from: number;
  readonly size: number;
}

export interface PartPlan {
  /** The files that passes need, then tokenizer.json and generation.json where there are. */
  readonly files: readonly FileRef[];
  /** Parts from 1 on: `parts[i]` is part i + 1. */
  readonly parts: readonly Part[];
  /** Bytes of the outline; 0 when there is none to fetch. */
  readonly outlineBytes: number;
  /** Of a served model, whose manifest is fetched too; undefined where the program has it. */
  readonly manifest: ManifestPart | undefined;
  /** Bytes of all parts, outline and manifest included. */
  readonly bytes: number;
}

export interface ManifestPart {
  /** The model's. */
  readonly id: Uint8Array;
  readonly size: number;
}

/** What is fetched of a served model of which its id is known alone. */
export const planManifest = (manifest: ManifestPart): PartPlan => ({
  files: [],
  parts: [],
  outlineBytes: 0,
  manifest,
  bytes: manifest.size,
});

/** The plan of a served model's whole package. */
export function planServed(manifest: Manifest, partBytes = PART_BYTES): PartPlan {
  const encoded = encode(Manifest, manifest);
  const plan = planParts(manifest, partBytes);
  const own = { id: idOf(encoded), size: encoded.length };
  return { ...plan, manifest: own, bytes: plan.bytes + own.size };
}

/** The id that an encoded manifest gives. */
export const idOf = (encoded: Uint8Array): Uint8Array => hash('model', encoded);

/** Files that passes need: segments 0..L of each shape in turn, the tables, the weights, equal ones once. */
export const passFiles = (m: Manifest): FileRef[] => [
  ...m.shapes.flatMap(({ segments }) => segments),
  ...m.tables,
  ...heldPlaces(m).map((i) => {
    const { k, n, weights: hash } = m.linears[i]!;
    return { hash, size: k * n };
  }),
];

/** @param partBytes a power of two of at least 1024; other than 8 MiB in tests only */
export function planParts(manifest: Manifest, partBytes = PART_BYTES): PartPlan {
  assert(partBytes >= CHUNK_BYTES && Number.isInteger(Math.log2(partBytes)), 'whole subtrees');
  const { tokenizer, template } = manifest;
  const needed = passFiles(manifest);
  const files = [...needed, ...[tokenizer, template].filter((x) => x !== null)];
  const joinedBytes = Math.min(partBytes, JOINED_BYTES);
  const parts: Part[] = [];
  let values = 0;
  for (const [file, { size }] of files.entries()) {
    const last = parts.at(-1);
    // A file that no pass needs is fetched alone.
    const joins = last?.value === undefined && file < needed.length;
    if (last && joins && last.size + size <= joinedBytes) {
      parts[parts.length - 1] = { ...last, end: file + 1, size: last.size + size };
      continue;
    }
    const isWhole = size <= partBytes;
    for (let at = 0; at === 0 || at < size; at += partBytes) {
      const value = isWhole ? undefined : values++;
      parts.push({ file, end: file + 1, at, size: Math.min(partBytes, size - at), value });
    }
  }
  const outlineBytes = values * VALUE_BYTES;
  const bytes = parts.reduce((sum, { size }) => sum + size, outlineBytes);
  return { files, parts, outlineBytes, manifest: undefined, bytes };
}

/** Numbers of all parts: first the manifest and the outline, where they are parts. */
export const partNumbers = (plan: PartPlan): number[] => [
  ...(plan.manifest ? [MANIFEST_PART] : []),
  ...(plan.outlineBytes ? [OUTLINE] : []),
  ...plan.parts.map((_, i) => i + 1),
];

/** What a part of a plan has of each of its files, in order. */
export function piecesOf({ files }: PartPlan, part: Part): Piece[] {
  const { file, end, at, size, value } = part;
  if (value !== undefined) return [{ file, at, from: 0, size }];
  let from = 0;
  return files.slice(file, end).map((whole, i) => {
    const piece = { file: file + i, at: 0, from, size: whole.size };
    from += whole.size;
    return piece;
  });
}

/** Numbers of the parts that hold one file, the outline first where they need it. */
export function partsOfFile({ parts }: PartPlan, file: number): number[] {
  const own = [...parts.keys()].filter((i) => parts[i]!.file <= file && file < parts[i]!.end);
  const isCut = own.some((i) => parts[i]!.value !== undefined);
  return [...(isCut ? [OUTLINE] : []), ...own.map((i) => i + 1)];
}

export function partSize(plan: PartPlan, part: number): number | undefined {
  if (part === MANIFEST_PART) return plan.manifest?.size;
  return part === OUTLINE ? plan.outlineBytes || undefined : plan.parts[part - 1]?.size;
}

/** The chaining value of one part of a bigger file, for an outline. */
export const valueOfPart = ({ at }: Part, bytes: Uint8Array): Uint8Array =>
  subtreeValue(bytes, at / CHUNK_BYTES);

/** One for all: a package has hundreds of files, and each would be an instance of WebAssembly. */
let hasher: ReturnType<typeof createBLAKE3> | undefined;

export async function blake3Of(data: Uint8Array): Promise<Uint8Array> {
  hasher ??= createBLAKE3();
  // From here to the digest nothing else runs.
  return (await hasher).init().update(data).digest('binary');
}

function valueAt(outline: Uint8Array, index: number): Uint8Array {
  return outline.subarray(VALUE_BYTES * index, VALUE_BYTES * (index + 1));
}

/** Whether an outline's chaining values give the hash of every file that they belong to. */
export function isOutline(plan: PartPlan, outline: Uint8Array): boolean {
  if (outline.length !== plan.outlineBytes) return false;
  return plan.files.every(({ hash }, file) => {
    const values = plan.parts
      .filter((part) => part.file === file && part.value !== undefined)
      .map(({ value }) => valueAt(outline, value!));
    return !values.length || equal(hashOfParts(values), hash);
  });
}

/** Whether these bytes are that part. `outline`: the verified outline, needed for parts of bigger files. */
export async function isPart(
  plan: PartPlan,
  part: number,
  bytes: Uint8Array,
  outline: Uint8Array | undefined,
): Promise<boolean> {
  if (part === OUTLINE) return isOutline(plan, bytes);
  if (part === MANIFEST_PART) return !!plan.manifest && equal(idOf(bytes), plan.manifest.id);
  const found = plan.parts[part - 1];
  if (!found || bytes.length !== found.size) return false;
  if (found.value !== undefined)
    return outline !== undefined && equal(valueOfPart(found, bytes), valueAt(outline, found.value));
  for (const { file, from, size } of piecesOf(plan, found))
    if (!equal(await blake3Of(bytes.subarray(from, from + size)), plan.files[file]!.hash))
      return false;
  return true;
}
