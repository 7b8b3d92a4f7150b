/**
 * Rates of the chain's code beside those of an older commit, in turns within one run.
 * Usage: node bench/against/against.ts [COMMIT]      prints a line per rate, the ratio is of medians
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { median } from '../measure.ts';
import { checkout } from './checkout.ts';

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

const ratesOf = (root: string): Rates => {
  const worker = join(import.meta.dirname, 'rates.ts');
  const out = execFileSync(process.execPath, [worker, root], { encoding: 'utf8' });
  return JSON.parse(out.trim().split('\n').at(-1)!) as Rates;
};

const old = checkout(commit);
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
