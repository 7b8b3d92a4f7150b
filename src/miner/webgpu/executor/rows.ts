/**
 * A row program as one compute shader. A row is `threads` threads of a workgroup, which may have several rows; a
 * thread takes four columns at a time. A reduction divides the program into levels: each level is a loop over the
 * columns, at whose end the threads of a row add up what they have in workgroup memory. What a level needs of
 * earlier ones, besides reductions, is computed anew from the inputs: it costs less than to keep it.
 */
import { argsOf, isReduction } from '../../executor/schedule.ts';
import type { RowValue } from '../../executor/types.ts';
import { LANES, type Address } from './layout.ts';
import { levelsOf, neededBy, upTo, withoutGroups } from './levels.ts';
import {
  partWords,
  Values,
  type Cursor,
  type PartWords,
  type RowsPart,
  type RowsSpec,
} from './values.ts';
import { loopIndices, Wgsl, Words, type AddressWords, type StepCode } from './wgsl.ts';

/** Row programs of a dispatch as one shader. */
export interface RowsCode extends StepCode {
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

const powerOver = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

/** What the parts of a dispatch share. */
interface Shared {
  readonly wgsl: Wgsl;
  readonly words: Words;
  readonly lines: string[];
  /** Variables in workgroup memory, and entries of them. */
  readonly variables: string[];
  entries: number;
  /** Sums that any loop makes at once. */
  partials: number;
  /** Threads of a row, and rows of a workgroup. */
  readonly perRow: number;
  readonly rows: number;
}

/** Rows `first` to `end`, counted over the loops that the parts share. */
export function rowsWgsl({ loops, parts }: RowsSpec): RowsCode {
  const widest = Math.max(
    ...parts.flatMap(({ program }) => program.values.map(({ width }) => width)),
  );
  const perRow = Math.min(THREADS_MAX, powerOver(Math.ceil(widest / LANES)));
  const threads = Math.max(THREADS_MIN, perRow);
  const [wgsl, words] = [new Wgsl(), new Words()];
  const rows = threads / perRow;
  const shared: Shared = {
    wgsl,
    words,
    lines: [
      `let lane = li % ${perRow}u;`,
      `let place = li / ${perRow}u;`,
      `let wanted = ${words.first} + id.x * ${rows}u + place;`,
      `let live = wanted < ${words.end};`,
      `var rest = min(wanted, ${words.end} - 1u);`,
      ...loopIndices(
        loops.map((count) => words.add(count)),
        'rest',
      ),
    ],
    variables: [],
    entries: 0,
    partials: 0,
    perRow,
    rows,
  };
  for (const [i, part] of parts.entries()) {
    // What the workgroup has written it reads: rows of later parts read of their own row only.
    if (i) shared.lines.push('storageBarrier();');
    new Part(shared, part, i).emit();
  }
  const { partials, variables, entries, lines } = shared;
  const sums = upTo(partials).map((i) => `var<workgroup> part${i}: array<f32, ${threads}>;`);
  const main = `
${[...sums, ...variables].join('\n')}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) li: u32) {
  ${lines.join('\n  ')}
}`;
  const memory = 4 * (partials * threads + entries);
  return { ...wgsl.step(words, main), rows, memory };
}

/** One step's code. */
class Part {
  readonly #shared: Shared;
  readonly #spec: RowsPart;
  readonly #values: readonly RowValue[];
  readonly #done: readonly number[];
  readonly #needed: ReadonlySet<number>;
  readonly #words: PartWords;
  readonly #code: Values;
  readonly #number: number;

