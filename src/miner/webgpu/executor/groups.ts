/**
 * Which row programs of a segment share a dispatch: neighbours of which each reads, of what the others wrote, its own
 * row only. A row of the dispatch is a row of the loops that they share; loops that one of them has beside those run
 * inside of the row, such as heads.
 */
import { sizeOf } from '../../executor/plan/views.ts';
import type { Binding, Plan, RowsStep, Step } from '../../executor/types.ts';
import type { PartLoop } from './values.ts';

/** Most rows of a program within one row of its dispatch: the number of heads of a large model. */
const INNER_MAX = 16;
/** Most values of all programs of a dispatch: longer ones take compilers long. */
const VALUES_MAX = 512;
/** Most elements of a row that are looked at, one by one. */
const ELEMENTS_MAX = 2 ** 16;

/** A row program of a dispatch. */
export interface Member {
  readonly step: RowsStep;
  /** Of each of its loops, the shared one that it is. */
  readonly shared: readonly (number | undefined)[];
}

/** A dispatch's row programs. */
export interface RowsGroup {
  readonly kind: 'group';
  /** Counts of the loops that all members share. */
  readonly loops: readonly number[];
  readonly members: readonly Member[];
}

/** A member's loops: those of the dispatch by their place in it, the others by their count. */
export const partLoops = ({ step, shared }: Member): PartLoop[] =>
  step.loops.map((own, i) => {
    const at = shared[i];
    return at === undefined ? { count: own } : { count: own, shared: at };
  });

/** A segment's steps, with row programs in groups of at least one. */
export function groupsOf(
  steps: readonly Step[],
  programs: Plan['programs'],
): (RowsGroup | Exclude<Step, RowsStep>)[] {
  const made: (RowsGroup | Exclude<Step, RowsStep>)[] = [];
  for (const step of steps) {
    if (step.kind !== 'rows') {
      made.push(step);
      continue;
    }
    const last = made.at(-1);
    const joined = last?.kind === 'group' ? joinedWith(last, step, programs) : undefined;
    if (joined) made[made.length - 1] = joined;
    else made.push(alone(step));
  }
  return made;
}

/** A dispatch of one program, whose rows are those of all its loops. */
export const alone = (step: RowsStep): RowsGroup => ({
  kind: 'group',
  loops: step.loops,
  members: [{ step, shared: step.loops.map((_, i) => i) }],
});

/** The group with one more step, over the loops that leave most rows; undefined where it does not fit. */
function joinedWith(
  group: RowsGroup,
  step: RowsStep,
  programs: Plan['programs'],
): RowsGroup | undefined {
  const values = [...group.members.map((m) => m.step), step];
  if (values.reduce((sum, s) => sum + programs[s.program]!.values.length, 0) > VALUES_MAX)
    return undefined;
  if (overwrites(group, step)) return undefined;
  const found = matches(group.loops, step.loops)
    .map((pairs) => narrowed(group, step, pairs))
    .filter(({ loops, members }) =>
      members.every((m) => sizeOf(m.step.loops) <= INNER_MAX * sizeOf(loops)),
    )
    .sort((x, y) => sizeOf(y.loops) - sizeOf(x.loops));
  return found.find((candidate) => readsOwnRow(candidate, programs));
}

/** Whether a step writes what a member reads or writes. */
const overwrites = ({ members }: RowsGroup, { outputs }: RowsStep): boolean =>
  outputs.some(({ buffer }) =>
    members.some(({ step }) =>
      [...step.inputs, ...step.outputs].some((binding) => binding.buffer === buffer),
    ),
  );

type Pairs = readonly (readonly [number, number])[];

/** Every way to pair loops of equal counts in their order. */
function matches(x: readonly number[], y: readonly number[], i = 0, j = 0): Pairs[] {
  if (i === x.length || j === y.length) return [[]];
  const found: Pairs[] = [...matches(x, y, i + 1, j)];
  for (let at = j; at < y.length; at++)
    if (x[i] === y[at])
      found.push(...matches(x, y, i + 1, at + 1).map((rest): Pairs => [[i, at], ...rest]));
  return found;
}

/** The group over the paired loops alone, and the step in it. */
function narrowed({ loops, members }: RowsGroup, step: RowsStep, pairs: Pairs): RowsGroup {
  const placeOf = (x: number | undefined, side: 0 | 1): number | undefined => {
    const at = pairs.findIndex((pair) => pair[side] === x);
    return at < 0 ? undefined : at;
  };
  return {
    kind: 'group',
    loops: pairs.map(([i]) => loops[i]!),
    members: [
      ...members.map((m) => ({ step: m.step, shared: m.shared.map((x) => placeOf(x, 0)) })),
      { step, shared: step.loops.map((_, j) => placeOf(j, 1)) },
    ],
  };
}

/** Whether each member reads, of what those before it write, elements of its own row only. */
function readsOwnRow({ loops, members }: RowsGroup, programs: Plan['programs']): boolean {
  const written = new Map<number, { readonly strides: string; readonly elements: Set<number> }>();
  for (const member of members) {
    const { step } = member;
    const { inputs, outputs, values } = programs[step.program]!;
    const isOwn = (input: Binding, width: number): boolean => {
      if (input.index && written.has(input.index.buffer)) return false;
      const before = written.get(input.buffer);
      if (!before) return true;
      if (input.index || sharedStrides(input, member, loops) !== before.strides) return false;
      const reads = elementsOf(input, member, width);
      return !!reads && reads.every((x) => before.elements.has(x));
    };
    if (!step.inputs.every((input, i) => isOwn(input, inputs[i]!.width))) return false;

    for (const [o, output] of step.outputs.entries()) {
      const elements = elementsOf(output, member, values[outputs[o]!.value]!.width);
      const strides = sharedStrides(output, member, loops);
      const before = written.get(output.buffer) ?? { strides, elements: new Set() };
      if (!elements || output.index || before.strides !== strides) return false;
      for (const x of elements) before.elements.add(x);
      written.set(output.buffer, before);
    }
  }
  return true;
}

/** Strides of a binding over the shared loops; those over a single turn do not matter. */
const sharedStrides = (
  { strides }: Binding,
  { shared }: Member,
  loops: readonly number[],
): string => loops.map((turns, at) => (turns === 1 ? 0 : strides[shared.indexOf(at)])).join();

/** Elements that a member reads or writes in the first row; undefined: too many to look at. */
function elementsOf(
  { offset, strides }: Binding,
  { step, shared }: Member,
  width: number,
): number[] | undefined {
  let starts = [offset];
  for (const [i, turns] of step.loops.entries()) {
    if (shared[i] !== undefined) continue;
    starts = starts.flatMap((at) => Array.from({ length: turns }, (_, j) => at + j * strides[i]!));
  }
  if (starts.length * width > ELEMENTS_MAX) return undefined;
  return starts.flatMap((at) => Array.from({ length: width }, (_, j) => at + j));
}
