/**
 * `npm run sim -- --seed N` or `--seeds A..B`: thirty peers on a network, a clock and a chance that
 * follow from the seed alone. The same seed gives the same run, to the last message.
 */
import { registerHooks } from 'node:module';
import { parseArgs } from 'node:util';
import type { Outcome, WorldOptions } from './world.ts';

// Thirty peers verify each signature in one process: once is enough, and it is the same code.
registerHooks({
  resolve(specifier, context, next) {
    const known = specifier.startsWith('@noble/curves/secp256k1') && context.parentURL;
    return known && /\/src\/core\/tx\.ts$/.test(known)
      ? next(new URL('./known-signatures.ts', import.meta.url).href, context)
      : next(specifier, context);
  },
});
const { simulate } = await import('./run.ts');
const { MUTATIONS } = await import('./world.ts');

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    clients: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '250' },
    mutate: { type: 'string' },
    /** Ends at the first seed that fails. */
    bail: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const [first = 1, last = first] = (values.seeds ?? values.seed ?? '1').split('..').map(Number);
const mutation = values.mutate as WorldOptions['mutation'];
if (mutation && !(mutation in MUTATIONS))
  throw new Error(`--mutate: one of ${Object.keys(MUTATIONS).join(', ')}`);

function print({ seed, failure, traceHash, trace, stats }: Outcome, ms: number): void {
  const { good, bad, height, steps } = stats;
  console.log(
    `seed ${seed}: ${failure ? 'FAILED' : 'ok'} trace ${traceHash}, height ${height ?? '-'}, ` +
      `${good} blocks, ${bad} invalid, ${steps} steps, ${(ms / 1000).toFixed(1)} s`,
  );
  if (values.verbose) console.log(stats);
  if (!failure) return;
  const { invariant, detail, step, atMs } = failure;
  if (!values.verbose) for (const line of trace.slice(-25)) console.log(`  ${line}`);
  console.log(`  invariant '${invariant}' at step ${step}, ${atMs / 1000} s: ${detail}`);
  const { clients, seconds } = values;
  const size = `--clients ${clients} --seconds ${seconds}`;
  const flags = `${size}${mutation ? ` --mutate ${mutation}` : ''}`;
  console.log(`  again: npm run sim -- --seed ${seed} ${flags} --verbose`);
}

const realNow = performance.now.bind(performance);
let [passed, failed] = [0, 0];
const totals: Record<string, number> = {};
for (let seed = first; seed <= last && !(failed && values.bail); seed++) {
  const startMs = realNow();
  const outcome = await simulate({
    ...{ seed, mutation, verbose: values.verbose },
    clients: Number(values.clients),
    seconds: Number(values.seconds),
  });
  print(outcome, realNow() - startMs);
  if (outcome.failure) failed++;
  else passed++;
  for (const [what, count] of Object.entries(outcome.stats))
    totals[what] = (totals[what] ?? 0) + count;
}
if (passed + failed > 1)
  for (const what of Object.keys(totals).sort()) console.log(`  ${what}: ${totals[what]}`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
