/**
 * Row programs as WebAssembly: one function (rows, frame) for each, which runs the program's loops on that many rows.
 * Whatever differs between two uses of a program lies in the frame: addresses, steps from row to row, numbers. So
 * equal layers share a function, which is compiled and warmed up once.
 *
 * Four float32 at a time. Past a row's last column a vector holds anything: no sum, maximum, lookup or store takes it.
 */
import { argsOf, isReduction, scheduleOf, type Loop, type Schedule } from './schedule.ts';
import { BYTES, type Binary, type RowProgram, type RowValue, type Storage } from './types.ts';
import {
  ADD,
  AGAIN,
  END,
  LESS,
  LOOP,
  MUL,
  SHIFT_RIGHT,
  V128,
  I32,
  at,
  constant,
  get,
  loadInt,
  maskOf,
  moduleOf,
  set,
  simd,
  splat,
  splatBits,
  tee,
  type Code,
  type Simd,
  type WasmFunction,
} from './wasm.ts';

const LANES = 4;
/** 1.5·2^23: added to a whole number |x| ≤ 2^22 it leaves that in the low bits. */
const MAGIC = 12_582_912;
const MAGIC_BITS = 0x4b400000;
/** The largest |x| for which that holds. */
export const QUICK_MAX = 2 ** 22;
/** Bytes of code of one function: V8 compiles about 1 MB a second at its best. */
export const FUNCTION_BYTES_MAX = 65_536;

/** Where a program's frame holds what; offsets in bytes. Pointers come first, each with the bytes from row to row. */
export interface FrameLayout {
  readonly scratch: number;
  /** Pointer, then step. Of an indexed input also: pointer and step of its list, and bytes of a row. */
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly numbers: number;
  readonly bytes: number;
  /** Numbers that are shifts: int32 in the frame, others are float32. */
  readonly shifts: ReadonlySet<number>;
}
export function frameLayout({ inputs, outputs, values, numbers }: RowProgram): FrameLayout {
  let end = 4;
  const take = (words: number): number => (end += 4 * words) - 4 * words;
  const layout = {
    scratch: 0,
    inputs: inputs.map(({ isIndexed }) => take(isIndexed ? 5 : 2)),
    outputs: outputs.map(() => take(2)),
    numbers: take(numbers),
  };
  const shifts = new Set(values.flatMap((v) => (v.op === 'shift' ? [v.number] : [])));
  return { ...layout, bytes: end, shifts };
}

const INSTRUCTION: Record<Exclude<Binary, 'gt' | 'ge' | 'lt' | 'le'>, Simd> = {
  add: 'add',
  sub: 'sub',
  mul: 'mul',
  quotient: 'div',
  // One instruction each on x64, for there are no NaNs.
  min: 'pmin',
  max: 'pmax',
};
const COMPARISON: Partial<Record<Binary, Simd>> = {
  gt: 'more',
  ge: 'atLeast',
  lt: 'less',
  le: 'atMost',
};

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

export interface Emitted extends WasmFunction {
  readonly layout: FrameLayout;
  /** Bytes of the row of values that wait for later loops. */
  readonly scratchBytes: number;
}

/** A program's function; undefined: it is too large. The plan has made sure that there is an order of loops. */
export function emitProgram(program: RowProgram): Emitted | undefined {
  const schedule = scheduleOf(program);
  if (!schedule) return undefined;
  const emitter = new Emitter(program, schedule);
  const made = emitter.function();
  return made.code.length > FUNCTION_BYTES_MAX ? undefined : made;
}
export { moduleOf };

/** One turn of a loop: what is known in it, and how many of its lanes hold columns. */
interface Turn {
  readonly loop: Loop;
  readonly lanes: number;
  readonly known: Map<string, number>;
  readonly sums: ReadonlyMap<number, number>;
}

