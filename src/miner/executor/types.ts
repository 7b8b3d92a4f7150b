/**
 * The plan of a model's segments: what is computed from what and where it lies, and nothing of how. The processor's
 * executor compiles it to WebAssembly (wasm/), the GPU's to WGSL; both run the same steps on the same numbers.
 *
 * Numbers are whole, or multiples of a power of two, and exact in float32: the checker proved it, and every storage
 * named here holds each number that it can meet. All offsets, strides and sizes count *elements* of the buffer's
 * storage, not bytes. The plan is for B sequences, and any number n ≤ B of them runs the same steps: n is the count
 * of the first loop of every step.
 */
import type { OnnxNode, OnnxTensor } from '../package/onnx.ts';

export type Storage = 'i8' | 'i16' | 'i32' | 'f32';
/** Bytes of an element. */
export const BYTES: Readonly<Record<Storage, 1 | 2 | 4>> = { i8: 1, i16: 2, i32: 4, f32: 4 };
/** Up to it, adding 1.5·2^23 to a whole number leaves that in a float32's low bits: a quick way to an integer. */
export const QUICK_MAX = 2 ** 22;

/**
 * What a buffer is.
 * - `tokens`: token ids, int32, S a sequence
 * - `table`: rows of table `index` outside the graphs as the package has them: int8 or int16, V × width
 * - `product`: C of the linear before the segment, int32, (rows·n) a sequence
 * - `operand`: A of the linear after the segment, int8, (rows·k) a sequence
 * - `answer`: int8
 * - `positions`: of a step, int32: how many tokens each sequence had before the one of the step
 * - `cache`: of a step, int8 or int16: of each head a row a token, one after the other, with room for `room` tokens; a
 *   sequence's lies where its conversation has it
 * - `carry`: as it is hashed, int16 or int32; lives until its last reader's segment
 * - `constant`: never written; `data` is what lies in it
 * - `temporary`: between steps of one segment; nothing in it outlives the segment
 */
export type Role =
  | { readonly kind: 'positions' }
  | ({ readonly kind: 'cache'; readonly low: number; readonly high: number } & CacheTokens)
  | { readonly kind: 'tokens' | 'product' | 'operand' | 'answer' | 'temporary' }
  | { readonly kind: 'table'; readonly index: number }
  | { readonly kind: 'carry'; readonly name: string }
  | {
      readonly kind: 'constant';
      readonly data: Float32Array | Int32Array | Int16Array;
    };

/** Of a cache: elements from one token to the next, and tokens that each head has room for. */
export interface CacheTokens {
  readonly row: number;
  readonly room: number;
}

/** Numbers of one storage that lie together. */
export interface PlanBuffer {
  readonly role: Role;
  readonly storage: Storage;
  /** Elements of one sequence where each sequence has its own, or of the whole buffer. */
  readonly size: number;
  /** Sequence b begins at b·size. False: all sequences read the same (tables, constants). */
  readonly perSequence: boolean;
}

/** Where a step reads or writes. Address of loop indices i: offset + Σ i·strides (+ scale · index[…]). */
export interface Binding {
  /** Index into `Plan.buffers`. */
  readonly buffer: number;
  readonly offset: number;
  /** One for each loop of the step; the first is the buffer's size a sequence, or 0. */
  readonly strides: readonly number[];
  /**
   * Adds `scale` times an int32 that is read at its own place: the row of a table by a token. What is written through
   * one is a cache's row at the position: one for each sequence.
   */
  readonly index?: {
    readonly buffer: number;
    readonly offset: number;
    readonly strides: readonly number[];
    readonly scale: number;
  };
}

export type Unary = 'floor' | 'sqrt';
/**
 * Elementwise operators. Comparisons give 1 or 0. `quotient` is x/y, which may be 2.5 ULP off, since the checker
 * matched the form that its Floor belongs to (x·(1/y) is nearer, where both are rounded as IEEE says).
 */
export type Binary = 'add' | 'sub' | 'mul' | 'quotient' | 'min' | 'max' | 'gt' | 'ge' | 'lt' | 'le';

/**
 * One value of a row program: `width` float32 numbers a row. An argument of a smaller width u (which divides
 * `width`) is read at ⌊column / (width / u)⌋: u = 1 is one number a row, other u are one number a group of columns.
 * Arguments are indices of earlier values.
 */
export type RowValue = { readonly width: number } & (
  | { readonly op: 'input'; readonly input: number }
  /** Width 1: `numbers[number]` of the step. */
  | { readonly op: 'number'; readonly number: number }
  /** ⌊x / 2^s⌋ of an input that is stored as int32, s = numbers[number]: an arithmetic shift. */
  | { readonly op: 'shift'; readonly input: number; readonly number: number }
  | { readonly op: Unary; readonly args: readonly [number] }
  | { readonly op: Exclude<Binary, 'quotient'>; readonly args: readonly [number, number] }
  /**
   * `parts`: for some b ≥ 1 the dividend is an odd multiple of 2^−b, less than 2^parts of them, and the divisor is
   * whole and at least 1. So no quotient is whole.
   */
  | { readonly op: 'quotient'; readonly args: readonly [number, number]; readonly parts?: 23 | 24 }
  /** Entry `x` of a table: inputs[input] is bound to its first entry; indices are proven to lie inside. */
  | { readonly op: 'table'; readonly input: number; readonly args: readonly [number] }
  /** Over each group of args' width / width columns. */
  | { readonly op: 'sum' | 'most'; readonly args: readonly [number] }
);

