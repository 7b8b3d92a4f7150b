/** What runs a model's segments on a GPUDevice: our executor, or ONNX Runtime for a model that no plan covers. */
import type { StepInput } from '../../core/pow/known.ts';
import type { Bound, Step } from './kernels.ts';

/** What a step after the first starts from. */
export type Given = Exclude<StepInput, { readonly number: 1 }>;

/** Of the shape that is mined; one pass at a time. */
export interface GpuSegments {
  /** For people: what runs them. */
  readonly name: 'executor' | 'ONNX Runtime';
  /** The code that runs them, as text: other code or numbers give another. */
  readonly program: string;
  /** Sets what segment 0 reads: B·S token ids. */
  setTokens(tokens: Uint32Array): void;
  /** Sets A of the linear before a step's segment, and the carries that are alive there. */
  setState(given: Given): void;
  /**
   * Segment `index`: reads C (int32) of the scratch and carries, leaves A packed in the scratch and carries as they
   * are hashed. What it does not queue itself it gives as dispatches, which the caller submits.
   */
  run(index: number): Promise<readonly Step[]>;
  /** Where carry number `index` of the shape lies as it is hashed. */
  carry(index: number): Bound;
  /** Where the answer lies after the last segment, how many bytes it takes there, and the rows in those bytes. */
  answer(): { readonly buffer: GPUBuffer; readonly offset?: number; readonly bytes: number };
  parseAnswer(bytes: ArrayBuffer): Int8Array;
  /** Ends a pass. */
  reset(): void;
  close(): Promise<void>;
}
