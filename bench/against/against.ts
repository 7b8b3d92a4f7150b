/**
 * Rates of the chain's code beside those of an older commit, in turns within one run.
 * Usage: node bench/against/against.ts [COMMIT]      prints a line per rate, the ratio is of medians
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { median } from '../measure.ts';

/** Version 1 of the protocol, before it was attacked. */
const FIRST = '1acbade';
const ROUNDS = 3;

interface Rates {
  readonly headersPerSecond: number;
  readonly lightMs: number;
  readonly importMs: number;
}

const here = join(import.meta.dirname, '../..');
const commit = process.argv[2] ?? FIRST;

/** A folder with that commit's files and this one's packages. */
function checkout(): string {
  const folder = join(here, '.cache/against', commit);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    const tar = execFileSync('git', ['archive', commit], { cwd: here, maxBuffer: 2 ** 30 });
    execFileSync('tar', ['-x', '-C', folder], { input: tar });
    symlinkSync(join(here, 'node_modules'), join(folder, 'node_modules'));
  }
  return folder;
}

const ratesOf = (root: string): Rates => {
  const worker = join(import.meta.dirname, 'rates.ts');
  const out = execFileSync(process.execPath, [worker, root], { encoding: 'utf8' });
  return JSON.parse(out.trim().split('\n').at(-1)!) as Rates;
};

const old = checkout();
const [before, now]: [Rates[], Rates[]] = [[], []];
for (let round = 0; round < ROUNDS; round++) {
  before.push(ratesOf(old));
  now.push(ratesOf(here));
}
const of = (rates: readonly Rates[], key: keyof Rates): number => median(rates.map((r) => r[key]));
for (const key of Object.keys(now[0]!) as (keyof Rates)[]) {
  const [a, b] = [of(before, key), of(now, key)];
  console.log(`${key}: ${a.toFixed(3)} at ${commit}, ${b.toFixed(3)} now: ${(b / a).toFixed(2)} ×`);
}
