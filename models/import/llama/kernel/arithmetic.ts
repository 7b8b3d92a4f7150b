/**
 * What the importer computes with: WebAssembly of its own (assembly/), which gives the same bits in every engine and on
 * every processor. Arrays go in and come out by copying, which costs little beside the products.
 */
import { AppError, assert } from '../../../../src/lib/errors.ts';
import { ARITHMETIC_WASM } from './arithmetic-wasm.ts';

type Call = (...args: number[]) => number;
type Exports = Record<
  | 'addWide'
  | 'cos'
  | 'exp'
  | 'gateRows'
  | 'heapBase'
  | 'inverseRoot'
  | 'log'
  | 'normRows'
  | 'packColumns'
  | 'packRows'
  | 'pow'
  | 'product'
  | 'roundRows'
  | 'sin'
  | 'softmaxRows'
  | 'transpose'
  | 'turnRows',
  Call
> & { memory: WebAssembly.Memory };

/** Weights of a product in the kernel's memory, as panels; valid until what lies below them is released. */
export interface Placed {
  readonly at: number;
  readonly n: number;
  readonly k: number;
}

/** Keys and values of one head of one sequence: rows of `width`. */
export interface Memory {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly width: number;
}

const LANES = 8;
const PAGE = 65_536;
/** Addresses are positive int32. */
const MEMORY_BYTES_MAX = 2 ** 31 - PAGE;
/** Rows that are copied in and multiplied at once. */
const ROWS_AT_ONCE = 256;
/** Query rows whose scores exist at once. */
const QUERIES_AT_ONCE = 32;
/** Rows whose Σ a·b is one float32 sum before it is added in float64: whole numbers to ±255 are exact. */
const GRAM_ROWS = 256;
/** Columns of a Gram matrix that are made at once. */
const GRAM_COLUMNS = 64;

/** Errors of four rows and 64 columns. */
const ROUND_BYTES = 8 * 4 * 64;

const round8 = (n: number): number => Math.ceil(n / LANES) * LANES;

export async function createArithmetic(): Promise<Arithmetic> {
  const bytes = Uint8Array.from(atob(ARITHMETIC_WASM.replaceAll('\n', '')), (c) => c.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes);
  return new Arithmetic(instance.exports as unknown as Exports);
}

/** All matrices are row-major. */
export class Arithmetic {
  readonly #wasm: Exports;
  /** First byte that no placed weights hold; what lies above is free between calls. */
  #top: number;

  constructor(wasm: Exports) {
    this.#wasm = wasm;
    this.#top = Math.ceil(wasm.heapBase() / 64) * 64;
  }

  /** Of float64. */
  exp = (x: number): number => this.#wasm.exp(x);
  log = (x: number): number => this.#wasm.log(x);
  pow = (x: number, y: number): number => this.#wasm.pow(x, y);
  sin = (x: number): number => this.#wasm.sin(x);
  cos = (x: number): number => this.#wasm.cos(x);

