/**
 * A row program as one compute shader. A row is `threads` threads of a workgroup, which may have several rows; a
 * thread takes four columns at a time. A reduction divides the program into levels: each level is a loop over the
 * columns, at whose end the threads of a row add up what they have in workgroup memory. What a level needs of
 * earlier ones, besides reductions, is computed anew from the inputs: it costs less than to keep it.
 */
import type { Binary, RowProgram, RowValue, Unary } from '../../executor/types.ts';
import { LANES, type Address, type Space } from './layout.ts';
import { addressWords, loopIndices, Wgsl, Words, type AddressWords } from './wgsl.ts';

/** What a rows step does, and where. Steps that differ in numbers only have the same code. */
export interface RowsSpec {
  readonly program: RowProgram;
  /** Counts. */
  readonly loops: readonly number[];
  readonly inputs: readonly Address[];
  readonly outputs: readonly Address[];
  readonly numbers: readonly number[];
}

export interface RowsCode {
  readonly code: string;
  /** Of the step's uniform, after first and last row. */
  readonly words: readonly number[];
  readonly spaces: readonly Space[];
  /** Rows of a workgroup. */
  readonly rows: number;
  /** Bytes of workgroup memory. */
  readonly memory: number;
}

/** Threads of a workgroup: at least, and at most, as every device has them. */
const THREADS_MIN = 64;
const THREADS_MAX = 256;
/** Sums and maxima that one loop makes at most; others of its level get a loop of their own. */
const SUMS_MAX = 4;
/** Below every number that a program can hold. */
const LOWEST = '-1e30';

const upTo = (n: number): number[] => [...Array(n).keys()];
const powerOver = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));
const isReduction = (v: RowValue): v is Extract<RowValue, { op: 'sum' | 'most' }> =>
  v.op === 'sum' || v.op === 'most';
const isOperation = (v: RowValue): v is Operation => v.op in SIGNS;
const argsOf = (v: RowValue): readonly number[] => ('args' in v ? v.args : []);

/** A sum or maximum over groups of one column is that column. */
const withoutGroups = (v: RowValue, _: number, values: readonly RowValue[]): RowValue =>
  isReduction(v) && values[v.args[0]]!.width === v.width
    ? { op: 'max', args: [v.args[0], v.args[0]], width: v.width }
    : v;

/** Of each value, after how many levels it can be computed; a reduction is there one level after its argument. */
function levelsOf(values: readonly RowValue[]): number[] {
  const done: number[] = [];
  for (const v of values) {
    const level = Math.max(0, ...argsOf(v).map((a) => done[a]!));
    done.push(isReduction(v) ? level + 1 : level);
  }
  return done;
}

type Operation = Extract<RowValue, { op: Unary | Binary }>;

/** Where values are being computed: four columns from `at` on, or the one column `at`, of `width`. */
interface Cursor {
  readonly width: number;
  readonly at: string;
  readonly isWide: boolean;
  /** Columns of a wide cursor's loop begin at multiples of four, or its groups are of this many columns. */
  readonly group: number;
  readonly names: Map<number, string>;
}

export function rowsWgsl(spec: RowsSpec): RowsCode {
  return new Emitter(spec).emit();
}

class Emitter {
  readonly #spec: RowsSpec;
  readonly #values: readonly RowValue[];
  readonly #done: readonly number[];
  readonly #needed: ReadonlySet<number>;
  readonly #wgsl = new Wgsl();
  readonly #words: RowsWords;
  readonly #lines: string[] = [];
  readonly #shared: string[] = [];
  readonly #scalars: Cursor = { width: 1, at: '0u', isWide: false, group: 1, names: new Map() };
  /** Threads of a row, of a workgroup, and rows of a workgroup. */
  readonly #perRow: number;
  readonly #threads: number;
  readonly #rows: number;
  #partials = 0;
  #memory = 0;
  #cursors = 0;

  constructor(spec: RowsSpec) {
    const { outputs } = spec.program;
    const values = spec.program.values.map(withoutGroups);
    this.#spec = spec;
    this.#values = values;
    this.#done = levelsOf(values);
    const needed = new Set<number>();
    const mark = (i: number): void => {
      if (needed.has(i)) return;
      needed.add(i);
      argsOf(values[i]!).forEach(mark);
    };
    outputs.forEach(({ value }) => mark(value));
    this.#needed = needed;
    this.#words = rowsWords(spec);
    const widest = Math.max(1, ...values.map(({ width }) => width));
    this.#perRow = Math.min(THREADS_MAX, powerOver(Math.ceil(widest / LANES)));
    this.#threads = Math.max(THREADS_MIN, this.#perRow);
    this.#rows = this.#threads / this.#perRow;
  }

