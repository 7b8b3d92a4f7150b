/**
 * `npm run -s steps`: judges every step of every shipped model alone, true and corrupted.
 *   npm run -s steps -- [--model tiny] [--seed text]      `--model mini`: a generated one of several shapes
 * The block is one that the product's engine made; states and judgements are plain code's. The last line counts.
 */
import { parseArgs } from 'node:util';
import { networkOf } from '../../src/client/models/networks.ts';
import { modelOrMini } from '../models/mini.ts';
import { judgeModel, type Tally } from './judge-model.ts';

const { values } = parseArgs({
  options: { model: { type: 'string' }, seed: { type: 'string', default: 'steps' } },
});
const names = values.model === undefined ? networkOf('local').names : [values.model];
const all: Tally = { steps: 0, held: 0, corrupted: 0, found: 0 };
for (const name of names) {
  const found = await judgeModel(await modelOrMini(name), values.seed, (line) => console.log(line));
  for (const key of Object.keys(all) as (keyof Tally)[]) all[key] += found[key];
}
const { steps, held, corrupted, found } = all;
console.log(
  `steps: ${steps} steps of ${names.length} models, true ${held} held, ` +
    `corrupted ${found} of ${corrupted} found`,
);
// ONNX Runtime's threads would keep the process alive.
process.exit(steps > 0 && held === steps && found === corrupted ? 0 : 1);
