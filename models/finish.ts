/** From graphs, tables and weights to a manifest: hashes, proven bounds, known answers of every step. */
import { plainHash } from '../src/core/hash.ts';
import {
  KIND,
  MANIFEST_VERSION,
  sharedByWeights,
  type Linear,
  type Manifest,
  type Table,
} from '../src/core/manifest.ts';
import { knownStep } from '../src/core/pow/known.ts';
import { AppError } from '../src/lib/errors.ts';
import { provenManifest } from '../src/miner/checker/checker.ts';
import { encodeOnnx, type OnnxGraph } from '../src/miner/package/onnx.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import type { Multiply } from '../src/miner/interpreter.ts';
import { plainStep } from '../src/miner/plain-step.ts';

export type Draft = Omit<ModelPackage, 'id'>;

/** Rows of an embedding table, as whole numbers. */
export interface TableSource {
  readonly width: number;
  readonly wide: 1 | 2;
  /** vocabulary × width. */
  readonly values: ArrayLike<number>;
}

/** Segments 0..L for batches of one size. */
export interface ShapeSource {
  readonly sequences: number;
  readonly tokens: number;
  readonly graphs: readonly OnnxGraph[];
}

/** What a package is made from; its own shape is the one that is mined. */
export interface Source
  extends
    ShapeSource,
    Pick<
      Manifest,
      'name' | 'vocabulary' | 'packing' | 'answerSize' | 'labels' | 'licence' | 'attribution'
    > {
  readonly kind: keyof typeof KIND;
  readonly linears: readonly (Pick<Linear, 'k' | 'n' | 'r'> & { readonly weight: Int8Array })[];
  readonly tables: readonly TableSource[];
  readonly otherShapes?: readonly ShapeSource[];
  readonly tokenizer?: Uint8Array;
  /** Bytes of generation.json, of a generator. */
  readonly generation?: Uint8Array;
}

const bytesOf = (x: Int8Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.length);

function tableBytes({ wide, values }: TableSource): Uint8Array {
  const view = new DataView(new ArrayBuffer(wide * values.length));
  for (let i = 0; i < values.length; i++)
    if (wide === 1) view.setInt8(i, values[i]!);
    else view.setInt16(2 * i, values[i]!, true);
  return new Uint8Array(view.buffer);
}

/** Least and largest of many numbers. */
function ends(values: ArrayLike<number>): { low: number; high: number } {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return { low, high };
}

const refOf = (bytes: Uint8Array) => ({ hash: plainHash(bytes), size: bytes.length });

/** A package whose bounds and known answers are still open. */
export function draftOf({ linears, kind, otherShapes = [], ...s }: Source): Draft {
  const sources: readonly ShapeSource[] = [s, ...otherShapes];
  const files = sources.map(({ graphs }) => graphs.map(encodeOnnx));
  const tables = s.tables.map(tableBytes);
  const listed = s.tables.map(({ width, wide, values }, i): Table => ({
    width,
    wide,
    ...ends(values),
    ...refOf(tables[i]!),
  }));
  const manifest: Manifest = {
    version: MANIFEST_VERSION,
    name: s.name,
    kind: KIND[kind],
    vocabulary: s.vocabulary,
    packing: s.packing,
    answerSize: s.answerSize,
    labels: s.labels,
    linears: linears.map(({ k, n, r, weight }) => {
      return { k, n, r, low: 0, high: 0, weights: plainHash(bytesOf(weight)) };
    }),
    tables: listed,
    shapes: sources.map(({ sequences, tokens }, i) => ({
      sequences,
      tokens,
      segments: files[i]!.map(refOf),
      carries: [],
      known: files[i]!.map(() => new Uint8Array(32)),
    })),
    tokenizer: s.tokenizer ? refOf(s.tokenizer) : null,
    template: s.generation ? refOf(s.generation) : null,
    licence: s.licence,
    attribution: s.attribution,
  };
  const [segments, ...others] = files;
  const weights = sharedByWeights(manifest, (_, i) => linears[i]!.weight);
  return { manifest, segments: segments!, otherShapes: others, tables, weights };
}

/** The draft's manifest with the bounds that the checker proves. @throws AppError MODEL_REFUSED */
export function boundedManifest(draft: Draft): Manifest {
  const proven = provenManifest(draft);
  if ('rule' in proven) throw new AppError('MODEL_REFUSED', proven.sentence);
  return proven;
}

/** Step `number`, 1 to L+1, of the shape at a place. */
export interface KnownPlace {
  readonly place: number;
  readonly number: number;
}

/**
 * The known answer of a step, of a draft whose bounds are known, which plain code gives.
 * @param multiply for products of matrices, instead of plain loops
 * @throws AppError MODEL_REFUSED
 */
export function knownAnswer(
  draft: Draft,
  { place, number }: KnownPlace,
  multiply?: Multiply,
): Uint8Array {
  const step = knownStep(draft.manifest, number, draft.manifest.shapes[place]);
  return plainStep(draft, step, place, multiply);
}

/**
 * The draft's manifest with its bounds and the known answers of every step in every shape, which plain code gives.
 * @throws AppError MODEL_REFUSED
 */
export function finishedManifest(draft: Draft): Manifest {
  const manifest = boundedManifest(draft);
  const model = { ...draft, manifest };
  const shapes = manifest.shapes.map((shape, place) => ({
    ...shape,
    known: shape.known.map((_, i) => knownAnswer(model, { place, number: i + 1 })),
  }));
  return { ...manifest, shapes };
}
