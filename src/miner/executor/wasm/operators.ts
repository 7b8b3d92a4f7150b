/** Operators of row programs as instructions; what many columns are divided by is inverted once. */
import { argsOf } from '../schedule.ts';
import type { Binary, RowProgram, RowValue } from '../types.ts';
import { V128, get, set, simd, type Code, type Simd } from './code.ts';
import type { Elements } from './elements.ts';
import type { FunctionCode } from './function.ts';

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

/**
 * x/y with one y a row or group as x·(1/y): that is within 2 ULP, of the 2.5 that the checker allows. Where the
 * quotient's correction is left out (exact.ts), two roundings may be one too many.
 */
const isByInverse = (value: RowValue, values: readonly RowValue[]): boolean =>
  value.op === 'quotient' && value.parts !== 24 && values[value.args[1]]!.width < value.width;

/** Operators of a program on four lanes. */
export class Operators {
  readonly #values: readonly RowValue[];
  readonly #fn: FunctionCode;
  readonly #elements: Elements;
  readonly #divisors: ReadonlySet<number>;
  readonly #reciprocals = new Map<number, number>();

  constructor({ values }: RowProgram, fn: FunctionCode, elements: Elements) {
    this.#values = values;
    this.#fn = fn;
    this.#elements = elements;
    this.#divisors = new Set(
      values.flatMap((v) => (isByInverse(v, values) ? [argsOf(v)[1]!] : [])),
    );
  }

  /** Leaves the result of an operator on the stack; `lanes` hold columns. */
  operate(value: RowValue, arg: (k: number) => Code, lanes: number): void {
    if (value.op === 'floor' || value.op === 'sqrt') return this.#fn.emit(arg(0), simd(value.op));
    if (value.op === 'table') return this.#elements.lookup(value.input, arg(0), lanes);
    const op = value.op as Binary;
    const [, y] = argsOf(value) as [number, number];
    if (isByInverse(value, this.#values))
      return this.#fn.emit(arg(0), this.#reciprocal(y), simd('mul'));
    this.#fn.emit(arg(0), arg(1));
    const comparison = COMPARISON[op];
    if (comparison) this.#fn.emit(simd(comparison), this.#fn.splat(1), simd('and'));
    else this.#fn.emit(simd(INSTRUCTION[op as keyof typeof INSTRUCTION]));
  }

  /** 1/y of the divisors of wider quotients, made once a row or group. */
  divisor(i: number, local: number): void {
    if (!this.#divisors.has(i)) return;
    const inverse = this.#fn.local(V128);
    this.#fn.emit(this.#fn.splat(1), get(local), simd('div'), set(inverse));
    this.#reciprocals.set(i, inverse);
  }
  #reciprocal(i: number): Code {
    const value = this.#values[i]!;
    if (value.op !== 'number') return get(this.#reciprocals.get(i)!);
    const code = [...this.#fn.splat(1), ...this.#fn.number(value.number), ...simd('div')];
    return this.#fn.constant(`r${value.number}`, code);
  }
}
