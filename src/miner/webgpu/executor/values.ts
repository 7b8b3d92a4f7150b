/** The code of a row program's values, each where a loop needs it: what needs it computes it, from the inputs on. */
import type { Binary, RowProgram, RowValue, Unary } from '../../executor/types.ts';
import { LANES, type Address } from './layout.ts';
import { upTo } from './levels.ts';
import { addressWords, type AddressWords, type Wgsl, type Words } from './wgsl.ts';

/** A loop of a step: one that all steps of its dispatch share, by its place among them, or one inside of a row. */
export interface PartLoop {
  readonly count: number;
  readonly shared?: number;
}

/** What a rows step does, and where. Steps that differ in numbers only have the same code. */
export interface RowsPart {
  readonly program: RowProgram;
  readonly loops: readonly PartLoop[];
  readonly inputs: readonly Address[];
  readonly outputs: readonly Address[];
  readonly numbers: readonly number[];
}

/** Steps of one dispatch, which do a row one after the other. */
export interface RowsSpec {
  /** Counts of the loops over which the rows of the dispatch go. */
  readonly loops: readonly number[];
  readonly parts: readonly RowsPart[];
}

/** Where values are being computed: four columns from `at` on, or the one column `at`, of `width`. */
export interface Cursor {
  readonly width: number;
  readonly at: string;
  readonly isWide: boolean;
  /** Columns of a wide cursor's loop begin at multiples of four, or its groups are of this many columns. */
  readonly group: number;
  readonly names: Map<number, string>;
}

type Operation = Extract<RowValue, { op: Unary | Binary }>;

const isOperation = (v: RowValue): v is Operation => v.op in SIGNS;
/** Operators with a sign; the others are WGSL's functions of the same names. */
const SIGNS: Readonly<Record<Operation['op'], string | undefined>> = {
  add: '+',
  sub: '-',
  mul: '*',
  // WGSL's division may be 2.5 ULP off, as the checker allows; a product with a reciprocal would be off by more.
  quotient: '/',
  gt: '>',
  ge: '>=',
  lt: '<',
  le: '<=',
  min: undefined,
  max: undefined,
  floor: undefined,
  sqrt: undefined,
};
const COMPARISONS: ReadonlySet<RowValue['op']> = new Set<RowValue['op']>(['gt', 'ge', 'lt', 'le']);

/** Words of a part, in the uniform of its dispatch. */
export interface PartWords {
  /** Of the loops inside of a row; empty of the others. */
  readonly counts: readonly string[];
  readonly inputs: readonly AddressWords[];
  readonly outputs: readonly AddressWords[];
  readonly numbers: readonly string[];
}

/** Gives a part's addresses, counts and numbers their words. */
export function partWords(all: Words, { loops, inputs, outputs, numbers }: RowsPart): PartWords {
  return {
    counts: loops.map(({ count, shared }) => (shared === undefined ? all.add(count) : '')),
    inputs: inputs.map((address) => addressWords(all, address)),
    outputs: outputs.map((address) => addressWords(all, address)),
    numbers: numbers.map((x) => all.addNumber(x)),
  };
}

/** What a `Values` writes to. */
export interface Sink {
  readonly wgsl: Wgsl;
  readonly words: PartWords;
  readonly line: (code: string) => void;
  /** Name in workgroup memory of what a reduction leaves there. */
  readonly groupsOf: (value: number) => string;
}

/** Writes the code of a part's values, each once for each cursor at which it is needed. */
export class Values {
  /** Where numbers of a row are; they are computed at the function's own level. */
  readonly scalars: Cursor = { width: 1, at: '0u', isWide: false, group: 1, names: new Map() };
  readonly #spec: RowsPart;
  readonly #values: readonly RowValue[];
  readonly #sink: Sink;
  readonly #inside = new WeakMap<Cursor, Map<string, Cursor>>();
  #count = 0;

  constructor(spec: RowsPart, values: readonly RowValue[], sink: Sink) {
    this.#spec = spec;
    this.#values = values;
    this.#sink = sink;
  }

  cursor(width: number, at: string, isWide: boolean, group: number): Cursor {
    return { width, at, isWide, group, names: new Map() };
  }

  /** The value at a cursor, as the name of a vec4<f32> or f32. */
  value(i: number, cursor: Cursor): string {
    const found = cursor.names.get(i);
    if (found) return found;
    const code = this.#code(i, cursor);
    const name = cursor === this.scalars ? `v${i}` : `x${this.#count++}`;
    this.#sink.line(`let ${name} = ${code};`);
    cursor.names.set(i, name);
    return name;
  }