  emit(): RowsCode {
    this.#addresses();
    const last = Math.max(...[...this.#needed].map((i) => this.#done[i]!));
    for (let level = 0; level <= last; level++) this.#level(level);
    const shared = [
      ...upTo(this.#partials).map((i) => `var<workgroup> part${i}: array<f32, ${this.#threads}>;`),
      ...this.#shared,
    ];
    const code = `${this.#wgsl.head(this.#words.all)}
${shared.join('\n')}
@compute @workgroup_size(${this.#threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) li: u32) {
  ${this.#lines.join('\n  ')}
}`;
    const memory = this.#memory + 4 * this.#partials * this.#threads;
    const { values: words } = this.#words.all;
    return { code, words, spaces: this.#wgsl.spaces, rows: this.#rows, memory };
  }

  #line(code: string): void {
    this.#lines.push(code);
  }

  /** Which row a thread works on, and where its inputs and outputs lie. */
  #addresses(): void {
    const { first, end, loops, inputs, outputs } = this.#words;
    this.#line(`let lane = li % ${this.#perRow}u;`);
    this.#line(`let place = li / ${this.#perRow}u;`);
    this.#line(`let wanted = ${first} + id.x * ${this.#rows}u + place;`);
    this.#line(`let live = wanted < ${end};`);
    this.#line(`var rest = min(wanted, ${end} - 1u);`);
    for (const line of loopIndices(loops, 'rest', 'i')) this.#line(line);
    const at = (words: AddressWords, address: Address): string =>
      this.#wgsl.address(words, address, 'i');
    inputs.forEach((w, i) => this.#line(`let in${i} = ${at(w, this.#spec.inputs[i]!)};`));
    outputs.forEach((w, i) => this.#line(`let out${i} = ${at(w, this.#spec.outputs[i]!)};`));
  }

  #level(level: number): void {
    const at = (i: number): boolean => this.#needed.has(i) && this.#done[i] === level;
    const here = upTo(this.#values.length);
    for (const i of here)
      if (at(i) && this.#values[i]!.width === 1 && !isReduction(this.#values[i]!))
        this.#value(i, this.#scalars);
    const outputs = upTo(this.#spec.program.outputs.length).filter((o) =>
      at(this.#spec.program.outputs[o]!.value),
    );
    for (const o of outputs) if (this.#widthOf(o) === 1) this.#storeOne(o);
    const sums = here.filter(
      (i) => this.#needed.has(i) && isReduction(this.#values[i]!) && this.#done[i] === level + 1,
    );
    const wide = new Set(outputs.filter((o) => this.#widthOf(o) > 1));
    for (const loop of this.#loopsOf(sums)) {
      // Outputs go with a loop over the same columns; words must begin with its groups.
      const fits = (o: number): boolean =>
        this.#widthOf(o) === loop.width && (loop.groups === 1 || loop.group % LANES === 0);
      const own = [...wide].filter(fits);
      own.forEach((o) => wide.delete(o));
      this.#loop(loop, own);
    }
    const widths = new Set([...wide].map((o) => this.#widthOf(o)));
    for (const width of widths) {
      const own = [...wide].filter((o) => this.#widthOf(o) === width);
      this.#loop({ width, groups: 1, group: width, sums: [] }, own);
    }
  }

  #widthOf = (output: number): number =>
    this.#values[this.#spec.program.outputs[output]!.value]!.width;

  /** Reductions by the columns and groups over which they go. */
  #loopsOf(sums: readonly number[]): Loop[] {
    const loops: Loop[] = [];
    for (const i of sums) {
      const width = this.#values[argsOf(this.#values[i]!)[0]!]!.width;
      const groups = this.#values[i]!.width;
      const fits = (x: Loop): boolean =>
        x.width === width && x.groups === groups && x.sums.length < SUMS_MAX;
      const loop = loops.find(fits);
      if (loop) loop.sums.push(i);
      else loops.push({ width, groups, group: width / groups, sums: [i] });
    }
    return loops;
  }

  #loop({ width, groups, group, sums }: Loop, outputs: readonly number[]): void {
    const quads = Math.ceil(group / LANES);
    const threads = groups === 1 ? this.#perRow : Math.min(this.#perRow, powerOver(quads));
    const slots = this.#perRow / threads;
    const turns = Math.ceil(groups / slots);
    const cursor = this.#cursor(width, 'column', true, group);
    this.#line(`for (var turn = 0u; turn < ${turns}u; turn++) {`);
    this.#line(`let group = turn * ${slots}u + lane / ${threads}u;`);
    for (const [a, i] of sums.entries())
      this.#line(`var sum${a} = vec4<f32>(${this.#values[i]!.op === 'sum' ? '0.0' : LOWEST});`);
    const end = `select(0u, ${quads}u, group < ${groups}u)`;
    this.#line(`for (var quad = lane % ${threads}u; quad < ${end}; quad += ${threads}u) {`);
    this.#line(`let column = group * ${group}u + quad * ${LANES}u;`);
    for (const [a, i] of sums.entries()) {
      const x = this.#value(argsOf(this.#values[i]!)[0]!, cursor);
      this.#accumulate(`sum${a}`, this.#values[i]!.op, x, group);
    }
    for (const o of outputs) this.#storeWide(o, cursor, width);
    this.#line('}');
    if (sums.length) this.#reduce(sums, { threads, groups });
    this.#line('}');
    if (groups > 1) return;
    // A row's own number: every thread reads it again, outside of the loop's block.
    for (const i of sums) {
      this.#line(`let v${i} = group${i}[place];`);
      this.#scalars.names.set(i, `v${i}`);
    }
  }

  #accumulate(sum: string, op: RowValue['op'], x: string, group: number): void {
    const none = op === 'sum' ? '0.0' : LOWEST;
    // Past the last column of a group lies anything.
    const columns = 'vec4<u32>(0u, 1u, 2u, 3u) + vec4<u32>(4u * quad)';
    const masked =
      group % LANES ? `select(vec4<f32>(${none}), ${x}, ${columns} < vec4<u32>(${group}u))` : x;
    this.#line(op === 'sum' ? `${sum} += ${masked};` : `${sum} = max(${sum}, ${masked});`);
  }

  /** Threads of a group add up their sums, and the first of them keeps the result. */
  #reduce(sums: readonly number[], { threads, groups }: { threads: number; groups: number }): void {
    this.#partials = Math.max(this.#partials, sums.length);
    const both = (op: RowValue['op'], x: string, y: string): string =>
      op === 'sum' ? `${x} + ${y}` : `max(${x}, ${y})`;
    for (const [a, i] of sums.entries()) {
      const { op } = this.#values[i]!;
      const [s, t] = [`sum${a}.x`, `sum${a}.y`];
      const pairs = both(op, both(op, s, t), both(op, `sum${a}.z`, `sum${a}.w`));
      this.#line(`part${a}[li] = ${pairs};`);
      this.#shared.push(`var<workgroup> group${i}: array<f32, ${this.#rows * groups}>;`);
      this.#memory += 4 * this.#rows * groups;
    }
    this.#line('workgroupBarrier();');
    if (threads > 1) {
      this.#line(`for (var half = ${threads / 2}u; half > 0u; half >>= 1u) {`);
      this.#line(`if (lane % ${threads}u < half) {`);
      for (const [a, i] of sums.entries()) {
        const part = `part${a}[li]`;
        const other = `part${a}[li + half]`;
        this.#line(`${part} = ${both(this.#values[i]!.op, part, other)};`);
      }
      this.#line('}');
      this.#line('workgroupBarrier();');
      this.#line('}');
    }
    this.#line(`if (lane % ${threads}u == 0u && group < ${groups}u) {`);
    for (const [a, i] of sums.entries())
      this.#line(`group${i}[place * ${groups}u + group] = part${a}[li];`);
    this.#line('}');
    this.#line('workgroupBarrier();');
  }

  #cursor(width: number, at: string, isWide: boolean, group: number): Cursor {
    return { width, at, isWide, group, names: new Map() };
  }

  /** The value at a cursor, as the name of a vec4<f32> or f32. */
  #value(i: number, cursor: Cursor): string {
    const found = cursor.names.get(i);
    if (found) return found;
    const code = this.#code(i, cursor);
    const name = cursor === this.#scalars ? `v${i}` : `x${this.#cursors++}`;
    this.#line(`let ${name} = ${code};`);
    cursor.names.set(i, name);
    return name;
  }

  #code(i: number, cursor: Cursor): string {
    const v = this.#values[i]!;
    if (v.width !== cursor.width) return this.#narrower(i, cursor);
    if (isOperation(v)) return this.#operation(v, cursor);
    switch (v.op) {
      case 'number':
        return `bitcast<f32>(${this.#words.numbers[v.number]!})`;
      case 'input':
        return this.#input(v.input, cursor, false);
      case 'shift': {
        const by = `u32(bitcast<f32>(${this.#words.numbers[v.number]!}))`;
        const x = this.#input(v.input, cursor, true);
        return cursor.isWide ? `vec4<f32>(${x} >> vec4<u32>(${by}))` : `f32(${x} >> ${by})`;
      }
      case 'sum':
      case 'most':
        return this.#reduced(i, cursor);
      case 'table':
        return this.#lookup(v.input, this.#value(v.args[0], cursor), cursor.isWide);
    }
  }

  /** Results of a reduction, as the last loop left them. */
  #reduced(i: number, { isWide, at }: Cursor): string {
    const { width } = this.#values[i]!;
    const entry = (column: string): string =>
      `group${i}[place * ${width}u + min(${column}, ${width - 1}u)]`;
    if (!isWide) return entry(at);
    return `vec4<f32>(${upTo(LANES)
      .map((lane) => entry(`${at} + ${lane}u`))
      .join(', ')})`;
  }

  #lookup(input: number, x: string, isWide: boolean): string {
    const { space, storage } = this.#spec.inputs[input]!;
    const load = this.#wgsl.load(space, storage);
    const entry = (lane: string): string => `${load}(in${input} + u32(i32(${lane})))`;
    if (!isWide) return entry(x);
    return `vec4<f32>(${['x', 'y', 'z', 'w'].map((lane) => entry(`${x}.${lane}`)).join(', ')})`;
  }

  #operation(v: Operation, cursor: Cursor): string {
    const [x, y] = v.args.map((a) => this.#value(a, cursor));
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
    if (!isWide) return `${this.#wgsl.load(space, storage, raw)}(in${input} + ${at})`;
    const words = isAligned && (group % LANES === 0 || group === width);
    return `${this.#wgsl.load4(space, storage, words, raw)}(in${input} + ${at})`;
  }

  /** A number a row or a group of columns, where a value of more columns reads it. */
  #narrower(i: number, cursor: Cursor): string {
    const { width } = this.#values[i]!;
    const { isWide, at, group } = cursor;
    const type = isWide ? 'vec4<f32>' : 'f32';
    if (width === 1) return `${type}(${this.#value(i, this.#scalars)})`;
    const columns = cursor.width / width;
    const one = (column: string): string =>
      this.#value(i, this.#inner(cursor, width, `(${column}) / ${columns}u`));
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
    const found = inside.get(key) ?? this.#cursor(width, at, false, 1);
    inside.set(key, found);
    return found;
  }
  readonly #inside = new WeakMap<Cursor, Map<string, Cursor>>();

  #storeOne(output: number): void {
    const { value } = this.#spec.program.outputs[output]!;
    const { space, storage } = this.#spec.outputs[output]!;
    const x = this.#value(value, this.#scalars);
    const whole = storage === 'f32' ? 'f32' : 'i32';
    this.#line(`if (live && lane == 0u) { ${this.#wgsl.store(space, whole, `out${output}`, x)} }`);
  }

  #storeWide(output: number, cursor: Cursor, width: number): void {
    const { value } = this.#spec.program.outputs[output]!;
    const x = this.#value(value, cursor);
    const count = width % LANES ? `${width}u - column` : undefined;
    const at = `out${output} + column`;
    const store = this.#wgsl.store4(this.#spec.outputs[output]!, at, x, count);
    this.#line(`if (live) { ${store} }`);
  }
}

interface Loop {
  /** Columns, in so many groups, each of so many. */
  readonly width: number;
  readonly groups: number;
  readonly group: number;
  readonly sums: number[];
}

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

interface RowsWords {
  readonly all: Words;
  readonly first: string;
  readonly end: string;
  readonly loops: readonly string[];
  readonly inputs: readonly AddressWords[];
  readonly outputs: readonly AddressWords[];
  readonly numbers: readonly string[];
}

function rowsWords({ loops, inputs, outputs, numbers }: RowsSpec): RowsWords {
  const all = new Words();
  return {
    all,
    first: all.first,
    end: all.end,
    loops: loops.map((count) => all.add(count)),
    inputs: inputs.map((address) => addressWords(all, address)),
    outputs: outputs.map((address) => addressWords(all, address)),
    numbers: numbers.map((x) => all.addNumber(x)),
  };
}
