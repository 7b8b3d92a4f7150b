/**
 * A package cut into parts for fetching: its segments, tables, weights, tokenizer.json and generation.json, in pieces
 * of at most 8 MiB. A part that is a whole file has the file's hash, which the manifest names. Bigger files are cut
 * along their BLAKE3 tree: the parts' chaining values give the file's hash, and the list of all these values, the
 * outline, is part 0. So every part can be checked and no peer need be trusted (docs/models.md). The manifest of a
 * served model is a part too: its hash is the model's id.
 */
import { createBLAKE3 } from 'hash-wasm';
import { encode } from '../../core/codec.ts';
import { hash } from '../../core/hash.ts';
import { heldPlaces, Manifest, type FileRef } from '../../core/manifest.ts';
import { CHUNK_BYTES } from '../../core/pow/blake3.ts';
import { hashOfParts, subtreeValue } from '../../core/pow/blake3-tree.ts';
import { assert } from '../../lib/errors.ts';
import { equal } from '../../lib/bytes.ts';

/** 2^13 chunks: a part is a whole subtree. */
export const PART_BYTES = 8 * 2 ** 20;
export const OUTLINE = 0;
/** The encoded manifest of a served model; no package has so many other parts. */
export const MANIFEST_PART = 65_535;
const VALUE_BYTES = 32;

export interface Part {
  /** Index of the file among the plan's files. */
  readonly file: number;
  /** Offset of the part's first byte in that file. */
  readonly at: number;
  readonly size: number;
  /** Index of the part's chaining value in the outline; undefined for a whole file. */
  readonly value: number | undefined;
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
  const files = [...passFiles(manifest), ...[tokenizer, template].filter((x) => x !== null)];
  const parts: Part[] = [];
  let values = 0;
  for (const [file, { size }] of files.entries()) {
    const isWhole = size <= partBytes;
    for (let at = 0; at === 0 || at < size; at += partBytes) {
      const value = isWhole ? undefined : values++;
      parts.push({ file, at, size: Math.min(partBytes, size - at), value });
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

/** Numbers of the parts of one file, the outline first where they need it. */
export function partsOfFile({ parts }: PartPlan, file: number): number[] {
  const own = [...parts.keys()].filter((i) => parts[i]!.file === file);
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

export async function blake3Of(data: Uint8Array): Promise<Uint8Array> {
  const hasher = await createBLAKE3();
  return hasher.update(data).digest('binary');
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
  if (found.value === undefined) return equal(await blake3Of(bytes), plan.files[found.file]!.hash);
  return outline !== undefined && equal(valueOfPart(found, bytes), valueAt(outline, found.value));
}
