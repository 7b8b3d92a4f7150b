/** Where an executor's buffers lie in the kernel's memory. */
import type { Carry } from '../../core/manifest.ts';
import { assert } from '../../lib/errors.ts';
import type { Kernel, PlacedWeights } from '../cpu/kernel/kernel.ts';
import type { Nest } from './nest.ts';
import { inPage, type Compiled, type Pages, type Workplace } from './steps.ts';
import { BYTES, type Plan, type PlanBuffer, type Role } from './types.ts';

/** Bytes behind a buffer that a vector may read past its end. */
const SLACK = 64;
const CHUNK = 2 ** 18;
const align = (bytes: number): number => Math.ceil(bytes / 64) * 64;

/** What an executor needs of the kernel: its memory, where C and A lie, and products. */
export type ExecutorKernel = Pick<Kernel, 'memory' | 'place' | 'reserve' | 'primitives'>;
/** Rows that lie among weights: those of the tokens are copied out of them for each pass or step. */
export interface GatheredTable {
  readonly kernel: Pick<Kernel, 'copyRow'>;
  readonly weights: PlacedWeights;
  /** Bytes of a row. */
  readonly k: number;
}
/** A table's bytes, or where its rows are. */
export type ExecutorTable = Uint8Array | GatheredTable;

/** Bytes in the kernel's memory. */
export interface Place {
  readonly at: number;
  readonly bytes: number;
}

export interface MemoryInput {
  readonly plan: Plan;
  readonly carries: readonly Carry[];
  /** Undefined where a segment is not covered. */
  readonly nests: readonly (Nest | undefined)[];
  readonly compiled: ReadonlyMap<string, Compiled>;
  readonly tables: readonly ExecutorTable[];
  /** Of a step: tokens of a page of caches. */
  readonly pageTokens: number;
}

/** Tables that lie in a memory already: executors of several shapes share them. */
const tablesOf = new WeakMap<WebAssembly.Memory, Map<Uint8Array, number>>();

/** Addresses of one shape's buffers: temporaries of all segments in one area, the others each in a place of its own. */
export class ExecutorMemory {
  readonly #kernel: ExecutorKernel;
  readonly #plan: Plan;
  readonly #nests: readonly (Nest | undefined)[];
  /** Addresses of buffers that outlive a segment, and of constants. */
  readonly #places = new Map<number, Place>();
  /** The first of each kind and name. */
  readonly #named = new Map<string, Place>();
  /** Of a step: offsets of caches in a page. */
  readonly #caches = new Map<number, Place>();
  readonly #pageTokens: number;
  /** Of a step: where the sequences' caches lie. */
  readonly pages: Pages;
  /** Offsets of each segment's temporaries in the one area of all. */
  readonly #offsets: readonly ReadonlyMap<number, number>[];
  readonly #area: number;
  readonly #scratch: number;
  readonly #panels: number;
  readonly #volatile: Place[] = [];
  /** Tables of which the tokens' rows lie one after the other, and where. */
  readonly #gathered = new Map<number, { readonly table: GatheredTable; readonly at: number }>();
  /** Address of the numbers from 0 on: the row of each token in these. */
  #rowNumbers: number | undefined;
  #int: Int32Array;
  #float: Float32Array;
  #bytes = 0;
  /** Where small reservations come from: the kernel keeps 4 KB free behind each of its own. */
  #chunk = { at: 0, end: 0 };

