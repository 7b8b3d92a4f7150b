/**
 * Answers a second at several numbers of askers, alone and beside mining, and what mining keeps beside them, as ratios
 * of one run: `npm run -s bench:answers`. Each asker asks one sequence after the other of a miner's thread.
 * `--model NAME` (default tiny), `--askers 1,8,64`, `--seconds N` of each measurement, `--rounds N`.
 */
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { sequenceBytes, tokensMax, unitShape } from '../src/core/manifest.ts';
import { MINER_OFF, type MinerStatus } from '../src/miner/engine/miner-api.ts';
import { startMinerThread } from '../src/node/contributor/miner-thread.ts';
import { readModel } from '../test/oracle/models.ts';
import { median } from './measure.ts';
import { workWith } from '../test/miner/work.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    askers: { type: 'string', default: '1,8,64' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
  },
});
const crowds = values.askers.split(',').map(Number);
const spanMs = 1000 * Number(values.seconds);

const model = await readModel(values.model);
const { miner, stop } = await startMinerThread(undefined, (why) => {
  throw new Error(why);
});
const weights = [...new Set(model.weights)].map(
  (w) => new Uint8Array(w.buffer, w.byteOffset, w.length),
);
const { segments, otherShapes = [], tables } = model;
await miner.provide(model.manifest, [...segments, ...otherShapes.flat(), ...tables, ...weights]);
let status: MinerStatus = MINER_OFF;
miner.on('status', (now) => (status = now));
// A target that no ticket meets.
await miner.work(workWith(model, 1n));

/** A text as long as a sequence that is mined. */
const { sequences, tokens } = unitShape(model.manifest);
const tokenBytes = sequenceBytes(model.manifest) / tokensMax(model.manifest);
const input = new Uint8Array(tokens * tokenBytes).fill(1);
let last = 0;

interface Rates {
  readonly answers: number;
  readonly perPass: number;
  readonly units: number;
}

/** What is done in a second while so many ask. */
async function measure(askers: number): Promise<Rates> {
  const [before, started] = [status, performance.now()];
  let done = 0;
  const asker = async (): Promise<void> => {
    while (performance.now() < started + spanMs) {
      await miner.answer(++last, { model: model.id, input, rank: 'payer' });
      done++;
    }
  };
  if (askers) await Promise.all(Array.from({ length: askers }, asker));
  else await new Promise((r) => setTimeout(r, spanMs));
  const seconds = (performance.now() - started) / 1000;
  const passes = status.answering.passes - before.answering.passes;
  return {
    answers: done / seconds,
    perPass: done / Math.max(1, passes),
    units: (status.units - before.units) / seconds,
  };
}

const alone = new Map<number, Rates[]>();
const beside = new Map<number, Rates[]>();
const add = (to: Map<number, Rates[]>, askers: number, rates: Rates): void =>
  void to.set(askers, [...(to.get(askers) ?? []), rates]);

await measure(1);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const askers of crowds) add(alone, askers, await measure(askers));
  await miner.start(values.model, 'cpu');
  for (const askers of [0, ...crowds]) add(beside, askers, await measure(askers));
  await miner.pause();
}
await stop();

const mid = (all: readonly Rates[], of: keyof Rates): number => median(all.map((x) => x[of]));
const ratio = (all: readonly Rates[], to: readonly Rates[], of: keyof Rates): string =>
  median(all.map((x, i) => x[of] / to[i]![of])).toFixed(2);
const unitsAlone = beside.get(0)!;
const oneAlone = alone.get(crowds[0]!)!;
console.log(
  `${cpus()[0]!.model}, ${availableParallelism()} cores, ${values.model}: B = ${sequences}`,
);
console.log(`mining alone: ${mid(unitsAlone, 'units').toFixed(1)} units/s\n`);
console.log(
  '| askers | answers/s | ÷ first row | sequences a pass | beside mining | ÷ alone | units/s beside | ÷ alone |',
);
console.log(`|${' ---: |'.repeat(8)}`);
for (const askers of crowds) {
  const [own, both] = [alone.get(askers)!, beside.get(askers)!];
  const cells = [
    askers,
    mid(own, 'answers').toFixed(1),
    ratio(own, oneAlone, 'answers'),
    mid(own, 'perPass').toFixed(2),
    mid(both, 'answers').toFixed(1),
    ratio(both, own, 'answers'),
    mid(both, 'units').toFixed(1),
    ratio(both, unitsAlone, 'units'),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}