  /** Addresses of regions of so many bytes, from the top on. @throws AppError DEVICE_MEMORY */
  #regions(...bytes: number[]): number[] {
    let end = this.#top;
    const at = bytes.map((size) => {
      const start = end;
      end += Math.ceil(size / 64) * 64;
      return start;
    });
    const { memory } = this.#wasm;
    const missing = end - memory.buffer.byteLength;
    try {
      if (end > MEMORY_BYTES_MAX) throw new RangeError(`${end} is over ${MEMORY_BYTES_MAX}`);
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    } catch (cause) {
      throw new AppError('DEVICE_MEMORY', `${end} bytes for the importer`, { cause });
    }
    return at;
  }

  #floats(at: number, length: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#wasm.memory.buffer, at, length);
  }

  #wide(at: number, length: number): Float64Array<ArrayBuffer> {
    return new Float64Array(this.#wasm.memory.buffer, at, length);
  }

  /** What `release` gives back to. */
  mark(): number {
    return this.#top;
  }

  /** Frees what was placed since the mark. */
  release(mark: number): void {
    assert(mark <= this.#top, 'a mark above the top');
    this.#top = mark;
  }

  /** Takes weights W, n×k, for products x·Wᵀ. @throws AppError DEVICE_MEMORY */
  place(rows: Float32Array, k: number): Placed {
    const n = rows.length / k;
    assert(Number.isInteger(n), `${rows.length} weights are no rows of ${k}`);
    const bytes = 4 * round8(n) * k;
    const [at, from] = this.#regions(bytes, 4 * rows.length) as [number, number];
    this.#floats(from, rows.length).set(rows);
    this.#wasm.packRows(from, n, k, at);
    this.#top = Math.ceil((at + bytes) / 64) * 64;
    return { at, n, k };
  }

  /** x·Wᵀ of x, m×k: m×n, each cell a float32 sum in order of k. */
  product(x: Float32Array, { at, n, k }: Placed): Float32Array<ArrayBuffer> {
    const m = x.length / k;
    assert(Number.isInteger(m), `${x.length} values are no rows of ${k}`);
    const out = new Float32Array(m * n);
    const wide = round8(n);
    const rows = Math.min(m, ROWS_AT_ONCE);
    const [a, c] = this.#regions(4 * rows * k, 4 * rows * wide) as [number, number];
    for (let from = 0; from < m; from += rows) {
      const some = Math.min(rows, m - from);
      this.#floats(a, some * k).set(x.subarray(from * k, (from + some) * k));
      this.#wasm.product(a, 4 * k, at, 4 * LANES * k, c, 4 * wide, some, wide, k);
      if (wide === n) out.set(this.#floats(c, some * n), from * n);
      else
        for (let i = 0; i < some; i++) out.set(this.#floats(c + 4 * i * wide, n), (from + i) * n);
    }
    return out;
  }

  /** x·Wᵀ of weights, n×k, that are used once. */
  multiply(x: Float32Array, rows: Float32Array, k: number): Float32Array<ArrayBuffer> {
    const mark = this.mark();
    const out = this.product(x, this.place(rows, k));
    this.release(mark);
    return out;
  }

  /** XᵀX of x, m×k: k×k. */
  gram(x: Float32Array, k: number): Float64Array<ArrayBuffer> {
    const m = x.length / k;
    assert(Number.isInteger(m), `${x.length} values are no rows of ${k}`);
    const w = this.#wasm;
    const wide = round8(k);
    const rows = Math.min(m, GRAM_ROWS);
    const [sums, part, turned, panels, cells] = this.#regions(
      8 * k * wide,
      4 * rows * k,
      4 * rows * k,
      4 * rows * wide,
      4 * GRAM_COLUMNS * wide,
    ) as [number, number, number, number, number];
    this.#wide(sums, k * wide).fill(0);
    for (let from = 0; from < m; from += rows) {
      const some = Math.min(rows, m - from);
      this.#floats(part, some * k).set(x.subarray(from * k, (from + some) * k));
      w.transpose(part, some, k, turned);
      w.packColumns(part, 4 * k, some, k, panels);
      for (let i = 0; i < k; i += GRAM_COLUMNS) {
        // From the stripe's own columns on: the rest is its mirror image.
        const [count, n] = [Math.min(GRAM_COLUMNS, k - i), wide - i];
        const [a, b] = [turned + 4 * i * some, panels + 4 * i * some];
        w.product(a, 4 * some, b, 4 * LANES * some, cells, 4 * n, count, n, some);
        w.addWide(cells, 4 * n, count, n, sums + 8 * (i * wide + i), 8 * wide);
      }
    }
    const found = this.#wide(sums, k * wide);
    const out = new Float64Array(k * k);
    for (let i = 0; i < k; i++)
      for (let j = i; j < k; j++) out[i * k + j] = out[j * k + i] = found[i * wide + j]!;
    return out;
  }

  /**
   * U, upper (k×k), with UᵀU = H⁻¹, k even. @throws AppError MODEL_REFUSED where H is not positive definite
   */
  inverseRoot(h: Float64Array, k: number): Float64Array<ArrayBuffer> {
    assert(h.length === k * k && k % 2 === 0, `H has ${h.length} entries, k is ${k}`);
    const [from, u] = this.#regions(8 * k * k, 8 * k * k) as [number, number];
    this.#wide(from, k * k).set(h);
    this.#wide(u, k * k).fill(0);
    if (!this.#wasm.inverseRoot(from, k, u))
      throw new AppError('MODEL_REFUSED', `the sums of ${k} columns are not positive definite`);
    return this.#wide(u, k * k).slice();
  }

  /** Rows, n×k in steps of their row, as integers in ±limit; `u` is what `inverseRoot` gave, k a multiple of 4. */
  roundRows(rows: Float64Array, u: Float64Array, k: number, limit: number): Int8Array<ArrayBuffer> {
    const n = rows.length / k;
    assert(Number.isInteger(n), `${rows.length} weights are no rows of ${k}`);
    assert(k % 4 === 0, `rows of ${k}`);
    const padded = Math.ceil(n / 4) * 4;
    const [from, root, out, errors] = this.#regions(
      8 * padded * k,
      8 * k * k,
      padded * k,
      ROUND_BYTES,
    ) as [number, number, number, number];
    this.#wide(from, padded * k).fill(0);
    this.#wide(from, n * k).set(rows);
    this.#wide(root, k * k).set(u);
    this.#wasm.roundRows(from, padded, k, root, limit, out, errors);
    return new Int8Array(this.#wasm.memory.buffer, out, n * k).slice();
  }

  /** x / √(mean of x² + ε) · gain, of rows of k. */
  norm(
    x: Float32Array,
    k: number,
    epsilon: number,
    gain?: Float32Array,
  ): Float32Array<ArrayBuffer> {
    const [at, gains] = this.#regions(4 * x.length, 4 * k) as [number, number];
    this.#floats(at, x.length).set(x);
    if (gain) this.#floats(gains, k).set(gain);
    this.#wasm.normRows(at, x.length / k, k, epsilon, gain ? gains : 0, at);
    return this.#floats(at, x.length).slice();
  }

  /**
   * Rotary positions in place: of each head of `width` columns of x, rows × (heads·width), columns j and j + width/2
   * turn by the row's angles; `table` has for each row width/2 cosines and as many sines.
   */
  turn(x: Float32Array, heads: number, width: number, table: Float64Array): void {
    const m = x.length / (heads * width);
    assert(table.length === m * width, `${table.length} cosines and sines for ${m} rows`);
    const [at, angles] = this.#regions(4 * x.length, 8 * table.length) as [number, number];
    this.#floats(at, x.length).set(x);
    this.#wide(angles, table.length).set(table);
    this.#wasm.turnRows(at, 4 * heads * width, m, heads, width, angles);
    x.set(this.#floats(at, x.length));
  }

  /**
   * Attention of the last positions of a sequence to all up to themselves: softmax(q·keysᵀ/√width)·values.
   * @param q rows of `width`, `group` of each position, one after the other
   * @param memory at least as many rows as q has positions
   */
  attend(q: Float32Array, { keys, values, width }: Memory, group = 1): Float32Array<ArrayBuffer> {
    const w = this.#wasm;
    const [m, total] = [q.length / width, keys.length / width];
    assert(m % group === 0 && m / group <= total, `${m} rows of queries, ${total} of keys`);
    const [n, columns] = [round8(total), round8(width)];
    const rows = group * Math.min(m / group, Math.ceil(QUERIES_AT_ONCE / group));
    const [at, raw, right, turned, scores, to] = this.#regions(
      4 * m * width,
      4 * total * width,
      4 * n * width,
      4 * total * columns,
      4 * rows * n,
      4 * rows * columns,
    ) as [number, number, number, number, number, number];
    this.#floats(at, q.length).set(q);
    this.#floats(raw, keys.length).set(keys);
    w.packRows(raw, total, width, right);
    this.#floats(raw, values.length).set(values);
    w.packColumns(raw, 4 * width, total, width, turned);
    const out = new Float32Array(m * width);
    const [line, panel, scale] = [4 * width, 4 * LANES * width, 1 / Math.sqrt(width)];
    for (let from = 0; from < m; from += rows) {
      const some = Math.min(rows, m - from);
      const first = total - (m - from) / group;
      // Keys that one of these rows sees.
      const depth = first + some / group;
      const held = round8(depth);
      w.product(at + line * from, line, right, panel, scores, 4 * held, some, held, width);
      w.softmaxRows(scores, some, held, first, group, scale);
      const [c, values8] = [4 * columns, 4 * LANES * total];
      w.product(scores, 4 * held, turned, values8, to, c, some, columns, depth);
      for (let i = 0; i < some; i++) out.set(this.#floats(to + c * i, width), (from + i) * width);
    }
    return out;
  }

  /** silu(gate)·up. */
  gate(gate: Float32Array, up: Float32Array): Float32Array<ArrayBuffer> {
    const [a, b] = this.#regions(4 * gate.length, 4 * up.length) as [number, number];
    this.#floats(a, gate.length).set(gate);
    this.#floats(b, up.length).set(up);
    this.#wasm.gateRows(a, b, gate.length);
    return this.#floats(a, gate.length).slice();
  }
}
