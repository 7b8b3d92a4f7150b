/**
 * Rates of the code under a folder, printed as one line of JSON: another commit's are taken in the same run.
 * Usage: node bench/against/rates.ts ROOT
 */
import { resolve } from 'node:path';
import type * as Blocks from '../../test/chain/make-blocks.ts';
import type * as ChainRates from '../chain-rates.ts';
import type * as LightRates from '../light-check.ts';
import { cpuMs, median } from '../measure.ts';
import { load } from './checkout.ts';

/** Their functions have had their names and forms since the first version. */
const root = resolve(process.argv[2]!);

const BLOCKS = 400;
const RUNS = 5;
const DAY_MS = 86_400_000;

/** ms to import an empty block into a full chain in memory, without the proof's checks. */
async function importMs(): Promise<number> {
  const { mine, openChain, person, START_MS } = await load<typeof Blocks>(
    root,
    'test/chain/make-blocks.ts',
  );
  /** A chain that begins at START_MS, and whose clock stands behind all blocks then. */
  const open = async () => {
    const clock = { ms: START_MS };
    const chain = await openChain(undefined, clock);
    clock.ms += DAY_MS;
    return chain;
  };
  const made = await mine(await open(), person(1), BLOCKS);
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const chain = await open();
    const started = cpuMs();
    for (const block of made) await chain.importBlock(block);
    times.push((cpuMs() - started) / BLOCKS);
  }
  return median(times);
}

const { measureHeaders } = await load<typeof ChainRates>(root, 'bench/chain-rates.ts');
const { measureLight } = await load<typeof LightRates>(root, 'bench/light-check.ts');
const light = await measureLight();
console.log(
  JSON.stringify({
    headersPerSecond: await measureHeaders(2000),
    lightMs: light.find(({ k }) => k === 4096)?.ms,
    importMs: await importMs(),
  }),
);
