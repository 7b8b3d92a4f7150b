/** Vitest's reporter of a mutant's run: every test with the errors that it ended by, as JSON. */
import { writeFileSync } from 'node:fs';
import type { SerializedError, TestCase, TestModule } from 'vitest/node';

/** How one test ended. */
export interface Case {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'skipped';
  /** The first error; '' where there is none. */
  readonly error: string;
  /** The error is one of the test's own assertions. */
  readonly isAssertion: boolean;
}

/** Where it is written: a path. */
export const REPORT_VARIABLE = 'PILA_MUTANT_REPORT';

/** Properties of fast-check hold the assertion that failed as their cause. */
const isAssertion = (error: SerializedError | undefined): boolean =>
  !!error && (error.name === 'AssertionError' || isAssertion(error.cause));

function caseFrom(test: TestCase): Case {
  const { state, errors } = test.result();
  const [error] = errors ?? [];
  return {
    name: test.name,
    state: state === 'pending' ? 'skipped' : state,
    error: error ? `${error.name}: ${error.message}` : '',
    isAssertion: isAssertion(error),
  };
}

export default class {
  onTestRunEnd(modules: readonly TestModule[]): void {
    // What kept a file from being loaded.
    for (const { message } of modules.flatMap((module) => module.errors())) console.error(message);
    const cases = modules.flatMap((module) => [...module.children.allTests()].map(caseFrom));
    writeFileSync(process.env[REPORT_VARIABLE]!, JSON.stringify(cases));
  }
}