  constructor(shared: Shared, spec: RowsPart, number: number) {
    const { outputs } = spec.program;
    const values = spec.program.values.map(withoutGroups);
    this.#shared = shared;
    this.#spec = spec;
    this.#number = number;
    this.#values = values;
    this.#done = levelsOf(values);
    this.#needed = neededBy({ outputs, values });
    this.#words = partWords(shared.words, spec);
    this.#code = new Values(spec, values, {
      wgsl: shared.wgsl,
      words: this.#words,
      line: (code) => this.#line(code),
      groupsOf: (value) => this.#groupsOf(value),
    });
  }

  emit(): void {
    const { loops } = this.#spec;
    this.#line('{');
    for (const [i, count] of this.#words.counts.entries())
      if (count) this.#line(`for (var j${i} = 0u; j${i} < ${count}; j${i}++) {`);
    const names = loops.map(({ shared }, i) => (shared === undefined ? `j${i}` : `i${shared}`));
    this.#addresses(names);
    const last = Math.max(...[...this.#needed].map((i) => this.#done[i]!));
    for (let level = 0; level <= last; level++) this.#level(level);
    for (const count of this.#words.counts) if (count) this.#line('}');
    this.#line('}');
  }

  #line(code: string): void {
    this.#shared.lines.push(code);
  }

  #groupsOf = (value: number): string => `group${this.#number}_${value}`;

  /** Where the inputs and outputs of a row lie. */
  #addresses(names: readonly string[]): void {
    const { inputs, outputs } = this.#words;
    const at = (words: AddressWords, address: Address): string =>
      this.#shared.wgsl.address(words, address, names);
    inputs.forEach((w, i) => this.#line(`let in${i} = ${at(w, this.#spec.inputs[i]!)};`));
    outputs.forEach((w, i) => this.#line(`let out${i} = ${at(w, this.#spec.outputs[i]!)};`));
  }

  #level(level: number): void {
    const at = (i: number): boolean => this.#needed.has(i) && this.#done[i] === level;
    const here = upTo(this.#values.length);
    for (const i of here)
      if (at(i) && this.#values[i]!.width === 1 && !isReduction(this.#values[i]!))
        this.#code.value(i, this.#code.scalars);
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
    const threads =
      groups === 1 ? this.#shared.perRow : Math.min(this.#shared.perRow, powerOver(quads));
    const slots = this.#shared.perRow / threads;
    const turns = Math.ceil(groups / slots);
    const cursor = this.#code.cursor(width, 'column', true, group);
    this.#line(`for (var turn = 0u; turn < ${turns}u; turn++) {`);
    this.#line(`let group = turn * ${slots}u + lane / ${threads}u;`);
    for (const [a, i] of sums.entries())
      this.#line(`var sum${a} = vec4<f32>(${this.#values[i]!.op === 'sum' ? '0.0' : LOWEST});`);
    const end = `select(0u, ${quads}u, group < ${groups}u)`;
    this.#line(`for (var quad = lane % ${threads}u; quad < ${end}; quad += ${threads}u) {`);
    this.#line(`let column = group * ${group}u + quad * ${LANES}u;`);
    for (const [a, i] of sums.entries()) {
      const x = this.#code.value(argsOf(this.#values[i]!)[0]!, cursor);
      this.#accumulate(`sum${a}`, this.#values[i]!.op, x, group);
    }
    for (const o of outputs) this.#storeWide(o, cursor, width);
    this.#line('}');
    if (sums.length) this.#reduce(sums, { threads, groups });
    this.#line('}');
    if (groups > 1) return;
    // A row's own number: every thread reads it again, outside of the loop's block.
    for (const i of sums) {
      this.#line(`let v${i} = ${this.#groupsOf(i)}[place];`);
      this.#code.scalars.names.set(i, `v${i}`);
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
    this.#shared.partials = Math.max(this.#shared.partials, sums.length);
    const both = (op: RowValue['op'], x: string, y: string): string =>
      op === 'sum' ? `${x} + ${y}` : `max(${x}, ${y})`;
    for (const [a, i] of sums.entries()) {
      const { op } = this.#values[i]!;
      const [s, t] = [`sum${a}.x`, `sum${a}.y`];
      const pairs = both(op, both(op, s, t), both(op, `sum${a}.z`, `sum${a}.w`));
      this.#line(`part${a}[li] = ${pairs};`);
      const entries = this.#shared.rows * groups;
      this.#shared.variables.push(`var<workgroup> ${this.#groupsOf(i)}: array<f32, ${entries}>;`);
      this.#shared.entries += entries;
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
      this.#line(`${this.#groupsOf(i)}[place * ${groups}u + group] = part${a}[li];`);
    this.#line('}');
    this.#line('workgroupBarrier();');
  }

  #storeOne(output: number): void {
    const { value } = this.#spec.program.outputs[output]!;
    const { space, storage } = this.#spec.outputs[output]!;
    const x = this.#code.value(value, this.#code.scalars);
    const whole = storage === 'f32' ? 'f32' : 'i32';
    this.#line(
      `if (live && lane == 0u) { ${this.#shared.wgsl.store(space, whole, `out${output}`, x)} }`,
    );
  }

  #storeWide(output: number, cursor: Cursor, width: number): void {
    const { value } = this.#spec.program.outputs[output]!;
    const x = this.#code.value(value, cursor);
    const count = width % LANES ? `${width}u - column` : undefined;
    const at = `out${output} + column`;
    const store = this.#shared.wgsl.store4(this.#spec.outputs[output]!, at, x, count);
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
