/**
 * `npm test`: every check, each counted, then one line `N passed, N failed`. Words after it choose the
 * checks whose name holds one of them. What takes long stands here in a quick form and has a script of
 * its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from './chromium.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Where a step's commands print: a file, or undefined for this process's own output. */
type Output = number | undefined;

type Step = (output: Output) => Promise<Count>;

const scratch = mkdtempSync(join(tmpdir(), 'pila-test-'));
const env = {
  ...process.env,
  CHROMIUM: findChromium(),
  // Seeds, miners and examples are many processes of the same files, which are compiled once.
  NODE_COMPILE_CACHE: join(scratch, 'compiled'),
};
const bin = (name: string): string => join('node_modules', '.bin', name);

/** @returns whether the command ended well */
function run(
  output: Output,
  command: string,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<boolean> {
  const to = output ?? 'inherit';
  const child = spawn(command, args, { stdio: ['ignore', to, to], env: { ...env, ...more } });
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('close', (code) => resolve(code === 0));
  });
}

/** A check that is one yes or no. */
const single =
  (command: string, ...args: string[]): Step =>
  async (output) => {
    const ok = await run(output, command, args);
    return { passed: Number(ok), failed: Number(!ok), skipped: 0 };
  };

const script = (name: string): Step => single('npm', 'run', '-s', name);

const vitest: Step = async (output) => {
  const out = join(scratch, 'vitest.json');
  const args = ['run', '--silent', '--reporter=json', `--outputFile=${out}`];
  const ok = await run(output, bin('vitest'), args);
  try {
    const report = JSON.parse(readFileSync(out, 'utf8'));
    for (const file of report.testResults) {
      if (file.status === 'passed') continue;
      console.log(`  FAILED ${file.name} ${file.message}`);
      for (const test of file.assertionResults.filter((t: any) => t.status === 'failed'))
        console.log(`    ${test.fullName}\n      ${test.failureMessages.join('\n      ')}`);
    }
    const broken = report.testResults.some((f: any) => f.status === 'failed') || !ok;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests || Number(broken),
      skipped: report.numPendingTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

const playwright: Step = async (output) => {
  const out = join(scratch, 'playwright.json');
  const args = ['test', '--config', 'e2e/playwright.config.ts'];
  const ok = await run(output, bin('playwright'), args, { PLAYWRIGHT_JSON_OUTPUT_NAME: out });
  try {
    const { stats } = JSON.parse(readFileSync(out, 'utf8'));
    return {
      passed: stats.expected,
      failed: stats.unexpected + stats.flaky || Number(!ok),
      skipped: stats.skipped,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
};

/** Steps by name. Of a row one follows the other. */
type Row = Readonly<Record<string, Step>>;

/** Steps that keep about one core busy: the rows run side by side, for machines of two cores. */
const SIDE_BY_SIDE: readonly Row[] = [
  {
    types: script('types'),
    lint: script('lint'),
    format: single(bin('prettier'), '--check', '--log-level', 'warn', '.'),
  },
  {
    build: script('build'),
    size: script('size'),
    lighthouse: single(process.execPath, 'test/lighthouse.ts'),
    attack: script('attack'),
  },
];

/** Steps that use both cores by themselves. */
const ALONE: Row = {
  'tidy, unit, contract and browser tests': vitest,
  'end to end': playwright,
};

const only = process.argv.slice(2);
const chosen = (row: Row): [string, Step][] =>
  Object.entries(row).filter(([name]) => !only.length || only.some((word) => name.includes(word)));

const total = { passed: 0, failed: 0, skipped: 0 };

const printHeader = (name: string): void => console.log(`\n— ${name}`);

const secondsSince = (startedMs: number): string =>
  ((performance.now() - startedMs) / 1000).toFixed(0);

function printCount(name: string, count: Count, seconds: string): void {
  console.log(`  ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

/** Runs the rows at once; each step's output is kept until the steps before it have been printed. */
async function runSideBySide(rows: readonly Row[]): Promise<void> {
  const printing: Promise<() => void>[] = [];
  for (const row of rows) {
    let before: Promise<unknown> = Promise.resolve();
    for (const [name, step] of chosen(row)) {
      const ended = before.then(() => runKept(name, step));
      before = ended;
      printing.push(ended);
    }
  }
  for (const print of printing) (await print)();
}

/** @returns what prints the step's header, output and count */
async function runKept(name: string, step: Step): Promise<() => void> {
  const file = join(scratch, `${name}.txt`);
  const output = openSync(file, 'w');
  const startedMs = performance.now();
  const count = await step(output);
  const seconds = secondsSince(startedMs);
  closeSync(output);
  return () => {
    printHeader(name);
    process.stdout.write(readFileSync(file));
    printCount(name, count, seconds);
  };
}

// A process that is killed keeps nothing: what seeds and miners load is compiled before they start.
for (const command of ['src/node/cli.ts', 'src/node/miner-cli.ts'])
  spawnSync(process.execPath, [command, '--help'], { env, stdio: 'ignore' });
await runSideBySide(SIDE_BY_SIDE);
for (const [name, step] of chosen(ALONE)) {
  printHeader(name);
  const startedMs = performance.now();
  const count = await step(undefined);
  printCount(name, count, secondsSince(startedMs));
}
rmSync(scratch, { recursive: true, force: true });
const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed ? 1 : 0);
