/** Hand-made plans on the device against a plain evaluator, with poison in all that a step should not read. */
import { describe, expect, it } from 'vitest';
import {
  BYTES,
  type Binding,
  type Plan,
  type PlanBuffer,
  type RowProgram,
  type RowsStep,
  type RowValue,
  type Step,
  type Storage,
} from '../../src/miner/executor/types.ts';
import {
  compilePlan,
  planProblem,
  type CompiledPlan,
} from '../../src/miner/webgpu/executor/compiled.ts';
import type { Place } from '../../src/miner/webgpu/executor/layout.ts';
import {
  createKernels,
  readBuffers,
  storage,
  submit,
  writePadded,
} from '../../src/miner/webgpu/kernels.ts';
import { openGpu } from '../gpu.ts';
import { randomBytes } from '../oracle/random.ts';
import { PlainPlan } from './plain-plan.ts';

const opened = await openGpu();
if (!opened) console.warn('webgpu-executor: skipped, no WebGPU adapter in this Node');

const SEQUENCES = 2;
/** Bytes that are large numbers as integers, and far from any result as float32. */
const POISON = 0x4b;

/** Whole numbers −reach..reach. */
function numbersOf(seed: string, size: number, reach: number): number[] {
  const words = new Uint16Array(randomBytes(seed, 2 * size).slice().buffer);
  return Array.from(words, (x) => (x % (2 * reach + 1)) - reach);
}

const ARRAYS = { i8: Int8Array, i16: Int16Array, i32: Int32Array, f32: Float32Array } as const;

/** A plan as it grows. */
class Draft {
  readonly buffers: PlanBuffer[] = [];
  readonly programs: RowProgram[] = [];
  readonly steps: Step[] = [];

  buffer(role: PlanBuffer['role'] | 'temporary', kind: Storage, size: number): number {
    const whole = role === 'temporary' ? ({ kind: 'temporary' } as const) : role;
    const perSequence = whole.kind !== 'constant' && whole.kind !== 'table';
    return this.buffers.push({ role: whole, storage: kind, size, perSequence }) - 1;
  }

  /** A rows step over sequences and `rows` rows, all bindings dense. */
  rows(
    rows: number,
    program: RowProgram,
    buffers: readonly (number | Binding)[],
    numbers: number[],
  ) {
    const widths = [
      ...program.inputs.map(({ width }) => width),
      ...program.outputs.map(({ value }) => program.values[value]!.width),
    ];
    const bindings = buffers.map((buffer, i): Binding => {
      if (typeof buffer !== 'number') return buffer;
      const { perSequence, size } = this.buffers[buffer]!;
      return { buffer, offset: 0, strides: perSequence ? [size, widths[i]!] : [0, 0] };
    });
    const count = program.inputs.length;
    const step: RowsStep = {
      kind: 'rows',
      loops: [SEQUENCES, rows],
      program: this.programs.push(program) - 1,
      inputs: bindings.slice(0, count),
      outputs: bindings.slice(count),
      numbers,
    };
    this.steps.push(step);
  }

  plan(): Plan {
    const segments = [{ steps: this.steps, report: [] }];
    return { sequences: SEQUENCES, buffers: this.buffers, programs: this.programs, segments };
  }
}

/** A program of values of several widths that stay small, each through a random operation of earlier ones. */
class Programmer {
  readonly values: RowValue[] = [];
  readonly inputs: RowProgram['inputs'][number][] = [];
  readonly numbers: number[] = [];
  readonly #draws: Uint8Array;
  #drawn = 0;

  constructor(seed: string) {
    this.#draws = randomBytes(seed, 4096);
  }

