/**
 * The linears on the CPU: WebAssembly SIMD kernels on one memory, which is laid out once for the largest of a
 * model's linears. It runs one unit at a time; the caller must not let units overlap.
 *
 * The exact product is peeled: −(A·F_L)·F_R − E_L·(E_R·B') is one more GEMM of depth 2r by the same
 * code, [−A·F_L | E_L]·[F_R ; −E_R·B'], which costs 2r/k of a plain product.
 */
import { TILE, type LinearSize } from '../../../core/manifest.ts';
import { plainHash } from '../../../core/hash.ts';
import { NOISE_KEY } from '../../../core/pow/noise.ts';
import { MESSAGE_BYTES, tileCount } from '../../../core/pow/transcript.ts';
import { AppError, assert } from '../../../lib/errors.ts';
import type { Lap } from '../../engine/stages.ts';
import { KERNEL_WASM } from './kernel-wasm.ts';

type Call = (...args: number[]) => number;
type Exports = Record<
  | 'hash'
  | 'tickets'
  | 'factors'
  | 'permutations'
  | 'packLeft'
  | 'packRight'
  | 'packRight16'
  | 'gemm'
  | 'addNoise'
  | 'project'
  | 'widen'
  | 'quantize'
  | 'toFloat'
  | 'heapBase',
  Call
> & { memory: WebAssembly.Memory } & Primitives;

/**
 * Products and pooling for an executor in the kernel's memory (assembly/products.ts). Addresses and strides are bytes.
 * Nothing is written past the rows and columns named; up to 6 bytes past a row of a left operand may be read.
 */
export interface Primitives {
  /** Bytes of the panels of n columns of depth k. */
  panelBytes(n: number, k: number): number;
  /** Panels of a right operand from its n columns, each k int16 in a row. */
  packRows(from: number, stride: number, n: number, k: number, to: number): void;
  /** The same from k rows of n int16. */
  packColumns(from: number, stride: number, n: number, k: number, to: number): void;
  /**
   * C (m×n int32) = left (m rows of k int16) · panels. Where `columns` ≥ 0, row i wants its columns ≤ i + columns
   * alone, and those after it come out exact or 0; where `depths` ≥ 0, row i's entries after i + depths must be 0, and
   * are left out where that saves work. −1: no limit.
   */
  gemm16(
    left: number,
    stride: number,
    panels: number,
    c: number,
    cStride: number,
    m: number,
    n: number,
    k: number,
    columns: number,
    depths: number,
  ): void;
  /**
   * Per column Σ of weight·entry over `rows` rows, as float32; `weights` are float32, one a row. `storage` of the
   * entries: 0 int8, 1 int16, 2 int32, 3 float32.
   */
  poolSum(
    from: number,
    stride: number,
    storage: 0 | 1 | 2 | 3,
    rows: number,
    width: number,
    weights: number,
    to: number,
  ): void;
}

/** Larger ranks do not fit the noise kernel's byte tables. */
const RANK_MAX = 240;
/** Blocks of k for which E_R·B', at most 252 a block, stays inside int16. */
const PEEL_BLOCKS_MAX = 130;
/** MACs between two yields to the event loop: 10–20 ms, so that a pause is quick. */
const SLAB_MACS = 3e8;
/** Bytes of Bᵀ that are copied at a time: still in the core's cache when they are packed and projected. */
const WEIGHT_SLAB_BYTES = 131_072;
/** Kernels read and write a little past a region's end. */
const SLACK = 4096;
/** Bytes kept free behind what is reserved, for reads past its end: one vector. */
const RESERVE_SLACK = 64;
const PAGE = 65_536;
/** Most bytes of a kernel's memory: every address is a positive int32, as the exports return them. */
const MEMORY_BYTES_MAX = 2 ** 31 - PAGE;
/** The kernel hashes multiples of this. */
const HASH_BYTES = 64;

/** Rows of Bᵀ in a slab. */
const slabRows = ({ k, n }: LinearSize): number =>
  Math.min(n, TILE * Math.max(1, Math.floor(WEIGHT_SLAB_BYTES / (TILE * k))));

