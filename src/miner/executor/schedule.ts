/**
 * Order in which a row's values are computed: loops over columns, divided by reductions. A reduction runs inside the
 * loop of its operand, and what needs its result comes in a later loop. Values that later loops read wait in a row of
 * scratch memory, unless they are cheap to compute again.
 */
import type { RowProgram, RowValue } from './types.ts';

/** One walk over a row's columns. */
export interface Loop {
  /** Columns. */
  readonly width: number;
  /** Groups of columns, each with reductions or numbers of its own; 1: the row is one group. */
  readonly groups: number;
  /** Values that this loop writes: outputs, and what is kept for later loops. */
  readonly written: readonly number[];
  /** Sums and maxima that this loop makes. */
  readonly reductions: readonly number[];
}
/** What can be computed once the levels before are done. */
export interface Level {
  /** Values of width 1 that are computed before the loops, in order. */
  readonly scalars: readonly number[];
  readonly loops: readonly Loop[];
}
export interface Schedule {
  readonly levels: readonly Level[];
  /** Values that have a place in scratch memory. */
  readonly kept: ReadonlySet<number>;
}

/** Instructions up to which a value is computed again rather than kept. */
const AGAIN_MAX = 3;
/** What a table costs beside arithmetic. */
const TABLE_COST = 8;

/** Values that a value is computed from. */
export const argsOf = (value: RowValue): readonly number[] => ('args' in value ? value.args : []);
type Reduction = Extract<RowValue, { op: 'sum' | 'most' }>;
export const isReduction = (value: RowValue): value is Reduction =>
  value.op === 'sum' || value.op === 'most';
/** What lies in memory already. */
export const isLeaf = ({ op }: RowValue): boolean => op === 'input' || op === 'number';

/** Undefined: a loop would need two kinds of groups at once. */
export function scheduleOf({
  values,
  outputs,
}: Pick<RowProgram, 'values' | 'outputs'>): Schedule | undefined {
  const level = levelsOf(values);
  const kept = keptOf(values, level);
  const stored = new Set(outputs.map(({ value }) => value));
  const levels: { scalars: number[]; loops: Loop[] }[] = [];
  const last = Math.max(0, ...values.map((v, i) => level[i]! + (isReduction(v) ? 1 : 0)));
  for (let l = 0; l <= last; l++) {
    const scalars: number[] = [];
    const written: number[] = [];
    const reductions: number[] = [];
    for (const [i, value] of values.entries()) {
      // A group's reduction waits in scratch memory until it is written.
      if (isReduction(value)) {
        if (level[i] === l) reductions.push(i);
        if (level[i] === l - 1 && value.width > 1 && stored.has(i)) written.push(i);
      } else if (level[i] !== l) continue;
      else if (value.width === 1) scalars.push(i);
      else if (kept.has(i) || stored.has(i)) written.push(i);
    }
    const loops = new LevelLoops(values, level, kept).of(l, written, reductions);
    if (!loops) return undefined;
    levels.push({ scalars, loops });
  }
  return { levels, kept };
}

/** Level at which each value is computed: 0, or one after the last reduction or group that it reads. */
function levelsOf(values: readonly RowValue[]): number[] {
  const level: number[] = [];
  for (const value of values) {
    const from = argsOf(value).map((a) => {
      const arg = values[a]!;
      if (isReduction(arg)) return level[a]! + 1;
      // Numbers of groups are read where a loop over groups has left them.
      const isCoarse = arg.width > 1 && arg.width < value.width && !isLeaf(arg);
      return level[a]! + (isCoarse && !isReduction(value) ? 1 : 0);
    });
    level.push(Math.max(0, ...from));
  }
  return level;
}

function keptOf(values: readonly RowValue[], level: readonly number[]): Set<number> {
  const cost: number[] = [];
  const isCoarse = new Set<number>();
  for (const value of values) {
    const own = value.op === 'table' ? TABLE_COST : 1;
    cost.push(
      argsOf(value).reduce((sum, a) => {
        const arg = values[a]!;
        if (arg.width > 1 && arg.width < value.width && !isLeaf(arg)) isCoarse.add(a);
        if (arg.width === 1 || arg.width < value.width) return sum;
        return sum + (isLeaf(arg) || isReduction(arg) || cost[a]! > AGAIN_MAX ? 1 : cost[a]!);
      }, own),
    );
  }
  const kept = new Set<number>();
  /** The last level at which a value is read. */
  const last = values.map(() => -1);
  for (let i = values.length - 1; i >= 0; i--) {
    const value = values[i]!;
    if (value.width > 1 && isReduction(value)) kept.add(i);
    else if (value.width > 1 && !isLeaf(value)) {
      const isLate = last[i]! > level[i]!;
      if (isCoarse.has(i) || (isLate && cost[i]! > AGAIN_MAX)) kept.add(i);
    }
    const read = kept.has(i) || isReduction(value) ? level[i]! : Math.max(level[i]!, last[i]!);
    for (const a of argsOf(value)) last[a] = Math.max(last[a]!, read);
  }
  return kept;
}

/** Lanes of a vector: groups of a multiple of it leave none empty. */
const LANES = 4;

/** Loops of one level: one for each width and kind of groups. */
class LevelLoops {
  readonly #values: readonly RowValue[];
  readonly #level: readonly number[];
  readonly #kept: ReadonlySet<number>;
  constructor(values: readonly RowValue[], level: readonly number[], kept: ReadonlySet<number>) {
    this.#values = values;
    this.#level = level;
    this.#kept = kept;
  }

  of(here: number, written: readonly number[], reductions: readonly number[]): Loop[] | undefined {
    const loops = new Map<
      string,
      { width: number; groups: number; written: number[]; reductions: number[] }
    >();
    for (const i of new Set([...written, ...reductions])) {
      const value = this.#values[i]!;
      const isMade = isReduction(value) && this.#level[i] === here;
      const width = isMade ? this.#values[argsOf(value)[0]!]!.width : value.width;
      const found = new Set(isMade && value.width > 1 ? [value.width] : []);
      if (isMade || !isReduction(value)) this.#groups(i, width, here, found);
      if (found.size > 1) return undefined;
      const groups = [...found][0] ?? 1;
      const key = `${width}/${groups}`;
      const loop = loops.get(key) ?? { width, groups, written: [], reductions: [] };
      (isMade ? loop.reductions : loop.written).push(i);
      loops.set(key, loop);
    }
    // What needs no groups is done in a loop over groups of the same columns, if there is one.
    for (const [key, { width, groups, written: own, reductions: made }] of loops) {
      const host = [...loops.values()].find(
        (o) => o.groups > 1 && o.width === width && width % (LANES * o.groups) === 0,
      );
      if (!host || groups > 1) continue;
      host.written.unshift(...own);
      host.reductions.unshift(...made);
      loops.delete(key);
    }
    return [...loops.values()];
  }

  /** Sorts of groups that a value needs where it is computed. */
  #groups(value: number, width: number, here: number, found: Set<number>): void {
    const seen = new Set<number>();
    const visit = (i: number): void => {
      if (seen.has(i)) return;
      seen.add(i);
      for (const a of argsOf(this.#values[i]!)) {
        const arg = this.#values[a]!;
        const isThere =
          isLeaf(arg) || isReduction(arg) || (this.#kept.has(a) && this.#level[a]! < here);
        if (arg.width !== width) {
          if (arg.width > 1) found.add(arg.width);
        } else if (!isThere) visit(a);
      }
    };
    visit(value);
  }
}
