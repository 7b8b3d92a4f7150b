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
import { PlainPlan } from '../oracle/plain-plan.ts';
import { randomBytes } from '../oracle/random.ts';

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
async function bothOf(
  plan: Plan,
  given: ReadonlyMap<number, number[]>,
  { tables = [], workMax = Infinity }: { tables?: Uint8Array[]; workMax?: number } = {},
) {
  const { device } = opened!;
  const kernels = await createKernels(device, 'f32', () => workMax);
  const poison = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(POISON);
  const spaceBytes = 4 * Math.max(64, ...plan.buffers.map(({ size }) => SEQUENCES * size + 64));
  const product = storage(device, spaceBytes, poison(spaceBytes));
  const operand = storage(device, spaceBytes, poison(spaceBytes));
  expect(planProblem(device, plan)).toBeUndefined();
  const compiled = await compilePlan(kernels, { plan, product, operand, tables });
  const { arena, layout } = compiled;
  device.queue.writeBuffer(arena, 0, poison(arena.size));
  const spaces = { arena, product, operand, fixed: arena };
  const plain = new PlainPlan(plan);
  for (const [i, { role }] of plan.buffers.entries())
    if (role.kind === 'table')
      plain.buffers[i] = Float64Array.from(new Int16Array(tables[role.index]!.slice().buffer));
  for (const [buffer, numbers] of given) {
    const place = layout.places[buffer]!;
    const data = ARRAYS[place.storage].from(numbers);
    writePadded(device, spaces[place.space], BYTES[place.storage] * place.base, data);
    plain.buffers[buffer] = Float64Array.from(numbers);
  }
  submit(device, compiled.segments[0]!);
  plain.run(0);
  const written = plan.buffers.flatMap(({ role }, i) =>
    role.kind === 'constant' || role.kind === 'table' || given.has(i) ? [] : [i],
  );
  const got = await Promise.all(
    written.map(async (i) => {
      const settled = layout.settles[0]!.find(({ buffer }) => buffer === i);
      return readPlace(device, settled?.to ?? layout.places[i]!, spaces, plain.buffers[i]!.length);
    }),
  );
  // Zeros of either sign are one number.
  const wanted = written.map((i) => Array.from(plain.buffers[i]!, (x) => x + 0));
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

/** Rows of int16 as they are. */
const copyOf = (width: number): RowProgram => ({
  key: `copy ${width}`,
  inputs: [{ storage: 'i16', width, isTable: false, isIndexed: false }],
  values: [{ op: 'input', input: 0, width }],
  outputs: [{ value: 0, storage: 'i16', isQuick: true }],
  numbers: 0,
});

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

  const sizes = [
    { m: 19, n: 35, k: 21 },
    { m: 64, n: 33, k: 64 },
    { m: 1, n: 15, k: 7 },
    { m: 40, n: 40, k: 16, causal: { columns: 0 } },
    { m: 40, n: 40, k: 16, causal: { columns: 3 } },
    { m: 70, n: 18, k: 70, causal: { depths: 0 } },
    { m: 70, n: 18, k: 71, causal: { depths: 1 } },
  ];
  it('equal the plain evaluator: products, of heads that share an operand too, and pools', async () => {
    const draft = new Draft();
    const given = new Map<number, number[]>();
    const HEADS = 3;
    for (const [at, { m, n, k, causal }] of sizes.entries()) {
      const isTurned = at % 2 === 0;
      const left = draft.buffer('temporary', 'i16', HEADS * m * k);
      const right = draft.buffer('temporary', 'i16', k * n);
      const out = draft.buffer('temporary', 'i32', HEADS * m * n);
      const pooled = draft.buffer('temporary', at % 3 ? 'f32' : 'i32', HEADS * n);
      given.set(right, numbersOf(`right ${at}`, SEQUENCES * k * n, 50));
      // Rows of all heads lie side by side; what is left out of a causal sum is 0.
      const row = HEADS * k;
      const beyond = (i: number): boolean => {
        const [p, r] = [i % k, Math.floor(i / row) % m];
        return p > r + (causal?.depths ?? k);
      };
      const all = numbersOf(`left ${at}`, SEQUENCES * m * row, 50);
      given.set(
        left,
        all.map((x, i) => (beyond(i) ? 0 : x)),
      );
      const [sizeLeft, sizeOut] = [m * row, HEADS * m * n];
      draft.steps.push({
        kind: 'product',
        loops: [SEQUENCES, HEADS],
        m,
        n,
        k,
        left: { buffer: left, offset: 0, strides: [sizeLeft, k], row },
        right: {
          buffer: right,
          offset: 0,
          strides: [k * n, 0],
          depth: isTurned ? 1 : n,
          column: isTurned ? k : 1,
        },
        out: { buffer: out, offset: 0, strides: [sizeOut, m * n], row: n },
        ...(causal && { causal }),
      });
      draft.steps.push({
        kind: 'pool',
        op: 'most',
        loops: [SEQUENCES, HEADS],
        rows: Math.min(m, 2),
        width: n,
        from: { buffer: out, offset: 0, strides: [sizeOut, m * n], row: n },
        to: { buffer: pooled, offset: 0, strides: [HEADS * n, n] },
      });
    }
    const { got, wanted, compiled } = await bothOf(draft.plan(), given);
    // What is not wanted of a causal product may be anything that a product can be.
    const isWanted = (at: number, i: number): boolean => {
      const { m, n, causal } = sizes[at]!;
      return (i % n) - (Math.floor(i / n) % m) <= (causal?.columns ?? n);
    };
    for (const at of sizes.keys()) {
      const products = [got[2 * at]!, wanted[2 * at]!].map((x) =>
        x.filter((_, i) => isWanted(at, i)),
      );
      expect(products[0], `product ${at}`).toEqual(products[1]);
      if (sizes[at]!.causal?.columns === undefined)
        expect(got[2 * at + 1]).toEqual(wanted[2 * at + 1]);
    }
    expect(dispatches(compiled)).toBe(2 * sizes.length);
  });

  it('pack what rows of parts of words make, and read rows of tables by tokens', async () => {
    const [rows, width] = [40, 6];
    const draft = new Draft();
    const tokens = draft.buffer({ kind: 'tokens' }, 'i32', rows);
    const table = draft.buffer({ kind: 'table', index: 0 }, 'i16', 40 * width);
    const entries = Int16Array.from(numbersOf('table', 40 * width, 100));
    const carry = draft.buffer({ kind: 'carry', name: 'one' }, 'i16', rows);
    const operand = draft.buffer({ kind: 'operand' }, 'i8', rows * width);
    const answer = draft.buffer({ kind: 'answer' }, 'i8', rows);
    const index = { buffer: tokens, offset: 0, strides: [rows, 1], scale: width };
    const program: RowProgram = {
      key: 'tokens',
      inputs: [{ storage: 'i16', width, isTable: false, isIndexed: true }],
      values: [
        { op: 'input', input: 0, width },
        { op: 'sum', args: [0], width: 1 },
        { op: 'most', args: [0], width: 1 },
      ],
      outputs: [
        { value: 0, storage: 'i8', isQuick: true },
        { value: 1, storage: 'i16', isQuick: true },
        { value: 2, storage: 'i8', isQuick: true },
      ],
      numbers: 0,
    };
    const row: Binding = { buffer: table, offset: 0, strides: [0, 0], index };
    draft.rows(rows, program, [row, operand, carry, answer], []);
    const ids = numbersOf('ids', SEQUENCES * rows, 19).map((x) => x + 20);
    const tables = [new Uint8Array(entries.buffer)];
    for (const workMax of [Infinity, 1]) {
      const options = { tables, workMax };
      const { got, wanted, compiled } = await bothOf(
        draft.plan(),
        new Map([[tokens, ids]]),
        options,
      );
      expect(got).toEqual(wanted);
      // The program and two that pack; or a dispatch for each of their workgroups.
      expect(dispatches(compiled)).toBe(workMax === 1 ? 6 : 3);
    }
  });

  it('say why a plan cannot run', () => {
    const draft = new Draft();
    const { device } = opened!;
    const wide = draft.buffer('temporary', 'i16', 2 ** 30);
    const small = draft.buffer('temporary', 'i16', 4);
    draft.rows(1, copyOf(4), [wide, small], []);
    const problem = (plan: Plan): string => planProblem(device, plan) ?? 'none';
    expect(problem(draft.plan())).toMatch(/bytes in a buffer of at most/);
    const itself = new Draft();
    const same = itself.buffer('temporary', 'i16', 4);
    itself.rows(1, copyOf(4), [same, same], []);
    expect(problem(itself.plan())).toBe('a step writes what it reads');
    const uncovered = { ...draft.plan(), segments: [{ steps: undefined, report: ['a node'] }] };
    expect(problem(uncovered)).toBe('segment 0 has no plan: a node');
    const groups: RowProgram = {
      ...copyOf(32_768),
      key: 'groups',
      values: [
        { op: 'input', input: 0, width: 32_768 },
        { op: 'sum', args: [0], width: 8192 },
      ],
      outputs: [{ value: 1, storage: 'i32', isQuick: true }],
    };
    const many = new Draft();
    const [from, to] = [
      many.buffer('temporary', 'i16', 32_768),
      many.buffer('temporary', 'i32', 8192),
    ];
    many.rows(1, groups, [from, to], []);
    expect(problem(many.plan())).toMatch(/bytes of workgroup memory/);
  });
});
