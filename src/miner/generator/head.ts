/**
 * The head: logit_v = M_v·Σ row_v·y of every token v, whole numbers below 2^41 (generation.ts). The products run on the
 * kernels of the linears, with the rows as weights, and leave them as int32; no float32 ever holds one.
 */
import { OPERAND_MAX, type Manifest } from '../../core/manifest.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import {
  createKernel,
  type Kernel,
  type PlacedRows,
  type PlacedWeights,
} from '../cpu/kernel/kernel.ts';
import { createYield } from '../cpu/yield.ts';
import { firstOutside } from '../package/weights.ts';
import type { Generation } from './generation.ts';

/** Rows of answers that are multiplied at once. */
export const HEAD_ROWS_MAX = 16;
/** Columns of a product are a multiple of this. */
const COLUMNS = 16;
const ANSWER_MAX = 127;
/** Calls that may wait. */
const CALLS_MAX = 64;

/** The head's product, of at most 16 rows. */
export const headLinear = ({ vocabulary, answerSize: k }: Manifest) => ({
  m: HEAD_ROWS_MAX,
  k,
  n: Math.ceil(vocabulary / COLUMNS) * COLUMNS,
  r: COLUMNS,
  low: -ANSWER_MAX,
  high: ANSWER_MAX,
});

export interface Head {
  /** Entries of a row of an answer. */
  readonly size: number;
  readonly vocabulary: number;
  /** Bytes of its own, beside the rows that somebody else has placed. */
  memoryBytes(): number;
  /**
   * Gives the logits of each of m ≤ 16 rows of an answer (m × size int8 within ±127) in turn. The array is the same
   * for all and free for changes. One call runs after the other, and the event loop runs between. @throws AppError
   * QUEUE_FULL
   */
  each(rows: Int8Array, take: (logits: Float64Array, row: number) => void): Promise<void>;
}

/**
 * @param tables of the package: V rows each, as its manifest says how wide
 * @param placed rows of a table that lie in some memory already
 * @throws AppError MODEL_REFUSED where a row is outside ±63, DEVICE_MEMORY
 */
export async function createHead(
  m: Manifest,
  { head }: Pick<Generation, 'head'>,
  tables: readonly Uint8Array[],
  placed?: (table: number) => PlacedRows | undefined,
): Promise<Head> {
  const { vocabulary } = m;
  const linear = headLinear(m);
  const { k, n } = linear;
  const known = placed?.(head.rows);
  const { kernel, weights } = known ?? (await placedAlone(m, tables[head.rows]!));
  const factors = kernel.reserve(2 * n);
  const to = kernel.reserve(8 * n);
  const multipliers = multipliersOf(m, head, tables[head.multipliers]!);
  new Int16Array(kernel.memory.buffer, factors, vocabulary).set(multipliers);
  const calls = new SerialQueue(CALLS_MAX);
  const yieldToLoop = createYield();

  const each: Head['each'] = async (rows, take) => {
    const count = rows.length / k;
    assert(Number.isInteger(count) && count >= 1 && count <= HEAD_ROWS_MAX, `${count} rows`);
    kernel.loadOperand(rows);
    await kernel.multiply({ ...linear, m: count }, weights, () => undefined);
    for (let row = 0; row < count; row++) {
      // A claim of a whole context is thousands of rows, of which each takes some milliseconds.
      await yieldToLoop(undefined);
      kernel.scaledRow(linear, row, { factors, count: n, to });
      // A view of now: while others ran, the memory may have grown for them.
      take(new Float64Array(kernel.memory.buffer, to, vocabulary), row);
    }
  };
  return {
    size: k,
    vocabulary,
    memoryBytes: () => (known ? 0 : kernel.memoryBytes),
    each: (rows, take) => calls.run(() => each(rows, take)),
  };
}

async function placedAlone(m: Manifest, table: Uint8Array): Promise<PlacedRows> {
  const odd = firstOutside(new Int8Array(table.buffer, table.byteOffset, table.length));
  if (odd !== undefined)
    throw new AppError('MODEL_REFUSED', `the head's rows hold ${odd}, outside ±${OPERAND_MAX}`);
  const kernel = await createKernel([headLinear(m)]);
  return { kernel, weights: placeRows(kernel, m, table) };
}

/** Rows within ±63 in the kernel's memory, with rows of zeros after the last token. @throws AppError DEVICE_MEMORY */
export function placeRows(kernel: Kernel, m: Manifest, table: Uint8Array): PlacedWeights {
  const size = headLinear(m);
  let rows = new Int8Array(table.buffer, table.byteOffset, table.length);
  if (rows.length < size.k * size.n) {
    const whole = new Int8Array(size.k * size.n);
    whole.set(rows);
    rows = whole;
  }
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
