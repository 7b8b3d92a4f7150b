/**
 * Records a chain with this code and has the second implementation judge it.
 * Usage: node test/second/second.ts      exits 1 where a verdict differs; without Python 3 it says so and exits 0
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;

function run(command: string, ...args: readonly string[]): boolean {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  return status === 0;
}

function judge(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'pila-second-'));
  const chain = join(folder, 'chain.json.gz');
  try {
    return (
      run('python3', join(here, 'second.py'), '--self') &&
      run(process.execPath, join(here, 'record/record.ts'), chain) &&
      run('python3', join(here, 'second.py'), chain)
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (spawnSync('python3', ['--version']).status === 0) process.exit(judge() ? 0 : 1);
console.log('second: skipped, there is no python3 here (3.9 or newer): npm run -s second');
