/**
 * Row programs as WebAssembly: one function (rows, frame) for each, which runs the program's loops on that many rows.
 * Whatever differs between two uses of a program lies in the frame: addresses, steps from row to row, numbers. So
 * equal layers share a function, which is compiled and warmed up once.
 *
 * Four float32 at a time. Past a row's last column a vector holds anything: no sum, maximum, lookup or store takes it.
 */
import { argsOf, isReduction, scheduleOf, type Loop, type Schedule } from '../schedule.ts';
import { BYTES, type RowProgram, type RowValue } from '../types.ts';
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
import { withoutCorrections } from './corrections.ts';
import { Elements, LANES, type Clip } from './elements.ts';
import { FunctionCode, type Emitted } from './function.ts';
import { Operators } from './operators.ts';

/** Bytes of code of one function: V8 compiles about 1 MB a second at its best. */
export const FUNCTION_BYTES_MAX = 65_536;

/** A program's function; undefined: it is too large. The plan has made sure that there is an order of loops. */
export function emitProgram(planned: RowProgram): Emitted | undefined {
  const program = withoutCorrections(planned);
  const schedule = scheduleOf(program);
  if (!schedule) return undefined;
  const emitter = new Emitter(program, schedule);
  const made = emitter.function();
  return made.code.length > FUNCTION_BYTES_MAX ? undefined : made;
}

/** One turn of a loop: what is known in it, its vectors, and how many of a vector's lanes hold columns. */
interface Turn {
  readonly loop: Loop;
  /** 0 and 1: eight columns in all, as many int16 as a vector holds. Or 0 alone. */
  readonly vectors: readonly number[];
  /** Fewer than all in a row's last vector, which is alone. */
  readonly lanes: number;
  readonly known: Map<string, number>;
  readonly sums: ReadonlyMap<number, number>;
}

/** An output's value before it is limited, where nobody else reads the limited one. */
function unclippedOf({ values, outputs }: RowProgram): Map<number, Clip & { value: number }> {
  const read = new Set(values.flatMap(argsOf));
  const numberAt = (i: number): number => (values[i] as RowValue & { op: 'number' }).number;
  const found = new Map<number, Clip & { value: number }>();
  for (const [o, { value, storage, unclipped }] of outputs.entries()) {
    if (unclipped === undefined || BYTES[storage] === 4 || read.has(value)) continue;
    const [limited, most] = argsOf(values[value]!) as [number, number];
    const least = argsOf(values[limited]!)[1]!;
    found.set(o, { value: unclipped, least: numberAt(least), most: numberAt(most) });
  }
  return found;
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
  readonly #unclipped: ReadonlyMap<number, Clip & { readonly value: number }>;
  #scratchBytes = 0;

  constructor(program: RowProgram, schedule: Schedule) {
    this.#program = program;
    this.#values = program.values;
    this.#schedule = schedule;
    this.#fn = new FunctionCode(program);
    this.#elements = new Elements(program, this.#fn);
    this.#operators = new Operators(program, this.#fn, this.#elements);
    this.#unclipped = unclippedOf(program);
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

  /** The columns of a group: pairs of vectors, then what is left. */
  #columns(loop: Loop, sums: ReadonlyMap<number, number>): void {
    const size = loop.width / loop.groups;
    const turn = (vectors: readonly number[], lanes = LANES): void => {
      this.#turn({ loop, vectors, lanes, known: new Map(), sums });
      this.#step(vectors.length * lanes);
    };
    const step = 2 * LANES;
    const whole = Math.floor(size / step) * step;
    if (whole) {
      const isLong = whole > step;
      if (isLong) {
        const end =
          loop.groups > 1
            ? [...get(this.#fn.column[4]), ...constant(4 * whole), ...ADD]
            : constant(4 * whole);
        this.#fn.emit(end, set(this.#fn.end), LOOP);
      }
      turn([0, 1]);
      if (isLong) this.#fn.emit(get(this.#fn.column[4]), get(this.#fn.end), LESS, AGAIN, END);
    }
    if (size - whole >= LANES) turn([0]);
    if (size % LANES) turn([0], size % LANES);
  }

  #step(columns: number): void {
    for (const size of [1, 2, 4] as const)
      this.#fn.emit(
        get(this.#fn.column[size]),
        constant(size * columns),
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

  #turn(turn: Turn): void {
    const { vectors, lanes } = turn;
    const all = (i: number): Code[] => vectors.map((v) => this.#wide(i, turn, v));
    for (const i of turn.loop.written) {
      const place = this.#scratchAt.get(i);
      if (place !== undefined && !isReduction(this.#values[i]!))
        for (const [v, code] of all(i).entries())
          this.#fn.emit(
            get(this.#fn.scratch),
            get(this.#fn.column[4]),
            ADD,
            code,
            simd('store', at(place + 4 * LANES * v)),
          );
      for (const [o, { value }] of this.#program.outputs.entries())
        if (value === i) {
          const whole = lanes === LANES ? this.#unclipped.get(o) : undefined;
          this.#elements.store(o, all(whole?.value ?? i), lanes, whole);
        }
    }
    for (const i of turn.loop.reductions) {
      const value = this.#values[i]!;
      const sum = turn.sums.get(i)!;
      const isSum = value.op === 'sum';
      for (const v of vectors) {
        let code = this.#arg(argsOf(value)[0]!, turn, v);
        if (lanes < LANES)
          code = isSum
            ? [...code, ...this.#fn.mask(lanes), ...simd('and')]
            : [...code, ...this.#fn.splat(-Infinity), ...this.#fn.mask(lanes), ...simd('select')];
        this.#fn.emit(get(sum), code, simd(isSum ? 'add' : 'pmax'), set(sum));
      }
    }
  }

  /** An argument in a turn. */
  #arg(i: number, turn: Turn, v: number): Code {
    const { width } = this.#values[i]!;
    if (width === 1) return this.#row(i);
    if (width !== turn.loop.width) return get(this.#groups.get(i)!);
    return this.#wide(i, turn, v);
  }

  /** The v-th vector of a value of the loop's width. */
  #wide(i: number, turn: Turn, v: number): Code {
    const known = turn.known.get(`${i}/${v}`);
    if (known !== undefined) return get(known);
    const value = this.#values[i]!;
    if (value.op === 'input') this.#fn.emit(this.#elements.vector(value.input, v));
    else if (value.op === 'shift') {
      const key = `raw${value.input}/${v}`;
      let raw = turn.known.get(key);
      if (raw === undefined) {
        raw = this.#fn.local(V128);
        this.#fn.emit(this.#elements.vector(value.input, v, true), set(raw));
        turn.known.set(key, raw);
      }
      this.#fn.emit(get(raw), this.#fn.shift(value.number), simd('shiftRight'), simd('convert'));
    } else if (this.#stored.has(i) || isReduction(value))
      this.#fn.emit(
        get(this.#fn.scratch),
        get(this.#fn.column[4]),
        ADD,
        simd('load', at(this.#scratchAt.get(i)! + 4 * LANES * v)),
      );
    else {
      const args = argsOf(value).map((a) => this.#arg(a, turn, v));
      this.#operators.operate(value, (k) => args[k]!, turn.lanes);
    }
    const local = this.#fn.local(V128);
    this.#fn.emit(set(local));
    turn.known.set(`${i}/${v}`, local);
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