/** Bytes of each region for one linear. */
const regionBytes = ({ m, k, n, r }: LinearSize, slab: number, carry: number) => ({
  /** A as received, later C as returned: float32; then a carry as it is hashed. */
  floats: Math.max(4 * m * Math.max(k, n), carry),
  a: m * k,
  /** A slab of Bᵀ. */
  b: slab * k,
  /** A', then a slab of B': int8. */
  noisy: Math.max(m, slab) * k,
  left: 2 * m * k,
  right: 2 * n * k,
  c: 4 * m * n,
  leftFactor: m * r,
  rightFactor: n * r,
  /** Operands of the peel: int16, 2r per row. */
  thinLeft: 4 * m * r,
  thinRows: 4 * n * r,
  thinRight: 4 * n * r,
  messages: (MESSAGE_BYTES * m * n) / TILE ** 2,
  tickets: (32 * m * n) / TILE ** 2,
  sums: (16 * k) / r,
  /** Of hashing A, the messages, or a carry. */
  chainingValues: Math.ceil(Math.max(m * k, (MESSAGE_BYTES * m * n) / TILE ** 2, carry) / 32),
  /** Three tables of k places for each side (assembly's `permutations`). */
  placesA: 3 * k,
  placesB: 3 * k,
  sigma: 32,
  noiseKey: 32,
  digest: 128,
});
type Layout = ReturnType<typeof regionBytes>;

let compiled: Promise<WebAssembly.Module> | undefined;
const compileKernel = (): Promise<WebAssembly.Module> =>
  (compiled ??= WebAssembly.compile(
    Uint8Array.from(atob(KERNEL_WASM.replaceAll('\n', '')), (c) => c.charCodeAt(0)),
  ));

function layOut(linears: readonly LinearSize[], carry: number, base: number) {
  const sizes = linears.map((l) => regionBytes(l, slabRows(l), carry));
  let end = Math.ceil(base / 64) * 64;
  const place = (name: keyof Layout): number => {
    const at = end;
    end += Math.ceil((Math.max(...sizes.map((s) => s[name])) + SLACK) / 64) * 64;
    return at;
  };
  const names = Object.keys(sizes[0]!) as (keyof Layout)[];
  const at = Object.fromEntries(names.map((name) => [name, place(name)])) as Layout;
  return { at, bytes: end };
}

/**
 * `carryBytes`: most bytes of a carry that is hashed. `lap` is called after noise, gemm, tickets and peel.
 * @throws AppError MODEL_REFUSED, DEVICE_MEMORY
 */
export async function createKernel(
  linears: readonly LinearSize[],
  carryBytes = 0,
  lap: Lap = () => undefined,
): Promise<Kernel> {
  const rank = Math.max(...linears.map((l) => l.r));
  if (rank > RANK_MAX) throw new AppError('MODEL_REFUSED', `rank ${rank} is over ${RANK_MAX}`);
  const { exports } = await WebAssembly.instantiate(await compileKernel(), {
    env: {
      abort: () => {
        throw new Error('kernel aborted');
      },
    },
  });
  const wasm = exports as unknown as Exports;
  const { at, bytes } = layOut(linears, carryBytes, wasm.heapBase());
  growTo(wasm.memory, bytes);
  return new Kernel(wasm, at, bytes, lap);
}

/** @throws AppError DEVICE_MEMORY */
function growTo(memory: WebAssembly.Memory, bytes: number): void {
  try {
    if (bytes > MEMORY_BYTES_MAX) throw new RangeError(`${bytes} is over ${MEMORY_BYTES_MAX}`);
    memory.grow(Math.max(0, Math.ceil((bytes - memory.buffer.byteLength) / PAGE)));
  } catch (cause) {
    throw new AppError('DEVICE_MEMORY', `${bytes} bytes for the kernels`, { cause });
  }
}

/** Called between slabs of work; throws to stop it. */
export type YieldToLoop = () => Promise<void> | undefined;

export class Kernel {
  readonly #wasm: Exports;
  readonly #at: Layout;
  readonly #lap: Lap;
  /** First byte that nobody has reserved. */
  #end: number;

  constructor(wasm: Exports, at: Layout, end: number, lap: Lap) {
    this.#wasm = wasm;
    this.#at = at;
    this.#end = end;
    this.#lap = lap;
    this.#bytes(at.noiseKey, 32).set(new Uint8Array(NOISE_KEY.buffer));
  }

  get memoryBytes(): number {
    return this.#wasm.memory.buffer.byteLength;
  }

