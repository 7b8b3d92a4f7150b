/**
 * The head: logit_v = M_v·Σ row_v·y of every token v, whole numbers below 2^41 (generation.ts). The products run on the
 * kernels of the linears, with the rows as weights, and leave them as int32; no float32 ever holds one.
 */
import { OPERAND_MAX, type Manifest } from '../../core/manifest.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { createKernel, type Kernel, type PlacedWeights } from '../cpu/kernel/kernel.ts';
import type { Generation } from './generation.ts';

/** Rows of answers that are multiplied at once. */
export const HEAD_ROWS_MAX = 16;
/** Columns of a product are a multiple of this. */
const COLUMNS = 16;
const ANSWER_MAX = 127;
/** Calls that may wait. */
const CALLS_MAX = 64;

export interface Head {
  /** Entries of a row of an answer. */
  readonly size: number;
  readonly vocabulary: number;
  /** Bytes of its kernel. */
  memoryBytes(): number;
  /**
   * Gives the logits of each of m ≤ 16 rows of an answer (m × size int8 within ±127) in turn. The array is the same
   * for all and free for changes. One call runs after the other. @throws AppError QUEUE_FULL
   */
  each(rows: Int8Array, take: (logits: Float64Array, row: number) => void): Promise<void>;
}

/**
 * @param tables of the package: V rows each, as its manifest says how wide
 * @throws AppError MODEL_REFUSED where a row is outside ±63, DEVICE_MEMORY
 */
export async function createHead(
  m: Manifest,
  { head }: Pick<Generation, 'head'>,
  tables: readonly Uint8Array[],
): Promise<Head> {
  const { vocabulary, answerSize: k } = m;
  const n = Math.ceil(vocabulary / COLUMNS) * COLUMNS;
  const linear = { m: HEAD_ROWS_MAX, k, n, r: COLUMNS, low: -ANSWER_MAX, high: ANSWER_MAX };
  const kernel = await createKernel([linear]);
  const weights = placeRows(kernel, linear, tables[head.rows]!);
  const multipliers = multipliersOf(m, head, tables[head.multipliers]!);
  const logits = new Float64Array(vocabulary);
  const calls = new SerialQueue(CALLS_MAX);

  const each: Head['each'] = async (rows, take) => {
    const count = rows.length / k;
    assert(Number.isInteger(count) && count >= 1 && count <= HEAD_ROWS_MAX, `${count} rows`);
    kernel.loadOperand(rows);
    await kernel.multiply({ ...linear, m: count }, weights, () => undefined);
    for (let row = 0; row < count; row++) {
      const at = kernel.place('c') + 4 * row * n;
      const sums = new Int32Array(kernel.memory.buffer, at, vocabulary);
      for (let v = 0; v < vocabulary; v++) logits[v] = multipliers[v]! * sums[v]!;
      take(logits, row);
    }
  };
  return {
    size: k,
    vocabulary,
    memoryBytes: () => kernel.memoryBytes + logits.byteLength + multipliers.byteLength,
    each: (rows, take) => calls.run(() => each(rows, take)),
  };
}

/** Rows in the kernel's memory, with rows of zeros after the last token. */
function placeRows(
  kernel: Kernel,
  size: { readonly k: number; readonly n: number },
  table: Uint8Array,
): PlacedWeights {
  const rows = new Int8Array(size.k * size.n);
  rows.set(new Int8Array(table.buffer, table.byteOffset, table.length));
  const odd = rows.find((entry) => entry < -OPERAND_MAX || entry > OPERAND_MAX);
  if (odd !== undefined)
    throw new AppError('MODEL_REFUSED', `the head's rows hold ${odd}, outside ±${OPERAND_MAX}`);
  return kernel.placeWeights(size, rows);
}

function multipliersOf(
  { tables, vocabulary }: Manifest,
  { multipliers, column }: Generation['head'],
  bytes: Uint8Array,
): Int16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { width } = tables[multipliers]!;
  return Int16Array.from({ length: vocabulary }, (_, v) =>
    view.getInt16(2 * (v * width + column), true),
  );
}
