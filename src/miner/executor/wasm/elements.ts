/** Elements of a program's buffers: loads and stores of each storage, whole vectors and single ones, and lookups. */
import { BYTES, type RowProgram, type Storage } from '../types.ts';
import {
  ADD,
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
const loaded = ([first, ...rest]: readonly Simd[], raw: boolean): Code => [
  ...simd(first!, at(0)),
  ...(raw ? rest.slice(0, -1) : rest).flatMap((name) => simd(name)),
];

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

  /** Four elements of an input at the column in work. */
  vector(input: number, raw = false): Code {
    const { storage } = this.#program.inputs[input]!;
    const column = this.#column[BYTES[storage]];
    const address = [...get(this.#fn.inputs[input]!.pointer), ...get(column), ...ADD];
    return [...address, ...loaded(LOAD[storage].vector, raw)];
  }

  /** Entries of a table by whole numbers in four lanes. */
  lookup(input: number, places: Code, lanes: number): void {
    const { pointer } = this.#fn.inputs[input]!;
    const [index, found] = [this.#fn.local(V128), this.#fn.local(V128)];
    this.#fn.emit(this.#integers(places, true), constant(2), simd('shiftLeft'));
    // What lies past the row is no place in the table.
    if (lanes < LANES) this.#fn.emit(this.#fn.mask(lanes), simd('and'));
    this.#fn.emit(get(pointer), simd('splatInt'), simd('addInt'), set(index));
    const place = (lane: number): Code => [...get(index), ...simd('extractInt', [lane])];
    this.#fn.emit(place(0), simd('load32Zero', at(0)), set(found));
    for (let lane = 1; lane < LANES; lane++)
      this.#fn.emit(place(lane), get(found), simd('load32Lane', at(0), [lane]), set(found));
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

  /** Writes columns at the column in work; of fewer than four, nothing past the last. */
  store(o: number, code: Code, lanes: number): void {
    const { storage, isQuick } = this.#program.outputs[o]!;
    const column = this.#column[BYTES[storage]];
    if (lanes < LANES) return this.#storeLanes(o, code, lanes, column);
    const address = [...get(this.#fn.outputs[o]!.pointer), ...get(column), ...ADD];
    if (storage === 'f32') return this.#fn.emit(address, code, simd('store', at(0)));
    const whole = this.#integers(code, isQuick);
    if (storage === 'i32') return this.#fn.emit(address, whole, simd('store', at(0)));
    const local = this.#narrowed(storage, whole);
    const instruction = storage === 'i8' ? 'store32Lane' : 'store64Lane';
    this.#fn.emit(address, get(local), simd(instruction, at(0), [0]));
  }

  /** A local with what is stored of four lanes in its first bytes. */
  #narrowed(storage: Storage, code: Code): number {
    const local = this.#fn.local(V128);
    this.#fn.emit(code, set(local));
    const narrow = (by: Simd): void => this.#fn.emit(get(local), get(local), simd(by), set(local));
    if (storage === 'i16' || storage === 'i8') narrow('narrow32');
    if (storage === 'i8') narrow('narrow16');
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
    const local = this.#narrowed(storage, whole);
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
