/**
 * A plan's steps one number at a time, in the plainest way: what executors must equal. It tells a fault of the plan
 * from one of an executor, for it is strict: whatever is read must have been written, inside its buffer, and whatever
 * is written must be a number that its storage holds.
 */
import { interpret } from '../../src/miner/interpreter.ts';
import type {
  Binding,
  LeftoverStep,
  Plan,
  PoolStep,
  ProductStep,
  RowProgram,
  RowsStep,
  RowValue,
  Step,
  Storage,
} from '../../src/miner/executor/types.ts';

type Role = Plan['buffers'][number]['role'];
type Numbers = ArrayLike<number>;
type Operation = (x: number, y: number) => number;
const OPERATIONS: Readonly<Record<string, Operation>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  quotient: (x, y) => x / y,
  min: (x, y) => Math.min(x, y),
  max: (x, y) => Math.max(x, y),
  gt: (x, y) => Number(x > y),
  ge: (x, y) => Number(x >= y),
  lt: (x, y) => Number(x < y),
  le: (x, y) => Number(x <= y),
  floor: (x) => Math.floor(x),
  sqrt: (x) => Math.sqrt(x),
};
const REACH: Readonly<Record<Storage, readonly [number, number]>> = {
  i8: [-128, 127],
  i16: [-(2 ** 15), 2 ** 15 - 1],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  f32: [-Infinity, Infinity],
};

/** The plan, or the plain evaluation of it, is wrong. */
export class PlanFault extends Error {}
function need(condition: boolean, message: () => string): void {
  if (!condition) throw new PlanFault(message());
}

/** Buffers of a step. */
export function buffersOf(step: Step): number[] {
  const bindings =
    step.kind === 'product'
      ? [step.left, step.right, step.out]
      : step.kind === 'pool'
        ? [step.from, step.to]
        : [...step.inputs, ...step.outputs];
  return bindings.flatMap((b) => ('index' in b && b.index ? [b.buffer, b.index.buffer] : b.buffer));
}

/** Calls `each` with the indices of every turn of nested loops, in order. */
function everyTurn(loops: readonly number[], each: (indices: readonly number[]) => void): void {
  const indices = loops.map(() => 0);
  for (;;) {
    each(indices);
    let d = loops.length - 1;
    while (d >= 0 && ++indices[d]! >= loops[d]!) indices[d--] = 0;
    if (d < 0) return;
  }
}

export class PlainPlan {
  readonly #plan: Plan;
  /** Numbers of every buffer; NaN where nothing was written. */
  readonly buffers: Float64Array[];
  /** Sequences that run. */
  #sequences = 1;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.buffers = plan.buffers.map(({ role, size, perSequence, storage }) => {
      if (role.kind !== 'constant')
        return new Float64Array(size * (perSequence ? plan.sequences : 1)).fill(NaN);
      for (const x of role.data) need(holds(storage, x), () => `constant ${x} in ${storage}`);
      need(role.data.length === size, () => `constant of ${role.data.length}, not ${size}`);
      return Float64Array.from(role.data);
    });
  }

  /** The buffers of a role that a segment's steps use. */
  used(segment: number, which: (role: Role) => boolean): Float64Array[] {
    const steps = this.#plan.segments[segment]!.steps ?? [];
    const all = new Set(steps.flatMap(buffersOf).filter((i) => which(this.#plan.buffers[i]!.role)));
    return [...all].map((i) => this.buffers[i]!);
  }

  /** @throws PlanFault */
  run(segment: number, sequences = this.#plan.sequences): void {
    this.#sequences = sequences;
    const { steps, report } = this.#plan.segments[segment]!;
    if (!steps) throw new PlanFault(`segment ${segment} is not planned: ${report[0]}`);
    for (const step of steps) this.#step(step);
  }

  #step(step: Step): void {
    if (step.kind === 'leftover') this.#leftover(step);
    else {
      need(step.loops[0] === this.#plan.sequences, () => `a loop of ${step.loops[0]} sequences`);
      const loops = step.loops.with(0, this.#sequences);
      if (step.kind === 'rows') this.#rows({ ...step, loops });
      else if (step.kind === 'product') this.#product({ ...step, loops });
      else this.#pool({ ...step, loops });
    }
  }

  #load(buffer: number, at: number): number {
    const x = this.buffers[buffer]![at];
    need(x !== undefined && !Number.isNaN(x), () => `buffer ${buffer} has no number at ${at}`);
    return x!;
  }
  #store(buffer: number, at: number, x: number): void {
    const { storage, role } = this.#plan.buffers[buffer]!;
    need(role.kind !== 'constant' && role.kind !== 'table', () => `writes a ${role.kind}`);
    need(holds(storage, x), () => `${x} in ${storage} of buffer ${buffer} (${role.kind})`);
    need(at >= 0 && at < this.buffers[buffer]!.length, () => `writes ${at} of buffer ${buffer}`);
    this.buffers[buffer]![at] = x;
  }

  #at({ buffer, offset, strides, index }: Binding, indices: readonly number[]): number {
    const { perSequence, size } = this.#plan.buffers[buffer]!;
    const own = strides.reduce((sum, stride, i) => sum + stride * indices[i]!, offset);
    const isRight = this.#plan.sequences === 1 || strides[0] === (perSequence ? size : 0);
    need(isRight, () => `stride ${strides[0]} of sequences`);
    if (!index) return own;
    return own + index.scale * this.#load(index.buffer, this.#at(index, indices));
  }

  #rows({ loops, program, inputs, outputs, numbers }: RowsStep): void {
    const { values, inputs: kinds, outputs: made } = this.#plan.programs[program]!;
    for (const [i, { storage, isIndexed }] of kinds.entries()) {
      const input = inputs[i]!;
      const found = this.#plan.buffers[input.buffer]!.storage;
      need(found === storage, () => `input ${i} is ${found}, not ${storage}`);
      need(isIndexed === !!input.index, () => `input ${i} has ${isIndexed ? 'no' : 'an'} index`);
    }
    everyTurn(loops, (indices) => {
      const reads = inputs.map((input, i) => {
        const { width, isTable } = kinds[i]!;
        const at = this.#at(input, indices);
        if (isTable) return this.buffers[input.buffer]!.subarray(at);
        return Float64Array.from({ length: width }, (_, j) => this.#load(input.buffer, at + j));
      });
      const row = rowOf(values, reads, numbers);
      for (const [i, to] of outputs.entries()) {
        const { value, isQuick, unclipped } = made[i]!;
        const at = this.#at(to, indices);
        for (const x of unclipped === undefined ? [] : row[unclipped]!)
          need(isQuickly(x) && Number.isInteger(x), () => `${x} is to be converted quickly`);
        for (const [j, x] of row[value]!.entries()) {
          need(!isQuick || isQuickly(x), () => `${x} is to be converted quickly`);
          this.#store(to.buffer, at + j, x);
        }
      }
    });
  }

  #product({ loops, m, n, k, left, right, out, causal }: ProductStep): void {
    const entry = (at: number): number => {
      const x = this.#load(left.buffer, at);
      need(holds('i16', x), () => `multiplies ${x}`);
      return x;
    };
    everyTurn(loops, (indices) => {
      const [a, b, c] = [left, right, out].map((binding) => this.#at(binding, indices));
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          let sum = 0;
          for (let p = 0; p < k; p++) {
            const x = entry(a! + i * left.row + p);
            const isZero = causal?.depths !== undefined && p > i + causal.depths;
            need(!isZero || x === 0, () => `${x} where a product may stop`);
            sum += x * this.#load(right.buffer, b! + p * right.depth + j * right.column);
          }
          const isWanted = causal?.columns === undefined || j <= i + causal.columns;
          this.#store(out.buffer, c! + i * out.row + j, isWanted ? sum : 0);
        }
    });
  }

  #pool({ op, loops, rows, width, from, to }: PoolStep): void {
    everyTurn(loops, (indices) => {
      const [start, end] = [this.#at(from, indices), this.#at(to, indices)];
      for (let j = 0; j < width; j++) {
        let all = op === 'sum' ? 0 : -Infinity;
        for (let r = 0; r < rows; r++) {
          const x = this.#load(from.buffer, start + r * from.row + j);
          all = op === 'sum' ? all + x : Math.max(all, x);
        }
        this.#store(to.buffer, end + j, all);
      }
    });
  }

  /** On whole tensors of all sequences; those that do not run hold zeros. */
  #leftover({ nodes, constants, inputs, outputs }: LeftoverStep): void {
    const known = inputs.map(({ name, dims, type, buffer }) => {
      const { size } = this.#plan.buffers[buffer]!;
      const last = this.#sequences * size;
      const data = this.buffers[buffer]!.map((_, at) => (at < last ? this.#load(buffer, at) : 0));
      const typed = type === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
      return [name, { dims, data: typed }] as const;
    });
    const made = interpret({ nodes, constants }, new Map(known));
    for (const { name, buffer } of outputs)
      for (const [at, x] of made.get(name)!.data.entries()) this.#store(buffer, at, x);
  }
}

