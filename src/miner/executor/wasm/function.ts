/**
 * What a program's function works with: the frame that it is called with, its locals, constants that are made once,
 * and pointers that go from row to row.
 */
import type { RowProgram } from '../types.ts';
import {
  ADD,
  I32,
  MUL,
  V128,
  at,
  get,
  loadInt,
  maskOf,
  set,
  simd,
  splat,
  type Code,
  type WasmFunction,
} from './code.ts';

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
/** A program's frame. */
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

/** A row program's function, and what it is called with. */
export interface Emitted extends WasmFunction {
  readonly layout: FrameLayout;
  /** Bytes of the row of values that wait for later loops. */
  readonly scratchBytes: number;
}

/** An input's place in the row in work, and the bytes to the next; of an indexed one also where its list is. */
interface InputRegisters {
  readonly pointer: number;
  readonly step: number;
  readonly list?: { pointer: number; step: number; row: number; base: number };
}

/** A function in the making: its locals, its code, and pointers to the row in work. */
export class FunctionCode {
  readonly layout: FrameLayout;
  readonly inputs: readonly InputRegisters[];
  readonly outputs: readonly { readonly pointer: number; readonly step: number }[];
  /** Locals all of them. `scratch`: the row of values that wait for later loops. */
  readonly scratch: number;
  /** Bytes from the row's beginning to the column in work, by the size of an element; and the group's number ×4. */
  readonly column: Readonly<Record<1 | 2 | 4, number>>;
  readonly group: number;
  readonly end: number;
  readonly #program: RowProgram;
  readonly #locals: number[] = [];
  readonly #before: Code = [];
  readonly #code: Code = [];
  readonly #constants = new Map<string, number>();
  readonly #shifts = new Map<number, number>();

  constructor(program: RowProgram) {
    this.#program = program;
    this.layout = frameLayout(program);
    this.column = { 1: this.local(I32), 2: this.local(I32), 4: this.local(I32) };
    this.group = this.local(I32);
    this.end = this.local(I32);
    this.scratch = this.#fromFrame(this.layout.scratch);
    this.inputs = program.inputs.map(({ isIndexed }, i) => {
      const place = this.layout.inputs[i]!;
      const pointer = this.#fromFrame(place);
      const step = this.#fromFrame(place + 4);
      if (!isIndexed) return { pointer, step };
      const [list, listStep, row] = [8, 12, 16].map((o) => this.#fromFrame(place + o)) as [
        number,
        number,
        number,
      ];
      return {
        pointer: this.local(I32),
        step,
        list: { pointer: list, step: listStep, row, base: pointer },
      };
    });
    this.outputs = this.layout.outputs.map((place) => ({
      pointer: this.#fromFrame(place),
      step: this.#fromFrame(place + 4),
    }));
  }

  /** A new local. The first two are the parameters: rows and frame. */
  local(type: number): number {
    return 2 + this.#locals.push(type) - 1;
  }
  emit(...codes: readonly Code[]): void {
    for (const code of codes) for (const byte of code) this.#code.push(byte);
  }
  #fromFrame(offset: number): number {
    const local = this.local(I32);
    this.#before.push(...get(1), ...loadInt(offset), ...set(local));
    return local;
  }
  /** A constant waits in a local: V8 would build it anew in each turn of a loop. */
  constant(key: string, code: Code): Code {
    let local = this.#constants.get(key);
    if (local === undefined) {
      local = this.local(V128);
      this.#constants.set(key, local);
      this.#before.push(...code, ...set(local));
    }
    return get(local);
  }
  readonly splat = (x: number): Code => this.constant(`f${x}`, splat(x));
  readonly mask = (lanes: number): Code => this.constant(`m${lanes}`, maskOf(lanes));

  /** A number of the frame, in all lanes. */
  number(i: number): Code {
    const offset = this.layout.numbers + 4 * i;
    return this.constant(`n${i}`, [...get(1), ...simd('load32Splat', at(offset))]);
  }
  /** A whole number of the frame in all lanes of int16, saturated. */
  narrow(i: number): Code {
    const whole = this.constant(`w${i}`, [...this.number(i), ...simd('truncate')]);
    return this.constant(`h${i}`, [...whole, ...whole, ...simd('narrow32')]);
  }
  /** A number of the frame that is a shift. */
  shift(i: number): Code {
    let local = this.#shifts.get(i);
    if (local === undefined)
      this.#shifts.set(i, (local = this.#fromFrame(this.layout.numbers + 4 * i)));
    return get(local);
  }

  /** Finds the row of each input that is read through a list. */
  findRows(): void {
    for (const { pointer, list } of this.inputs)
      if (list)
        this.emit(
          get(list.base),
          get(list.pointer),
          loadInt(0),
          get(list.row),
          MUL,
          ADD,
          set(pointer),
        );
  }

  /** Pointers to the next row. */
  advance(): void {
    const step = (pointer: number, by: number): void =>
      this.emit(get(pointer), get(by), ADD, set(pointer));
    for (const [i, { pointer, step: by, list }] of this.inputs.entries()) {
      if (this.#program.inputs[i]!.isTable) continue;
      step(list ? list.base : pointer, by);
      if (list) step(list.pointer, list.step);
    }
    for (const { pointer, step: by } of this.outputs) step(pointer, by);
  }

  /** The function, with what is made once before its loop. */
  made(scratchBytes: number): Emitted {
    return {
      locals: this.#locals,
      code: [...this.#before, ...this.#code],
      layout: this.layout,
      scratchBytes,
    };
  }
}
