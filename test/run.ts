/** `npm test`: every check in order, each counted, then one line `N passed, N failed`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium } from './chromium.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'pila-test-'));
const env = { ...process.env, CHROMIUM: findChromium() };
const bin = (name: string): string => join('node_modules', '.bin', name);

function run(command: string, args: readonly string[], more: Record<string, string> = {}): boolean {
  const result = spawnSync(command, args, { stdio: 'inherit', env: { ...env, ...more } });
  return result.status === 0;
}

/** A check that is one yes or no. */
const single = (command: string, ...args: string[]): Count =>
  run(command, args) ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };

function vitest(): Count {
  const out = join(scratch, 'vitest.json');
  const ok = run(bin('vitest'), ['run', '--silent', '--reporter=json', `--outputFile=${out}`]);
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
}

function playwright(): Count {
  const out = join(scratch, 'playwright.json');
  const ok = run(bin('playwright'), ['test', '--config', 'e2e/playwright.config.ts'], {
    PLAYWRIGHT_JSON_OUTPUT_NAME: out,
  });
  try {
    const { stats } = JSON.parse(readFileSync(out, 'utf8'));
    if (stats.flaky)
      console.log(`  flaky: ${stats.flaky} passed at the second try only (see above)`);
    return {
      passed: stats.expected + stats.flaky,
      failed: stats.unexpected || Number(!ok),
      skipped: stats.skipped,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

const STEPS: Record<string, () => Count> = {
  types: () => single('npm', 'run', '-s', 'types'),
  lint: () => single('npm', 'run', '-s', 'lint'),
  format: () => single(bin('prettier'), '--check', '--log-level', 'warn', '.'),
  build: () => single('npm', 'run', '-s', 'build'),
  size: () => single('npm', 'run', '-s', 'size'),
  lighthouse: () => single(process.execPath, 'test/lighthouse.ts'),
  'tidy, unit, contract and browser tests': vitest,
  attack: () => single('npm', 'run', '-s', 'attack'),
  'end to end': playwright,
};

const only = process.argv.slice(2);
const total = { passed: 0, failed: 0, skipped: 0 };
for (const [name, step] of Object.entries(STEPS)) {
  if (only.length && !only.some((word) => name.includes(word))) continue;
  console.log(`\n— ${name}`);
  const started = performance.now();
  const count = step();
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`  ${name}: ${count.passed} passed, ${count.failed} failed (${seconds} s)`);
  total.passed += count.passed;
  total.failed += count.failed;
  total.skipped += count.skipped;
}
rmSync(scratch, { recursive: true, force: true });
const skipped = total.skipped ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exit(total.failed ? 1 : 0);
