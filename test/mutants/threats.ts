/** docs/threats.md as data: what stands against each threat, the tests that hold it, and the mutants that they kill. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface NamedTest {
  /** From the root of the project: `test/wallet/vault.test.ts`. */
  readonly file: string;
  /** As it is declared, `%s` and the like included. */
  readonly name: string;
}

export interface Mutant {
  /** `seal-nonce-zero`: of its patch, without the ending. */
  readonly name: string;
  readonly threat: string;
  /** The test that must fail by its own assertion. */
  readonly test: NamedTest;
}

export interface Threat {
  readonly title: string;
  /** What stands against it. */
  readonly against: string;
  readonly tests: readonly NamedTest[];
  readonly mutants: readonly Mutant[];
}

const FILE = /^- `([^`]+)`$/;
const TEST = /^ {2}- (.+)$/;
const MUTANT = /^ {4}- mutant `([a-z0-9-]+)`$/;

/**
 * A section: its title, a paragraph of what stands against it, then files, under each file the names of its tests,
 * and under a test the mutants that it kills. @throws on lines of another form
 */
export function parseThreat(section: string): Threat {
  const [heading, ...lines] = section.split('\n');
  const title = heading!.trim();
  const tests: NamedTest[] = [];
  const mutants: Mutant[] = [];
  let against = '';
  let file: string | undefined;

  for (const line of lines.filter((text) => text.trim() !== '')) {
    const [, path] = FILE.exec(line) ?? [];
    const [, mutant] = MUTANT.exec(line) ?? [];
    const [, name] = TEST.exec(line) ?? [];
    const test = tests.at(-1);

    if (path !== undefined) file = path;
    else if (name !== undefined && file !== undefined) tests.push({ file, name });
    else if (mutant !== undefined && test) mutants.push({ name: mutant, threat: title, test });
    else if (file === undefined && /^\S/.test(line)) against += `${line} `;
    else throw new Error(`${title}: "${line}" is neither a file nor a test nor a mutant`);
  }
  return { title, against, tests, mutants };
}

export const readThreats = (root: string): Threat[] =>
  readFileSync(join(root, 'docs/threats.md'), 'utf8')
    .split('\n## Threats\n')[1]!
    .split('\n## ')[0]!
    .split('\n### ')
    .slice(1)
    .map(parseThreat);

/** What `each` is given is a name, or a list written there. */
const DECLARED =
  /\b(?:test|it)(?:\.each(?:<[^]*?>(?=\())?\((?:[\w.]+|[^]*?\](?: as const)?)\))?\(\s*(['"`])(.+?)\1,/g;

/** Names of the tests that a file declares, in its order. */
export const testsIn = (text: string): string[] => [...text.matchAll(DECLARED)].map((m) => m[2]!);

/** A name as it is declared stands for all that `each` makes of it: where it has a `%s`, anything may stand. */
export const patternOf = (name: string): string =>
  name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/%[a-z]/g, '.+');
