/** What a run of the fuzz adds up. */
import type { Judged } from './judge.ts';

interface Sum {
  readonly runs: number;
  readonly differing: number;
  readonly taken: number;
  readonly left: number;
}

/** Words with how often they came, the most frequent first. */
export const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([key, n]) => `${key} ${n}`)
    .join(', ') || 'none';

export class Tallies {
  readonly #sums = new Map<string, Sum>();
  /** Models, files and segments with a fault. */
  faults = 0;

  add({ name, runs, left, differs }: Judged): void {
    const sum = this.#sums.get(name) ?? { runs: 0, differing: 0, taken: 0, left: 0 };
    this.#sums.set(name, {
      runs: sum.runs + runs,
      differing: sum.differing + Number(differs),
      taken: sum.taken + Number(left === undefined),
      left: sum.left + Number(left !== undefined),
    });
  }

  /** A line for each, and `differing 0 of N`. */
  text(): string {
    const lines = [...this.#sums].map(([name, { runs, differing, taken, left }]) => {
      const share = ((100 * taken) / (taken + left)).toFixed(0);
      const covered = left ? `; took ${taken} segments, ${share} %, and left ${left}` : '';
      return `${name}: differing ${differing} of ${runs}${covered}`;
    });
    const runs = [...this.#sums.values()].reduce((sum, each) => sum + each.runs, 0);
    return [...lines, `differing ${this.faults} of ${runs}`].join('\n');
  }
}
