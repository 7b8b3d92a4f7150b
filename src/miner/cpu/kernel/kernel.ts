/**
 * The linears on the CPU: WebAssembly SIMD kernels on one memory, which is laid out once for the largest of a
 * model's linears and holds their weights. It runs one unit at a time; the caller must not let units overlap.
 *
 * A noisy product goes through B slab by slab: its columns get their noise, are multiplied and peeled while they are in
 * the core's cache. The exact product is peeled: −(A·F_L)·F_R − E_L·(E_R·B') is one more product of depth 2r by the
 * same loop, [−A·F_L | E_L]·[F_R ; −E_R·B'], which costs 2r/k of a plain product.
 */
import { plainHash } from '../../../core/hash.ts';
import { TILE, type LinearSize } from '../../../core/manifest.ts';
import { NOISE_KEY } from '../../../core/pow/noise.ts';
import { MESSAGE_BYTES, tileCount } from '../../../core/pow/transcript.ts';
import { AppError, assert } from '../../../lib/errors.ts';
import type { Lap } from '../../engine/stages.ts';
import { Arena } from './arena.ts';
import { LANES, layOut, slabPanels, type Layout } from './layout.ts';
import { instantiateKernel, type Exports, type Relaxed } from './modules.ts';
import { INT7_MAX, Plain, type PlacedWeights, type PlainLinear, type Way } from './plain.ts';
import type { Primitives } from './primitives.ts';

export type { PlacedWeights } from './plain.ts';
export type { Primitives } from './primitives.ts';

/** Permutations are bytes, and a manifest's ranks end here. */
const RANK_MAX = 240;
/** Blocks of k for which E_R·B', at most 252 a block, stays inside int16. */
const PEEL_BLOCKS_MAX = 130;
/** MACs between two yields to the event loop: 10–20 ms, so that a pause is quick. */
const SLAB_MACS = 3e8;
/** Columns of B that lie in one panel, four entries of each in turn. */
const PANEL = 8;
/** The kernel hashes multiples of this. */
const HASH_BYTES = 64;

/**
 * `carryBytes`: most bytes of a carry that is hashed. `lap` is called after noise, gemm, tickets and peel. `rows`: those
 * that there is room for at first, where they are not all of the linears' m (`Kernel.forRows`).
 * @throws AppError MODEL_REFUSED, DEVICE_MEMORY
 */
export async function createKernel(
  linears: readonly LinearSize[],
  carryBytes = 0,
  lap: Lap = () => undefined,
  rows = rowsOf(linears),
): Promise<Kernel> {
  const rank = Math.max(...linears.map((l) => l.r));
  if (rank > RANK_MAX) throw new AppError('MODEL_REFUSED', `rank ${rank} is over ${RANK_MAX}`);
  const { wasm, relaxed } = await instantiateKernel();
  const arena = new Arena(wasm.memory, wasm.heapBase());
  return new Kernel({ wasm, relaxed, arena, linears, carryBytes, lap }, rows);
}

/** The most rows of A. */
const rowsOf = (linears: readonly LinearSize[]): number => Math.max(...linears.map(({ m }) => m));

/** Called between slabs of work; throws to stop it. */
export type YieldToLoop = () => Promise<void> | undefined;

/** Rows of a language model's table as weights of its head's product, on a kernel that has room for that. */
export interface PlacedRows {
  readonly kernel: Kernel;
  readonly weights: PlacedWeights;
}

/** What a noisy product is made for. */
export interface Noisy {
  /** σ_ℓ */
  readonly sigma: Uint8Array;
  /** ℓ, from 1. */
  readonly number: number;
  /** Whether C is wanted; absent: yes. Without it nothing is peeled, and C is undefined. */
  readonly exact?: boolean;
  /** Whether tickets are wanted; absent: yes. Without them `tickets` is empty. */
  readonly tickets?: boolean;
}

/** What multiplies a row of C, and where the products go: addresses. */
export interface Scale {
  readonly factors: number;
  readonly count: number;
  readonly to: number;
}

interface KernelParts {
  readonly wasm: Exports;
  readonly relaxed: Relaxed | undefined;
  readonly arena: Arena;
  readonly linears: readonly LinearSize[];
  readonly carryBytes: number;
  readonly lap: Lap;
}

