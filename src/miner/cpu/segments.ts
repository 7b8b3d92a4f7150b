/**
 * The segments of a pass on the CPU: one interface, two implementations. Products, operands and carries lie in the
 * kernel's memory: C as int32, A as int8, carries as they are hashed. The executor works on them in place; ONNX
 * Runtime gets copies as tensors, and is loaded only where something is left for it.
 */
import type { SegmentFacts } from '../checker/admission.ts';
import type { ModelPackage } from '../engine/backend.ts';
import type { Kernel } from './kernel/kernel.ts';

/** Bytes in the kernel's memory. */
export interface Place {
  readonly at: number;
  readonly bytes: number;
}

/** Runs one pass at a time. */
export interface CpuSegments {
  /** Description, for people. */
  readonly name: string;
  /** Another wherever other code runs, or on other numbers. */
  readonly program: Uint8Array;
  /** Whether any segment is planned, and whether any runs on ONNX Runtime. */
  readonly isPlanned: boolean;
  readonly usesRuntime: boolean;
  /** Whether it takes whole batches only, B·S tokens. */
  readonly whole: boolean;
  /** Begins a pass over n·S tokens, 1 ≤ n ≤ B. */
  begin(tokens: Uint32Array): void;
  /**
   * Runs segment `index`, which reads C of linear `index` and carries, and writes A of linear `index` + 1, or the
   * answer, and carries. @throws AppError MODEL_REFUSED where A leaves its bounds
   */
  run(index: number): Promise<void> | void;
  /** The answer's rows, after the last segment: n·answerSize values. */
  answer(): Int8Array;
  /** Where a carry lies, of all B sequences in order. */
  carry(name: string): Place;
  /** Ends a pass. */
  reset(): void;
  close(): Promise<void>;
}

/** What the segments of one shape are made from. */
export interface SegmentParts {
  /** Without the weights, which lie in the kernel's memory alone. */
  readonly model: Omit<ModelPackage, 'weights'>;
  /** Place of the shape in the manifest. */
  readonly index: number;
  readonly kernel: Kernel;
  /** What is proven about the segments; undefined: none of them is planned. */
  readonly facts: readonly SegmentFacts[] | undefined;
}
