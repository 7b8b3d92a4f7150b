/** Runs named tests of one file in a copy of the project, and says how each of them ended. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { REPORT_VARIABLE, type Case } from './reporter.ts';
import { patternOf, testsIn } from './threats.ts';
import { isOf, type Ran } from './verdict.ts';

/** A run that takes longer is ended. */
const RUN_MS_MAX = 10 * 60_000;
const OUTPUT_CHARS = 2000;
const REPORT = 'mutant-report.json';

export const isEndToEnd = (file: string): boolean => file.startsWith('e2e/');

export function runTests(root: string, file: string, names: readonly string[]): Promise<Ran> {
  rmSync(join(root, REPORT), { force: true });
  return isEndToEnd(file) ? runPages(root, file, names) : runUnits(root, file, names);
}

/** Builds the page in a copy. @returns what is wrong; undefined when it was built */
export async function buildPage(root: string): Promise<string | undefined> {
  const { code, output } = await run(root, ['node_modules/vite/bin/vite.js', 'build']);
  return code === 0 ? undefined : output;
}

/** Full names end with the test's own, after those of its groups. */
const ending = (names: readonly string[]): string =>
  `(?:^| )(?:${names.map(patternOf).join('|')})$`;

async function runUnits(root: string, file: string, names: readonly string[]): Promise<Ran> {
  const reporter = `--reporter=${join(root, 'test/mutants/reporter.ts')}`;
  const { output } = await run(root, [
    ...['node_modules/vitest/vitest.mjs', 'run', file, '--maxWorkers=1', reporter],
    ...['-t', ending(names)],
  ]);
  const cases = readReport<Case[]>(root) ?? [];
  return { cases: cases.filter(({ name }) => names.some((each) => isOf(each, name))), output };
}

/** What Playwright's JSON says, as far as it is read. */
interface Suite {
  readonly suites?: readonly Suite[];
  readonly specs: readonly {
    readonly title: string;
    readonly tests: readonly {
      readonly results: readonly {
        readonly status: 'passed' | 'failed' | 'timedOut' | 'skipped' | 'interrupted';
        readonly errors: readonly { readonly message?: string }[];
      }[];
    }[];
  }[];
}

async function runPages(root: string, file: string, names: readonly string[]): Promise<Ran> {
  const text = readFileSync(join(root, file), 'utf8');
  const declared = testsIn(text);
  // Of a story told in order, what comes before is needed.
  const last = Math.max(...names.map((name) => declared.indexOf(name)));
  const needed = /mode: 'serial'/.test(text) ? declared.slice(0, last + 1) : names;
  const { output } = await run(root, [
    ...['node_modules/@playwright/test/cli.js', 'test', '--config', 'test/mutants/pages.config.ts'],
    ...['--workers', '1', '--grep', ending(needed), join(root, file)],
  ]);
  const suites = readReport<{ suites: Suite[] }>(root)?.suites ?? [];
  const cases = suites.flatMap(casesOf).filter(({ name }) => names.includes(name));
  return { cases, output };
}

const casesOf = ({ suites = [], specs }: Suite): Case[] => [
  ...suites.flatMap(casesOf),
  ...specs.flatMap(({ title, tests }) =>
    tests.flatMap(({ results }) =>
      results.map(({ status, errors }): Case => {
        const error = errors[0]?.message?.replace(/\u001b\[\d+m/g, '') ?? status;
        const state = status === 'passed' || status === 'skipped' ? status : 'failed';
        const isAssertion = status === 'failed' && /\bexpect(\.\w+)*\(/.test(error);
        return { name: title, state, error, isAssertion };
      }),
    ),
  ),
];

function readReport<T>(root: string): T | undefined {
  const path = join(root, REPORT);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : undefined;
}

const running = new Set<ChildProcess>();
const end = (child: ChildProcess): boolean => process.kill(-child.pid!, 'SIGKILL');
process.on('exit', () => running.forEach(end));

/** Runs a program of Node in a group of processes of its own, all of which are ended when it takes too long. */
function run(
  root: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly output: string }> {
  const report = join(root, REPORT);
  const child = spawn(process.execPath, args, {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      // A build asks the repository how old its source is; a copy is in none.
      SOURCE_DATE_EPOCH: String(Math.floor(Date.now() / 1000)),
      ...process.env,
      [REPORT_VARIABLE]: report,
      PLAYWRIGHT_JSON_OUTPUT_NAME: report,
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output = `${output}${text}`.slice(-OUTPUT_CHARS)));
  running.add(child);
  const timer = setTimeout(() => end(child), RUN_MS_MAX);
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; output: string }>();
  child.on('error', (e) => resolve({ code: null, output: String(e) }));
  child.on('close', (code) => resolve({ code, output }));
  return promise.finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
}
