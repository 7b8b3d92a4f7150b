/**
 * Loops of the CPU around a segment's steps: sequences outermost, then heads where several steps work on one head
 * after the other. A temporary that only steps inside a loop use is as large as one turn of it.
 */
import type {
  Binding,
  LeftoverStep,
  PlanBuffer,
  ProductStep,
  RowProgram,
  RowsStep,
  PoolStep,
  Step,
} from './types.ts';

export type LoopStep = RowsStep | ProductStep | PoolStep;
/** Steps that run for one head after the other; `heads` 1: each step runs all of its loops. */
export interface Group {
  readonly heads: number;
  readonly steps: readonly LoopStep[];
}
/** Groups that run for one sequence after the other, or what the interpreter runs on all of them. */
export type Phase = readonly Group[] | LeftoverStep;
/** Elements that a temporary needs, and which of its strides are 0 for they are one place. */
export interface Room {
  readonly elements: number;
  readonly isShared: readonly [sequences: boolean, heads: boolean];
}
/** A segment's steps in their loops. */
export interface Nest {
  readonly phases: readonly Phase[];
  readonly rooms: ReadonlyMap<number, Room>;
}

/** What a step reads and writes: a binding, and how far a turn of its loops reaches beyond the binding's place. */
export interface Access {
  readonly binding: Binding;
  readonly isWritten: boolean;
  /** Elements from the first to the one after the last that is read or written for one turn of all loops. */
  readonly extent: number;
}

type Programs = readonly RowProgram[];

/** All that a step reads and writes. */
export function accessesOf(step: LoopStep, programs: Programs): Access[] {
  if (step.kind === 'rows') {
    const { inputs, outputs, values } = programs[step.program]!;
    return [
      ...step.inputs.map((binding, i) => ({ binding, isWritten: false, extent: inputs[i]!.width })),
      ...step.outputs.map((binding, o) => ({
        binding,
        isWritten: true,
        extent: values[outputs[o]!.value]!.width,
      })),
    ];
  }
  if (step.kind === 'pool')
    return [
      {
        binding: step.from,
        isWritten: false,
        extent: (step.rows - 1) * step.from.row + step.width,
      },
      { binding: step.to, isWritten: true, extent: step.width },
    ];
  const { m, n, k, left, right, out } = step;
  return [
    { binding: left, isWritten: false, extent: (m - 1) * left.row + k },
    {
      binding: right,
      isWritten: false,
      extent: (k - 1) * right.depth + (n - 1) * right.column + 1,
    },
    { binding: out, isWritten: true, extent: (m - 1) * out.row + n },
  ];
}

/** Groups steps, in their order, as far as each reads of the group's others its own head's alone. */
export function nest(
  steps: readonly Step[],
  { buffers, programs }: { readonly buffers: readonly PlanBuffer[]; readonly programs: Programs },
): Nest {
  const phases: (Group[] | LeftoverStep)[] = [];
  for (const step of steps) {
    if (step.kind === 'leftover') {
      phases.push(step);
      continue;
    }
    let phase = phases.at(-1);
    if (!phase || !Array.isArray(phase)) phases.push((phase = []));
    const group = phase.at(-1);
    const heads = step.loops.length > 1 ? step.loops[1]! : 1;
    if (
      group &&
      group.heads === heads &&
      heads > 1 &&
      step.kind !== 'pool' &&
      fits(step, group.steps, programs)
    )
      phase[phase.length - 1] = { heads, steps: [...group.steps, step] };
    else phase.push({ heads: step.kind === 'pool' ? 1 : heads, steps: [step] });
  }
  const nested = phases.map((phase) =>
    Array.isArray(phase)
      ? // One step alone runs its heads itself.
        phase.map((group) => (group.steps.length > 1 ? group : { ...group, heads: 1 }))
      : phase,
  );
  return { phases: nested, rooms: roomsOf(nested, buffers, programs) };
}

/** Elements that a turn for one head reaches, from the head's place. */
function headExtent(step: LoopStep, { binding, extent }: Access): number {
  return step.loops.reduce(
    (sum, count, i) => (i < 2 ? sum : sum + (count - 1) * binding.strides[i]!),
    extent,
  );
}

/** Whether an access stays with its head: what one head writes no other reads. */
function staysWithHead(step: LoopStep, access: Access): boolean {
  const { strides, offset, index } = access.binding;
  const apart = strides[1]!;
  return (
    !index && apart > 0 && (offset % apart) + headExtent(step, access) <= apart && offset < apart
  );
}

/** Whether a step may run for one head right after the others did: it reads of what they write its own head's alone. */
function fits(step: LoopStep, before: readonly LoopStep[], programs: Programs): boolean {
  const all = [...before, step].flatMap((s) =>
    accessesOf(s, programs).map((access) => ({ step: s, access })),
  );
  const written = new Set(
    all.flatMap(({ access }) => (access.isWritten ? [access.binding.buffer] : [])),
  );
  const apart = new Map<number, number>();
  return all.every(({ step: s, access }) => {
    const { buffer, strides, index } = access.binding;
    if (index && written.has(index.buffer)) return false;
    if (!written.has(buffer)) return true;
    const known = apart.get(buffer) ?? strides[1]!;
    apart.set(buffer, known);
    const isAlone = all.filter((o) => o.access.binding.buffer === buffer).length === 1;
    return isAlone || (known === strides[1] && staysWithHead(s, access));
  });
}

/** A use of a temporary: in which phase, and in which loop over heads if it stays with its head. */
interface Use {
  readonly buffer: number;
  readonly phase: Phase;
  readonly group: Group | undefined;
  readonly apart: number;
}

function usesOf(phases: readonly Phase[], programs: Programs): Use[] {
  return phases.flatMap((phase) => {
    const whole = { phase, group: undefined, apart: 0 };
    if (!isGroups(phase))
      return [...phase.inputs, ...phase.outputs].map(({ buffer }) => ({ ...whole, buffer }));
    return phase.flatMap((group) =>
      group.steps.flatMap((step) =>
        accessesOf(step, programs).flatMap((access): Use[] => {
          const { buffer, strides, index } = access.binding;
          const isAlone = group.heads > 1 && staysWithHead(step, access);
          const use = { buffer, phase, group: isAlone ? group : undefined, apart: strides[1] ?? 0 };
          return index ? [use, { ...whole, buffer: index.buffer }] : [use];
        }),
      ),
    );
  });
}

/** Room for each temporary of a segment. */
function roomsOf(
  phases: readonly Phase[],
  buffers: readonly PlanBuffer[],
  programs: Programs,
): Map<number, Room> {
  const uses = new Map<number, Use[]>();
  for (const use of usesOf(phases, programs))
    if (buffers[use.buffer]!.role.kind === 'temporary')
      uses.set(use.buffer, [...(uses.get(use.buffer) ?? []), use]);
  const rooms = new Map<number, Room>();
  for (const [buffer, list] of uses) {
    const { size } = buffers[buffer]!;
    const [{ phase, group, apart }] = list as [Use];
    const ofSequence = isGroups(phase) && list.every((u) => u.phase === phase);
    const ofHead =
      ofSequence &&
      group !== undefined &&
      list.every((u) => u.group === group && u.apart === apart);
    rooms.set(buffer, { elements: ofHead ? apart : size, isShared: [ofSequence, ofHead] });
  }
  return rooms;
}
export const isGroups = (phase: Phase): phase is readonly Group[] => Array.isArray(phase);
