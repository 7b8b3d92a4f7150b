/** A device that runs units: one interface, two implementations (cpu, webgpu), one contract suite. */
import type { Manifest } from '../../core/manifest.ts';
import type { StepInput } from '../../core/pow/known.ts';
import type { PlacedRows } from '../cpu/kernel/kernel.ts';
import type { StepEngine, StepOptions } from '../generator/stepper.ts';

export interface ModelPackage {
  readonly id: Uint8Array;
  readonly manifest: Manifest;
  /** ONNX bytes of segments 0..L of the shape that is mined. */
  readonly segments: readonly Uint8Array[];
  /** Those of the manifest's further shapes, in their order; absent where there are none. */
  readonly otherShapes?: readonly (readonly Uint8Array[])[];
  /** V rows of each table, as the manifest says how wide. */
  readonly tables: readonly Uint8Array[];
  /** B_ℓᵀ of each linear: int8, n×k row-major. */
  readonly weights: readonly Int8Array[];
  /** generation.json of a language model that is to generate (generator/generation.ts), checked against its hash. */
  readonly generation?: Uint8Array;
}

/** ONNX bytes of segments 0..L of a shape, by its place in the manifest. */
export const segmentsOf = (
  { segments, otherShapes = [] }: Pick<ModelPackage, 'segments' | 'otherShapes'>,
  shape: number,
): readonly Uint8Array[] => (shape ? otherShapes[shape - 1]! : segments);

/** A package as if its manifest had that shape alone: what is said of the mined shape then holds for it. */
export const inShape = <M extends Pick<ModelPackage, 'manifest' | 'segments' | 'otherShapes'>>(
  model: M,
  shape: number,
): M => ({
  ...model,
  manifest: { ...model.manifest, shapes: [model.manifest.shapes[shape]!] },
  segments: segmentsOf(model, shape),
  otherShapes: [],
});

export interface PassInput {
  /**
   * Place of the pass's shape in the manifest; absent: 0, the one that is mined, and a pass with noise has no other.
   */
  readonly shape?: number;
  /**
   * Token ids of n sequences of S: B of them in a pass with noise, 1 to B in a plain one, whose backend may pad it.
   * Its answer has n rows, which depend neither on the shape nor on the other sequences.
   */
  readonly tokens: Uint32Array;
  /** σ_0; undefined runs the plain exact pass: no noise, no t, no tickets. */
  readonly sigma0: Uint8Array | undefined;
  /** min(target_e·c_ℓ, 2^256−1) of each linear; a tile wins at or below it, and never where it is 0. */
  readonly limits: readonly bigint[];
  /** Stop after this linear (1-based): for replays up to ℓ*. */
  readonly stopAfter?: number;
  /** Return A of this linear (1-based) as `captured`. */
  readonly capture?: number;
  /** Return with it the carries alive at that linear, in `carries`; the CPU alone does. */
  readonly captureCarries?: boolean;
  /** For checks; the CPU alone calls it: with A of each linear (from 1), n·S × k. */
  readonly onOperand?: (linear: number, a: Int8Array) => void;
  /** Of a plain pass nothing else is read: hashes may be left empty, and its sequences be split among lanes. */
  readonly answerOnly?: boolean;
  /**
   * Of such a pass over one sequence of a generator: how many of its first tokens' rows are read. No row depends on a
   * later token, so that those behind need not be right.
   */
  readonly rows?: number;
  readonly signal?: AbortSignal;
}

export interface PassResult {
  /**
   * x_1..x_L (or up to stopAfter), and the a, y that they are made of. Empty of a pass that is no whole unit, since
   * nothing commits to it: of another shape than the first, or of fewer than B sequences.
   */
  readonly x: readonly Uint8Array[];
  readonly a: readonly Uint8Array[];
  readonly y: readonly Uint8Array[];
  /** t_1..t_L (or up to stopAfter); empty for a plain pass. */
  readonly t: readonly Uint8Array[];
  /** First winning tile in (linear, tile) order; linear is 1-based. */
  readonly winner: { readonly linear: number; readonly tile: number } | undefined;
  /** Answer rows of n sequences, int8; empty when stopped early. */
  readonly answer: Int8Array;
  /** n·S × k. */
  readonly captured: Int8Array | undefined;
  readonly carries?: ReadonlyMap<string, Int32Array>;
}

export type BackendKind = 'cpu' | 'webgpu' | 'oracle';

export interface Backend {
  readonly kind: BackendKind;
  /** Description of the adapter or the CPU, for people. */
  readonly device: string;
  /** Description of the kernel that multiplies, for people. */
  readonly kernel: string;
  /** Passes to request at once, so that the device never waits. */
  readonly depth: number;
  /** Passes that run at once; absent: one. */
  readonly lanes?: number;
  /** Places of the manifest's shapes that it runs; absent: all of them. */
  readonly shapes?: readonly number[];
  /** @throws AppError PASS_ABORTED when the signal fires, DEVICE_LOST, DEVICE_MEMORY */
  pass(input: PassInput): Promise<PassResult>;
  /**
   * Runs one step alone, without noise, on all B sequences of the shape at that place of the manifest (default: 0).
   * @returns x_ℓ after segment ℓ−1; of step L+1 the BLAKE3 of the answer's rows
   * @throws AppError as `pass`
   */
  step(input: StepInput, shape?: number): Promise<Uint8Array>;
  /**
   * Of a language model: conversations that are made token by token, beside passes. Absent: none.
   * @throws AppError MODEL_REFUSED, DEVICE_MEMORY
   */
  steps?(options: StepOptions): Promise<StepEngine>;
  /**
   * BLAKE3 of what runs a shape: another wherever other code runs, or on other numbers. What has passed its test is
   * kept by it. Absent: nothing is kept.
   */
  program?(shape: number): Promise<Uint8Array>;
  /**
   * Runs segments on ONNX Runtime from the next pass on, because its own code for them can't be believed.
   * @returns whether that changed anything: false where it runs on ONNX Runtime already
   */
  fallBack?(): Promise<boolean>;
  /**
   * Of one that is trusted (trusted.ts): a step of it was wrong. It tests ONNX Runtime and runs on that from then on.
   * @throws AppError EXACTNESS_LOST where that is not possible: it runs nothing any more
   */
  lose?(step: number): Promise<void>;
  /** A copy of Bᵀ of a linear (from 1), of a backend that keeps the weights itself. */
  weights?(linear: number): Int8Array;
  /** A table (from 0) of which it keeps the rows itself, as its head's weights; undefined: of any other. */
  rows?(table: number): PlacedRows | undefined;
  /** Whether ONNX Runtime is loaded for it; absent: yes. */
  usesRuntime?(): boolean;
  /** Bytes of the backend's own buffers, without ONNX Runtime's. */
  memoryBytes(): number;
  /** Resolves when the device is lost; never for a device that cannot be lost. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
}

/** @throws AppError NO_WEBGPU, MODEL_REFUSED, SELF_TEST_FAILED */
export type CreateBackend = (model: ModelPackage) => Promise<Backend>;
