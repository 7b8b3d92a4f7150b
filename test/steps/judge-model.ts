/** All steps of one model: a block by the product's engine, judged step by step, then corrupted in every way. */
import { tokensOf } from '../../src/core/pow/seed.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { inShape, type ModelPackage } from '../../src/miner/engine/backend.ts';
import { randomBytes } from '../oracle/random.ts';
import { createRandom } from '../sim/random.ts';
import { corruptionsOf } from './corrupt.ts';
import { Judge, statesOf, type Lists } from './judge.ts';

export interface Tally {
  steps: number;
  /** True steps that were judged true: known answer, state and transcript. */
  held: number;
  corrupted: number;
  found: number;
}

/** What a noisy pass of the engine commits to. */
async function blockOf(model: ModelPackage, seed: string): Promise<Lists> {
  const sigma0 = randomBytes(`${seed} ${model.manifest.name}`, 32);
  const tokens = tokensOf(sigma0, model.manifest);
  const backend = await createCpuBackend(model);
  const limits = model.weights.map(() => 0n);
  const { x, t } = await backend.pass({ tokens, sigma0, limits });
  await backend.close();
  return { tokens, sigma0, x, t };
}

/** Each shape as if it were the one that is mined. */
export async function judgeModel(
  model: ModelPackage,
  seed: string,
  log: (line: string) => void,
): Promise<Tally> {
  const all: Tally = { steps: 0, held: 0, corrupted: 0, found: 0 };
  for (const [place, { sequences, tokens }] of model.manifest.shapes.entries()) {
    const told = place ? `, ${sequences}×${tokens}` : '';
    const found = await judgeShape(
      inShape(model, place),
      seed,
      `${model.manifest.name}${told}`,
      log,
    );
    for (const key of Object.keys(all) as (keyof Tally)[]) all[key] += found[key];
  }
  return all;
}

async function judgeShape(
  model: ModelPackage,
  seed: string,
  name: string,
  log: (line: string) => void,
): Promise<Tally> {
  const lists = await blockOf(model, seed);
  const states = statesOf(model, lists.tokens);
  const judge = new Judge(model);
  const random = createRandom(1, `${seed} ${model.manifest.name}`);
  const tally: Tally = { steps: 0, held: 0, corrupted: 0, found: 0 };
  for (const [i, own] of states.entries()) {
    const number = i + 1;
    const said = {
      known: judge.knows(number) ? 'holds' : 'false',
      state: judge.state(number, lists, states[i - 1]),
      transcript: judge.transcript(number, lists, own),
    };
    const wrong = Object.entries(said).filter(([, judgement]) => judgement !== 'holds');
    for (const [what, judgement] of wrong)
      log(`${name}, step ${number}: true ${what} ${judgement}`);
    tally.steps++;
    tally.held += Number(!wrong.length);
    for (const { what, judgement, wanted } of corruptionsOf(
      { model, judge, lists, states, random },
      number,
    )) {
      const found = judgement();
      tally.corrupted++;
      tally.found += Number(found === wanted);
      if (found !== wanted) log(`${name}, ${what}: ${found}, not ${wanted}`);
    }
  }
  // No block commits to the answer: its step has a known answer alone.
  tally.steps++;
  tally.held += Number(judge.knows(tally.steps));
  log(`${name}: ${tally.steps} steps, ${tally.corrupted} corruptions`);
  return tally;
}
