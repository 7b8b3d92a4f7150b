/** A plan's steps one number at a time, in the plainest way: what executors must equal. */
import type {
  Binary,
  Binding,
  Plan,
  PoolStep,
  ProductStep,
  RowProgram,
  RowsStep,
  RowValue,
  Step,
  Unary,
} from '../../src/miner/executor/types.ts';

type Operation = (x: number, y: number) => number;
const OPERATIONS: Readonly<Record<Unary | Binary, Operation>> = {
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

const isOperation = (v: RowValue): v is Extract<RowValue, { op: Unary | Binary }> =>
  v.op in OPERATIONS;

/** Calls `each` with the indices of every turn of nested loops, in order. */
function everyTurn(loops: readonly number[], each: (indices: number[]) => void): void {
  const turns = loops.reduce((all, n) => all * n, 1);
  for (let turn = 0; turn < turns; turn++) {
    let rest = turn;
    const indices = loops.toReversed().map((n) => {
      const i = rest % n;
      rest = Math.floor(rest / n);
      return i;
    });
    each(indices.reverse());
  }
}

export class PlainPlan {
  readonly #plan: Plan;
  /** Numbers of every buffer; NaN where nothing was written. */
  readonly buffers: number[][];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.buffers = plan.buffers.map(({ role, size, perSequence }) => {
      if (role.kind === 'constant') return Array.from(role.data);
      return new Array<number>(size * (perSequence ? plan.sequences : 1)).fill(NaN);
    });
  }

  run(segment: number): void {
    for (const step of this.#plan.segments[segment]!.steps!) this.#step(step);
  }

  #step(step: Step): void {
    if (step.kind === 'rows') this.#rows(step);
    else if (step.kind === 'product') this.#product(step);
    else if (step.kind === 'pool') this.#pool(step);
    else throw new Error('nodes are left over');
  }

  #at({ offset, strides, index }: Binding, indices: readonly number[]): number {
    const own = strides.reduce((sum, stride, i) => sum + stride * indices[i]!, offset);
    return index ? own + index.scale * this.buffers[index.buffer]![this.#at(index, indices)]! : own;
  }

  #rows({ loops, program, inputs, outputs, numbers }: RowsStep): void {
    const { values, inputs: kinds, outputs: made } = this.#plan.programs[program]!;
    everyTurn(loops, (indices) => {
      const reads = inputs.map((input, i) => {
        const at = this.#at(input, indices);
        const { width, isTable } = kinds[i]!;
        return this.buffers[input.buffer]!.slice(at, isTable ? undefined : at + width);
      });
      const row = rowOf(values, reads, numbers);
      for (const [i, to] of outputs.entries()) {
        const at = this.#at(to, indices);
        for (const [j, x] of row[made[i]!.value]!.entries()) this.buffers[to.buffer]![at + j] = x;
      }
    });
  }

  #product({ loops, m, n, k, left, right, out, causal }: ProductStep): void {
    everyTurn(loops, (indices) => {
      const [a, b, c] = [left, right, out].map((binding) => this.#at(binding, indices));
      for (let i = 0; i < m; i++)
        for (let j = 0; j < n; j++) {
          const isWanted = j <= i + (causal?.columns ?? n);
          let sum = 0;
          for (let p = 0; p < k && isWanted; p++)
            sum +=
              this.buffers[left.buffer]![a! + i * left.row + p]! *
              this.buffers[right.buffer]![b! + p * right.depth + j * right.column]!;
          this.buffers[out.buffer]![c! + i * out.row + j] = sum;
        }
    });
  }

  #pool({ op, loops, rows, width, from, to }: PoolStep): void {
    everyTurn(loops, (indices) => {
      const [start, end] = [this.#at(from, indices), this.#at(to, indices)];
      for (let j = 0; j < width; j++) {
        const column = Array.from(
          { length: rows },
          (_, r) => this.buffers[from.buffer]![start + r * from.row + j]!,
        );
        this.buffers[to.buffer]![end + j] =
          op === 'sum' ? column.reduce((sum, x) => sum + x, 0) : Math.max(...column);
      }
    });
  }
}

/** All values of one row. */
export function rowOf(
  values: RowProgram['values'],
  reads: readonly (readonly number[])[],
  numbers: readonly number[],
): number[][] {
  const row: number[][] = [];
  const at = (i: number, column: number, width: number): number =>
    row[i]![Math.floor(column / (width / row[i]!.length))]!;
  for (const v of values)
    row.push(
      Array.from({ length: v.width }, (_, column) => Math.fround(entryOf(v, column, at) + 0)),
    );
  return row;

  function entryOf(v: RowValue, column: number, arg: typeof at): number {
    if (isOperation(v)) {
      const [x, y = 0] = v.args.map((a) => arg(a, column, v.width));
      return OPERATIONS[v.op](x!, y);
    }
    switch (v.op) {
      case 'input':
        return reads[v.input]![column]!;
      case 'number':
        return numbers[v.number]!;
      case 'shift':
        return Math.floor(reads[v.input]![column]! / 2 ** numbers[v.number]!);
      case 'table':
        return reads[v.input]![arg(v.args[0], column, v.width)]!;
      case 'sum':
      case 'most': {
        const all = row[v.args[0]]!;
        const group = all.length / v.width;
        const part = all.slice(column * group, (column + 1) * group);
        return v.op === 'sum' ? part.reduce((sum, x) => sum + x, 0) : Math.max(...part);
      }
    }
  }
}
