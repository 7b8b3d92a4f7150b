/**
 * Units a second over lanes of the CPU, as ratios to one lane in the same run: `npm run -s bench:lanes`.
 * `--model NAME` (default lingua), `--lanes N` (default: the cores here), `--seconds N` of each round.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { tokensOf } from '../src/core/pow/seed.ts';
import type { Backend } from '../src/miner/engine/backend.ts';
import { analyseModel, isRefusal } from '../src/miner/checker/checker.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import { withLanes } from '../src/miner/cpu/lanes.ts';
import { createVerdicts } from '../src/miner/engine/trust/trusted.ts';
import { startLane } from '../src/node/contributor/lane-thread.ts';
import { readModel } from '../test/oracle/models.ts';
import { randomBytes } from '../test/oracle/random.ts';
import { median } from './measure.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'lingua' },
    lanes: { type: 'string', default: String(availableParallelism()) },
    seconds: { type: 'string', default: '4' },
  },
});
const ROUNDS = 5;
const most = Number(values.lanes);

const model = await readModel(values.model);
const analysis = analyseModel(model);
if (isRefusal(analysis)) throw new Error(analysis.sentence);
const limits = model.manifest.linears.map(() => 0n);
let unit = 0;

/** Noisy passes a second, as the miner asks for them: `depth` at once. */
async function rate(backend: Backend): Promise<number> {
  const started = performance.now();
  const endMs = started + 1000 * Number(values.seconds);
  let done = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const sigma0 = randomBytes(`lane ${unit++}`, 32);
      await backend.pass({ tokens: tokensOf(sigma0, model.manifest), sigma0, limits });
      done++;
    }
  };
  await Promise.all(Array.from({ length: backend.depth }, one));
  return (1000 * done) / (performance.now() - started);
}

const local = await createCpuBackend(model, { analysis });
const rss = (): number => process.memoryUsage().rss / 2 ** 20;
const rates = new Map<number, number[]>();
console.log(`${cpus()[0]!.model}, ${availableParallelism()} cores, ${values.model}`);
const backends: [number, Backend, number][] = [[1, local, 0]];
for (let lanes = 2; lanes <= most; lanes++) {
  const before = rss();
  const backend = await withLanes(local, lanes, startLane, {
    model,
    analysis,
    verdicts: createVerdicts(),
    onLost: () => undefined,
  });
  await rate(backend);
  backends.push([lanes, backend, (rss() - before) / (lanes - 1)]);
}
for (let round = 0; round < ROUNDS; round++)
  for (const [lanes, backend] of backends)
    rates.set(lanes, [...(rates.get(lanes) ?? []), await rate(backend)]);
console.log('lanes  units/s  ratio to one  MiB each');
for (const [lanes, , mib] of backends) {
  const own = rates.get(lanes)!;
  const ratio = median(own.map((x, i) => x / rates.get(1)![i]!));
  const memory = mib ? mib.toFixed(0) : '';
  console.log(`${lanes}      ${median(own).toFixed(1)}     ${ratio.toFixed(2)}          ${memory}`);
}
for (const [, backend] of backends) await backend.close();