/** What a program reads at a row. */
export interface ProgramInput {
  readonly storage: Storage;
  /** Columns of a row, which lie side by side. 0: a table, which has its buffer's entries, at most 2^22. */
  readonly width: number;
  readonly isTable: boolean;
  /** Its binding has an `index`. */
  readonly isIndexed: boolean;
}
/** A value that a program writes at a row. */
export interface ProgramOutput {
  readonly value: number;
  readonly storage: Storage;
  /** |x| ≤ 2^22 is proven, up to which adding 1.5·2^23 leaves a whole number in a float32's low bits. */
  readonly isQuick: boolean;
  /** `value` is this one limited by numbers, first from below; it is whole, and |x| ≤ 2^22 is proven for it too. */
  readonly unclipped?: number;
}

/**
 * A row program: what is done to one row, whatever row. Equal programs of several layers are one object, so that
 * each is compiled once; numbers, addresses and counts of rows are the step's.
 */
export interface RowProgram {
  /** Equal for equal programs. */
  readonly key: string;
  readonly inputs: readonly ProgramInput[];
  /** In an order in which each can be computed. */
  readonly values: readonly RowValue[];
  readonly outputs: readonly ProgramOutput[];
  /** Values `numbers` that a step gives. */
  readonly numbers: number;
}

/** A row program on all rows of its loops. Rows are independent of each other. */
export interface RowsStep {
  readonly kind: 'rows';
  /** Counts: sequences B first (n of them run), then heads, groups, rows in some order; the last is innermost. */
  readonly loops: readonly number[];
  /** Index into `Plan.programs`. */
  readonly program: number;
  readonly inputs: readonly Binding[];
  readonly outputs: readonly Binding[];
  readonly numbers: readonly number[];
}

/** C[i, j] = Σ left[i, p]·right[p, j] for each index of the loops: int16 · int16 → int32, |C| < 2^24. */
export interface ProductStep {
  readonly kind: 'product';
  /** Sequences first, then heads and groups; a stride of 0 shares an operand among heads. */
  readonly loops: readonly number[];
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Rows of k int16 side by side, `row` apart. */
  readonly left: Binding & { readonly row: number };
  /** Element (p, j) lies at p·depth + j·column; one of the two is 1. */
  readonly right: Binding & { readonly depth: number; readonly column: number };
  /** Rows of n int32 side by side, `row` apart. */
  readonly out: Binding & { readonly row: number };
  /**
   * `columns`: of row i only columns j ≤ i + `columns` are wanted; others must hold any number that C could hold
   * (zero is one). `depths`: left[i, p] is 0 where p > i + `depths`, so that the sum may stop there.
   */
  readonly causal?: { readonly columns?: number; readonly depths?: number };
  /**
   * Of a right operand that is a cache: it is that of tokens from `from` on, in C's columns or in the depth. What is
   * behind a sequence's position needs no column, and has no weight.
   */
  readonly cached?: { readonly along: 'columns' | 'depths'; readonly from: number };
}

/** Σ or maximum over `rows` rows of `width` columns, for each index of the loops. */
export interface PoolStep {
  readonly kind: 'pool';
  readonly op: 'sum' | 'most';
  readonly loops: readonly number[];
  readonly rows: number;
  readonly width: number;
  readonly from: Binding & { readonly row: number };
  readonly to: Binding;
}

/** Nodes that no other step covers, on whole tensors of all B sequences: run by the interpreter. */
export interface LeftoverStep {
  readonly kind: 'leftover';
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxTensor[];
  /** Tensors in row-major order, which begin where their buffers begin. */
  readonly inputs: readonly LeftoverTensor[];
  readonly outputs: readonly LeftoverTensor[];
}
/** A whole tensor of all sequences, and the buffer that it fills. */
export interface LeftoverTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: 'float32' | 'int32';
  readonly buffer: number;
}

export type Step = RowsStep | ProductStep | PoolStep | LeftoverStep;

/** Steps of one segment, in order. */
export interface SegmentPlan {
  /** Undefined: the segment is not covered and runs on ONNX Runtime; `report` says why. */
  readonly steps: readonly Step[] | undefined;
  readonly report: readonly string[];
}

/** Plan of all segments of one shape. */
export interface Plan {
  readonly sequences: number;
  readonly buffers: readonly PlanBuffer[];
  readonly programs: readonly RowProgram[];
  readonly segments: readonly SegmentPlan[];
}
