/**
 * The segments of a pass on the CPU: one interface, two implementations. Products, operands and carries lie in the
 * kernel's memory: C as int32, A as int8, carries as they are hashed. The executor works on them in place; ONNX
 * Runtime gets copies as tensors, and is loaded only where something is left for it.
 */
import { carryBytes, type Carry } from '../../core/manifest.ts';
import { assert } from '../../lib/errors.ts';
import type { SegmentFacts } from '../checker/admission.ts';
import type { ModelPackage } from '../engine/backend.ts';
import type { ExecutorTable, Place } from '../executor/memory.ts';
import type { Kernel } from './kernel/kernel.ts';

/** Runs one pass at a time. */
export interface CpuSegments {
  /** Another wherever other code runs, or on other numbers. */
  readonly program: Uint8Array;
  /** Whether any segment runs on ONNX Runtime, which takes whole batches only: B·S tokens. */
  readonly usesRuntime: boolean;
  /** Begins a pass over n·S tokens, 1 ≤ n ≤ B. */
  begin(tokens: Uint32Array): void;
  /**
   * Runs segment `index`, which reads C of linear `index` and carries, and writes A of linear `index` + 1, or the
   * answer, and carries. @throws AppError MODEL_REFUSED where A leaves its bounds
   */
  run(index: number): Promise<void> | void;
  /** The answer's rows, after the last segment: those of n sequences. */
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
  /** The tables, as the executor reads them. */
  readonly tables: readonly ExecutorTable[];
  /** What is proven about the segments; undefined: none of them is planned. */
  readonly facts: readonly SegmentFacts[] | undefined;
}

/** Entries of a carry of `sequences` sequences, as they are hashed: a view that lasts until the memory grows. */
export function carryEntries(
  { buffer }: WebAssembly.Memory,
  { at, bytes }: Place,
  carry: Carry,
  sequences: number,
): Int16Array<ArrayBuffer> | Int32Array<ArrayBuffer> {
  const count = sequences * carry.size;
  assert(bytes >= carryBytes(carry) * count, `room for '${carry.name}'`);
  return carryBytes(carry) === 2
    ? new Int16Array(buffer, at, count)
    : new Int32Array(buffer, at, count);
}