/** One model's linears, one unit at a time; who reserves memory of it runs segments in it too. */
export class Kernel {
  readonly #parts: KernelParts;
  /** Rows of A that there is room for. */
  readonly #rows: number;
  readonly #wasm: Exports;
  readonly #at: Layout;
  readonly #lap: Lap;
  readonly #plain: Plain;
  /** One with room for more rows. */
  #wide: Kernel | undefined;
  /** A as received and C as returned where they are float32; laid out when first used. */
  #floats: { at: number; bytes: number } | undefined;

  /** @throws AppError DEVICE_MEMORY */
  constructor(parts: KernelParts, rows: number) {
    const { wasm, relaxed, arena, linears, carryBytes, lap } = parts;
    const sizes = linears.map((l) => ({ ...l, m: rows }));
    const at = layOut(sizes, carryBytes, (bytes) => arena.reserve(bytes));
    this.#parts = parts;
    this.#rows = rows;
    this.#wasm = wasm;
    this.#at = at;
    this.#lap = lap;
    this.#plain = new Plain(wasm, relaxed, at);
    this.#bytes(at.noiseKey, 32).set(new Uint8Array(NOISE_KEY.buffer));
  }

  /**
   * These linears with room for m rows: this kernel where it has that, else one beside it in the same memory, with the
   * same weights, laid out when it is first asked for and then for all rows. @throws AppError DEVICE_MEMORY
   */
  forRows(m: number): Kernel {
    if (m <= this.#rows) return this;
    if (!this.#wide || this.#wide.#rows < m)
      this.#wide = new Kernel(this.#parts, Math.max(m, rowsOf(this.#parts.linears)));
    return this.#wide;
  }

  /** Other linears in the same memory, with room of their own for A and C. @throws AppError DEVICE_MEMORY */
  beside(linears: readonly LinearSize[]): Kernel {
    return new Kernel({ ...this.#parts, linears, carryBytes: 0 }, rowsOf(linears));
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
    return this.#parts.arena.reserve(bytes);
  }

  /**
   * Takes a linear's weights into the kernel's memory, k·n bytes and 4 a column; `rows` is Bᵀ, n×k in [−63, 63], and is
   * not needed afterwards. @throws AppError DEVICE_MEMORY
   */
  placeWeights({ k, n }: Pick<LinearSize, 'k' | 'n'>, rows: Int8Array): PlacedWeights {
    assert(rows.length === n * k, `Bᵀ has ${n}×${k} values`);
    const at = this.reserve(n * k);
    const sums = this.reserve(4 * n);
    const { turned } = this.#at;
    for (let first = 0; first < n; first += LANES) {
      const slice = rows.subarray(first * k, (first + LANES) * k);
      new Int8Array(this.memory.buffer, turned, LANES * k).set(slice);
      this.#wasm.packWeights(turned, LANES, k, at + first * k);
    }
    this.#wasm.columnSums(at, n, k, sums);
    return { at, sums };
  }

  /** Bᵀ, n×k, of placed weights. */
  weightRows({ k, n }: Pick<LinearSize, 'k' | 'n'>, { at }: PlacedWeights): Int8Array<ArrayBuffer> {
    const rows = new Int8Array(n * k);
    const { turned } = this.#at;
    for (let first = 0; first < n; first += LANES) {
      this.#wasm.unpackWeights(at + first * k, LANES, k, turned);
      rows.set(new Int8Array(this.memory.buffer, turned, LANES * k), first * k);
    }
    return rows;
  }

  /** Row `row` of Bᵀ of placed weights to an address: k bytes. */
  copyRow(k: number, { at }: PlacedWeights, row: number, to: number): void {
    const place = row % PANEL;
    this.#wasm.unpackWeights(at + (row - place) * k + 4 * place, 1, k, to);
  }

  #bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#wasm.memory.buffer, at, length);
  }

  #hash(at: number, length: number): Uint8Array<ArrayBuffer> {
    const { chainingValues, digest } = this.#at;
    this.#wasm.hash(at, length, chainingValues, digest);
    return this.#bytes(digest, 32).slice();
  }

  /** Room for at least `bytes` of float32. */
  #room(bytes: number): number {
    if (!this.#floats || this.#floats.bytes < bytes)
      this.#floats = { at: this.reserve(bytes), bytes };
    return this.#floats.at;
  }

  /** Loads A (m×k float32). @returns false when a value is no integer in [−63, 63], or in wider bounds of the linear */
  loadActivations(
    { m, k, low = -INT7_MAX, high = INT7_MAX }: PlainLinear,
    values: Float32Array,
  ): boolean {
    assert(values.length === m * k, `A has ${m}×${k} values`);
    if (low < -INT7_MAX || high > INT7_MAX) {
      // Of a model that is only served: no noise has to fit beside it.
      this.loadOperand(Int8Array.from(values));
      return values.every((x) => Number.isInteger(x) && x >= low && x <= high);
    }
    const floats = this.#room(4 * m * k);
    new Float32Array(this.memory.buffer, floats, m * k).set(values);
    return this.#wasm.quantize(floats, m * k, this.#at.a) !== 0;
  }

  /** Loads A (m×k int8), every value within its linear's bounds. */
  loadOperand(values: Int8Array): void {
    new Int8Array(this.memory.buffer, this.#at.a, values.length).set(values);
  }

  /** A copy of A. */
  activations({ m, k }: LinearSize): Int8Array {
    return new Int8Array(this.memory.buffer, this.#at.a, m * k).slice();
  }

  /** BLAKE3 of A as int8. */
  hashActivations({ m, k }: LinearSize): Uint8Array {
    return this.#hash(this.#at.a, m * k);
  }

  /** BLAKE3 of bytes of the memory, at most as many as the largest carry has. */
  hashAt(at: number, bytes: number): Uint8Array {
    return bytes % HASH_BYTES ? plainHash(this.#bytes(at, bytes)) : this.#hash(at, bytes);
  }

  /**
   * Row `row` of C times `count` int16 (a multiple of 4) at `factors`, as float64 at `to`: exact, a product of 40 bits
   * or less.
   */
  scaledRow({ n }: Pick<LinearSize, 'n'>, row: number, scale: Scale): void {
    this.#wasm.toLogits(this.#at.c + 4 * row * n, scale.factors, scale.count, scale.to);
  }

  /** C (m×n) as float32: a view that is valid until the next call. */
  product({ m, n }: LinearSize): Float32Array<ArrayBuffer> {
    const floats = this.#room(4 * m * n);
    this.#wasm.toFloat(this.#at.c, m * n, floats);
    return new Float32Array(this.memory.buffer, floats, m * n);
  }

  /**
   * C = A·B exactly, of any number of rows up to what was laid out. `way`: for tests and benches; else the quicker one.
   */
  async multiply(
    l: PlainLinear,
    weights: PlacedWeights,
    yieldToLoop: YieldToLoop,
    way?: Way,
  ): Promise<void> {
    const product = this.#plain.begin(l, weights, way);
    this.#lap('convert');
    for (const [from, until] of slabs(l)) {
      product.columns(from, until);
      this.#lap('gemm');
      await yieldToLoop();
    }
  }

  /** The same at once, of as few rows as a step has. */
  multiplyAtOnce(l: PlainLinear, weights: PlacedWeights): void {
    this.#plain.begin(l, weights).columns(0, l.n);
    this.#lap('gemm');
  }

  /**
   * The noisy product of linear ℓ under σ_ℓ, of whole tiles; afterwards C is A·B. @returns t_ℓ and the tickets of all
   * tiles (32 bytes each, a view that is valid until the next call)
   */
  async multiplyNoisy(
    l: LinearSize,
    weights: PlacedWeights,
    { sigma, number, exact = true, tickets = true }: Noisy,
    yieldToLoop: YieldToLoop,
  ): Promise<{ t: Uint8Array; tickets: Uint8Array }> {
    const at = this.#at;
    const peels = exact && l.k / l.r <= PEEL_BLOCKS_MAX;
    this.#bytes(at.sigma, 32).set(sigma);
    this.#noisyRows(l, peels);
    const columns = LANES * slabPanels(l.k);
    for (let from = 0; from < l.n; from += columns) {
      this.#noisySlab(l, weights, [from, Math.min(l.n, from + columns)], peels);
      await yieldToLoop();
    }
    const tiles = tileCount(l);
    if (tickets) this.#wasm.tickets(at.messages, tiles, at.sigma, number, at.tickets);
    const t = this.#hash(at.messages, MESSAGE_BYTES * tiles);
    this.#lap('tickets');
    if (exact && !peels) await this.multiply(l, weights, yieldToLoop);
    return { t, tickets: this.#bytes(at.tickets, tickets ? 32 * tiles : 0) };
  }

  /** The factor of 16 rows of A (kind 0) or columns of B (kind 1) from `first` on, turned. */
  #drawFactor(kind: 0 | 1, first: number, r: number): void {
    const { sigma, noiseKey, drawn, factor } = this.#at;
    this.#wasm.factors(sigma, kind, first, LANES, r, noiseKey, drawn);
    this.#wasm.turnRows(drawn, r, factor);
  }

  /** Permutations, A' as the left operand, and the peel's left operand. */
  #noisyRows({ m, k, r }: LinearSize, peels: boolean): void {
    const at = this.#at;
    const w = this.#wasm;
    w.permutations(at.sigma, 2, k, r, at.noiseKey, at.orderA);
    w.permutations(at.sigma, 3, k, r, at.noiseKey, at.orderB);
    for (let row = 0; row < m; row += LANES) {
      this.#drawFactor(0, row, r);
      w.turnRows(at.a + row * k, k, at.turned);
      if (peels) {
        this.#lap('noise');
        // Pairs of a panel of 4 rows lie 16 bytes apart, panels one after the other.
        const thin = at.thinLeft + 4 * row * r;
        w.project(at.turned, at.orderB, k, r, at.projected);
        w.pairSums(at.projected, r, thin, 32 * r, 16 * r, 16);
        w.pairBytes(at.factor, r, thin + 8 * r, 32 * r, 16 * r, 16);
        this.#lap('peel');
      }
      const left = at.left + 2 * row * k;
      w.addNoise(at.turned, at.factor, at.orderA, k, r, left, 16 * k, 8 * k, 16);
    }
    this.#lap('noise');
  }

  /** Messages of the tiles of some columns; with `peels` also those columns of C. */
  #noisySlab(
    { m, k, n, r }: LinearSize,
    weights: PlacedWeights,
    [from, until]: readonly [from: number, until: number],
    peels: boolean,
  ): void {
    const at = this.#at;
    const w = this.#wasm;
    for (let column = from; column < until; column += LANES) {
      this.#drawFactor(1, column, r);
      w.turnWeights(weights.at + column * k, k, at.turned);
      // Pairs of a panel of 8 columns lie 32 bytes apart, two vectors each.
      const right = at.right + 2 * (column - from) * k;
      w.addNoise(at.turned, at.factor, at.orderB, k, r, right, 16 * k, 16, 32);
      if (!peels) continue;
      this.#lap('noise');
      const thin = at.thinRight + 4 * (column - from) * r;
      w.project(at.turned, at.orderA, k, r, at.projected);
      w.pairBytes(at.factor, r, thin, 32 * r, 16, 32);
      w.pairSums(at.projected, r, thin + 16 * r, 32 * r, 16, 32);
      this.#lap('peel');
    }
    this.#lap('noise');
    const messages = at.messages + (MESSAGE_BYTES * from) / TILE;
    const messageLine = (MESSAGE_BYTES * n) / TILE;
    const [thinLeft, c] = peels ? [at.thinLeft, at.c + 4 * from] : [0, 0];
    w.noisySlab(
      ...([at.left, at.right, (until - from) / LANES, m, k, r, at.sums] as const),
      ...([messages, messageLine, thinLeft, at.thinRight, c, 4 * n] as const),
    );
    this.#lap('gemm', peels ? ['peel', (2 * r) / (k + 2 * r)] : undefined);
  }
}

/** Ranges of columns, multiples of 16, that are multiplied between two yields. */
function slabs({ m, k, n }: LinearSize): (readonly [from: number, until: number])[] {
  const columns = LANES * Math.max(1, Math.floor(SLAB_MACS / (LANES * m * k)));
  return Array.from({ length: Math.ceil(n / columns) }, (_, i) => [
    i * columns,
    Math.min(n, (i + 1) * columns),
  ]);
}
