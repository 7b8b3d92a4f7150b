/** A plan on a device: its buffers, filled with what never changes, and the dispatches of every segment. */
import { assert } from '../../../lib/errors.ts';
import { sizeOf } from '../../executor/plan/views.ts';
import {
  BYTES,
  type Binding,
  type Plan,
  type PoolStep,
  type ProductStep,
  type RowProgram,
  type Step as PlanStep,
} from '../../executor/types.ts';
import {
  bindGroup,
  compile,
  free,
  GROUPS_MAX,
  slicesOf,
  storage,
  uniform,
  writePadded,
  type Kernels,
  type ProgramKind,
  type Step,
} from '../kernels.ts';
import { alone, groupsOf, partLoops, type RowsGroup } from './groups.ts';
import {
  addressOf,
  layoutOf,
  type Address,
  type Layout,
  type Place,
  type Settle,
  type Space,
} from './layout.ts';
import { POOL_THREADS, poolWgsl } from './pools.ts';
import { productWgsl, SIDE } from './products.ts';
import { rowsWgsl } from './rows.ts';
import type { RowsPart, RowsSpec } from './values.ts';
import type { StepCode } from './wgsl.ts';

/** Columns of a row in which numbers are packed when a segment ends. */
const SETTLED_WIDTH = 64;

/** Bytes of workgroup memory that every device has. */
const MEMORY_MAX = 16_384;

/** A program on a grid of workgroups, before it is compiled and cut into slices. */
interface Grid extends StepCode {
  readonly kind: ProgramKind;
  readonly y: number;
  readonly x: number;
  /** Bytes of workgroup memory, where they depend on the program. */
  readonly memory?: number;
  /** Work of one workgroup. */
  readonly work: number;
  /** The first two words of a slice's uniform. */
  readonly range: (row: number, column: number) => readonly [number, number];
}

/** Where C lies and A goes, and the package's tables. */
export interface PlanParts {
  readonly plan: Plan;
  readonly product: GPUBuffer;
  readonly operand: GPUBuffer;
  readonly tables: readonly Uint8Array[];
}

/** A row program that packs int32 into what is hashed or multiplied. */
const settleProgram = (to: Place): RowProgram => ({
  key: `settle ${to.storage}`,
  inputs: [{ storage: 'i32', width: SETTLED_WIDTH, isTable: false, isIndexed: false }],
  values: [{ op: 'input', input: 0, width: SETTLED_WIDTH }],
  outputs: [{ value: 0, storage: to.storage, isQuick: true }],
  numbers: 0,
});

/** Grids of a plan's segments. */
class Grids {
  readonly #plan: Plan;
  readonly #layout: Layout;

  constructor(plan: Plan, layout: Layout) {
    this.#plan = plan;
    this.#layout = layout;
  }

  of(segment: number): Grid[] {
    const { steps } = this.#plan.segments[segment]!;
    assert(steps, `segment ${segment} is covered`);
    const grids = groupsOf(steps, this.#plan.programs).flatMap((step): Grid[] => {
      assert(step.kind !== 'leftover', 'nothing is left over');
      if (step.kind === 'group') return this.#group(step);
      return [step.kind === 'product' ? this.#product(step) : this.#pool(step)];
    });
    return [...grids, ...this.#layout.settles[segment]!.map((settle) => this.#settle(settle))];
  }

  /** One dispatch, or one each where together they take too much workgroup memory. */
  #group(group: RowsGroup): Grid[] {
    const whole = this.#rows(group);
    const { members } = group;
    if (members.length === 1 || whole.memory! <= MEMORY_MAX) return [whole];
    return members.map(({ step }) => this.#rows(alone(step)));
  }

  #rows({ loops, members }: RowsGroup): Grid {
    const at = (binding: Binding): Address => addressOf(this.#layout.places, binding);
    const parts = members.map((member): RowsPart => ({
      program: this.#plan.programs[member.step.program]!,
      loops: partLoops(member),
      inputs: member.step.inputs.map(at),
      outputs: member.step.outputs.map(at),
      numbers: member.step.numbers,
    }));
    return rowsGrid({ loops, parts });
  }

  #product(step: ProductStep): Grid {
    const { places } = this.#layout;
    const [left, right, out] = [step.left, step.right, step.out].map((b) => addressOf(places, b));
    const made = productWgsl({ step, left: left!, right: right!, out: out! });
    const tiles = Math.ceil(step.m / SIDE) * Math.ceil(step.n / SIDE);
    const work = SIDE * SIDE * step.k;
    const range = (row: number, column: number) => [row, column] as const;
    return { kind: 'products', ...made, y: sizeOf(step.loops), x: tiles, work, range };
  }

  #pool(step: PoolStep): Grid {
    const { places } = this.#layout;
    const made = poolWgsl({
      step,
      from: addressOf(places, step.from),
      to: addressOf(places, step.to),
    });
    const columns = sizeOf(step.loops) * step.width;
    const x = Math.ceil(columns / POOL_THREADS);
    const work = POOL_THREADS * step.rows;
    const range = (_: number, column: number) => [column * POOL_THREADS, columns] as const;
    return { kind: 'pools', ...made, y: 1, x, work, range };
  }

  #settle({ buffer, to, elements }: Settle): Grid {
    const program = settleProgram(to);
    const rows = Math.ceil(elements / SETTLED_WIDTH);
    const row = { strides: [SETTLED_WIDTH], isAligned: true };
    const from = this.#layout.places[buffer]!;
    const part: RowsPart = {
      program,
      loops: [{ count: rows, shared: 0 }],
      inputs: [{ ...from, ...row, offset: from.base }],
      outputs: [{ ...to, ...row, offset: to.base }],
      numbers: [],
    };
    return rowsGrid({ loops: [rows], parts: [part] });
  }
}

