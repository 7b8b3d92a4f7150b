/**
 * Row programs as WebAssembly: one function (rows, frame) for each, which runs the program's loops on that many rows.
 * Whatever differs between two uses of a program lies in the frame: addresses, steps from row to row, numbers. So
 * equal layers share a function, which is compiled and warmed up once.
 *
 * Four float32 at a time. Past a row's last column a vector holds anything: no sum, maximum, lookup or store takes it.
 */
import { argsOf, isReduction, scheduleOf, type Loop, type Schedule } from '../schedule.ts';
import type { RowProgram, RowValue } from '../types.ts';
import {
  ADD,
  AGAIN,
  END,
  LESS,
  LOOP,
  V128,
  at,
  constant,
  get,
  set,
  simd,
  tee,
  type Code,
} from './code.ts';
import { Elements, LANES } from './elements.ts';
import { FunctionCode, type Emitted } from './function.ts';
import { Operators } from './operators.ts';

/** Bytes of code of one function: V8 compiles about 1 MB a second at its best. */
export const FUNCTION_BYTES_MAX = 65_536;

/** A program's function; undefined: it is too large. The plan has made sure that there is an order of loops. */
export function emitProgram(program: RowProgram): Emitted | undefined {
  const schedule = scheduleOf(program);
  if (!schedule) return undefined;
  const emitter = new Emitter(program, schedule);
  const made = emitter.function();
  return made.code.length > FUNCTION_BYTES_MAX ? undefined : made;
}

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
  readonly #fn: FunctionCode;
  readonly #elements: Elements;
  readonly #operators: Operators;
  /** Values of width 1, in all lanes. */
  readonly #scalars = new Map<number, number>();
  /** Numbers of the group in work, in all lanes. */
  readonly #groups = new Map<number, number>();
  /** Offsets in scratch memory. */
  readonly #scratchAt = new Map<number, number>();
  readonly #stored = new Set<number>();
  #scratchBytes = 0;

  constructor(program: RowProgram, schedule: Schedule) {
    this.#program = program;
    this.#values = program.values;
    this.#schedule = schedule;
    this.#fn = new FunctionCode(program);
    this.#elements = new Elements(program, this.#fn);
    this.#operators = new Operators(program, this.#fn, this.#elements);
    for (const i of schedule.kept) {
      this.#scratchAt.set(i, this.#scratchBytes);
      // A whole vector past the last column may be written.
      this.#scratchBytes += 4 * (Math.ceil(this.#values[i]!.width / LANES) + 1) * LANES;
    }
  }

  function(): Emitted {
    this.#fn.emit(LOOP);
    this.#fn.findRows();
    for (const { scalars, loops } of this.#schedule.levels) {
      for (const i of scalars) this.#scalar(i);
      for (const loop of loops) this.#loop(loop);
    }
    for (const [o, { value }] of this.#program.outputs.entries())
      if (this.#values[value]!.width === 1) this.#elements.storeOne(o, this.#row(value));
    this.#fn.advance();
    this.#fn.emit(get(0), constant(-1), ADD, tee(0), AGAIN, END);
    return this.#fn.made(this.#scratchBytes);
  }

  /** A value of width 1, in all lanes. */
  #row(i: number): Code {
    const value = this.#values[i]!;
    if (value.op === 'number') return this.#fn.number(value.number);
    return get(this.#scalars.get(i)!);
  }
  #scalar(i: number): void {
    const value = this.#values[i]!;
    if (value.op === 'number') return;
    if (value.op === 'input') this.#fn.emit(this.#elements.one(value.input, 0));
    else if (value.op === 'shift')
      this.#fn.emit(
        this.#elements.one(value.input, 0, true),
        this.#fn.shift(value.number),
        simd('shiftRight'),
        simd('convert'),
      );
    else this.#operators.operate(value, (k) => this.#row(argsOf(value)[k]!), LANES);
    const local = this.#fn.local(V128);
    this.#fn.emit(set(local));
    this.#scalars.set(i, local);
    this.#operators.divisor(i, local);
  }

  #loop(loop: Loop): void {
    const { groups, written, reductions } = loop;
    const sums = reductions.map((i) => [i, this.#fn.local(V128)] as const);
    // What is summed over the whole row begins before its first group, and ends after its last.
    const isOfRow = ([i]: readonly [number, number]): boolean => this.#values[i]!.width === 1;
    const [ofRow, ofGroup] = [sums.filter(isOfRow), sums.filter((s) => !isOfRow(s))];
    this.#fn.emit(...Object.values(this.#fn.column).flatMap((c) => [constant(0), set(c)]));
    for (const [i, local] of ofRow) this.#begin(i, local);
    if (groups > 1) this.#fn.emit(constant(0), set(this.#fn.group), LOOP);
    this.#groups.clear();
    for (const [i, local] of ofGroup) this.#begin(i, local);
    if (groups > 1) this.#loadGroups(loop);
    this.#columns(loop, new Map(sums));
    for (const i of written) if (this.#scratchAt.has(i)) this.#stored.add(i);
    for (const [i, local] of ofGroup) this.#reduce(i, local);
    if (groups > 1) {
      const next = [...get(this.#fn.group), ...constant(4), ...ADD, ...tee(this.#fn.group)];
      this.#fn.emit(next, constant(4 * groups), LESS, AGAIN, END);
    }
    for (const [i, local] of ofRow) this.#reduce(i, local);
  }

  /** What a reduction begins with. */
  #begin(i: number, local: number): void {
    this.#fn.emit(this.#fn.splat(this.#values[i]!.op === 'sum' ? 0 : -Infinity), set(local));
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
            ? [...get(this.#fn.column[4]), ...constant(4 * whole), ...ADD]
            : constant(4 * whole);
        this.#fn.emit(end, set(this.#fn.end), LOOP);
      }
      this.#turn({ loop, lanes: LANES, known: new Map(), sums });
      this.#step(LANES);
      if (isLong) this.#fn.emit(get(this.#fn.column[4]), get(this.#fn.end), LESS, AGAIN, END);
    }
    if (size > whole) {
      this.#turn({ loop, lanes: size - whole, known: new Map(), sums });
      this.#step(size - whole);
    }
  }

  #step(lanes: number): void {
    for (const size of [1, 2, 4] as const)
      this.#fn.emit(
        get(this.#fn.column[size]),
        constant(size * lanes),
        ADD,
        set(this.#fn.column[size]),
      );
  }

  /** Numbers of the group in work. */
  #loadGroups(loop: Loop): void {
    const { width, groups } = loop;
    for (const i of this.#read(loop)) {
      const value = this.#values[i]!;
      if (value.width !== groups || value.width === width) continue;
      const local = this.#fn.local(V128);
      if (value.op === 'input') this.#fn.emit(this.#elements.one(value.input, this.#fn.group));
      else
        this.#fn.emit(
          get(this.#fn.scratch),
          get(this.#fn.group),
          ADD,
          simd('load32Splat', at(this.#scratchAt.get(i)!)),
        );
      this.#fn.emit(set(local));
      this.#groups.set(i, local);
      this.#operators.divisor(i, local);
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
        this.#fn.emit(
          get(this.#fn.scratch),
          get(this.#fn.column[4]),
          ADD,
          code,
          simd('store', at(place)),
        );
      for (const [o, output] of this.#program.outputs.entries())
        if (output.value === i) this.#elements.store(o, code, turn.lanes);
    }
    for (const i of turn.loop.reductions) {
      const value = this.#values[i]!;
      const sum = turn.sums.get(i)!;
      const isSum = value.op === 'sum';
      let code = this.#arg(argsOf(value)[0]!, turn);
      if (turn.lanes < LANES)
        code = isSum
          ? [...code, ...this.#fn.mask(turn.lanes), ...simd('and')]
          : [
              ...code,
              ...this.#fn.splat(-Infinity),
              ...this.#fn.mask(turn.lanes),
              ...simd('select'),
            ];
      this.#fn.emit(get(sum), code, simd(isSum ? 'add' : 'pmax'), set(sum));
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
    if (value.op === 'input') this.#fn.emit(this.#elements.vector(value.input));
    else if (value.op === 'shift') {
      const key = `raw${value.input}`;
      let raw = turn.known.get(key);
      if (raw === undefined) {
        this.#fn.emit(this.#elements.vector(value.input, true), set((raw = this.#fn.local(V128))));
        turn.known.set(key, raw);
      }
      this.#fn.emit(get(raw), this.#fn.shift(value.number), simd('shiftRight'), simd('convert'));
    } else if (this.#stored.has(i) || isReduction(value))
      this.#fn.emit(
        get(this.#fn.scratch),
        get(this.#fn.column[4]),
        ADD,
        simd('load', at(this.#scratchAt.get(i)!)),
      );
    else {
      const args = argsOf(value).map((a) => this.#arg(a, turn));
      this.#operators.operate(value, (k) => args[k]!, turn.lanes);
    }
    const local = this.#fn.local(V128);
    this.#fn.emit(set(local));
    turn.known.set(`${i}`, local);
    return get(local);
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
    this.#fn.emit(turned(halves), set(sum), turned(pairs), set(sum));
    if (value.width === 1) {
      this.#scalars.set(i, sum);
      this.#operators.divisor(i, sum);
    } else
      this.#fn.emit(
        get(this.#fn.scratch),
        get(this.#fn.group),
        ADD,
        get(sum),
        simd('store32Lane', at(this.#scratchAt.get(i)!), [0]),
      );
  }
}
