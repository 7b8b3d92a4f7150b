/** Which values of a row program can be computed when: a reduction is there only after a loop over its columns. */
import { argsOf, isReduction } from '../../executor/schedule.ts';
import type { RowProgram, RowValue } from '../../executor/types.ts';

/** 0 to n − 1. */
export const upTo = (n: number): number[] => [...Array(n).keys()];

/** A sum or maximum over groups of one column is that column. */
export const withoutGroups = (v: RowValue, _: number, values: readonly RowValue[]): RowValue =>
  isReduction(v) && values[v.args[0]]!.width === v.width
    ? { op: 'max', args: [v.args[0], v.args[0]], width: v.width }
    : v;

/** Of each value, after how many levels it can be computed; a reduction is there one level after its argument. */
export function levelsOf(values: readonly RowValue[]): number[] {
  const done: number[] = [];
  for (const v of values) {
    const level = Math.max(0, ...argsOf(v).map((a) => done[a]!));
    done.push(isReduction(v) ? level + 1 : level);
  }
  return done;
}

/** Values that an output needs. */
export function neededBy({ outputs, values }: Pick<RowProgram, 'outputs' | 'values'>): Set<number> {
  const needed = new Set<number>();
  const mark = (i: number): void => {
    if (needed.has(i)) return;
    needed.add(i);
    argsOf(values[i]!).forEach(mark);
  };
  outputs.forEach(({ value }) => mark(value));
  return needed;
}
