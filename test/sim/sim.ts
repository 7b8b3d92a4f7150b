/**
 * `npm run sim -- --seed N` or `--seeds A..B`: thirty peers with a network, a clock and random numbers that follow
 * from the seed alone. The same seed gives the same run, to the last message.
 *
 * `npm run sim -- --peers 1000`: what gossip costs each of so many browsers, in bytes a second.
 */
import { fork } from 'node:child_process';
import { registerHooks } from 'node:module';
import { parseArgs } from 'node:util';
import type { Outcome, WorldOptions } from './world.ts';

// Thirty peers verify the same signatures and hash the same bytes in one process: once is enough. All modules
// of core get these caches, which call the same code, in place of the packages.
const KNOWN = new Map([
  ['@noble/curves/secp256k1.js', './known-signatures.ts'],
  ['@noble/hashes/blake3.js', './known-hashes.ts'],
]);
const replaced = new Set<string>();
registerHooks({
  resolve(specifier, context, next) {
    const known = context.parentURL?.includes('/src/core/') ? KNOWN.get(specifier) : undefined;
    if (!known) return next(specifier, context);
    replaced.add(specifier);
    return next(new URL(known, import.meta.url).href, context);
  },
});
const { simulate } = await import('./run.ts');
const { MUTATIONS } = await import('./world.ts');
const { printRecords } = await import('./records.ts');
for (const of of KNOWN.keys())
  if (!replaced.has(of)) throw new Error(`core imports no ${of}: each run would take far longer`);

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    clients: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '150' },
    mutate: { type: 'string' },
    /** Number of processes that run seeds side by side. */
    jobs: { type: 'string', default: '1' },
    /** Ends at the first seed that fails. */
    bail: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    /** Browsers whose gossip alone is simulated, and for how long. */
    peers: { type: 'string' },
    /** Whether each of these browsers is a provider. */
    offers: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '20' },
  },
});
const [first = 1, last = first] = (values.seeds ?? values.seed ?? '1').split('..').map(Number);
const mutation = values.mutate as WorldOptions['mutation'];
if (mutation && !(mutation in MUTATIONS))
  throw new Error(`--mutate: one of ${Object.keys(MUTATIONS).join(', ')}`);

interface Ran {
  readonly outcome: Outcome;
  /** ms of a core that the run took. */
  readonly tookMs: number;
}

const realNow = performance.now.bind(performance);
async function runSeed(seed: number): Promise<Ran> {
  const before = process.cpuUsage();
  const outcome = await simulate({
    seed,
    mutation,
    verbose: values.verbose,
    clients: Number(values.clients),
    seconds: Number(values.seconds),
  });
  const { user, system } = process.cpuUsage(before);
  return { outcome, tookMs: (user + system) / 1000 };
}

function print({ outcome, tookMs }: Ran): void {
  const { seed, kind, failure, traceHash, trace, stats } = outcome;
  const { good, bad, height, steps } = stats;
  console.log(
    `seed ${seed}, ${kind}: ${failure ? 'FAILED' : 'ok'} trace ${traceHash}, height ${height ?? '-'}, ` +
      `${good} blocks, ${bad} invalid, ${steps} steps, ${(tookMs / 1000).toFixed(1)} s of a core`,
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

let [passed, failed] = [0, 0];
const totals: Record<string, number> = {};
let next = first;
const nextSeed = (): number | undefined =>
  next <= last && !(failed && values.bail) ? next++ : undefined;

function take(ran: Ran): void {
  print(ran);
  if (ran.outcome.failure) failed++;
  else passed++;
  for (const [what, count] of Object.entries(ran.outcome.stats))
    totals[what] = (totals[what] ?? 0) + count;
}

/** Runs one seed after the other in a separate process. */
function job(): Promise<void> {
  const child = fork(import.meta.filename, process.argv.slice(2), {
    env: { ...process.env, SIM_JOB: '1' },
  });
  const give = () => {
    const seed = nextSeed();
    if (seed === undefined) child.disconnect();
    else child.send(seed);
  };
  child.on('message', (ran: Ran) => {
    take(ran);
    give();
  });
  give();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => (code ? reject(new Error(`a job ended with ${code}`)) : resolve()));
  });
}

async function runAll(): Promise<void> {
  const jobs = Number(values.jobs);
  if (jobs > 1) await Promise.all(Array.from({ length: jobs }, job));
  else for (let seed = nextSeed(); seed !== undefined; seed = nextSeed()) take(await runSeed(seed));
  if (passed + failed > 1)
    for (const what of Object.keys(totals).sort()) console.log(`  ${what}: ${totals[what]}`);
  console.log(`${passed} passed, ${failed} failed, ${(realNow() / 1000).toFixed(0)} s`);
  process.exit(failed ? 1 : 0);
}

if (values.peers) {
  const { offers } = values;
  const [peers, minutes] = [Number(values.peers), Number(values.minutes)];
  const options = { peers, minutes, seed: first, offers };
  process.exitCode = printRecords(options) ? 0 : 1;
} else if (process.env['SIM_JOB'])
  process.on('message', (seed: number) => void runSeed(seed).then((ran) => process.send!(ran)));
else await runAll();