  #code(i: number, cursor: Cursor): string {
    const v = this.#values[i]!;
    if (v.width !== cursor.width) return this.#narrower(i, cursor);
    if (isOperation(v)) return this.#operation(v, cursor);
    switch (v.op) {
      case 'number':
        return `bitcast<f32>(${this.#sink.words.numbers[v.number]!})`;
      case 'input':
        return this.#input(v.input, cursor, false);
      case 'shift': {
        const by = `u32(bitcast<f32>(${this.#sink.words.numbers[v.number]!}))`;
        const x = this.#input(v.input, cursor, true);
        return cursor.isWide ? `vec4<f32>(${x} >> vec4<u32>(${by}))` : `f32(${x} >> ${by})`;
      }
      case 'sum':
      case 'most':
        return this.#reduced(i, cursor);
      case 'table':
        return this.#lookup(v.input, this.value(v.args[0], cursor), cursor.isWide);
    }
  }

  /** Results of a reduction, as the last loop left them. */
  #reduced(i: number, { isWide, at }: Cursor): string {
    const { width } = this.#values[i]!;
    const entry = (column: string): string =>
      `${this.#sink.groupsOf(i)}[place * ${width}u + min(${column}, ${width - 1}u)]`;
    if (!isWide) return entry(at);
    return `vec4<f32>(${upTo(LANES)
      .map((lane) => entry(`${at} + ${lane}u`))
      .join(', ')})`;
  }

  #lookup(input: number, x: string, isWide: boolean): string {
    const { space, storage } = this.#spec.inputs[input]!;
    const load = this.#sink.wgsl.load(space, storage);
    const entry = (lane: string): string => `${load}(in${input} + u32(i32(${lane})))`;
    if (!isWide) return entry(x);
    return `vec4<f32>(${['x', 'y', 'z', 'w'].map((lane) => entry(`${x}.${lane}`)).join(', ')})`;
  }

  #operation(v: Operation, cursor: Cursor): string {
    const [x, y] = v.args.map((a) => this.value(a, cursor));
    const sign = SIGNS[v.op];
    if (!sign) return `${v.op}(${v.args.length === 1 ? x! : `${x!}, ${y!}`})`;
    const code = `${x!} ${sign} ${y!}`;
    if (!COMPARISONS.has(v.op)) return code;
    const type = cursor.isWide ? 'vec4<f32>' : 'f32';
    return `select(${type}(0.0), ${type}(1.0), ${code})`;
  }

  #input(input: number, cursor: Cursor, raw: boolean): string {
    const { space, storage, isAligned } = this.#spec.inputs[input]!;
    const { isWide, at, group, width } = cursor;
    if (!isWide) return `${this.#sink.wgsl.load(space, storage, raw)}(in${input} + ${at})`;
    const words = isAligned && (group % LANES === 0 || group === width);
    return `${this.#sink.wgsl.load4(space, storage, words, raw)}(in${input} + ${at})`;
  }

  /** A number a row or a group of columns, where a value of more columns reads it. */
  #narrower(i: number, cursor: Cursor): string {
    const { width } = this.#values[i]!;
    const { isWide, at, group } = cursor;
    const type = isWide ? 'vec4<f32>' : 'f32';
    if (width === 1) return `${type}(${this.value(i, this.scalars)})`;
    const columns = cursor.width / width;
    const one = (column: string): string =>
      this.value(i, this.#inner(cursor, width, `(${column}) / ${columns}u`));
    if (!isWide) return one(at);
    const isWhole = group % LANES === 0 || group === cursor.width;
    if ((isWhole && columns % LANES === 0) || group === columns) return `${type}(${one(at)})`;
    const lanes = upTo(LANES).map((lane) => one(`${at} + ${lane}u`));
    return `${type}(${lanes.join(', ')})`;
  }

  /** A cursor at one column inside another's block; the same one for the same column. */
  #inner(cursor: Cursor, width: number, at: string): Cursor {
    const key = `${width} ${at}`;
    const inside = this.#inside.get(cursor) ?? new Map<string, Cursor>();
    this.#inside.set(cursor, inside);
    const found = inside.get(key) ?? this.cursor(width, at, false, 1);
    inside.set(key, found);
    return found;
  }
}
