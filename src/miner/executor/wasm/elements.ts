/** Elements of a program's buffers: loads and stores of each storage, whole vectors and single ones, and lookups. */
import { BYTES, type RowProgram, type Storage } from '../types.ts';
import {
  ADD,
  HIGH_HALF,
  I64,
  LOW_HALF,
  SHIFT_RIGHT,
  V128,
  at,
  constant,
  get,
  set,
  simd,
  splatBits,
  type Code,
  type Simd,
} from './code.ts';
import type { FunctionCode } from './function.ts';

/** Columns of a vector. */
export const LANES = 4;
/** 1.5·2^23: added to a whole number |x| ≤ 2^22 it leaves that in the low bits. */
const MAGIC = 12_582_912;
const MAGIC_BITS = 0x4b400000;

/** Loads of four elements, and of one into all lanes; the last instruction makes float32 of whole numbers. */
const LOAD: Record<Storage, { readonly vector: readonly Simd[]; readonly splat: readonly Simd[] }> =
  {
    f32: { vector: ['load'], splat: ['load32Splat'] },
    i32: { vector: ['load', 'convert'], splat: ['load32Splat', 'convert'] },
    i16: { vector: ['load16x4', 'convert'], splat: ['load16Splat', 'extend16', 'convert'] },
    i8: {
      vector: ['load32Zero', 'extend8', 'extend16', 'convert'],
      splat: ['load8Splat', 'extend8', 'extend16', 'convert'],
    },
  };
const loaded = ([first, ...rest]: readonly Simd[], raw: boolean, offset = 0): Code => [
  ...simd(first!, at(offset)),
  ...(raw ? rest.slice(0, -1) : rest).flatMap((name) => simd(name)),
];

/**
 * Numbers of the frame that limit whole numbers from below and above, once these are int16, of which a vector holds
 * eight: to saturate turns the order of no two numbers.
 */
export interface Clip {
  readonly least: number;
  readonly most: number;
}

/** Reads inputs and writes outputs of a program, at the column in work. */
export class Elements {
  readonly #program: RowProgram;
  readonly #fn: FunctionCode;
  readonly #column: FunctionCode['column'];

  constructor(program: RowProgram, fn: FunctionCode) {
    this.#program = program;
    this.#fn = fn;
    this.#column = fn.column;
  }