class Emitter {
  readonly #program: RowProgram;
  readonly #values: readonly RowValue[];
  readonly #schedule: Schedule;
  readonly #layout: FrameLayout;
  readonly #locals: number[] = [];
  readonly #before: Code = [];
  readonly #code: Code = [];
  readonly #constants = new Map<string, number>();
  readonly #inputs: {
    pointer: number;
    step: number;
    list?: { pointer: number; step: number; row: number; base: number };
  }[];
  readonly #outputs: { pointer: number; step: number }[];
  /** Values of width 1, in all lanes. */
  readonly #scalars = new Map<number, number>();
  /** Numbers of the group in work, in all lanes. */
  readonly #groups = new Map<number, number>();
  /** Offsets in scratch memory. */
  readonly #scratchAt = new Map<number, number>();
  readonly #stored = new Set<number>();
  readonly #scratch: number;
  /** Bytes from the row's beginning to the column in work, by the size of an element; and the group's number ×4. */
  readonly #column: Record<1 | 2 | 4, number>;
  readonly #group: number;
  readonly #end: number;
  readonly #divisors: ReadonlySet<number>;
  #scratchBytes = 0;

  constructor(program: RowProgram, schedule: Schedule) {
    this.#program = program;
    this.#values = program.values;
    this.#schedule = schedule;
    this.#layout = frameLayout(program);
    this.#divisors = new Set(
      program.values.flatMap((v) =>
        v.op === 'quotient' && this.#values[v.args[1]]!.width < v.width ? [v.args[1]] : [],
      ),
    );
    this.#column = { 1: this.#local(I32), 2: this.#local(I32), 4: this.#local(I32) };
    this.#group = this.#local(I32);
    this.#end = this.#local(I32);
    this.#scratch = this.#fromFrame(this.#layout.scratch);
    this.#inputs = program.inputs.map(({ isIndexed }, i) => {
      const place = this.#layout.inputs[i]!;
      const pointer = this.#fromFrame(place);
      const step = this.#fromFrame(place + 4);
      if (!isIndexed) return { pointer, step };
      const [list, listStep, row] = [8, 12, 16].map((o) => this.#fromFrame(place + o)) as [
        number,
        number,
        number,
      ];
      return {
        pointer: this.#local(I32),
        step,
        list: { pointer: list, step: listStep, row, base: pointer },
      };
    });
    this.#outputs = this.#layout.outputs.map((place) => ({
      pointer: this.#fromFrame(place),
      step: this.#fromFrame(place + 4),
    }));
    for (const i of schedule.kept) {
      this.#scratchAt.set(i, this.#scratchBytes);
      // A whole vector past the last column may be written.
      this.#scratchBytes += 4 * (Math.ceil(this.#values[i]!.width / LANES) + 1) * LANES;
    }
  }

  #local(type: number): number {
    return 2 + this.#locals.push(type) - 1;
  }
  #emit(...codes: readonly Code[]): void {
    for (const code of codes) for (const byte of code) this.#code.push(byte);
  }
  #fromFrame(offset: number): number {
    const local = this.#local(I32);
    this.#before.push(...get(1), ...loadInt(offset), ...set(local));
    return local;
  }
  /** A constant waits in a local: V8 would build it anew in each turn of a loop. */
  #constant(key: string, code: Code): Code {
    let local = this.#constants.get(key);
    if (local === undefined) {
      local = this.#local(V128);
      this.#constants.set(key, local);
      this.#before.push(...code, ...set(local));
    }
    return get(local);
  }
  #splat = (x: number): Code => this.#constant(`f${x}`, splat(x));
  #mask = (lanes: number): Code => this.#constant(`m${lanes}`, maskOf(lanes));

  #number(i: number): Code {
    const offset = this.#layout.numbers + 4 * i;
    return this.#constant(`n${i}`, [...get(1), ...simd('load32Splat', at(offset))]);
  }
  readonly #shifts = new Map<number, number>();
  #shift(i: number): Code {
    let local = this.#shifts.get(i);
    if (local === undefined)
      this.#shifts.set(i, (local = this.#fromFrame(this.#layout.numbers + 4 * i)));
    return get(local);
  }

  function(): Emitted {
    this.#emit(LOOP);
    for (const { pointer, list } of this.#inputs)
      if (list)
        this.#emit(
          get(list.base),
          get(list.pointer),
          loadInt(0),
          get(list.row),
          MUL,
          ADD,
          set(pointer),
        );
    for (const { scalars, loops } of this.#schedule.levels) {
      for (const i of scalars) this.#scalar(i);
      for (const loop of loops) this.#loop(loop);
    }
    for (const [o, { value }] of this.#program.outputs.entries())
      if (this.#values[value]!.width === 1) this.#storeLanes(o, this.#row(value), 1, 0);
    this.#advance();
    this.#emit(get(0), constant(-1), ADD, tee(0), AGAIN, END);
    return {
      locals: this.#locals,
      code: [...this.#before, ...this.#code],
      layout: this.#layout,
      scratchBytes: this.#scratchBytes,
    };
  }

  /** Pointers to the next row. */
  #advance(): void {
    const step = (pointer: number, by: number): void =>
      this.#emit(get(pointer), get(by), ADD, set(pointer));
    for (const [i, { pointer, step: by, list }] of this.#inputs.entries()) {
      if (this.#program.inputs[i]!.isTable) continue;
      step(list ? list.base : pointer, by);
      if (list) step(list.pointer, list.step);
    }
    for (const { pointer, step: by } of this.#outputs) step(pointer, by);
  }

  /** A value of width 1, in all lanes. */
  #row(i: number): Code {
    const value = this.#values[i]!;
    if (value.op === 'number') return this.#number(value.number);
    return get(this.#scalars.get(i)!);
  }
  #scalar(i: number): void {
    const value = this.#values[i]!;
    if (value.op === 'number') return;
    const turn: Turn = {
      loop: { width: 1, groups: 1, written: [], reductions: [] },
      lanes: LANES,
      known: new Map(),
      sums: new Map(),
    };
    if (value.op === 'input') this.#emit(this.#splatInput(value.input, 0));
    else if (value.op === 'shift')
      this.#emit(
        this.#splatInput(value.input, 0, true),
        this.#shift(value.number),
        simd('shiftRight'),
        simd('convert'),
      );
    else this.#operate(value, (k) => this.#row(argsOf(value)[k]!), turn);
    const local = this.#local(V128);
    this.#emit(set(local));
    this.#scalars.set(i, local);
    this.#divisor(i, local);
  }

  /** One element of an input in all lanes; `group` is a local with its place ×4, 0: the first. */
  #splatInput(input: number, group: number, raw = false): Code {
    const { storage } = this.#program.inputs[input]!;
    const place = [...get(this.#inputs[input]!.pointer)];
    const shift = { 1: 2, 2: 1, 4: 0 }[BYTES[storage] as 1 | 2 | 4];
    if (group)
      place.push(...get(group), ...(shift ? [...constant(shift), ...SHIFT_RIGHT] : []), ...ADD);
    return [...place, ...loaded(LOAD[storage].splat, raw)];
  }

  /** Leaves the result of an operator on the stack. */
  #operate(value: RowValue, arg: (k: number) => Code, turn: Turn): void {
    if (value.op === 'floor' || value.op === 'sqrt') return this.#emit(arg(0), simd(value.op));
    if (value.op === 'table') return this.#lookup(value.input, arg(0), turn.lanes);
    const op = value.op as Binary;
    const [, y] = argsOf(value) as [number, number];
    // x/y with one y a row or group: x·(1/y) is within 2 ULP, of the 2.5 that the checker allows.
    if (op === 'quotient' && this.#values[y]!.width < value.width)
      return this.#emit(arg(0), this.#reciprocal(y), simd('mul'));
    this.#emit(arg(0), arg(1));
    const comparison = COMPARISON[op];
    if (comparison) this.#emit(simd(comparison), this.#splat(1), simd('and'));
    else this.#emit(simd(INSTRUCTION[op as keyof typeof INSTRUCTION]));
  }

  /** 1/y of the divisors of wider quotients, made once a row or group. */
  readonly #reciprocals = new Map<number, number>();
  #divisor(i: number, local: number): void {
    if (!this.#divisors.has(i)) return;
    const inverse = this.#local(V128);
    this.#emit(this.#splat(1), get(local), simd('div'), set(inverse));
    this.#reciprocals.set(i, inverse);
  }
  #reciprocal(i: number): Code {
    const value = this.#values[i]!;
    if (value.op !== 'number') return get(this.#reciprocals.get(i)!);
    const code = [...this.#splat(1), ...this.#number(value.number), ...simd('div')];
    return this.#constant(`r${value.number}`, code);
  }

  /** Entries of a table by whole numbers in four lanes. */
  #lookup(input: number, places: Code, lanes: number): void {
    const { pointer } = this.#inputs[input]!;
    const [index, found] = [this.#local(V128), this.#local(V128)];
    this.#emit(this.#integers(places, true), constant(2), simd('shiftLeft'));
    // What lies past the row is no place in the table.
    if (lanes < LANES) this.#emit(this.#mask(lanes), simd('and'));
    this.#emit(get(pointer), simd('splatInt'), simd('addInt'), set(index));
    const place = (lane: number): Code => [...get(index), ...simd('extractInt', [lane])];
    this.#emit(place(0), simd('load32Zero', at(0)), set(found));
    for (let lane = 1; lane < LANES; lane++)
      this.#emit(place(lane), get(found), simd('load32Lane', at(0), [lane]), set(found));
    this.#emit(get(found));
  }

  #loop(loop: Loop): void {
    const { groups, written, reductions } = loop;
    const sums = reductions.map((i) => [i, this.#local(V128)] as const);
    // What is summed over the whole row begins before its first group, and ends after its last.
    const isOfRow = ([i]: readonly [number, number]): boolean => this.#values[i]!.width === 1;
    const [ofRow, ofGroup] = [sums.filter(isOfRow), sums.filter((s) => !isOfRow(s))];
    this.#emit(...Object.values(this.#column).flatMap((c) => [constant(0), set(c)]));
    for (const [i, local] of ofRow) this.#begin(i, local);
    if (groups > 1) this.#emit(constant(0), set(this.#group), LOOP);
    this.#groups.clear();
    for (const [i, local] of ofGroup) this.#begin(i, local);
    if (groups > 1) this.#loadGroups(loop);
    this.#columns(loop, new Map(sums));
    for (const i of written) if (this.#scratchAt.has(i)) this.#stored.add(i);
    for (const [i, local] of ofGroup) this.#reduce(i, local);
    if (groups > 1) {
      const next = [...get(this.#group), ...constant(4), ...ADD, ...tee(this.#group)];
      this.#emit(next, constant(4 * groups), LESS, AGAIN, END);
    }
    for (const [i, local] of ofRow) this.#reduce(i, local);
  }

  /** What a reduction begins with. */
  #begin(i: number, local: number): void {
    this.#emit(this.#splat(this.#values[i]!.op === 'sum' ? 0 : -Infinity), set(local));
  }

  /** The columns of a group: whole vectors, then what is left. */
  #columns(loop: Loop, sums: ReadonlyMap<number, number>): void {
    const size = loop.width / loop.groups;
    const whole = Math.floor(size / LANES) * LANES;
    if (whole) {
      const isLong = whole > LANES;
      if (isLong) {
        const end =
          loop.groups > 1
            ? [...get(this.#column[4]), ...constant(4 * whole), ...ADD]
            : constant(4 * whole);
        this.#emit(end, set(this.#end), LOOP);
      }
      this.#turn({ loop, lanes: LANES, known: new Map(), sums });
      this.#step(LANES);
      if (isLong) this.#emit(get(this.#column[4]), get(this.#end), LESS, AGAIN, END);
    }
    if (size > whole) {
      this.#turn({ loop, lanes: size - whole, known: new Map(), sums });
      this.#step(size - whole);
    }
  }

  #step(lanes: number): void {
    for (const size of [1, 2, 4] as const)
      this.#emit(get(this.#column[size]), constant(size * lanes), ADD, set(this.#column[size]));
  }

  /** Numbers of the group in work. */
  #loadGroups(loop: Loop): void {
    const { width, groups } = loop;
    for (const i of this.#read(loop)) {
      const value = this.#values[i]!;
      if (value.width !== groups || value.width === width) continue;
      const local = this.#local(V128);
      if (value.op === 'input') this.#emit(this.#splatInput(value.input, this.#group));
      else
        this.#emit(
          get(this.#scratch),
          get(this.#group),
          ADD,
          simd('load32Splat', at(this.#scratchAt.get(i)!)),
        );
      this.#emit(set(local));
      this.#groups.set(i, local);
      this.#divisor(i, local);
    }
  }

  /** Values that a loop's turns may read. */
  #read({ width, written, reductions }: Loop): Set<number> {
    const found = new Set<number>();
    const visit = (i: number): void => {
      for (const a of argsOf(this.#values[i]!)) {
        if (found.has(a)) continue;
        found.add(a);
        if (
          this.#values[a]!.width === width &&
          !this.#stored.has(a) &&
          !isReduction(this.#values[a]!)
        )
          visit(a);
      }
    };
    for (const i of [...written, ...reductions])
      if (reductions.includes(i) || !isReduction(this.#values[i]!)) visit(i);
    return found;
  }

  /** One vector of columns. */
  #turn(turn: Turn): void {
    for (const i of turn.loop.written) {
      const code = this.#wide(i, turn);
      const place = this.#scratchAt.get(i);
      if (place !== undefined && !isReduction(this.#values[i]!))
        this.#emit(get(this.#scratch), get(this.#column[4]), ADD, code, simd('store', at(place)));
      for (const [o, output] of this.#program.outputs.entries())
        if (output.value === i) this.#store(o, code, turn.lanes);
    }
    for (const i of turn.loop.reductions) {
      const value = this.#values[i]!;
      const sum = turn.sums.get(i)!;
      const isSum = value.op === 'sum';
      let code = this.#arg(argsOf(value)[0]!, turn);
      if (turn.lanes < LANES)
        code = isSum
          ? [...code, ...this.#mask(turn.lanes), ...simd('and')]
          : [...code, ...this.#splat(-Infinity), ...this.#mask(turn.lanes), ...simd('select')];
      this.#emit(get(sum), code, simd(isSum ? 'add' : 'pmax'), set(sum));
    }
  }

  /** An argument in a turn. */
  #arg(i: number, turn: Turn): Code {
    const { width } = this.#values[i]!;
    if (width === 1) return this.#row(i);
    if (width !== turn.loop.width) return get(this.#groups.get(i)!);
    return this.#wide(i, turn);
  }

  /** A vector of a value of the loop's width. */
  #wide(i: number, turn: Turn): Code {
    const known = turn.known.get(`${i}`);
    if (known !== undefined) return get(known);
    const value = this.#values[i]!;
    if (value.op === 'input') this.#emit(this.#vector(value.input));
    else if (value.op === 'shift') {
      const key = `raw${value.input}`;
      let raw = turn.known.get(key);
      if (raw === undefined) {
        this.#emit(this.#vector(value.input, true), set((raw = this.#local(V128))));
        turn.known.set(key, raw);
      }
      this.#emit(get(raw), this.#shift(value.number), simd('shiftRight'), simd('convert'));
    } else if (this.#stored.has(i) || isReduction(value))
      this.#emit(
        get(this.#scratch),
        get(this.#column[4]),
        ADD,
        simd('load', at(this.#scratchAt.get(i)!)),
      );
    else {
      const args = argsOf(value).map((a) => this.#arg(a, turn));
      this.#operate(value, (k) => args[k]!, turn);
    }
    const local = this.#local(V128);
    this.#emit(set(local));
    turn.known.set(`${i}`, local);
    return get(local);
  }

  /** Four elements of an input at the column in work. */
  #vector(input: number, raw = false): Code {
    const { storage } = this.#program.inputs[input]!;
    const column = this.#column[BYTES[storage] as 1 | 2 | 4];
    const address = [...get(this.#inputs[input]!.pointer), ...get(column), ...ADD];
    return [...address, ...loaded(LOAD[storage].vector, raw)];
  }

  /** A group's reduction of four lanes to one number in all of them. */
  #reduce(i: number, sum: number): void {
    const value = this.#values[i]!;
    const op = simd(value.op === 'sum' ? 'add' : 'pmax');
    const turned = (by: readonly number[]): Code => [
      ...get(sum),
      ...get(sum),
      ...get(sum),
      ...simd('shuffle', [...by]),
      ...op,
    ];
    const halves = [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7];
    const pairs = [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11];
    this.#emit(turned(halves), set(sum), turned(pairs), set(sum));
    if (value.width === 1) {
      this.#scalars.set(i, sum);
      this.#divisor(i, sum);
    } else
      this.#emit(
        get(this.#scratch),
        get(this.#group),
        ADD,
        get(sum),
        simd('store32Lane', at(this.#scratchAt.get(i)!), [0]),
      );
  }

  /** Four float32 as whole numbers. */
  #integers(code: Code, isQuick: boolean): Code {
    if (!isQuick) return [...code, ...simd('truncate')];
    return [
      ...code,
      ...this.#splat(MAGIC),
      ...simd('add'),
      ...this.#constant('bits', splatBits(MAGIC_BITS)),
      ...simd('subInt'),
    ];
  }

  #store(o: number, code: Code, lanes: number): void {
    if (lanes < LANES) return this.#storeLanes(o, code, lanes, this.#column[this.#sizeOf(o)]);
    const { storage, isQuick } = this.#program.outputs[o]!;
    const address = [
      ...get(this.#outputs[o]!.pointer),
      ...get(this.#column[this.#sizeOf(o)]),
      ...ADD,
    ];
    if (storage === 'f32') return this.#emit(address, code, simd('store', at(0)));
    const whole = this.#integers(code, isQuick);
    if (storage === 'i32') return this.#emit(address, whole, simd('store', at(0)));
    const local = this.#local(V128);
    this.#emit(whole, tee(local), get(local), simd('narrow32'), set(local));
    if (storage === 'i8') this.#emit(get(local), get(local), simd('narrow16'), set(local));
    this.#emit(
      address,
      get(local),
      simd(storage === 'i8' ? 'store32Lane' : 'store64Lane', at(0), [0]),
    );
  }
  #sizeOf = (o: number): 1 | 2 | 4 => BYTES[this.#program.outputs[o]!.storage] as 1 | 2 | 4;

  /** The first lanes, one by one, so that nothing past them is written; `column` 0: the row's beginning. */
  #storeLanes(o: number, code: Code, lanes: number, column: number): void {
    const { storage, isQuick } = this.#program.outputs[o]!;
    const local = this.#local(V128);
    this.#emit(storage === 'f32' ? code : this.#integers(code, isQuick), set(local));
    if (storage === 'i16' || storage === 'i8')
      this.#emit(get(local), get(local), simd('narrow32'), set(local));
    if (storage === 'i8') this.#emit(get(local), get(local), simd('narrow16'), set(local));
    const names: Record<Storage, Simd> = {
      f32: 'store32Lane',
      i32: 'store32Lane',
      i16: 'store16Lane',
      i8: 'store8Lane',
    };
    const address = column
      ? [...get(this.#outputs[o]!.pointer), ...get(column), ...ADD]
      : get(this.#outputs[o]!.pointer);
    for (let lane = 0; lane < lanes; lane++)
      this.#emit(address, get(local), simd(names[storage], at(lane * BYTES[storage]), [lane]));
  }
}