  draw = (n: number): number => this.#draws[this.#drawn++ % this.#draws.length]! % n;
  add = (value: RowValue): number => this.values.push(value) - 1;
  number = (x: number): number =>
    this.add({ op: 'number', number: this.numbers.push(x) - 1, width: 1 });
  input(kind: Storage, width: number, isTable = false): number {
    return this.inputs.push({ storage: kind, width, isTable, isIndexed: false }) - 1;
  }
  binary = (
    op: 'add' | 'sub' | 'mul' | 'quotient' | 'min' | 'max' | 'gt' | 'le',
    x: number,
    y: number,
  ): number => this.add({ op, args: [x, y], width: Math.max(this.widthOf(x), this.widthOf(y)) });
  unary = (op: 'floor' | 'sqrt', x: number): number =>
    this.add({ op, args: [x], width: this.widthOf(x) });
  widthOf = (i: number): number => this.values[i]!.width;
  /** Between −reach and reach. */
  within = (x: number, reach = 100): number =>
    this.binary('min', this.binary('max', x, this.number(-reach)), this.number(reach));
  /** ⌊(x + ½) / max(y, 1)⌋ */
  divide(x: number, y: number): number {
    const divisor = this.binary('max', y, this.number(1));
    const half = this.binary('add', x, this.number(0.5));
    return this.unary('floor', this.binary('quotient', half, divisor));
  }
  /** ⌊√(x² + ½)⌋, whose root is far enough from every whole number. */
  root = (x: number): number =>
    this.unary(
      'floor',
      this.unary('sqrt', this.binary('add', this.binary('mul', x, x), this.number(0.5))),
    );
  /** Over groups of columns, and small again. */
  reduce(op: 'sum' | 'most', x: number, groups: number): number {
    const sum = this.add({ op, args: [x], width: groups });
    const part = this.unary('floor', this.binary('mul', sum, this.number(2 ** -6)));
    return this.within(op === 'sum' ? part : sum);
  }
}

const divisors = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => i + 1).filter((d) => n % d === 0);

/** A random program of rows of `width` columns, its buffers and the numbers that lie in them. */
function randomCase(seed: string, width: number) {
  const p = new Programmer(seed);
  const draft = new Draft();
  const given = new Map<number, number[]>();
  const rows = 1 + p.draw(9);
  const buffers: number[] = [];
  const read = (kind: Storage, size: number, role: PlanBuffer['role'] | 'temporary'): number => {
    const perRow = typeof role === 'string' || role.kind !== 'constant';
    const all = perRow ? rows * size : size;
    const buffer = draft.buffer(role, kind, all);
    if (perRow) given.set(buffer, numbersOf(`${seed} ${buffer}`, SEQUENCES * all, 100));
    buffers.push(buffer);
    return p.input(kind, size);
  };
  const constant = (data: Float32Array | Int16Array, isTable: boolean): number => {
    const kind = data instanceof Int16Array ? 'i16' : 'f32';
    buffers.push(draft.buffer({ kind: 'constant', data }, kind, data.length));
    return p.input(kind, data.length, isTable);
  };

  const kinds: Storage[] = ['i32', 'i16', 'f32', 'i8'];
  const wide = kinds.map((kind) =>
    p.add({ op: 'input', input: read(kind, width, 'temporary'), width }),
  );
  const shifted = read('i32', width, { kind: 'product' });
  wide.push(p.add({ op: 'shift', input: shifted, number: p.numbers.push(2) - 1, width }));
  const column = constant(Float32Array.from(numbersOf(`${seed} c`, width, 100)), false);
  wide.push(p.add({ op: 'input', input: column, width }));
  const table = constant(Int16Array.from(numbersOf(`${seed} t`, 201, 100)), true);
  const one = p.add({ op: 'input', input: read('i32', 1, 'temporary'), width: 1 });
  const pool = [...wide, one];
  const pick = (): number => pool[p.draw(pool.length)]!;
  /** A value that another fits: the width of one divides the other's. */
  const beside = (x: number): number => {
    const fits = pool.filter((y) => {
      const [low, high] = [p.widthOf(x), p.widthOf(y)].sort((a, b) => a - b);
      return high! % low! === 0;
    });
    return fits[p.draw(fits.length)]!;
  };
  for (let i = 0; i < 14; i++) {
    const x = pick();
    const y = beside(x);
    const forms = [
      () => p.within(p.binary('add', x, y)),
      () => p.within(p.binary('sub', x, y)),
      () => p.within(p.binary('mul', x, y)),
      () => p.divide(x, y),
      () => p.root(x),
      () => p.binary('gt', x, y),
      () =>
        p.add({
          op: 'table',
          input: table,
          args: [p.binary('add', x, p.number(100))],
          width: p.widthOf(x),
        }),
      () => p.reduce('sum', x, divisors(p.widthOf(x))[p.draw(divisors(p.widthOf(x)).length)]!),
      () => p.reduce('most', x, divisors(p.widthOf(x))[p.draw(divisors(p.widthOf(x)).length)]!),
    ];
    pool.push(forms[i < 9 ? i : p.draw(forms.length)]!());
  }
  const made = pool.slice(wide.length + 1);
  const outputs = made.slice(-6).map((value, i) => {
    const kind = kinds[i % kinds.length]!;
    buffers.push(draft.buffer('temporary', kind, rows * p.widthOf(value)));
    return { value, storage: kind, isQuick: true };
  });
  const { values, inputs, numbers } = p;
  const program: RowProgram = { key: seed, inputs, values, outputs, numbers: numbers.length };
  draft.rows(rows, program, buffers, numbers);
  return { plan: draft.plan(), given };
}

