/**
 * Shapes in the checker, and the rule that no operator mixes sequences: axis 0 of everything that
 * depends on the unit stays the sequence axis (a multiple of B, one sequence's entries together).
 */
import { RANK_MAX } from '../package/onnx.ts';
import { demand, derived, isShifts, sizeOf, type Value } from './value.ts';

/** Result shape of an elementwise operator, and whether it depends on the unit. */
export function broadcast(a: Value, b: Value): { dims: number[]; perSequence: boolean } {
  const rank = Math.max(a.dims.length, b.dims.length);
  const full = (v: Value): number[] => [
    ...new Array<number>(rank - v.dims.length).fill(1),
    ...v.dims,
  ];
  const [p, q] = [full(a), full(b)];
  for (const [i, d] of p.entries())
    demand(d === q[i] || d === 1 || q[i] === 1, 'shape', `[${a.dims}] and [${b.dims}] do not fit`);
  if (a.perSequence && b.perSequence)
    demand(
      a.dims.length === b.dims.length && a.dims[0] === b.dims[0],
      'sequence',
      `[${a.dims}] and [${b.dims}] put sequences on different axes`,
    );
  else if (a.perSequence || b.perSequence) {
    const constant = a.perSequence ? q : p;
    const unit = a.perSequence ? a : b;
    demand(
      unit.dims.length === rank && constant[0] === 1,
      'sequence',
      'a constant with entries per sequence',
    );
  }
  const dims = p.map((d, i) => Math.max(d, q[i]!));
  return { dims, perSequence: a.perSequence || b.perSequence };
}

/** An axis from an attribute or a constant, 0..rank−1; negative ones count from the end. */
export function axisOf(axis: unknown, rank: number): number {
  demand(Number.isInteger(axis), 'attribute', 'the axis is not a number');
  const found = (axis as number) < 0 ? (axis as number) + rank : (axis as number);
  demand(found >= 0 && found < rank, 'shape', `axis ${String(axis)} of rank ${rank}`);
  return found;
}

/** The numbers in a constant that gives a shape or axes. */
export function numbersOf(v: Value): number[] {
  demand(
    v.constant && v.type === 'int64',
    'attribute',
    'a shape or an axis is not an int64 constant',
  );
  demand(v.dims.length === 1 && v.dims[0]! <= RANK_MAX, 'shape', 'a shape or axes with odd rank');
  return Array.from(v.constant);
}

export function demandOtherAxis(v: Value, axis: number): void {
  demand(!v.perSequence || axis !== 0, 'sequence', 'works across sequences: axis 0 of the unit');
}

export function reshape(v: Value, dims: readonly number[], sequences: number): Value {
  demand(
    dims.every((d) => d >= 1),
    'shape',
    `the new shape [${dims}] is not explicit`,
  );
  demand(
    dims.length && sizeOf(dims) === sizeOf(v.dims),
    'shape',
    `[${v.dims}] does not fit [${dims}]`,
  );
  if (v.perSequence)
    demand(dims[0]! % sequences === 0, 'sequence', `[${dims}] does not begin with whole sequences`);
  return derived(v, dims);
}

export function transpose(v: Value, perm: unknown): Value {
  const rank = v.dims.length;
  const order = Array.isArray(perm) ? (perm as number[]) : [];
  const isPermutation = order.length === rank && new Set(order).size === rank;
  demand(
    isPermutation && order.every((p) => Number.isInteger(p) && p >= 0 && p < rank),
    'attribute',
    `perm [${order}] is no permutation of ${rank} axes`,
  );
  demand(!v.perSequence || order[0] === 0, 'sequence', 'moves the sequence axis');
  return derived(
    v,
    order.map((p) => v.dims[p]!),
  );
}

export function slice(v: Value, starts: Value, ends: Value, axes: Value): Value {
  const [from, to, over] = [numbersOf(starts), numbersOf(ends), numbersOf(axes)];
  demand(from.length === over.length && to.length === over.length, 'shape', 'odd slice');
  demand(new Set(over).size === over.length, 'shape', 'an axis is sliced twice');
  const dims = [...v.dims];
  for (const [i, axis] of over.entries()) {
    demand(axis >= 0 && axis < dims.length, 'shape', `axis ${axis} of rank ${dims.length}`);
    demandOtherAxis(v, axis);
    const [a, b] = [from[i]!, to[i]!];
    demand(a >= 0 && a < b && b <= dims[axis]!, 'shape', `slice ${a}..${b} of ${dims[axis]}`);
    dims[axis] = b - a;
  }
  return derived(v, dims);
}

export function concat(parts: readonly Value[], axisAttribute: unknown): Value {
  const first = parts[0];
  demand(first, 'shape', 'joins nothing');
  const axis = axisOf(axisAttribute, first.dims.length);
  demandOtherAxis(first, axis);
  for (const p of parts) {
    demand(p.type === first.type && p.bits === first.bits, 'type', 'joins different types');
    demand(p.perSequence === first.perSequence, 'sequence', 'joins constants to a unit');
    demand(
      p.dims.length === first.dims.length &&
        p.dims.every((d, i) => i === axis || d === first.dims[i]),
      'shape',
      `[${p.dims}] does not join [${first.dims}]`,
    );
  }
  const dims = [...first.dims];
  dims[axis] = parts.reduce((sum, p) => sum + p.dims[axis]!, 0);
  const lo = Math.min(...parts.map((p) => p.lo));
  const hi = Math.max(...parts.map((p) => p.hi));
  const shifts = parts.every(isShifts);
  return { ...derived(first, dims), lo, hi, odd: parts.every((p) => p.odd), shifts };
}

/** Shape of a reduction: axes are constant, never the sequence axis. */
export function reduced(
  v: Value,
  axes: Value,
  keepdims: unknown,
): { dims: number[]; count: number } {
  demand(keepdims === 0 || keepdims === 1, 'attribute', 'keepdims is not 0 or 1');
  const over = numbersOf(axes).map((a) => axisOf(a, v.dims.length));
  demand(over.length && new Set(over).size === over.length, 'shape', 'odd axes');
  for (const axis of over) demandOtherAxis(v, axis);
  const count = over.reduce((product, axis) => product * v.dims[axis]!, 1);
  const kept = v.dims.map((d, i) => (over.includes(i) ? 1 : d));
  return { dims: keepdims ? kept : kept.filter((_, i) => !over.includes(i)), count };
}
