/**
 * `npm run -s bench:growth -- [pool] [reorganisation] [--depth 100] [--alone]`: what a reorganisation costs a full
 * node, in CPU ms of its own thread. `pool`: 10,000 and 100,000 transactions come back. `reorganisation`: that many
 * full blocks leave for as many others, on LevelDB; with `--alone` also without other cores or remembered signatures.
 */
import { parseArgs } from 'node:util';
import { growPool } from './growth/pool.ts';
import { reorganise } from './growth/reorganisation.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    depth: { type: 'string', default: '100' },
    alone: { type: 'boolean', default: false },
  },
});
const runs = (name: string): boolean => !positionals.length || positionals.includes(name);

if (runs('pool')) for (const count of [10_000, 100_000]) console.log(growPool(count));
if (runs('reorganisation')) console.log(await reorganise(Number(values.depth), values.alone));