/** Runs segment 0 of a plan on the device and plainly. @returns both results of every buffer that is written */
async function bothOf(plan: Plan, given: ReadonlyMap<number, number[]>) {
  const { device } = opened!;
  const kernels = await createKernels(device, 'f32', () => Infinity);
  const poison = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(POISON);
  const spaceBytes = 4 * Math.max(64, ...plan.buffers.map(({ size }) => SEQUENCES * size + 64));
  const product = storage(device, spaceBytes, poison(spaceBytes));
  const operand = storage(device, spaceBytes, poison(spaceBytes));
  expect(planProblem(device, plan)).toBeUndefined();
  const compiled = await compilePlan(kernels, { plan, product, operand, tables: [] });
  const { arena, layout } = compiled;
  device.queue.writeBuffer(arena, 0, poison(arena.size));
  const spaces = { arena, product, operand, fixed: arena };
  const plain = new PlainPlan(plan);
  for (const [buffer, numbers] of given) {
    const place = layout.places[buffer]!;
    const data = ARRAYS[place.storage].from(numbers);
    writePadded(device, spaces[place.space], BYTES[place.storage] * place.base, data);
    plain.buffers[buffer] = [...numbers];
  }
  submit(device, compiled.segments[0]!);
  plain.run(0);
  const written = plan.buffers.flatMap(({ role }, i) =>
    role.kind === 'constant' || given.has(i) ? [] : [i],
  );
  const got = await Promise.all(
    written.map(async (i) => {
      const settled = layout.settles[0]!.find(({ buffer }) => buffer === i);
      return readPlace(device, settled?.to ?? layout.places[i]!, spaces, plain.buffers[i]!.length);
    }),
  );
  const wanted = written.map((i) => plain.buffers[i]!);
  return { got, wanted, compiled, operand };
}

async function readPlace(
  device: GPUDevice,
  { space, storage: kind, base }: Place,
  spaces: Readonly<Record<Place['space'], GPUBuffer>>,
  count: number,
): Promise<number[]> {
  const bytes = Math.ceil((BYTES[kind] * count) / 4) * 4;
  const parts = [{ buffer: spaces[space], offset: BYTES[kind] * base, bytes }];
  const [read] = await readBuffers(device, parts);
  // Zeros of either sign are one number.
  return Array.from(new ARRAYS[kind](read!), (x) => x + 0).slice(0, count);
}

const dispatches = ({ segments }: CompiledPlan): number => segments[0]!.length;

describe.skipIf(!opened)('programs on WebGPU', { timeout: 300_000 }, () => {
  // Every tail of a vector, groups of 1, 2, 9, 18 and more columns, rows of several threads and of one.
  const widths = [1, 2, 3, 4, 6, 7, 18, 27, 48, 54, 130, 1032];
  it.each(widths)('equal the plain evaluator: rows of %i', async (width) => {
    for (const seed of ['a', 'b']) {
      const { plan, given } = randomCase(`${width} ${seed}`, width);
      const { got, wanted, compiled } = await bothOf(plan, given);
      expect(got).toEqual(wanted);
      expect(dispatches(compiled)).toBe(1);
    }
  });
});