  /** One element of an input in all lanes; `group` is a local with its place ×4, 0: the first. */
  one(input: number, group: number, raw = false): Code {
    const { storage } = this.#program.inputs[input]!;
    const place = [...get(this.#fn.inputs[input]!.pointer)];
    const shift = { 1: 2, 2: 1, 4: 0 }[BYTES[storage]];
    if (group)
      place.push(...get(group), ...(shift ? [...constant(shift), ...SHIFT_RIGHT] : []), ...ADD);
    return [...place, ...loaded(LOAD[storage].splat, raw)];
  }

  /** Four elements of an input, `v` vectors after the column in work. */
  vector(input: number, v: number, raw = false): Code {
    const { storage } = this.#program.inputs[input]!;
    const column = this.#column[BYTES[storage]];
    const address = [...get(this.#fn.inputs[input]!.pointer), ...get(column), ...ADD];
    return [...address, ...loaded(LOAD[storage].vector, raw, v * LANES * BYTES[storage])];
  }

  /** Entries of a table by whole numbers in four lanes. */
  lookup(input: number, places: Code, lanes: number): void {
    const { pointer } = this.#fn.inputs[input]!;
    const addresses = this.#fn.local(V128);
    const found = this.#fn.local(V128);
    const pair = this.#fn.local(I64);
    // The entry at the place whose bits are 0.
    const first = [...get(pointer), ...constant(-(MAGIC_BITS << 2)), ...ADD];
    const origin = this.#fn.constant(`t${input}`, [...first, ...simd('splatInt')]);
    this.#fn.emit(places);
    // What lies past the row is no place in the table.
    if (lanes < LANES) this.#fn.emit(this.#fn.mask(lanes), simd('and'));
    this.#fn.emit(this.#fn.splat(MAGIC), simd('add'), constant(2), simd('shiftLeft'));
    this.#fn.emit(origin, simd('addInt'), set(addresses));
    const load = (address: Code, lane: number): void =>
      lane
        ? this.#fn.emit(address, get(found), simd('load32Lane', at(0), [lane]), set(found))
        : this.#fn.emit(address, simd('load32Zero', at(0)), set(found));
    // Two addresses at a time leave the vector.
    for (let lane = 0; lane < LANES; lane += 2) {
      this.#fn.emit(get(addresses), simd('extractLong', [lane >> 1]), set(pair));
      load([...get(pair), ...LOW_HALF], lane);
      load([...get(pair), ...HIGH_HALF], lane + 1);
    }
    this.#fn.emit(get(found));
  }

  /** Four float32 as whole numbers. */
  #integers(code: Code, isQuick: boolean): Code {
    if (!isQuick) return [...code, ...simd('truncate')];
    return [
      ...code,
      ...this.#fn.splat(MAGIC),
      ...simd('add'),
      ...this.#fn.constant('bits', splatBits(MAGIC_BITS)),
      ...simd('subInt'),
    ];
  }

  /**
   * Writes one or two vectors at the column in work; of fewer lanes than four, nothing past the last. `clip`: what they
   * are limited to, where all lanes are columns.
   */
  store(o: number, vectors: readonly Code[], lanes: number, clip?: Clip): void {
    const { storage, isQuick } = this.#program.outputs[o]!;
    const size = BYTES[storage];
    const column = this.#column[size];
    if (lanes < LANES) return this.#storeLanes(o, vectors[0]!, lanes, column);
    const address = [...get(this.#fn.outputs[o]!.pointer), ...get(column), ...ADD];
    const numbers =
      storage === 'f32' ? vectors : vectors.map((code) => this.#integers(code, isQuick));
    if (size === 4) {
      for (const [v, code] of numbers.entries())
        this.#fn.emit(address, code, simd('store', at(4 * LANES * v)));
      return;
    }
    const local = this.#narrowed(storage, numbers, clip);
    const bytes = size * LANES * vectors.length;
    this.#fn.emit(address, get(local));
    if (bytes === 16) this.#fn.emit(simd('store', at(0)));
    else this.#fn.emit(simd(bytes === 8 ? 'store64Lane' : 'store32Lane', at(0), [0]));
  }

  /** A local with what is stored of one or two vectors in its first bytes. */
  #narrowed(storage: Storage, [low, high]: readonly Code[], clip?: Clip): number {
    const local = this.#fn.local(V128);
    const change = (by: Simd, other = get(local)): void =>
      this.#fn.emit(get(local), other, simd(by), set(local));
    this.#fn.emit(low!, set(local));
    if (storage === 'i16' || storage === 'i8') change('narrow32', high);
    if (clip) {
      change('most16', this.#fn.narrow(clip.least));
      change('least16', this.#fn.narrow(clip.most));
    }
    if (storage === 'i8') change('narrow16');
    return local;
  }

  /** The one number of a row, in all lanes. */
  storeOne(o: number, code: Code): void {
    this.#storeLanes(o, code, 1, 0);
  }

  /** The first lanes, one by one, so that nothing past them is written; `column` 0: the row's beginning. */
  #storeLanes(o: number, code: Code, lanes: number, column: number): void {
    const { storage, isQuick } = this.#program.outputs[o]!;
    const whole = storage === 'f32' ? code : this.#integers(code, isQuick);
    const local = this.#narrowed(storage, [whole]);
    const names: Record<Storage, Simd> = {
      f32: 'store32Lane',
      i32: 'store32Lane',
      i16: 'store16Lane',
      i8: 'store8Lane',
    };
    const address = column
      ? [...get(this.#fn.outputs[o]!.pointer), ...get(column), ...ADD]
      : get(this.#fn.outputs[o]!.pointer);
    for (let lane = 0; lane < lanes; lane++)
      this.#fn.emit(address, get(local), simd(names[storage], at(lane * BYTES[storage]), [lane]));
  }
}