function rowsGrid(spec: RowsSpec): Grid {
  const { rows: perGroup, ...made } = rowsWgsl(spec);
  const rows = sizeOf(spec.loops);
  const workOf = ({ program, loops }: RowsPart): number =>
    program.values.reduce((sum, { width }) => sum + width, 0) *
    sizeOf(loops.map((loop) => (loop.shared === undefined ? loop.count : 1)));
  const work = perGroup * spec.parts.reduce((sum, part) => sum + workOf(part), 0);
  const range = (_: number, column: number) => [column * perGroup, rows] as const;
  return { kind: 'rows', ...made, y: 1, x: Math.ceil(rows / perGroup), work, range };
}

/** A plan on a device, ready to run. */
export interface CompiledPlan {
  readonly layout: Layout;
  readonly arena: GPUBuffer;
  /** The dispatches of a segment, in order. */
  readonly segments: readonly (readonly Step[])[];
  /** All that the device is given to do, as text: other code or numbers give another. */
  readonly program: string;
  /** Gives the buffers back, after what was submitted. */
  close(): void;
}

const overwrites = (step: PlanStep): boolean =>
  step.kind === 'rows' &&
  step.outputs.some(({ buffer }) => step.inputs.some((input) => input.buffer === buffer));

/**
 * Why a plan can't run on a device, or undefined: a segment that is not covered whole, or more than a program may
 * bind or hold in workgroup memory.
 */
export function planProblem({ limits }: GPUDevice, plan: Plan): string | undefined {
  for (const [s, { steps, report }] of plan.segments.entries()) {
    if (!steps) return `segment ${s} has no plan: ${report.join('; ')}`;
    if (steps.some(({ kind }) => kind === 'leftover'))
      return `segment ${s} leaves nodes over: ${report.join('; ')}`;
  }
  // A row is computed anew at each level, so what it reads must stay.
  if (plan.segments.some(({ steps }) => steps?.some(overwrites)))
    return 'a step writes what it reads';
  const layout = layoutOf(plan);
  const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
  const bytes = Math.max(layout.arenaBytes, layout.fixedBytes);
  if (bytes > most) return `${bytes} bytes in a buffer of at most ${most}`;
  const grids = new Grids(plan, layout);
  const shared = Math.max(
    ...plan.segments.flatMap((_, s) => grids.of(s).map(({ memory = 0 }) => memory)),
  );
  const { maxComputeWorkgroupStorageSize: memory } = limits;
  return shared > memory ? `${shared} bytes of workgroup memory` : undefined;
}

/** @throws AppError DEVICE_MEMORY */
export async function compilePlan(kernels: Kernels, parts: PlanParts): Promise<CompiledPlan> {
  const { device } = kernels;
  const { plan, product, operand } = parts;
  const layout = layoutOf(plan);
  const arena = storage(device, layout.arenaBytes);
  const fixed = fixedBuffer(device, parts, layout);
  const grids = new Grids(plan, layout);
  const spaces: Record<Space, GPUBuffer> = { arena, fixed, product, operand };
  const all = plan.segments.map((_, s) => grids.of(s));
  const segments = await Promise.all(
    all.map(async (own) => {
      const steps = await Promise.all(own.map((grid) => stepsOf(kernels, grid, spaces)));
      return steps.flat();
    }),
  );
  const codes = new Set(all.flat().map(({ code }) => code));
  const program = [...codes, JSON.stringify(all.flat().map(({ words }) => words))].join('\n');
  const close = (): void => [arena, fixed].forEach((buffer) => free(device, buffer));
  return { layout, arena, segments, program, close };
}

/** What no pass writes. */
function fixedBuffer(device: GPUDevice, { plan, tables }: PlanParts, layout: Layout): GPUBuffer {
  const fixed = storage(device, layout.fixedBytes);
  for (const [i, { role, storage: kind }] of plan.buffers.entries()) {
    if (role.kind !== 'constant' && role.kind !== 'table') continue;
    const data = role.kind === 'constant' ? role.data : tables[role.index]!;
    const { base } = layout.places[i]!;
    writePadded(device, fixed, BYTES[kind] * base, data);
  }
  return fixed;
}

/** Cuts a grid into dispatches of no more than the allowed work. */
async function stepsOf(
  kernels: Kernels,
  { kind, code, words, spaces, y, x, work, range }: Grid,
  buffers: Readonly<Record<Space, GPUBuffer>>,
): Promise<Step[]> {
  const pipeline = await compile(kernels.device, code);
  const most = kernels.workMax(kind) / work;
  return slicesOf(y, x, Math.min(most, GROUPS_MAX)).map((slice) => {
    const u = uniform(kernels.device, [...range(slice.row, slice.column), ...words]);
    const bound = [u, ...spaces.map((space) => buffers[space])];
    const group = bindGroup(kernels.device, pipeline, bound);
    const share = (slice.x * slice.y) / most;
    return { stage: 'segments', pipeline, group, x: slice.x, y: slice.y, share };
  });
}
