/**
 * The tables of a model on the CPU. Rows that a language model's head may multiply lie in the kernel's memory once, as
 * its weights: segment 0 gets those of its tokens out of them (executor/memory.ts), and who wants the bytes a copy.
 */
import { KIND, type Manifest, type Table } from '../../core/manifest.ts';
import type { ExecutorTable } from '../executor/memory.ts';
import { headLinear, placeRows } from '../generator/head.ts';
import { firstOutside } from '../package/weights.ts';
import type { Kernel, PlacedRows } from './kernel/kernel.ts';

export interface CpuTables {
  /** What executors read. */
  readonly forExecutor: readonly ExecutorTable[];
  /** Bytes of each table: a copy at each read, where the rows are placed. */
  readonly bytes: readonly Uint8Array[];
  placed(table: number): PlacedRows | undefined;
}

/** Whether a table may be the head's, as its manifest says and as its bytes are: nobody else has looked at them. */
const isOfHead = (m: Manifest, { width, wide }: Table, bytes: Uint8Array): boolean =>
  m.kind === KIND.generator &&
  wide === 1 &&
  bytes.length === m.vocabulary * width &&
  width === m.answerSize &&
  firstOutside(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length)) === undefined;

/** @throws AppError DEVICE_MEMORY */
export function placeTables(
  kernel: Kernel,
  manifest: Manifest,
  tables: readonly Uint8Array[],
): CpuTables {
  const { tables: sizes, answerSize: k } = manifest;
  // One has room for the products of all: the head runs one of them.
  let beside: Kernel | undefined;
  const placed = sizes.map((table, i): PlacedRows | undefined => {
    if (!isOfHead(manifest, table, tables[i]!)) return undefined;
    beside ??= kernel.beside([headLinear(manifest)]);
    return { kernel: beside, weights: placeRows(beside, manifest, tables[i]!) };
  });
  return {
    forExecutor: placed.map((rows, i) => (rows ? { ...rows, k } : tables[i]!)),
    bytes: copied(placed, manifest, tables),
    placed: (table) => placed[table],
  };
}

/** Tables, of which those that are placed are read back. */
export function copied(
  placed: readonly (PlacedRows | undefined)[],
  manifest: Manifest,
  tables: readonly Uint8Array[],
): readonly Uint8Array[] {
  const read: Uint8Array[] = [];
  for (const [i, rows] of placed.entries()) {
    if (rows)
      Object.defineProperty(read, i, { get: () => bytesOf(rows, manifest), enumerable: true });
    else read[i] = tables[i]!;
  }
  return read;
}

function bytesOf({ kernel, weights }: PlacedRows, manifest: Manifest): Uint8Array {
  const { buffer } = kernel.weightRows(headLinear(manifest), weights);
  return new Uint8Array(buffer, 0, manifest.vocabulary * manifest.answerSize);
}