  /** The one memory of the kernels and of whoever reserves in it. Growth detaches views of its buffer. */
  get memory(): WebAssembly.Memory {
    return this.#wasm.memory;
  }

  get primitives(): Primitives {
    return this.#wasm;
  }

  /** Address of A (m×k int8 of the linear in work) or of C (m×n int32), both row-major. */
  place(name: 'a' | 'c'): number {
    return this.#at[name];
  }

  /** Address of `bytes` zeros that are the caller's as long as the kernel lives; a multiple of 64. @throws DEVICE_MEMORY */
  reserve(bytes: number): number {
    const at = this.#end;
    const end = at + Math.ceil((bytes + RESERVE_SLACK) / 64) * 64;
    growTo(this.memory, end);
    this.#end = end;
    return at;
  }

  #bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#wasm.memory.buffer, at, length);
  }

  #hash(at: number, length: number): Uint8Array<ArrayBuffer> {
    const { chainingValues, digest } = this.#at;
    this.#wasm.hash(at, length, chainingValues, digest);
    return this.#bytes(digest, 32).slice();
  }

  /** Loads A (m×k float32). @returns false when a value is not an integer in [−63, 63] */
  loadActivations({ m, k }: LinearSize, values: Float32Array): boolean {
    assert(values.length === m * k, `A has ${m}×${k} values`);
    const { floats, a } = this.#at;
    new Float32Array(this.#wasm.memory.buffer, floats, m * k).set(values);
    return this.#wasm.quantize(floats, m * k, a) !== 0;
  }

  /** Loads A (m×k int8), every value in [−63, 63]. */
  loadOperand(values: Int8Array): void {
    new Int8Array(this.#wasm.memory.buffer, this.#at.a, values.length).set(values);
  }

  /** A copy of A. */
  activations({ m, k }: LinearSize): Int8Array {
    return new Int8Array(this.#wasm.memory.buffer, this.#at.a, m * k).slice();
  }

  /** BLAKE3 of A as int8. */
  hashActivations({ m, k }: LinearSize): Uint8Array {
    return this.#hash(this.#at.a, m * k);
  }

  /** BLAKE3 of bytes of the memory, at most as many as the largest carry has. */
  hashAt(at: number, bytes: number): Uint8Array {
    return bytes % HASH_BYTES ? plainHash(this.#bytes(at, bytes)) : this.#hash(at, bytes);
  }

  /** BLAKE3 of a carry's whole numbers, as int16 or int32. `product` is no longer valid. */
  hashCarry(values: Float32Array, size: 2 | 4): Uint8Array {
    const { floats } = this.#at;
    const { buffer } = this.#wasm.memory;
    const length = size * values.length;
    const encoded =
      size === 2
        ? new Int16Array(buffer, floats, values.length)
        : new Int32Array(buffer, floats, values.length);
    encoded.set(values);
    return this.hashAt(floats, length);
  }

  /** C (m×n) as float32: a view that is valid until the next call. */
  product({ m, n }: LinearSize): Float32Array<ArrayBuffer> {
    const { c, floats } = this.#at;
    this.#wasm.toFloat(c, m * n, floats);
    return new Float32Array(this.#wasm.memory.buffer, floats, m * n);
  }

  /** C = A·B exactly; `weights` is Bᵀ, n×k. */
  async multiply(l: LinearSize, weights: Int8Array, yieldToLoop: YieldToLoop): Promise<void> {
    this.#packPlain(l, weights);
    this.#lap('convert');
    await this.#gemm(l, l.k, false, yieldToLoop);
    this.#lap('gemm');
  }

  /**
   * The noisy product of linear `number` (1-based) under σ_ℓ. Afterwards `product` is C = A·B. @returns t_ℓ and
   * the tickets of all tiles (32 bytes each, a view that is valid until the next call)
   */
  async multiplyNoisy(
    l: LinearSize,
    weights: Int8Array,
    { sigma, number }: { readonly sigma: Uint8Array; readonly number: number },
    yieldToLoop: YieldToLoop,
  ): Promise<{ t: Uint8Array; tickets: Uint8Array }> {
    const at = this.#at;
    this.#bytes(at.sigma, 32).set(sigma);
    this.#packNoisy(l, weights);
    await this.#gemm(l, l.r, true, yieldToLoop);
    this.#lap('gemm');
    const tiles = tileCount(l);
    this.#wasm.tickets(at.messages, tiles, at.sigma, number, at.tickets);
    const t = this.#hash(at.messages, MESSAGE_BYTES * tiles);
    this.#lap('tickets');
    if (l.k / l.r <= PEEL_BLOCKS_MAX) this.#peel(l);
    else {
      this.#packPlain(l, weights);
      await this.#gemm(l, l.k, false, yieldToLoop);
    }
    this.#lap('peel');
    return { t, tickets: this.#bytes(at.tickets, 32 * tiles) };
  }

  /** Copies Bᵀ (n×k) into its region slab by slab; `each` gets the first row and the number of rows of a slab. */
  #eachSlab(l: LinearSize, weights: Int8Array, each: (first: number, rows: number) => void): void {
    const { k, n } = l;
    assert(weights.length === n * k, `Bᵀ has ${n}×${k} values`);
    const slab = slabRows(l);
    for (let first = 0; first < n; first += slab) {
      const rows = Math.min(slab, n - first);
      const slice = weights.subarray(first * k, (first + rows) * k);
      new Int8Array(this.#wasm.memory.buffer, this.#at.b, rows * k).set(slice);
      each(first, rows);
    }
  }

  #packPlain(l: LinearSize, weights: Int8Array): void {
    const { a, b, left, right } = this.#at;
    const { m, k } = l;
    this.#wasm.packLeft(a, m * k, left);
    this.#eachSlab(l, weights, (first, rows) =>
      this.#wasm.packRight(b, rows, k, right + 2 * first * k),
    );
  }

  /** Packs A' and B' as operands of the GEMM, and computes all that the peel needs of B' while a slab is in memory. */
  #packNoisy(l: LinearSize, weights: Int8Array): void {
    const at = this.#at;
    const w = this.#wasm;
    const { m, k, n, r } = l;
    w.permutations(at.sigma, 2, k, r, at.noiseKey, at.placesA);
    w.permutations(at.sigma, 3, k, r, at.noiseKey, at.placesB);
    w.factors(at.sigma, 0, m, r, at.noiseKey, at.leftFactor);
    w.factors(at.sigma, 1, n, r, at.noiseKey, at.rightFactor);
    w.addNoise(at.a, at.leftFactor, at.placesA, m, k, r, at.noisy);
    w.packLeft(at.noisy, m * k, at.left);
    const place = at.placesA + k;
    this.#eachSlab(l, weights, (first, rows) => {
      const factor = at.rightFactor + first * r;
      w.addNoise(at.b, factor, at.placesB, rows, k, r, at.noisy);
      w.packRight(at.noisy, rows, k, at.right + 2 * first * k);
      this.#lap('noise');
      const thin = at.thinRows + 2 * r + 4 * r * first;
      w.project(at.noisy, place, place + k, rows, k, r, thin, 4 * r);
      this.#lap('peel');
    });
    w.widen(at.rightFactor, n, r, at.thinRows, 4 * r);
    this.#lap('peel');
  }

  #peel({ m, k, n, r }: LinearSize): void {
    const at = this.#at;
    const w = this.#wasm;
    const place = at.placesB + k;
    w.project(at.a, place, place + k, m, k, r, at.thinLeft, 4 * r);
    w.widen(at.leftFactor, m, r, at.thinLeft + 2 * r, 4 * r);
    w.packRight16(at.thinRows, n, 2 * r, at.thinRight);
    w.gemm(at.thinLeft, at.thinRight, at.c, m, n, 2 * r, 2 * r, at.sums, 0, 1);
  }

  /** C = left·right in slabs of rows; `fold` also writes the tiles' messages every `step` columns. */
  async #gemm(
    { m, k, n }: LinearSize,
    step: number,
    fold: boolean,
    yieldToLoop: YieldToLoop,
  ): Promise<void> {
    const at = this.#at;
    const slab = TILE * Math.max(1, Math.floor(SLAB_MACS / (TILE * n * k)));
    for (let row = 0; row < m; row += slab) {
      const rows = Math.min(slab, m - row);
      const left = at.left + 2 * row * k;
      const c = at.c + 4 * row * n;
      const message = fold ? at.messages + (MESSAGE_BYTES * row * n) / TILE ** 2 : 0;
      this.#wasm.gemm(left, at.right, c, rows, n, k, step, at.sums, message, 0);
      await yieldToLoop();
    }
  }
}