/** The odd number of parts 2^−b that a fraction is; a whole number is none. */
const partsOf = (x: number): number => {
  let parts = Number.isInteger(x) ? Infinity : Math.abs(x);
  while (!Number.isInteger(parts) && parts !== Infinity) parts *= 2;
  return parts;
};
const isQuickly = (x: number): boolean => Math.abs(x) <= 2 ** 22;
const holds = (storage: Storage, x: number): boolean => {
  const [low, high] = REACH[storage];
  return x >= low && x <= high && (storage === 'f32' ? Math.fround(x) === x : Number.isInteger(x));
};

/** All values of one row. */
export function rowOf(
  values: RowProgram['values'],
  reads: readonly Numbers[],
  numbers: readonly number[],
): Float64Array[] {
  const row: Float64Array[] = [];
  const entryAt = (i: number, column: number, width: number): number => {
    const arg = row[i]!;
    need(width % arg.length === 0, () => `${arg.length} columns for ${width}`);
    return arg[Math.floor(column / (width / arg.length))]!;
  };
  const entryOf = (v: RowValue, column: number): number => {
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- operators are those of a table
    switch (v.op) {
      case 'input':
        return reads[v.input]![column]!;
      case 'number':
        return numbers[v.number]!;
      case 'shift':
        return Math.floor(reads[v.input]![column]! / 2 ** numbers[v.number]!);
      case 'table':
        return reads[v.input]![entryAt(v.args[0], column, v.width)]!;
      case 'sum':
      case 'most': {
        const all = row[v.args[0]]!;
        const group = all.length / v.width;
        need(Number.isInteger(group), () => `${all.length} columns in ${v.width} groups`);
        const part = all.subarray(column * group, (column + 1) * group);
        return part.reduce((x, y) => (v.op === 'sum' ? x + y : Math.max(x, y)));
      }
      default: {
        const [x, y = 0] = v.args.map((a) => entryAt(a, column, v.width));
        if (v.op === 'quotient' && v.parts !== undefined)
          need(partsOf(x!) < 2 ** v.parts && Number.isInteger(y) && y >= 1, () => `${x}/${y}`);
        return OPERATIONS[v.op]!(x!, y);
      }
    }
  };
  for (const v of values)
    // Zero has one sign here: what is stored as an integer has none.
    row.push(Float64Array.from({ length: v.width }, (_, j) => Math.fround(entryOf(v, j) + 0)));
  return row;
}
