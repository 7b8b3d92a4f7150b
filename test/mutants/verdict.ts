/** What a run of a mutant's test says of it. */
import type { Case } from './reporter.ts';
import { patternOf } from './threats.ts';

export type Verdict =
  { readonly is: 'killed' | 'survived' } | { readonly is: 'invalid'; readonly why: string };

export interface Ran {
  readonly cases: readonly Case[];
  /** The last of what was printed. */
  readonly output: string;
}

export const invalid = (why: string): Verdict => ({ is: 'invalid', why });

/** Whether a case's name is what a test was declared as. */
export const isOf = (declared: string, name: string): boolean =>
  new RegExp(`^${patternOf(declared)}$`).test(name);

/** Killed: the very test ran, and one of its own assertions failed. */
export function judge({ cases, output }: Ran, name: string): Verdict {
  const own = cases.filter((each) => each.state !== 'skipped' && isOf(name, each.name));
  const failed = own.filter(({ state }) => state === 'failed');
  if (!own.length) return invalid(`the test did not run: ${output}`);
  if (!failed.length) return { is: 'survived' };
  if (failed.some(({ isAssertion }) => isAssertion)) return { is: 'killed' };
  return invalid(`it fails, but by no assertion: ${failed[0]!.error}`);
}
