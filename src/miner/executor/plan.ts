/**
 * Plan of a model's segments: from their graphs and what the checker proved about each tensor. Pure. A segment that
 * does not fit runs on ONNX Runtime, and the report says why.
 *
 * The folder plan/ in the order of the work: tensors (what has to be computed), assignment (which points are computed
 * together), programs and products (steps with their loops), segment (all of them in order).
 */
import { carryBytes, type Carry, type Manifest, type Shape } from '../../core/manifest.ts';
import type { SegmentFacts } from '../checker/admission.ts';
import type { OnnxValue } from '../package/onnx.ts';
import type { PositionRows, StepFacts } from './step/restrict.ts';
import type { MadeConstants, Pools } from './plan/loops.ts';
import { stepsOf } from './plan/segment.ts';
import { constantStore, cover, storeOf, Uncovered, type Store } from './plan/stores.ts';
import { Tensors } from './plan/tensors.ts';
import { scheduleOf } from './schedule.ts';
import type { Plan, PlanBuffer, Role, RowProgram, SegmentPlan, Storage } from './types.ts';
import { rowMajor, sizeOf } from './plan/views.ts';

/** One shape of a model. */
export interface PlanInput {
  readonly manifest: Pick<Manifest, 'tables'>;
  readonly shape: Pick<Shape, 'sequences' | 'tokens' | 'carries'>;
  /** Of each segment: all of the pass, or all of the step. */
  readonly facts: readonly (SegmentFacts | StepFacts)[];
}

/** Entries of a model's constants that are made in one way. */
const MADE_MAX = 2 ** 22;

/** Buffers and programs as they are asked for. */
class ModelPools implements Pools {
  readonly buffers: PlanBuffer[] = [];
  readonly programs: RowProgram[] = [];
  readonly #byKey = new Map<string, number>();
  readonly #sequences: number;
  constructor(sequences: number) {
    this.#sequences = sequences;
  }

  bufferOf(store: Store): number {
    return (store.buffer ??= this.#add(store));
  }
  #add({ role, storage, dims, perSequence, elements, data }: Store): number {
    const all = data?.length ?? elements ?? sizeOf(dims);
    const size = perSequence ? all / this.#sequences : all;
    return this.buffers.push({ role, storage, size, perSequence }) - 1;
  }

  programOf(program: RowProgram): number {
    const known = this.#byKey.get(program.key);
    if (known !== undefined) return known;

    cover(scheduleOf(program), 'two kinds of groups in one loop');
    const made = this.programs.push(program) - 1;
    this.#byKey.set(program.key, made);
    return made;
  }

  readonly #made: Record<MadeConstants, number> = { spread: 0, products: 0 };
  takes(made: MadeConstants, entries: number): boolean {
    const all = this.#made[made] + entries;
    if (all > MADE_MAX) return false;
    this.#made[made] = all;
    return true;
  }

  /** Forgets the buffers of a segment that turned out not to be covered. */
  mark(): number {
    return this.buffers.length;
  }
  forget(mark: number): void {
    this.buffers.length = mark;
  }
}

/** Plan of all segments of one shape. */
export function planModel({ manifest, shape, facts }: PlanInput): Plan {
  const { sequences, tokens } = shape;
  const pools = new ModelPools(sequences);
  const ids = storeOf({ kind: 'tokens' }, 'i32', [sequences, tokens]);
  const tables = manifest.tables.map((table, index) =>
    storeOf({ kind: 'table', index }, table.wide === 1 ? 'i8' : 'i16', [], {
      perSequence: false,
      elements: table.size / table.wide,
      list: { store: ids, scale: table.width },
    }),
  );
  const carries = new Map(shape.carries.map((c) => [c.name, carryStore(c, sequences)]));
  const isStep = facts.some((f) => 'byPosition' in f);
  const positions = isStep ? storeOf({ kind: 'positions' }, 'i32', [sequences]) : undefined;
  const shared = [ids, ...tables, ...carries.values(), ...(positions ? [positions] : [])];
  for (const store of shared) pools.bufferOf(store);

  const segmentPlan = (found: SegmentFacts | StepFacts, segment: number): SegmentPlan => {
    const { graph, values } = found;
    const byPosition = 'byPosition' in found ? found.byPosition : undefined;
    const isProduct = ({ name }: OnnxValue): boolean =>
      segment > 0 && !carries.has(name) && !byPosition?.has(name);
    const isOperand = ({ name }: OnnxValue): boolean => !carries.has(name) && name !== 'answer';
    const products = sideBySide({ kind: 'product' }, 'i32', graph.inputs.filter(isProduct));
    const operands = sideBySide({ kind: 'operand' }, 'i8', graph.outputs.filter(isOperand));
    const inputs = new Map(
      graph.inputs.map(({ name, dims }): [string, Store] => {
        const rows = byPosition?.get(name);
        if (rows) return [name, rowsAt(rows, positions!)];
        const store = products.get(name) ?? (segment ? carries.get(name) : undefined);
        // A table has no dimensions of its own: its rows are read through the tokens.
        if (!store && name !== 'tokens') return [name, tables[Number(name.slice(1))]!];
        return [name, partOf(store ?? ids, dims)];
      }),
    );
    const outputs = new Map(
      graph.outputs.map(({ name, dims }): [string, Store] => {
        const carry = carries.get(name);
        const store = carry && partOf(carry, dims);
        return [name, store ?? operands.get(name) ?? storeOf({ kind: 'answer' }, 'i8', dims)];
      }),
    );
    const mark = pools.mark();
    try {
      const { items, report } = new Tensors(graph, values, { inputs, outputs, positions });
      return { steps: stepsOf(items, sequences, pools), report };
    } catch (e) {
      if (!(e instanceof Uncovered)) throw e;

      pools.forget(mark);
      return { steps: undefined, report: [e.message] };
    }
  };
  const segments = facts.map(segmentPlan);
  return { sequences, buffers: pools.buffers, programs: pools.programs, segments };
}

/** A store as a segment has it. */
const partOf = (store: Store, dims: readonly number[]): Store =>
  store.part ? store : { ...store, dims, strides: rowMajor(dims), part: store };

/** Rows of one linear, or of several in one buffer: those of a row of the unit lie side by side. */
function sideBySide(role: Role, storage: Storage, values: readonly OnnxValue[]) {
  const width = values.reduce((sum, { dims }) => sum + dims[1]!, 0);
  const whole = storeOf(role, storage, [values[0]?.dims[0] ?? 0, width]);
  let end = 0;
  return new Map(
    values.map(({ name, dims }): [string, Store] => {
      const offset = end;
      end += dims[1]!;
      return [name, { ...whole, dims, strides: [width, 1], offset, part: whole }];
    }),
  );
}

/** Rows of a constant that are read at each sequence's position. */
function rowsAt({ width, data }: PositionRows, positions: Store): Store {
  const { data: _, ...rows } = constantStore([data.length / width, width], data);
  const elements = data.length;
  return { ...rows, dims: [], strides: [], elements, list: { store: positions, scale: width } };
}

const carryStore = (carry: Carry, sequences: number): Store =>
  storeOf({ kind: 'carry', name: carry.name }, carryBytes(carry) === 2 ? 'i16' : 'i32', [
    sequences,
    carry.size,
  ]);
