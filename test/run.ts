/**
 * `npm test`: every check, each counted, then one line `N passed, N failed`. Words after it choose the
 * checks whose name holds one of them. What takes long stands here in a quick form and has a script of
 * its own.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { removeData, startSeed } from '../e2e/support/seed.ts';
import { findChromium } from './chromium.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** @param output number of the open file that gets what the step prints */
type Step = (output: number) => Promise<Count>;

const STDOUT = 1;

const scratch = mkdtempSync(join(tmpdir(), 'pila-test-'));
// What every process below is started with.
Object.assign(process.env, {
  CHROMIUM: findChromium(),
  // Seeds, miners and examples are many processes of the same files, which are compiled once.
  NODE_COMPILE_CACHE: join(scratch, 'compiled'),
});
const bin = (name: string): string => join('node_modules', '.bin', name);

/** Who prints to a file runs beside others, and gives way to them. @returns whether the command ended well */
function run(
  output: number,
  command: string,
  args: readonly string[],
  more: Record<string, string> = {},
): Promise<boolean> {
  const child = spawn(command, args, {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...more },
  });
  if (output !== STDOUT && child.pid !== undefined) setPriority(child.pid, NICE);
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
      writeSync(output, `  FAILED ${file.name} ${file.message}\n`);
      for (const test of file.assertionResults.filter((t: any) => t.status === 'failed'))
        writeSync(output, `    ${test.fullName}\n      ${test.failureMessages.join('\n      ')}\n`);
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

/** Steps by name. */
type Steps = Readonly<Record<string, Step>>;

/**
 * One after the other, seen as they come. Their tests wait for blocks, offers and judges of real processes: a third of
 * two cores is left.
 */
const FRONT: Steps = {
  build: script('build'),
  attack: script('attack'),
  'tidy, unit, contract and browser tests': vitest,
  'end to end': playwright,
};
/** They only compute, so they take the time that is left beside those after the build, the longest first. */
const BESIDE: Steps = {
  lint: script('lint'),
  second: script('second'),
  types: script('types'),
  format: single(bin('prettier'), '--check', '--log-level', 'warn', '.'),
  lighthouse: single(process.execPath, 'test/lighthouse.ts', 'phone'),
  size: script('size'),
};
/** Niceness of what takes the time that is left: seeds that mine for tests are before it. */
const NICE = 15;

const words = process.argv.slice(2);
const isChosen = (name: string): boolean =>
  !words.length || words.some((word) => name.includes(word));

const total = { passed: 0, failed: 0, skipped: 0 };

const printHeader = (name: string): void => console.log(`\n— ${name}`);

function printCount(name: string, count: Count, startedMs: number, endedMs: number): void {
  const seconds = ((endedMs - startedMs) / 1000).toFixed(0);
  console.log(`  ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}

/** Runs one step whose output is seen as it comes. */
async function runLive([name, step]: [string, Step]): Promise<void> {
  printHeader(name);
  const startedMs = performance.now();
  printCount(name, await step(STDOUT), startedMs, performance.now());
}

/** What ended beside a step that is seen as it comes, not printed yet. */
const ended: (() => void)[] = [];
let isLive = false;

function printEnded(): void {
  if (!isLive) for (const print of ended.splice(0)) print();
}

async function runFront(left: Iterable<[string, Step]>): Promise<void> {
  for (const step of left) {
    isLive = true;
    await runLive(step);
    isLive = false;
    printEnded();
  }
}

async function runBeside(left: IteratorObject<[string, Step]>): Promise<void> {
  for (let at = left.next(); !at.done; at = left.next()) {
    ended.push(await runKept(...at.value));
    printEnded();
  }
}

/** @returns what prints the step's header, output and count */
async function runKept(name: string, step: Step): Promise<() => void> {
  const file = join(scratch, `${name}.txt`);
  const output = openSync(file, 'w');
  const startedMs = performance.now();
  const count = await step(output);
  const endedMs = performance.now();
  closeSync(output);
  return () => {
    printHeader(name);
    process.stdout.write(readFileSync(file));
    printCount(name, count, startedMs, endedMs);
  };
}

/** A process that is killed keeps nothing: what seeds, their threads and miners load is compiled before they start. */
async function compile(): Promise<void> {
  spawnSync(process.execPath, ['src/node/miner-cli.ts', '--help'], { stdio: 'ignore' });
  const seed = await startSeed({ args: ['--mine'] });
  while ((await seed.rpc('status')).height < 1) await setTimeout(200);
  await seed.stop();
  removeData(seed);
}

const chosen = (steps: Steps) => Object.entries(steps).filter(([name]) => isChosen(name));
const front = chosen(FRONT);
// What is looked at must be built.
if (front[0]?.[0] === 'build') await runFront(front.splice(0, 1));
if (front.length) await compile();
const beside = chosen(BESIDE).values();
// Where nothing is left in front, both lanes take what is left.
await Promise.all([runFront(front).then(() => runBeside(beside)), runBeside(beside)]);
rmSync(scratch, { recursive: true, force: true });
const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed ? 1 : 0);