  constructor(kernel: ExecutorKernel, input: MemoryInput) {
    const { plan, carries, nests, compiled, tables, pageTokens } = input;
    this.#kernel = kernel;
    this.#plan = plan;
    this.#pageTokens = pageTokens;
    this.pages = pagesOf(plan, pageTokens);
    this.#nests = nests;
    this.#int = new Int32Array(kernel.memory.buffer);
    this.#float = new Float32Array(kernel.memory.buffer);
    this.#placeCarries(carries);
    for (const [i, buffer] of plan.buffers.entries()) {
      this.#place(i, buffer, tables);
      const { role } = buffer;
      const key = `${role.kind} ${role.kind === 'carry' ? role.name : ''}`;
      const place = this.#places.get(i);
      if (place && !this.#named.has(key)) this.#named.set(key, place);
    }
    const areas = nests.map((n) => this.#layOut(n));
    this.#offsets = areas.map(({ offsets }) => offsets);
    this.#area = this.#reserveVolatile(areas.map(({ bytes }) => bytes));
    this.#scratch = this.#reserveVolatile([...compiled.values()].map((c) => c.scratchBytes));
    this.#panels = this.#reserveVolatile(panelBytes(plan, kernel));
  }

  /** Room for the largest of what is there one after the other. */
  #reserveVolatile(sizes: readonly number[]): number {
    const bytes = Math.max(0, ...sizes) + SLACK;
    const at = this.#reserve(bytes);
    this.#volatile.push({ at, bytes });
    return at;
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** Of a step: bytes of a page. */
  get pageBytes(): number {
    const last = [...this.#caches.values()].at(-1);
    return last ? align(last.at + last.bytes + SLACK) : 0;
  }
  /** Of a step: where caches lie in a page, always in one order. */
  get caches(): readonly Place[] {
    return [...this.#caches.values()];
  }
  /** Places whose contents nobody needs between two segments. */
  get volatile(): Place[] {
    return [...this.#volatile];
  }
  get buffer(): ArrayBuffer {
    return this.#kernel.memory.buffer;
  }
  /** Views that last until somebody reserves memory. */
  get int(): Int32Array {
    return this.#int;
  }
  get float(): Float32Array {
    return this.#float;
  }

  /** New views, where the memory has grown. */
  refresh(): void {
    const { buffer } = this;
    if (this.#int.buffer === buffer) return;
    this.#int = new Int32Array(buffer);
    this.#float = new Float32Array(buffer);
  }

  #reserve(bytes: number): number {
    const size = align(bytes + SLACK);
    if (size > CHUNK / 4) return this.#fromKernel(size);
    if (this.#chunk.at + size > this.#chunk.end) {
      const at = this.#fromKernel(CHUNK);
      this.#chunk = { at, end: at + CHUNK };
    }
    const { at } = this.#chunk;
    this.#chunk.at += size;
    return at;
  }

  #fromKernel(bytes: number): number {
    this.#bytes += bytes;
    const at = this.#kernel.reserve(bytes);
    this.refresh();
    return at;
  }

  /** Copies the rows of a pass's or step's tokens. */
  gather(tokens: Uint32Array): void {
    for (const { table, at } of this.#gathered.values()) {
      const { kernel, weights, k } = table;
      for (let i = 0; i < tokens.length; i++) kernel.copyRow(k, weights, tokens[i]!, at + i * k);
    }
  }

  /** Carries whose lives do not meet share a place. */
  #placeCarries(carries: readonly Carry[]): void {
    const { buffers, sequences } = this.#plan;
    const rooms: { last: number; bytes: number; readonly buffers: number[] }[] = [];
    for (const { name, made, last } of carries.toSorted((a, b) => a.made - b.made)) {
      const buffer = buffers.findIndex(({ role }) => role.kind === 'carry' && role.name === name);
      const { storage, size } = buffers[buffer]!;
      const bytes = BYTES[storage] * size * sequences;
      const free = rooms.filter((room) => room.last < made);
      // The one that needs the least more.
      const room = free.toSorted(
        (a, b) => Math.abs(a.bytes - bytes) - Math.abs(b.bytes - bytes),
      )[0];
      if (!room) rooms.push({ last, bytes, buffers: [buffer] });
      else {
        room.last = last;
        room.bytes = Math.max(room.bytes, bytes);
        room.buffers.push(buffer);
      }
    }
    for (const room of rooms) {
      const at = this.#reserve(room.bytes);
      for (const buffer of room.buffers) {
        const { storage, size } = buffers[buffer]!;
        this.#places.set(buffer, { at, bytes: BYTES[storage] * size * sequences });
      }
    }
  }

  /** Where the one buffer of this kind (and name) lies. */
  placeOf(kind: Role['kind'], name = ''): Place {
    const place = this.#named.get(`${kind} ${name}`);
    assert(place, `the plan has a buffer ${kind} ${name}`);
    return place;
  }

  #place(
    i: number,
    { role, storage, size, perSequence }: PlanBuffer,
    tables: readonly ExecutorTable[],
  ): void {
    const bytes = BYTES[storage] * size * (perSequence ? this.#plan.sequences : 1);
    if (role.kind === 'temporary' || role.kind === 'carry') return;
    if (role.kind === 'cache') {
      const bytes = BYTES[storage] * inPage(size, role, this.#pageTokens);
      this.#caches.set(i, { at: this.pageBytes, bytes });
      return;
    }
    if (role.kind === 'product' || role.kind === 'operand') {
      const at = this.#kernel.place(role.kind === 'product' ? 'c' : 'a');
      this.#places.set(i, { at, bytes });
    } else if (role.kind === 'table') {
      const table = tables[role.index]!;
      if (table instanceof Uint8Array) this.#places.set(i, { at: this.#table(table), bytes });
      else this.#placeRows(i, table);
    } else {
      const at = this.#reserve(bytes);
      this.#places.set(i, { at, bytes });
      if (role.kind !== 'constant') return;
      const { data } = role;
      const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      new Uint8Array(this.buffer, at, bytes).set(from);
    }
  }

  /** Room for the rows of as many tokens as there may be. */
  #placeRows(i: number, table: GatheredTable): void {
    const { size } = this.#plan.buffers.find(({ role }) => role.kind === 'tokens')!;
    const count = size * this.#plan.sequences;
    const place = { at: this.#reserve(count * table.k), bytes: count * table.k };
    this.#places.set(i, place);
    this.#gathered.set(i, { table, at: place.at });
    if (this.#rowNumbers !== undefined) return;
    const at = this.#reserve(4 * count);
    this.#int.set(
      Int32Array.from({ length: count }, (_, row) => row),
      at >> 2,
    );
    this.#rowNumbers = at;
  }

  #table(table: Uint8Array): number {
    const { memory } = this.#kernel;
    const known = tablesOf.get(memory) ?? new Map<Uint8Array, number>();
    tablesOf.set(memory, known);
    let at = known.get(table);
    if (at === undefined) {
      at = this.#reserve(table.length);
      new Uint8Array(this.buffer, at, table.length).set(table);
      known.set(table, at);
    }
    return at;
  }

  /** Temporaries of a segment, one after the other. */
  #layOut(found: Nest | undefined): { offsets: Map<number, number>; bytes: number } {
    const offsets = new Map<number, number>();
    let bytes = 0;
    for (const [buffer, { elements, isShared }] of found?.rooms ?? []) {
      const { storage } = this.#plan.buffers[buffer]!;
      offsets.set(buffer, bytes);
      const count = isShared[0] ? 1 : this.#plan.sequences;
      bytes += align(BYTES[storage] * elements * count + SLACK);
    }
    return { offsets, bytes };
  }

  /** Of a step: the address of the sequences' positions. */
  get #positions(): number {
    return this.#named.get('positions ')?.at ?? 0;
  }

  /** What the steps of a segment are prepared with. */
  workplace(segment: number, compiled: ReadonlyMap<string, Compiled>): Workplace {
    const { buffers, programs, sequences } = this.#plan;
    const offsets = this.#offsets[segment]!;
    return {
      buffers,
      programs,
      sequences,
      rooms: this.#nests[segment]!.rooms,
      addressOf: (b) =>
        (this.#places.get(b) ?? this.#caches.get(b))?.at ?? this.#area + offsets.get(b)!,
      listOf: ({ buffer, index }) =>
        index && this.#gathered.has(buffer) ? this.#rowNumbers : undefined,
      reserve: (bytes) => this.#reserve(bytes),
      compiled: (program) => compiled.get(program.key)!,
      memory: this,
      positions: this.#positions,
      pages: this.pages,
      primitives: this.#kernel.primitives,
      scratch: this.#scratch,
      panels: this.#panels,
    };
  }
}

/** Bytes of each right operand; of a cache, which is read as it is, those of a page's share of the product. */
const panelBytes = ({ segments }: Plan, { primitives }: ExecutorKernel): number[] =>
  segments.flatMap(({ steps }) =>
    (steps ?? []).map((s) => {
      if (s.kind !== 'product') return 0;
      return s.cached ? 4 * s.m * s.n : primitives.panelBytes(s.n, s.k);
    }),
  );

/** Room for the addresses of all pages that the sequences of a step may have. */
function pagesOf({ buffers, sequences }: Plan, tokens: number): Pages {
  const rooms = buffers.map(({ role }) => (role.kind === 'cache' ? role.room : 0));
  const each = Math.ceil(Math.max(0, ...rooms) / tokens);
  return { tokens, each, at: new Int32Array(sequences * each) };
}
