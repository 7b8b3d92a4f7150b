/**
 * `npm run sim:branches`: every claim of rows.ts with all of its seeds. Words after `--` choose rows by a part of
 * their name, `--seeds N` changes how many. Ends with `N of N as claimed`.
 */
import { parseArgs } from 'node:util';
import type { Outcome } from './world.ts';
import { meanOf, ROWS, runRow } from './rows.ts';

const { values, positionals } = parseArgs({
  options: { seeds: { type: 'string' }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});

const hours = (ms: number): string => (ms / 3_600_000).toFixed(2);
function factsOf(outcome: Outcome): string {
  const { height, made, deepestReorganisation, longestGapMs, backAfterMs, extraBlocks } = outcome;
  return [
    outcome.agrees ? `one head after ${extraBlocks} more` : 'APART',
    `height ${outcome.heights.join(' → ')}`,
    `${((100 * (made - height)) / made).toFixed(0)} % left out`,
    `deepest ${deepestReorganisation}`,
    `gap ${hours(longestGapMs)} h`,
    `back ${hours(backAfterMs)} h`,
    `first earns ${outcome.gains[0]!.toFixed(3)}`,
  ].join(', ');
}

let [right, runs] = [0, 0];
for (const row of ROWS) {
  if (values.quick && !row.isQuick) continue;
  if (positionals.length && !positionals.some((word) => row.name.includes(word))) continue;
  console.log(row.name);
  const outcomes: Outcome[] = [];
  const seeds = values.quick ? 1 : Number(values.seeds ?? row.seeds);
  for (const { seed, outcome, wrong } of runRow(row, seeds)) {
    runs++;
    if (!wrong) right++;
    console.log(`  seed ${seed}: ${wrong ? `WRONG, ${wrong}` : 'as claimed'}; ${factsOf(outcome)}`);
    outcomes.push(outcome);
  }
  const wrong = outcomes.length > 1 ? row.mean?.(meanOf(outcomes)) : undefined;
  if (wrong) right--;
  if (wrong) console.log(`  WRONG, ${wrong}`);
}
console.log(`${right} of ${runs} as claimed`);
process.exitCode = right === runs && runs > 0 ? 0 : 1;
